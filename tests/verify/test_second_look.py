"""Timeouts that load may have caused are repeated alone, once, and the second run counts."""

import asyncio
import json
from dataclasses import replace

import pytest
from test_verify_plan import task

from moa_code.core.box import Ended, Limits, Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.task import CheckKind, Checks
from moa_code.core.verdict import CheckOutcome, CheckResult, Outcome
from moa_code.sandbox.fake import FakeSandbox
from moa_code.verify import plan
from moa_code.verify.reading import SessionReport
from moa_code.verify.second_look import load_may_have_decided
from moa_code.verify.turns import Turns
from moa_code.verify.verifier import Verifier

A = "tests/test_a.py::test_a"
LIMITS = Limits(cpu_s=10, wall_s=40)
BASELINE = Baseline(results=(CheckResult(check_id=A, outcome=CheckOutcome.FAILED),), check_cpu_s=0.01, cpu_s=0.5)
TIGHT = replace(BASELINE, cpu_s=6.0)
CPU_CLOCK = "E CheckTimeout: out of time: the check used up its own CPU time"
WALL_CLOCK = "E CheckTimeout: out of time: the check used up its own wall time"


def session(detail):
    return SessionReport(results=(CheckResult(check_id=A, outcome=CheckOutcome.FAILED, detail=detail),))


@pytest.mark.parametrize(
    ("ended", "cpu_s", "detail", "baseline", "again"),
    [
        (Ended.WALL_LIMIT, 0.1, "", BASELINE, True),  # asleep, or kept waiting: who knows
        (Ended.WALL_LIMIT, 5.0, "", BASELINE, True),
        (Ended.WALL_LIMIT, 9.5, "", BASELINE, False),  # it had all the CPU time it may have
        (Ended.CPU_LIMIT, 10.0, "", BASELINE, False),  # spun: a search of endless loops pays once
        (Ended.CPU_LIMIT, 10.0, "", TIGHT, True),  # the untouched tree itself needs more than half
        (Ended.EXITED, 2.0, WALL_CLOCK, BASELINE, True),
        (Ended.EXITED, 2.0, CPU_CLOCK, BASELINE, False),
        (Ended.EXITED, 2.0, "E assert 1 == 2", BASELINE, False),
        (Ended.MEMORY, 2.0, "", TIGHT, False),
        (Ended.LOST, 0.0, "", TIGHT, False),
    ],
)
def test_which_timeouts_are_looked_at_again(ended, cpu_s, detail, baseline, again):
    seen = Observation(ended=ended, cpu_s=cpu_s)
    assert load_may_have_decided(seen, session(detail), baseline, LIMITS) is again


class Slow:
    """A box in which the first runs of the checks end as told, and all later ones pass."""

    def __init__(self, *first):
        self.first = list(first)
        self.sandbox = FakeSandbox(self.answer, slots=3)
        self.checked = []  # how many jobs ran at the same time, at each run of the checks

    async def answer(self, job):
        def line(kind, **values):
            return (job.payload["nonce"] + json.dumps({"k": kind, **values}) + "\n").encode()

        code = job.payload["exit_code"]
        if job.entry == "static":
            report = b"".join(line("end", at=at) for at in range(len(job.payload["paths"])))
            return Observation(ended=Ended.EXITED, exit_code=code, report=report, report_complete=True)
        ended, detail = Ended.EXITED, ""
        if job.entry != "split":  # from outside all is well
            for _ in range(20):
                await asyncio.sleep(0)
            self.checked.append(self.sandbox.running)
            ended, detail = self.first.pop(0) if self.first else (ended, detail)
        if ended is not Ended.EXITED:
            return Observation(ended=ended, cpu_s=0.1)
        told = {A: "failed" if detail else "passed"}
        told |= {f"tests/test_a.py::{name}": f"{kind}ed" for name, kind in job.payload.get("canaries", ())}
        report = line("collected", ids=list(told))
        for name, outcome in told.items():
            report += line("result", id=name, outcome=outcome, detail=detail, duration_s=0.1)
        report += line("end", code=int("failed" in told.values()))
        passed = 0 if job.entry == "command" else code
        return Observation(ended=Ended.EXITED, exit_code=passed, report=report, report_complete=True, cpu_s=0.1)


