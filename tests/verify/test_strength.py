"""How hard checks look: over a box that really runs small checks on the sources it is given, without a container."""

import asyncio
import json
from dataclasses import replace

import pytest
from test_verify_plan import task as planned_task

from moa_code.core.box import BoxInfo, Ended, Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules
from moa_code.core.verdict import CheckOutcome, CheckResult
from moa_code.verify.exercised import unexercised
from moa_code.verify.strength import measured_strength
from moa_code.verify.turns import Turns
from moa_code.verify.verifier import Verifier

BASE = b"def f(n):\n    raise NotImplementedError\n"
GOOD = (
    b"def f(n):\n    if n > 3:\n        return 'many'\n    if n < 0:\n        raise ValueError(n)\n    return n + 1\n"
)
CHECKS = {
    "t.py::small": lambda f: f(1) == 2,
    "t.py::edge": lambda f: f(3) == 4,
    "t.py::many": lambda f: f(4) == "many",
}
LINES = {"t.py::small": [2, 4, 6], "t.py::edge": [2, 4, 6], "t.py::many": [2, 3]}
MISTAKES = {
    "edge": (b"n > 3", b"n >= 3"),
    "word": (b"'many'", b"'few'"),
    "guard": (b"raise ValueError(n)", b"raise KeyError(n)"),
    "amount": (b"n + 1", b"n + 2"),
    "same": (b"n < 0", b"n < -1"),
}


class RunsThem:
    """Runs the checks on the source of `a.py` in a job's overlay, as the runners in the box would."""

    slots = 2
    info = BoxInfo(backend="scripted", image_digest="sha256:0")

    def __init__(self, checks=CHECKS, *, coverage=LINES, unsupported=(), hangs=(), lost=(), cut=(), path="a.py"):
        self.checks = checks
        self.coverage, self.path = coverage, path
        self.unsupported, self.hangs, self.lost, self.cut = unsupported, hangs, lost, cut
        self.jobs = []
        self.running = self.most_running = 0

    async def run(self, job):
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        self.jobs.append(job)
        source = next((c.after for c in job.overlay if c.path == "a.py"), BASE)
        if not job.payload.get("coverage") and any(mark in source for mark in self.lost):
            return Observation(ended=Ended.LOST, detail="the box is gone")
        lines = self._screen(job, source) if job.entry == "screen" else self._session(job, source)
        report = b"".join((job.payload["nonce"] + json.dumps(line) + "\n").encode() for line in lines)
        return Observation(ended=Ended.EXITED, exit_code=job.payload["exit_code"], report=report, report_complete=True)

    def _passes(self, name, source):
        names = {}
        try:
            exec(source, names)
            return bool(self.checks[name](names["f"]))
        except (ValueError, TypeError, KeyError, NotImplementedError):
            return False

    def _session(self, job, source):
        yield {"k": "collected", "ids": list(self.checks)}
        for name in self.checks:
            hung = any(mark in source for mark in self.hangs)
            passed = not hung and self._passes(name, source)
            detail = "CheckTimeout: its own CPU time" if hung else ""
            yield {"k": "result", "id": name, "outcome": "passed" if passed else "failed", "detail": detail,
                   "duration_s": 0.01}  # fmt: skip
        if job.payload.get("coverage") and self.coverage:
            for name, lines in self.coverage.items():
                yield {"k": "coverage", "id": name, "lines": {self.path: lines}}
        if not any(mark in source for mark in self.cut):
            yield {"k": "end", "code": 0}

    def _screen(self, job, source):
        yield self._variant(-1, job, source)
        for index, variant in enumerate(job.payload["variants"]):
            yield self._variant(index, job, variant["files"][0]["source"].encode())

    def _variant(self, index, job, source):
        if any(mark in source for mark in self.unsupported):
            return {"k": "variant", "index": index, "state": "unsupported"}
        passed = [name for name in job.payload["failing"] if self._passes(name, source)]
        hung = any(mark in source for mark in self.hangs)
        state = "timed_out" if hung else "passed" if len(passed) == len(job.payload["failing"]) else "failed"
        return {"k": "variant", "index": index, "state": state, "fixed": passed, "broken": []}

    def entries(self):
        return [job.entry for job in self.jobs]


