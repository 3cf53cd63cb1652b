"""The verdict's table: what passes, and all that must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import CANARIES, EXIT, IDS, MUST_FAIL, MUST_PASS, expecting, graded, left, line, lines_of, result

from moa_code.core.box import Ended, Observation
from moa_code.core.verdict import CheckOutcome, Counts, Outcome
from moa_code.verify.grade import Expectation, grade, grade_command
from moa_code.verify.reading import SessionReport

A, B, C = IDS
FAILED, TAMPERED, TIMED_OUT, OVER = Outcome.FAILED, Outcome.TAMPERED, Outcome.TIMED_OUT, Outcome.OVER_LIMIT


def test_every_check_once_and_canaries_as_planted_is_a_pass():
    seen = graded(lines_of())
    assert (seen.outcome, seen.detail) == (Outcome.PASSED, "")
    assert seen.counts == Counts(expected=3, run=3, passed=3)
    assert [r.check_id for r in seen.results] == list(IDS)


def test_a_report_without_planted_canaries_passes_with_code_zero():
    lines = lines_of({MUST_PASS: None, MUST_FAIL: None}, collected=IDS, code=0)
    assert graded(lines, expecting(canaries={})).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("outcomes", "outcome", "detail"),
    [
        ({A: "failed"}, FAILED, "test_a failed"),
        ({B: "error"}, FAILED, "test_b broke in its set-up"),
        ({A: "skipped"}, FAILED, "test_a was skipped"),  # pytest.skip in the function; xfail and xpass are told so too
        ({C: None}, FAILED, "test_c never ran"),
        ({A: None, B: None, C: None}, FAILED, "test_a never ran"),
        ({MUST_PASS: "failed"}, TAMPERED, "must pass was reported as failed"),
        ({MUST_PASS: "skipped"}, TAMPERED, "must pass was reported as skipped"),
        ({MUST_FAIL: "passed"}, TAMPERED, "must fail was reported as passed"),
        ({MUST_FAIL: "skipped"}, TAMPERED, "must fail was reported as skipped"),
        ({MUST_FAIL: "error"}, TAMPERED, "must fail was reported as error"),
        ({MUST_FAIL: None}, TAMPERED, "were not run"),
        ({MUST_PASS: None, MUST_FAIL: None}, TAMPERED, "were not run"),
        ({"t.py::test_new": "passed"}, FAILED, "test_new was collected and the baseline does not have it"),
        ({"u.py::test_a": "passed"}, FAILED, "u.py::test_a was collected"),
    ],
)
def test_a_session_that_ends_by_itself(outcomes, outcome, detail):
    seen = graded(lines_of(outcomes))
    assert seen.outcome is outcome
    assert detail in seen.detail


SILENT = [
    pytest.param([], FAILED, id="nothing at all"),
    pytest.param([line("end", code=0)], FAILED, id="an end and nothing before it"),
    pytest.param([line("collected", ids=[]), line("end", code=5)], FAILED, id="nothing collected"),
    pytest.param([line("collected", ids=[*IDS]), line("end", code=0)], TAMPERED, id="canaries taken out"),
    pytest.param(lines_of(code=None), FAILED, id="no end"),
    pytest.param(lines_of(code=0), TAMPERED, id="ended with 0 though a canary failed"),
    pytest.param(lines_of(code=2), TAMPERED, id="ended as interrupted"),
    pytest.param(lines_of(code=3), TAMPERED, id="ended with an internal error"),
    pytest.param(lines_of(code=-1), TAMPERED, id="ended with a code pytest does not have"),
    pytest.param(lines_of(code=True), TAMPERED, id="a code that is no number"),
    pytest.param(lines_of()[1:], TAMPERED, id="no collection"),
    pytest.param(lines_of(extra=[result(A)]), TAMPERED, id="a second result"),
    pytest.param(lines_of({A: "failed"}, extra=[result(A)]), TAMPERED, id="a pass after a failure"),
    pytest.param(lines_of(extra=[line("collected", ids=[*IDS])]), TAMPERED, id="a second collection"),
    pytest.param([*lines_of(), line("end", code=1)], TAMPERED, id="a second end"),
    pytest.param([*lines_of(), result("t.py::test_z")], TAMPERED, id="a result after the end"),
    pytest.param(lines_of(extra=[b"1 passed\n"]), TAMPERED, id="a line without the nonce"),
    pytest.param(lines_of(extra=[line("result", nonce="0" * 32, id=A)]), TAMPERED, id="another nonce"),
    pytest.param(lines_of(extra=[b"\n"]), TAMPERED, id="an empty line"),
    pytest.param(lines_of(extra=[line("verdict", outcome="passed")]), TAMPERED, id="an unknown kind"),
    pytest.param(lines_of(extra=[result("t.py::test_z")]), TAMPERED, id="a result nobody collected"),
    pytest.param(lines_of({A: "PASSED"}), TAMPERED, id="an unknown outcome"),
    pytest.param(lines_of(collected=[*IDS, A, MUST_PASS, MUST_FAIL]), TAMPERED, id="one check collected twice"),
    pytest.param(lines_of(extra=[line("broken", id="v.py", detail="x")]), FAILED, id="a module can not be collected"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "outcome"), SILENT)
def test_what_a_report_must_not_say(lines, outcome):
    assert graded(lines).outcome is outcome


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        ({"exit_code": 0}, FAILED),
        ({"exit_code": 1}, FAILED),
        ({"exit_code": None}, FAILED),
        ({"exit_code": EXIT + 1}, FAILED),
        ({"ended": Ended.SIGNALLED, "signal": 9}, FAILED),
        ({"ended": Ended.SIGNALLED, "signal": 11}, FAILED),
        ({"report_complete": False}, FAILED),
        ({"ended": Ended.CPU_LIMIT}, TIMED_OUT),
        ({"ended": Ended.WALL_LIMIT}, TIMED_OUT),
        ({"ended": Ended.MEMORY}, OVER),
        ({"ended": Ended.PIDS}, OVER),
        ({"ended": Ended.DISK}, OVER),
        ({"ended": Ended.OUTPUT}, OVER),
        ({"ended": Ended.LOST, "detail": "gone"}, Outcome.INCONCLUSIVE),
    ],
)
def test_a_perfect_report_of_a_process_that_did_not_leave_as_agreed(seen, outcome):
    assert graded(lines_of(), **seen).outcome is outcome


def test_a_lost_box_outweighs_a_forged_report_because_it_says_nothing_of_the_candidate():
    assert graded([b"forged\n"], ended=Ended.LOST).outcome is Outcome.INCONCLUSIVE


def test_a_forged_report_outweighs_a_limit():
    assert graded(lines_of(extra=[b"1 passed\n"]), ended=Ended.CPU_LIMIT).outcome is TAMPERED


def test_a_process_that_dies_is_told_with_where_it_was():
    seen = graded([line("collected", ids=[*IDS, MUST_PASS, MUST_FAIL]), result(A)], exit_code=0)
    assert seen.outcome is FAILED
    assert seen.detail == f"the process ended with exit status 0 before the session was over (after {A})"
    assert seen.counts == Counts(expected=3, run=1, passed=1)


def test_a_check_stopped_by_its_clock_is_timed_out():
    lines = lines_of(
        {A: None}, extra=[result(A, "failed", "E  CheckTimeout: out of time")], collected=[*IDS, *_planted()]
    )
    assert graded(lines).outcome is TIMED_OUT


def _planted():
    return MUST_PASS, MUST_FAIL


def test_behind_a_failed_gate_nothing_has_to_have_run():
    """Interrupted by ourselves: the canaries were not reached, which is no forgery."""
    lines = [
        line("collected", ids=[*IDS, MUST_PASS, MUST_FAIL]),
        result(A, "failed", "E  assert 1 == 2"),
        line("end", code=2),
    ]
    seen = graded(lines)
    assert (seen.outcome, seen.counts.run) == (FAILED, 1)


def test_an_ignored_check_counts_neither_way_but_must_be_reported():
    ignoring = expecting(ignored=frozenset({"t.py::test_flaky"}))
    for outcome in ("passed", "failed", "skipped", "error"):
        assert graded(lines_of({"t.py::test_flaky": outcome}), ignoring).outcome is Outcome.PASSED
    assert graded(lines_of(), ignoring).outcome is Outcome.PASSED  # not collected this time
    silent = lines_of({"t.py::test_flaky": None}, collected=[*IDS, MUST_PASS, MUST_FAIL, "t.py::test_flaky"])
    assert graded(silent, ignoring).outcome is FAILED


@pytest.mark.parametrize(
    ("outcomes", "broken", "outcome"),
    [
        ({"new.py::test_x": "passed"}, False, Outcome.PASSED),
        ({"new.py::test_x": "passed", "new.py::test_y": "passed"}, False, Outcome.PASSED),
        ({"new.py::test_x": "passed", "new.py::test_y": "failed"}, False, FAILED),
        ({"new.py::test_x": "skipped"}, False, FAILED),
        ({}, False, FAILED),  # it can be imported, and brings nothing
        ({}, True, FAILED),
        ({"new.py::test_x": "passed"}, True, FAILED),
    ],
)
def test_a_module_that_could_not_be_collected_before(outcomes, broken, outcome):
    extra = [line("broken", id="new.py", detail="E  ImportError")] if broken else []
    seen = graded(lines_of(outcomes, extra=extra), expecting(gate=0, modules=("new.py",)))
    assert seen.outcome is outcome
    assert seen.counts.expected == 4


def test_a_missing_check_is_explained_by_its_module():
    lines = lines_of({A: None, B: None, C: None}, extra=[line("broken", id="t.py", detail="E  NameError: x")])
    seen = graded(lines)
    assert seen.outcome is FAILED
    assert {r.detail for r in seen.results} == {"E  NameError: x"}
    assert {r.outcome for r in seen.results} == {CheckOutcome.MISSING}


def test_no_expected_check_is_no_pass():
    nothing = Expectation(checks=(), agreed_exit=EXIT)
    seen = grade(left(), SessionReport(end_code=0), nothing)
    assert (seen.outcome, seen.detail) == (FAILED, "no check ran: silence is not evidence")


ENDS = st.sampled_from(list(Ended))
OUTCOMES = st.sampled_from(["passed", "failed", "error", "skipped", None])


@given(
    st.fixed_dictionaries(dict.fromkeys((*IDS, MUST_PASS, MUST_FAIL), OUTCOMES)),
    ENDS,
    st.sampled_from([EXIT, 0, 1, None]),
    st.sampled_from([None, 0, 1, 2, 5]),
    st.booleans(),
)
def test_exactly_one_combination_passes(outcomes, ended, exit_code, code, complete):
    """Whatever else is varied, PASSED means the one session that we predicted."""
    collected = [*IDS, MUST_PASS, MUST_FAIL]
    seen = graded(
        lines_of(outcomes, code=code, collected=collected),
        ended=ended,
        exit_code=exit_code if ended is Ended.EXITED else None,
        report_complete=complete,
    )
    wanted = {**dict.fromkeys(IDS, "passed"), MUST_PASS: "passed", MUST_FAIL: "failed"}
    right = outcomes == wanted and ended is Ended.EXITED and exit_code == EXIT and code == 1 and complete
    assert (seen.outcome is Outcome.PASSED) == right
    assert seen.counts.expected == 3


@pytest.mark.parametrize(
    ("ended", "exit_code", "outcome"),
    [
        (Ended.EXITED, 0, Outcome.PASSED),
        (Ended.EXITED, 1, FAILED),
        (Ended.EXITED, None, FAILED),
        (Ended.SIGNALLED, None, FAILED),
        (Ended.CPU_LIMIT, None, TIMED_OUT),
        (Ended.WALL_LIMIT, 0, TIMED_OUT),
        (Ended.MEMORY, 0, OVER),
        (Ended.PIDS, 0, OVER),
        (Ended.DISK, 0, OVER),
        (Ended.OUTPUT, 0, OVER),
        (Ended.LOST, 0, Outcome.INCONCLUSIVE),
    ],
)
def test_a_command_is_judged_by_its_exit_status(ended, exit_code, outcome):
    seen = grade_command(Observation(ended=ended, exit_code=exit_code, stdout=b"1 passed\n"), ("make", "check"))
    assert seen.outcome is outcome
    assert [r.check_id for r in seen.results] == ["command: make check"]
    assert (seen.results[0].outcome is CheckOutcome.PASSED) == (outcome is Outcome.PASSED)


def test_the_canaries_of_these_tests_are_one_of_each_kind():
    assert sorted(CANARIES.values()) == ["fail", "pass"]