def candidate(number=0):
    change = FileChange(path="src/pkg/a.py", before=b"x = 1\n", after=b"x = %d\n" % (number + 5))
    return Candidate(candidate_id=f"c{number}", patch=patch_of(change), origin=Origin(author="a", role="user"))


def verdicts(slow, count=1, *, fresh=False, task_=None):
    async def run():
        await slow.sandbox.open()
        verifier = Verifier(slow.sandbox)
        work = verifier.confirm if fresh else verifier.verify
        one = task_ or task(limits=LIMITS)
        return await asyncio.gather(*(work(one, BASELINE, candidate(n)) for n in range(count)))

    return asyncio.run(run())


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("first", "outcome", "runs"),
    [
        ([], Outcome.PASSED, 1),
        ([(Ended.WALL_LIMIT, "")], Outcome.PASSED, 2),
        ([(Ended.WALL_LIMIT, "")] * 2, Outcome.TIMED_OUT, 2),
        ([(Ended.EXITED, WALL_CLOCK)], Outcome.PASSED, 2),
        ([(Ended.EXITED, WALL_CLOCK)] * 2, Outcome.TIMED_OUT, 2),
        ([(Ended.EXITED, CPU_CLOCK)], Outcome.TIMED_OUT, 1),
        ([(Ended.CPU_LIMIT, "")], Outcome.TIMED_OUT, 1),
        ([(Ended.WALL_LIMIT, ""), (Ended.LOST, "")], Outcome.INCONCLUSIVE, 2),
    ],
)
def test_the_second_run_counts(first, outcome, runs, fresh):
    slow = Slow(*first)
    (verdict,) = verdicts(slow, fresh=fresh)
    assert (verdict.outcome, len(slow.checked)) == (outcome, runs)
    assert len([job for job in slow.sandbox.fresh if job.entry == "pytest"]) == runs * fresh


def test_the_second_run_has_secrets_of_its_own():
    slow = Slow((Ended.WALL_LIMIT, ""))
    verdicts(slow)
    one, other = (job.payload for job in slow.sandbox.jobs if job.entry == "pytest")
    assert one["nonce"] != other["nonce"]
    assert one["canaries"] != other["canaries"]


def test_the_second_run_is_alone_however_busy_the_first_was():
    slow = Slow((Ended.WALL_LIMIT, ""), (Ended.WALL_LIMIT, ""))
    assert {verdict.outcome for verdict in verdicts(slow, 8)} == {Outcome.PASSED}
    assert len(slow.checked) == 8 + 2
    assert max(slow.checked) == 3
    assert slow.checked.count(1) >= 2


def test_a_command_and_hidden_checks_are_looked_at_again_too():
    slow = Slow((Ended.WALL_LIMIT, ""))
    commanded = task(checks=Checks(kind=CheckKind.COMMAND, argv=("make",)), limits=LIMITS)
    assert verdicts(slow, task_=commanded)[0].outcome is Outcome.PASSED
    slow = Slow((Ended.WALL_LIMIT, ""))

    async def held_out():
        await slow.sandbox.open()
        hidden = (FileChange(path="hidden/test_h.py", before=None, after=b"def test_h(): pass\n"),)
        return await Verifier(slow.sandbox).hold_out(task(limits=LIMITS), EMPTY_PATCH, hidden, ("hidden",), (A,))

    assert asyncio.run(held_out()).outcome is Outcome.PASSED
    assert [job.entry for job in slow.sandbox.fresh] == ["pytest", "pytest", "split"]


def test_turns_alone_neither_starve_nor_lock_each_other():
    async def run():
        most = []

        async def answer(job):
            most.append(sandbox.running)
            await asyncio.sleep(0)
            return Observation(ended=Ended.EXITED, exit_code=0)

        sandbox = FakeSandbox(answer, slots=3)
        await sandbox.open()
        turns = Turns(sandbox)
        job = plan.command_job(task()).job
        work = [turns.run_alone(job) if n % 3 == 0 else turns.run(job) for n in range(30)]
        async with asyncio.timeout(20):
            await asyncio.gather(*work)
        return most

    assert len(asyncio.run(run())) == 30