def task(kind=CheckKind.PYTEST):
    checks = Checks(kind=kind, targets=("t.py",), argv=("make",) if kind is CheckKind.COMMAND else ())
    return planned_task({"a.py": BASE, "t.py": b"from a import f\n"}, checks=checks, rules=EditRules())


def baseline(checks=CHECKS):
    return Baseline(results=tuple(CheckResult(check_id=name, outcome=CheckOutcome.FAILED) for name in checks))


def patch(after):
    return patch_of(FileChange(path="a.py", before=BASE, after=after))


def mutant(name):
    return patch(GOOD.replace(*MISTAKES[name]))


def measure(box, *names, kind=CheckKind.PYTEST, after=GOOD, checks=CHECKS, **more):
    candidate = Candidate(candidate_id="c1", patch=patch(after), origin=Origin(author="a", role="proposer"))
    mutants = [mutant(name) for name in names]
    return asyncio.run(
        measured_strength(Turns(box), task(kind), baseline(checks), candidate, mutants, slots=box.slots, **more)
    )


both = pytest.mark.parametrize("kind", [CheckKind.PYTEST, CheckKind.ORACLE])


@both
def test_what_the_checks_notice_is_counted_and_what_they_never_run_is_named(kind):
    found = measure(RunsThem(), *MISTAKES, kind=kind)
    assert (found.killed, found.tried, found.note) == (3, 5, "")
    assert found.unexercised == {"a.py": (5,)}


@both
def test_weak_checks_notice_less(kind):
    weak = {"t.py::small": CHECKS["t.py::small"]}
    box = RunsThem(weak, coverage={"t.py::small": [2, 4, 6]})
    found = measure(box, *MISTAKES, kind=kind, checks=weak)
    assert (found.killed, found.tried) == (1, 5)
    assert found.unexercised == {"a.py": (3, 5)}


@both
def test_a_mistake_that_no_check_runs_into_is_not_even_run(kind):
    box = RunsThem()
    found = measure(box, "guard", kind=kind)
    assert (found.killed, found.tried) == (0, 1)
    assert len(box.jobs) == 1


@both
def test_a_mutant_that_does_not_end_is_noticed(kind):
    found = measure(RunsThem(hangs=(b"n < -1",)), "same", kind=kind)
    assert (found.killed, found.tried) == (1, 1)


def test_a_mutant_that_ends_the_session_is_noticed():
    found = measure(RunsThem(cut=(b"n < -1",)), "same", kind=CheckKind.ORACLE)
    assert (found.killed, found.tried) == (1, 1)


def test_what_our_side_loses_says_nothing():
    found = measure(RunsThem(lost=(b"n < -1",)), "same", "edge", kind=CheckKind.ORACLE)
    assert (found.killed, found.tried) == (1, 1)
    assert measure(RunsThem(lost=(b"n < -1",)), "same", kind=CheckKind.ORACLE).note


def test_what_cannot_be_swapped_in_is_run_alone():
    box = RunsThem(unsupported=(b"n >= 3",))
    found = measure(box, "edge", "same")
    assert (found.killed, found.tried) == (1, 2)
    assert sorted(box.entries()) == ["pytest", "pytest", "screen", "screen"]


def test_a_screen_whose_base_fails_is_not_believed():
    """The candidate's tree is the screen's base: where a check fails on that, its failing says nothing of a mutant."""

    class Flickers(RunsThem):
        def _variant(self, index, job, source):
            return {**super()._variant(index, job, source), "state": "failed", "fixed": []}

    box = Flickers()
    found = measure(box, "edge", "same")
    assert (found.killed, found.tried) == (1, 2)  # from jobs of their own
    assert box.entries().count("pytest") == 3


