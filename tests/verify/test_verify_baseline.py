"""The baseline: what two runs agree on, and why none can be had."""

import pytest
from sessions import NONCE, left, line, result
from test_verify_plan import task

from moa_code.core.box import Ended
from moa_code.core.errors import BaselineFault, ExitCode
from moa_code.core.verdict import CheckOutcome
from moa_code.verify.baseline import baseline_of, blocking_fault
from moa_code.verify.reading import read_session
from moa_code.verify.stages import expected_of

A, B, C = "t.py::test_a", "t.py::test_b", "t.py::test_c"


def session(outcomes, *, broken=(), detail="", code=0, seconds=0.01):
    lines = [line("broken", id=name, detail=f"E  ImportError in {name}") for name in broken]
    lines.append(line("collected", ids=list(outcomes)))
    for name, outcome in outcomes.items():
        lines.append(line("result", id=name, outcome=outcome, detail=detail, duration_s=seconds))
    lines.append(line("end", code=code))
    return read_session(b"".join(lines), NONCE)


def made(first, second=None, **more):
    return baseline_of(session(first, **more), session(second or first, **more), cpu_s=1.5)


def test_two_equal_runs():
    baseline = made({A: "passed", B: "failed"})
    assert [(r.check_id, r.outcome.value) for r in baseline.results] == [(A, "passed"), (B, "failed")]
    assert (baseline.flaky, baseline.hung, baseline.cpu_s, baseline.check_cpu_s) == ((), (), 1.5, 0.01)
    assert [r.check_id for r in baseline.failing] == [B]


@pytest.mark.parametrize(
    ("first", "second", "flaky"),
    [
        ({A: "passed", B: "passed"}, {A: "passed", B: "failed"}, (B,)),
        ({A: "failed", B: "passed"}, {A: "passed", B: "passed"}, (A,)),
        ({A: "passed", B: "skipped"}, {A: "passed", B: "passed"}, (B,)),
        ({A: "passed", B: "passed"}, {A: "passed"}, (B,)),
        ({A: "passed"}, {A: "passed", B: "passed"}, (B,)),
        ({A: "failed"}, {A: "error"}, (A,)),
    ],
)
def test_what_differs_between_the_runs_is_flaky(first, second, flaky):
    baseline = made(first, second)
    assert baseline.flaky == flaky
    expectation = expected_of(baseline)
    assert set(flaky) <= expectation.ignored
    assert not set(flaky) & set(expectation.checks)


def test_a_module_that_cannot_be_collected_stands_under_its_name():
    baseline = made({A: "passed"}, broken=("u.py",))
    (module,) = baseline.failing
    assert (module.check_id, module.outcome) == ("u.py", CheckOutcome.ERROR)
    assert "ImportError in u.py" in module.detail


def test_a_module_that_is_broken_only_once_is_flaky_with_all_its_checks():
    baseline = baseline_of(
        session({A: "passed"}, broken=("u.py",)), session({A: "passed", "u.py::x": "passed"}), cpu_s=1
    )
    assert set(baseline.flaky) == {"u.py", "u.py::x"}
    expectation = expected_of(baseline)
    assert (expectation.checks, expectation.modules) == ((A,), ())


def test_a_check_that_ran_out_of_time_hung():
    baseline = made({A: "failed"}, detail="E  CheckTimeout: out of time")
    assert baseline.hung == (A,)


def test_no_passing_check_leaves_the_costliest_at_nothing():
    assert made({A: "failed"}, seconds=3.0).check_cpu_s == 0.0


def test_failing_checks_come_first_and_are_the_gate():
    expectation = expected_of(made({A: "passed", B: "failed", C: "error", "t.py::d": "skipped"}))
    assert expectation.checks == (B, C, A)
    assert expectation.gate == 2
    assert expectation.ignored == {"t.py::d"}


def test_with_a_module_of_unknown_checks_there_is_no_gate():
    """Its checks have no names yet, so they cannot come first; nothing may stop before they ran."""
    expectation = expected_of(made({A: "failed"}, broken=("u.py",)))
    assert (expectation.gate, expectation.modules) == (0, ("u.py",))


def fault(lines=(), ended=Ended.EXITED, **more):
    report = b"".join(lines)
    return blocking_fault(left(report, ended, **more), read_session(report, NONCE), task())


