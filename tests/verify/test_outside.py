"""What passed inside is asked once more from outside: which checks, and what their answers make of the verdict."""

import asyncio
import json

import pytest

from moa_code.core.box import BoxInfo, Ended, Observation
from moa_code.core.brief import Baseline
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Outcome
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.verify.grade import Graded
from moa_code.verify.outside import Outside
from moa_code.verify.turns import Turns

PASS, FAIL = CheckOutcome.PASSED, CheckOutcome.FAILED
T = "tests/test_a.py"
FIX, KEEP, FILE = f"{T}::test_fix", f"{T}::test_keep", f"{T}::test_file"
TEXT = """\
from m import f

def test_fix():
    assert f(1) == 2

def test_keep():
    assert f(0) == 0

def test_file():
    assert open("x").read() == f(2)
"""
PATCH = patch_of(FileChange(path="m.py", before=b"def f(x): ...\n", after=b"def f(x): return x\n"))


class SplitBox:
    """Answers split jobs: outcomes by id (None: never reported) of the untouched tree and of a candidate."""

    slots = 1

    def __init__(self, base, patched, *, beyond=(), broken=None, ends=(), uid="separate"):
        self.info = BoxInfo(backend="scripted", image_digest="sha256:0", enforced={"uid": uid})
        self.told = {False: base, True: patched}
        self.beyond, self.broken, self.ends = beyond, broken or {}, ends
        self.jobs = []

    async def run(self, job, *, fresh=False):
        self.jobs.append((job, fresh))
        changed = any(change.path == "m.py" for change in job.overlay)
        if ("candidate" if changed else "base") in self.ends:
            return Observation(ended=Ended.LOST, detail="the box is gone")
        told = self.told[changed]
        lines = [self._line(job, "collected", ids=list(told))]
        for name, outcome in told.items():
            if name in self.beyond:
                lines.append(self._line(job, "inexpressible", id=name, why="an object of mock.Mock"))
            if outcome is not None:
                lines.append(self._line(job, "result", id=name, outcome=outcome, duration_s=0.01, detail="it says"))
        lines += [self._line(job, "broken", id=name, detail="no") for name in self.broken.get(changed, ())]
        bad = any(outcome == "failed" for outcome in told.values()) or self.broken.get(changed)
        return Observation(
            ended=Ended.EXITED,
            exit_code=job.payload["exit_code"],
            report=b"".join([*lines, self._line(job, "end", code=int(bool(bad)))]),
            report_complete=True,
        )

    async def run_fresh(self, job):
        return await self.run(job, fresh=True)

    def _line(self, job, kind, **values):
        return (job.payload["nonce"] + json.dumps({"k": kind, **values}) + "\n").encode()


def task_of(text=TEXT):
    files = {"m.py": b"def f(x): ...\n", T: text.encode()}
    return Task(
        task_id=TaskId("t"),
        mode=Mode.FIX,
        instruction="mend it",
        tree=MemorySnapshot(files=files),
        checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
        rules=EditRules(protected=PROTECTED_BY_DEFAULT),
    )


def baseline_of(before, **more):
    return Baseline(
        results=tuple(CheckResult(check_id=name, outcome=outcome) for name, outcome in before.items()), **more
    )


BEFORE = {FIX: FAIL, KEEP: PASS}


def judged(box, before=None, *, text=TEXT, outside=None, **more):
    before = BEFORE if before is None else before
    results = tuple(CheckResult(check_id=name, outcome=PASS) for name in before)
    inside = Graded(
        outcome=Outcome.PASSED,
        results=results,
        counts=Counts(expected=len(results), run=len(results), passed=len(results)),
        integrity=Integrity.IN_PROCESS,
    )
    outside = outside or Outside(Turns(box))
    work = outside.judge(task_of(text), baseline_of(before, **more), PATCH, inside, seed=5, fresh=False)
    return asyncio.run(work)


def test_all_pass_from_outside():
    box = SplitBox({FIX: "failed", KEEP: "passed"}, {FIX: "passed", KEEP: "passed"})
    graded = judged(box)
    assert (graded.outcome, graded.integrity) == (Outcome.PASSED, Integrity.ORACLE)
    assert [job.entry for job, _ in box.jobs] == ["split", "split"]
    for job, _ in box.jobs:
        assert job.judged == (T,)
        assert job.payload["far_paths"] == ["m.py"]


def test_one_that_passes_inside_alone():
    graded = judged(SplitBox({FIX: "failed", KEEP: "passed"}, {FIX: "failed", KEEP: "passed"}))
    assert (graded.outcome, graded.integrity) == (Outcome.FAILED, Integrity.ORACLE)
    assert "shares an interpreter" in graded.detail
    assert FIX in graded.detail
    assert {r.check_id: r.outcome for r in graded.results} == {FIX: FAIL, KEEP: PASS}
    assert (graded.counts.passed, graded.counts.failed) == (1, 1)