@both
def test_without_mutants_one_job_tells_the_lines(kind):
    box = RunsThem()
    found = measure(box, kind=kind)
    assert (found.killed, found.tried, found.unexercised, found.note) == (0, 0, {"a.py": (5,)}, "")
    assert len(box.jobs) == 1


@both
def test_lines_that_were_not_told_are_not_known(kind):
    found = measure(RunsThem(coverage={}), "guard", "edge", kind=kind)
    assert found.unexercised is None
    assert (found.killed, found.tried) == (1, 2)


def test_where_no_line_was_seen_to_run_mistakes_go_into_the_tree():
    """Checks may start a process of their own, which neither tracing nor an exchanged function reaches."""
    box = RunsThem(coverage={"t.py::small": [7]}, path="other.py")
    found = measure(box, *MISTAKES)
    assert (found.killed, found.tried, found.unexercised) == (3, 5, {})
    assert "screen" not in box.entries()


@both
def test_a_candidate_that_fails_has_no_strength(kind):
    found = measure(RunsThem(), "edge", kind=kind, after=GOOD.replace(b"n + 1", b"n"))
    assert found.tried == 0
    assert "does not pass" in found.note
    cut = measure(RunsThem(cut=(b"many",)), "edge", kind=kind)
    assert cut.tried == 0
    assert cut.note


def test_a_command_says_nothing_of_its_checks():
    box = RunsThem()
    found = measure(box, "edge", kind=CheckKind.COMMAND)
    assert (found.tried, found.unexercised, box.jobs) == (0, None, [])
    assert "command" in found.note


@both
def test_when_the_time_is_up_nothing_more_is_run(kind):
    ticks = iter([0.0, *[99.0] * 100])
    box = RunsThem(unsupported=(b"n",))
    found = measure(box, "edge", "amount", kind=kind, seconds=1.0, clock=lambda: next(ticks))
    assert (found.killed, found.tried) == (0, 0)
    assert "time" in found.note
    assert box.entries().count("oracle" if kind is CheckKind.ORACLE else "pytest") == 1


def test_no_more_jobs_at_once_than_there_are_slots():
    box = RunsThem()
    measure(box, *MISTAKES, kind=CheckKind.ORACLE)
    assert box.most_running == 2
    assert len(box.jobs) == 5  # the look, and one for each mutant that some check runs into


def test_the_verifier_measures_over_its_own_box():
    box = RunsThem()
    candidate = Candidate(candidate_id="c1", patch=patch(GOOD), origin=Origin(author="a", role="proposer"))
    found = asyncio.run(Verifier(box).strength(task(), baseline(), candidate, [mutant("edge")]))
    assert (found.killed, found.tried) == (1, 1)


def test_a_line_counts_when_any_part_of_its_statement_ran():
    after = (
        b"def f(n):\n    x = [\n        n,\n        n,\n    ]\n"
        b"    try:\n        return x\n    except KeyError:\n        pass\n"
    )
    assert unexercised(patch(after), {"a.py": frozenset({3, 6, 7})}) == {"a.py": (9,)}


def test_what_runs_at_import_and_what_has_no_code_belongs_to_no_check():
    after = (
        b'A = 1\n\n\ndef f(n: int) -> int:\n    """Text."""\n    # words\n    m: int\n    global A\n    return n\n'
        b"\n\nclass C:\n    b = 2\n"
    )
    assert unexercised(patch(after), {"a.py": frozenset({1})}) == {"a.py": (9,)}


def test_lines_of_the_base_are_not_the_candidates_own():
    before = b"def f(n):\n    if n:\n        return 1\n    return 2\n"
    change = FileChange(path="a.py", before=before, after=before.replace(b"return 2", b"return 3"))
    assert unexercised(patch_of(change), {"a.py": frozenset({2})}) == {"a.py": (4,)}
    other = replace(change, path="a.txt")
    broken = replace(change, path="b.py", after=b"def (")
    assert unexercised(patch_of(other, broken), {"a.txt": frozenset({2}), "b.py": frozenset({2})}) == {}
    assert unexercised(patch_of(change), {"other.py": frozenset({4})}) == {}