COLLECTED = line("collected", ids=[A])


@pytest.mark.parametrize(
    ("lines", "seen", "words"),
    [
        ([COLLECTED, result(A)], {"ended": Ended.CPU_LIMIT}, ["do not come to an end", "30 s of CPU", "after 1 "]),
        ([], {"ended": Ended.WALL_LIMIT}, ["took too long (120 s)", "after 0 checks"]),
        ([], {"ended": Ended.MEMORY}, ["ran out of memory (1024 MiB)"]),
        ([], {"ended": Ended.PIDS}, ["too many processes", "64 processes"]),
        ([], {"ended": Ended.DISK}, ["filled its disk (256 MiB, 50000 files)"]),
        ([], {"ended": Ended.OUTPUT}, ["printed more than it may (256 KiB)"]),
        ([], {"exit_code": 3, "stderr": b"boom\n"}, ["break off", "boom"]),
        ([], {"ended": Ended.SIGNALLED, "signal": 11}, ["break off", "signal 11"]),
        ([COLLECTED], {"exit_code": 0}, ["break off", "exit status 0"]),
        ([line("internal_error", detail="INTERNAL x"), line("end", code=3)], {}, ["pytest itself fails", "INTERNAL x"]),
        ([line("end", code=4)], {"stderr": b"ERROR: not found: tests"}, ["cannot run tests", "not found"]),
        ([line("collected", ids=[]), line("end", code=5)], {}, ["no check was found in tests"]),
    ],
)  # fmt: skip
def test_a_fault_says_what_and_why(lines, seen, words):
    found = fault(lines, **seen)
    assert isinstance(found, BaselineFault)
    assert found.exit_code is ExitCode.ENVIRONMENT
    for word in words:
        assert word in found.message


@pytest.mark.parametrize(
    "lines",
    [
        [COLLECTED, result(A), line("end", code=0)],
        [COLLECTED, result(A, "failed"), line("end", code=1)],
        [line("broken", id="u.py", detail="E  x"), line("end", code=1)],
        [line("broken", id="u.py", detail="E  x"), COLLECTED, result(A), line("end", code=1)],
    ],
)
def test_what_can_judge_is_no_fault(lines):
    assert fault(lines) is None


def test_limits_name_the_flags_that_raise_them():
    assert "--cpu" in fault(ended=Ended.CPU_LIMIT).remedy
    assert "--test" in fault([line("end", code=4)]).remedy


def property_session(outcomes):
    """A session in which every check is a property."""
    told = {"planned": 100, "settings": "max_examples=100", "valid": 100, "discarded": 0, "foreign": 0}
    lines = [line("collected", ids=list(outcomes))]
    lines += [result(name, outcome, examples=told, detail=f"under {outcome}") for name, outcome in outcomes.items()]
    return read_session(b"".join([*lines, line("end", code=0)]), NONCE)


@pytest.mark.parametrize(
    ("first", "second", "seed", "failing", "flaky"),
    [
        ("PP", "PP", 1, "", ""),
        ("PF", "PP", 1, "B", ""),
        ("PP", "PF", 2, "B", ""),
        ("FF", "FP", 1, "AB", ""),
        ("FP", "PF", 1, "A", "B"),  # one of them cannot be had: candidates meet one seed
        ("PPF", "FFP", 2, "AB", "C"),
        ("PS", "PP", 1, "", "B"),
    ],
)
def test_a_property_that_one_seed_breaks_is_no_flaky_one(first, second, seed, failing, flaky):
    words, names = {"P": "passed", "F": "failed", "S": "skipped"}, {"A": A, "B": B, "C": C}
    sessions = [
        property_session({name: words[letter] for name, letter in zip((A, B, C), run, strict=False)})
        for run in (first, second)
    ]
    baseline = baseline_of(*sessions, cpu_s=1.0)
    assert baseline.seed == seed
    assert [r.check_id for r in baseline.failing if r.outcome is CheckOutcome.FAILED] == [names[n] for n in failing]
    assert {r.detail for r in baseline.failing} <= {"under failed"}
    assert baseline.flaky == tuple(names[n] for n in flaky)
    assert set(expected_of(baseline).checks) == {names[n] for n in "ABC"[: len(first)]} - set(baseline.flaky)