@pytest.mark.parametrize("missing", [{KEEP: "passed"}, {FIX: None, KEEP: "passed"}, {}])
def test_one_that_is_not_heard_of_is_no_pass(missing):
    graded = judged(SplitBox({FIX: "failed", KEEP: "passed"}, missing))
    assert graded.outcome is Outcome.FAILED


def test_the_untouched_tree_is_asked_once():
    box = SplitBox({FIX: "failed", KEEP: "passed"}, {FIX: "passed", KEEP: "passed"})
    outside = Outside(Turns(box))
    for _ in range(3):
        judged(box, outside=outside)
    assert len(box.jobs) == 1 + 3


def test_a_check_that_says_something_else_of_the_untouched_tree_is_left_out():
    """Its reason to fail from outside is not the candidate's."""
    box = SplitBox({FIX: "failed", KEEP: "failed"}, {FIX: "passed", KEEP: "failed"})
    graded = judged(box)
    assert (graded.outcome, graded.integrity) == (Outcome.PASSED, Integrity.IN_PROCESS)


def test_checks_whose_text_does_more_stay_inside():
    box = SplitBox(
        {FIX: "failed", KEEP: "passed", FILE: "failed"}, {FIX: "passed", KEEP: "passed", FILE: "failed"}, beyond={FILE}
    )
    graded = judged(box, {**BEFORE, FILE: PASS})
    assert (graded.outcome, graded.integrity) == (Outcome.PASSED, Integrity.IN_PROCESS)
    assert f"{T}::test_file" in box.jobs[0][0].payload["unfit"]


def test_what_cannot_be_asked_of_the_candidate_says_nothing_of_it():
    box = SplitBox({FIX: "failed", KEEP: "passed"}, {FIX: "failed", KEEP: "passed"})
    box.beyond = {FIX}
    graded = judged(box)
    assert (graded.outcome, graded.integrity) == (Outcome.PASSED, Integrity.IN_PROCESS)


def test_nothing_that_fits_is_not_asked():
    box = SplitBox({}, {})
    graded = judged(box, text="X = open('x')\n" + TEXT)
    assert (graded.outcome, graded.integrity) == (Outcome.PASSED, Integrity.IN_PROCESS)
    assert box.jobs == []


def test_one_user_for_both_is_worth_less():
    told = {FIX: "passed", KEEP: "passed"}
    box = SplitBox({FIX: "failed", KEEP: "passed"}, told, uid="shared")
    assert judged(box).integrity is Integrity.IN_PROCESS
    box = SplitBox({FIX: "failed", KEEP: "passed"}, {FIX: "failed", KEEP: "passed"}, uid="shared")
    assert judged(box).outcome is Outcome.FAILED


@pytest.mark.parametrize("who", ["base", "candidate"])
def test_a_lost_box_is_no_verdict(who):
    graded = judged(SplitBox({FIX: "failed", KEEP: "passed"}, {FIX: "passed", KEEP: "passed"}, ends={who}))
    assert graded.outcome is Outcome.INCONCLUSIVE
    if who == "base":
        assert graded.integrity is Integrity.NONE


def test_a_lost_box_is_asked_again_next_time():
    box = SplitBox({FIX: "failed", KEEP: "passed"}, {FIX: "passed", KEEP: "passed"}, ends={"base"})
    outside = Outside(Turns(box))
    assert judged(box, outside=outside).outcome is Outcome.INCONCLUSIVE
    box.ends = ()
    assert judged(box, outside=outside).integrity is Integrity.ORACLE


def test_a_check_that_hung_inside_is_asked_all_the_same():
    box = SplitBox({FIX: None, KEEP: "passed"}, {FIX: "failed", KEEP: "passed"})
    assert judged(box, hung=(FIX,)).outcome is Outcome.FAILED


def test_a_module_that_the_untouched_tree_cannot_load():
    """Its checks have no names before a candidate: all that it then brings must pass."""
    broken = {False: [T]}
    good = SplitBox({}, {FIX: "passed", KEEP: "passed"}, broken=broken)
    graded = judged(good, {T: CheckOutcome.ERROR}, text=TEXT.partition("def test_file")[0])
    assert (graded.outcome, graded.integrity) == (Outcome.PASSED, Integrity.ORACLE)
    bad = SplitBox({}, {FIX: "passed", KEEP: "failed"}, broken=broken)
    graded = judged(bad, {T: CheckOutcome.ERROR}, text=TEXT.partition("def test_file")[0])
    assert graded.outcome is Outcome.FAILED


def test_commands_and_oracle_tasks_have_nothing_to_ask():
    box = SplitBox({}, {})
    outside = Outside(Turns(box))
    graded = judged(box, {}, outside=outside)
    assert graded.integrity is Integrity.IN_PROCESS
    assert box.jobs == []
