"""How hard the visible checks look at a candidate: of small mutants of it, how many do they notice?

A mutant that no check runs into is not noticed and need not be run; one that does not end is. What could not be run
within the time says nothing and is not counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from moa_code.core.behaviour import Strength
from moa_code.core.box import Ended
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate
from moa_code.core.patch import FileChange, Patch
from moa_code.core.task import CheckId, CheckKind, Task
from moa_code.core.verdict import CheckOutcome
from moa_code.verify import plan
from moa_code.verify.exercised import Exercised, exercised, unexercised
from moa_code.verify.reach import Reach
from moa_code.verify.reading import BASE, read_screen, read_session
from moa_code.verify.screening import above
from moa_code.verify.turns import Turns

SECONDS = 2.0  # for all mutants together
CHECK_CPU_FLOOR_S = 0.05
CHECK_CPU_MOST_S = 1.0
CHECK_FACTOR = 5.0  # what was measured under coverage is already slow
LEAST_JOB_S = 0.5

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """Everything that the mutants of one candidate have in common."""

    turns: Turns
    slots: int
    task: Task
    patch: Patch
    seed: int
    checks: tuple[CheckId, ...]
    check_cpu_s: float
    reach: Reach | None
    seen: frozenset[str]  # files of which checks were seen to run something
    deadline: float
    clock: Clock

    @property
    def left_s(self) -> float:
        return self.deadline - self.clock()


async def measured_strength(
    turns: Turns,
    task: Task,
    baseline: Baseline,
    candidate: Candidate,
    mutants: Sequence[Patch],
    *,
    slots: int,
    seconds: float = SECONDS,
    clock: Clock = time.monotonic,
) -> Strength:
    """How many of `mutants`, patches against the clean base, are noticed, and what of the candidate no check runs.

    The candidate must pass. Without mutants this is one job, for the lines alone.
    """
    if task.checks.kind is CheckKind.COMMAND:
        return Strength(note="the exit status of a command is all that is known of its checks")
    deadline = clock() + seconds
    control = await exercised(turns, task, baseline, candidate.patch)
    if control.fault:
        return Strength(note=control.fault)
    lines = control.lines
    missed = None if lines is None else unexercised(candidate.patch, lines)
    bench = _Bench(
        turns=turns,
        slots=slots,
        task=task,
        patch=candidate.patch,
        seed=baseline.seed,
        checks=control.passing,
        check_cpu_s=_check_cpu_s(control),
        reach=None if control.spectrum is None else Reach(control.spectrum),
        seen=frozenset(lines or ()),
        deadline=deadline,
        clock=clock,
    )
    unseen = [m for m in mutants if missed is not None and _only_in(above(candidate.patch, m), missed)]
    told = await _noticed(bench, [m for m in mutants if m not in unseen])
    known = [noticed for noticed in told if noticed is not None]
    return Strength(
        killed=sum(known),
        tried=len(known) + len(unseen),
        unexercised=missed,
        note="no mutant could be run in the time" if mutants and not known and not unseen else "",
    )


def _check_cpu_s(control: Exercised) -> float:
    return min(CHECK_CPU_MOST_S, max(CHECK_CPU_FLOOR_S, CHECK_FACTOR * control.slowest_s))


def _only_in(changes: tuple[FileChange, ...], missed: dict[str, tuple[int, ...]]) -> bool:
    """Whether everything that differs lies in lines that no check executes."""
    return bool(changes) and all(_lines(change) <= frozenset(missed.get(change.path, ())) for change in changes)


def _lines(change: FileChange) -> frozenset[int]:
    """1-based lines of the file before, from the first difference to the last; for an insertion the line above."""
    before, after = (change.before or b"").split(b"\n"), (change.after or b"").split(b"\n")
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return frozenset(range(start + 1, len(before) - end + 1)) or frozenset({start})


async def _noticed(bench: _Bench, mutants: Sequence[Patch]) -> list[bool | None]:
    """Whether the checks notice each; None for one that could not be run, or not in time."""
    told: dict[int, bool] = {}
    if bench.task.checks.kind is CheckKind.PYTEST:
        small = [n for n, mutant in enumerate(mutants) if _swappable(bench, above(bench.patch, mutant))]
        width = max(1, min(bench.slots, len(small)))
        batches = [small[part::width] for part in range(width)]
        for found in await asyncio.gather(*(_screened(bench, mutants, batch) for batch in batches if batch)):
            told |= found
    for number, noticed in await asyncio.gather(
        *(_alone(bench, number, mutant) for number, mutant in enumerate(mutants) if number not in told)
    ):
        if noticed is not None:
            told[number] = noticed
    return [told.get(number) for number in range(len(mutants))]


def _swappable(bench: _Bench, changes: tuple[FileChange, ...]) -> bool:
    """Whether functions can be exchanged in the process that runs the checks: that is where they must run."""
    within = bench.reach is None or all(change.path in bench.seen for change in changes)
    return within and bool(changes) and all(c.before is not None and c.after is not None for c in changes)


async def _screened(bench: _Bench, mutants: Sequence[Patch], batch: Sequence[int]) -> dict[int, bool]:
    """What a batch in one interpreter shows, with the candidate's tree as its base, on which every check passes.

    Nothing of one that cannot be swapped in. When even the base's line says that a check fails, nothing is believed.
    """
    changes = [above(bench.patch, mutants[number]) for number in batch]
    reaches = [bench.reach.of(change) if bench.reach else None for change in changes]
    concerned = bench.checks if None in reaches else [c for c in bench.checks if any(c in (r or ()) for r in reaches)]
    left = max(LEAST_JOB_S, bench.left_s)
    planned = plan.screen_job(
        bench.task,
        [plan.Variant(changes=change, reaches=reach) for change, reach in zip(changes, reaches, strict=True)],
        failing=concerned,  # what fails on the base is run to the end, so that it is told which pass
        passing=(),
        hung=(),
        check_cpu_s=bench.check_cpu_s,
        job_cpu_s=left,
    )
    limits = replace(planned.job.limits, wall_s=left)
    observation = await bench.turns.run(replace(planned.job, overlay=bench.patch.changes, limits=limits))
    told: dict[int, bool] = {}
    lines = read_screen(observation.report, planned.nonce)
    if BASE not in lines or lines[BASE].state != "passed":
        return told
    for place, line in lines.items():
        if 0 <= place < len(batch) and line.state != "unsupported":
            told[batch[place]] = line.state != "passed"
    return told


async def _alone(bench: _Bench, number: int, mutant: Patch) -> tuple[int, bool | None]:
    """What the checks alone say of one mutant, without compiler or linter."""
    job = plan.oracle_job if bench.task.checks.kind is CheckKind.ORACLE else plan.pytest_job
    planned = job(bench.task, mutant, first=bench.checks[:1], check_cpu_s=bench.check_cpu_s, seed=bench.seed)
    async with bench.turns.place() as run:
        if bench.left_s <= 0:
            return number, None
        limits = replace(planned.job.limits, wall_s=max(LEAST_JOB_S, bench.left_s))
        observation = await run(replace(planned.job, limits=limits))
    if observation.ended is Ended.LOST:
        return number, None
    session = read_session(observation.report, planned.nonce)
    passed = {r.check_id for r in session.results if r.outcome is CheckOutcome.PASSED}
    whole = session.end_code is not None and not session.forged
    if observation.ended is Ended.WALL_LIMIT and not any(r.check_id not in passed for r in session.results):
        return number, None  # our own clock rang before anything failed
    return number, not (whole and passed >= set(bench.checks))
