"""Reading what came over the report channel: any bytes at all, and valid reports that were cut or copied."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import IDS, MUST_FAIL, MUST_PASS, NONCE, expecting, graded, line, lines_of, result

from moa_code.core.verdict import CheckOutcome, Outcome
from moa_code.verify.reading import ran_out_of_time, read_screen, read_session, read_static, spectrum_of

IGNORED = "t.py::test_flaky"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KINDS = ["collected", "result", "broken", "skipped_module", "coverage", "internal_error", "end", "finding", "variant"]
FIELDS = ["ids", "id", "outcome", "detail", "lines", "code", "duration_s", "index", "state", "fixed", "broken", "tool",
          "path", "message", "line", "text"]  # fmt: skip
EVENTS = st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["passed", "t.py::test_a", 0]), max_size=5)


def _line(kind, event, nonce):
    return (nonce + json.dumps({"k": kind, **event}) + "\n").encode("utf-8", "surrogatepass")


LINES = st.builds(_line, st.sampled_from(KINDS), EVENTS, st.sampled_from([NONCE, NONCE, NONCE, "", "0" * 32]))
REPORTS = st.binary(max_size=200) | st.lists(LINES | st.binary(max_size=40), max_size=6).map(b"".join)


@given(REPORTS)
def test_arbitrary_bytes_are_read_and_never_raise(report):
    session = read_session(report, NONCE)
    assert {r.check_id for r in session.results} <= set(session.collected)
    spectrum_of(session)
    assert all(len(static.findings) == len(static.fingerprints) for static in read_static(report, NONCE).values())
    assert all(isinstance(index, int) for index in read_screen(report, NONCE))


@given(REPORTS)
def test_arbitrary_bytes_are_never_a_pass(report):
    assert graded([report]).outcome is not Outcome.PASSED


@pytest.mark.parametrize(
    "data",
    [
        b'{"k":"result","id":"t.py::test_a","outcome":"passed","duration_s":1' + b"0" * 400 + b"}",
        b'{"k":"result","id":"t.py::test_a","outcome":"passed","duration_s":NaN}',
        b'{"k":"coverage","id":"x","lines":{"a.py":5}}',
        b'{"k":"coverage","id":"x","lines":{"a.py":[[1]]}}',
        b'{"k":"variant","index":0,"state":"passed","fixed":5,"broken":null}',
        b'{"k":"end","code":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"k":"collected","ids":[1,null,{}]}',
        b'"\\ud800"',
        b"\xff\xfe\x00",
    ],
)
def test_hostile_values(data):
    report = NONCE.encode() + data + b"\n"
    read_session(report, NONCE)
    read_static(report, NONCE)
    read_screen(report, NONCE)


VALID = lines_of({IGNORED: "skipped"})
TOLERANT = expecting(ignored=frozenset({IGNORED}))


def test_the_report_that_the_next_tests_spoil_is_a_pass():
    assert graded(VALID, TOLERANT).outcome is Outcome.PASSED


def test_no_proper_prefix_is_a_pass():
    """A report cut at any byte: killed, over its cap, or cut on purpose."""
    whole = b"".join(VALID)
    passing = [n for n in range(len(whole)) if graded([whole[:n]], TOLERANT).outcome is Outcome.PASSED]
    assert passing == []


@pytest.mark.parametrize("number", range(len(VALID)))
def test_no_report_with_one_line_less_is_a_pass(number):
    assert graded([*VALID[:number], *VALID[number + 1 :]], TOLERANT).outcome is not Outcome.PASSED


@pytest.mark.parametrize("number", range(len(VALID)))
@pytest.mark.parametrize("place", range(len(VALID) + 1))
def test_no_report_with_one_line_twice_is_a_pass(number, place):
    assert graded([*VALID[:place], VALID[number], *VALID[place:]], TOLERANT).outcome is not Outcome.PASSED


def test_a_last_line_without_its_newline_was_cut_and_is_left_out():
    report = b"".join([line("collected", ids=["t.py::test_a"]), result("t.py::test_a")])
    session = read_session(report[:-1], NONCE)
    assert (session.results, session.forged) == ((), "")


def test_results_come_in_the_order_of_collection():
    lines = [line("collected", ids=["b", "a"]), result("a"), result("b")]
    assert [r.check_id for r in read_session(b"".join(lines), NONCE).results] == ["b", "a"]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([b"x\n"], "without the job's nonce"),
        ([line("end", code=0), line("end", code=0)], "does not write"),
        ([line("collected", ids=["a"]), result("a"), result("a")], "two results for a"),
        ([line("collected", ids=["a", "a"])], "collected twice"),
        ([result("a")], "was not collected"),
    ],
)
def test_forgery_is_told(lines, why):
    assert why in read_session(b"".join(lines), NONCE).forged


def test_a_spectrum_leaves_out_what_was_skipped_and_marks_what_hung():
    lines = [
        line("collected", ids=["a", "b", "c"]),
        result("a"),
        result("b", "skipped"),
        result("c", "failed", "E  CheckTimeout: out of time"),
        line("coverage", id="a", lines={"m.py": [1, 2]}),
        line("end", code=1),
    ]
    checks = spectrum_of(read_session(b"".join(lines), NONCE)).checks
    assert [(c.check_id, c.passed, c.partial) for c in checks] == [("a", True, False), ("c", False, True)]
    assert checks[0].lines == {"m.py": frozenset({1, 2})}


def test_only_a_check_that_did_not_pass_ran_out_of_time():
    lines = [line("collected", ids=["a"]), result("a", "passed", "CheckTimeout")]
    (only,) = read_session(b"".join(lines), NONCE).results
    assert only.outcome is CheckOutcome.PASSED
    assert not ran_out_of_time(only)


def test_findings_have_fingerprints_that_do_not_move_with_their_line():
    def at(number):
        found = {"tool": "ruff", "code": "F821", "path": "m.py", "message": "undefined name", "text": "x = y"}
        return read_static(line("finding", at=2, line=number, **found) + line("end", at=2), NONCE)[2]

    assert at(3).fingerprints == at(9).fingerprints
    assert (at(3).findings[0].line, at(3).complete) == (3, True)


def test_static_lines_without_the_nonce_or_the_end_are_not_believed():
    found = {"at": 0, "tool": "ruff", "code": "F", "path": "m.py", "message": "x"}
    foreign = line("finding", nonce="0" * 32, **found) + line("end", nonce="", at=0)
    assert read_static(foreign, NONCE) == {}
    assert not read_static(foreign + line("finding", **found), NONCE)[0].complete


def test_screen_lines_by_index():
    report = line("variant", index=2, state="passed", fixed=["a"], broken=[]) + b"noise\n" + line("end", code=0)
    assert [(i, found.state, found.fixed) for i, found in read_screen(report, NONCE).items()] == [(2, "passed", ("a",))]


def test_the_ids_used_here_are_apart_from_the_canaries():
    assert not {MUST_PASS, MUST_FAIL} & set(IDS)
