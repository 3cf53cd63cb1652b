"""Screening: a cheap look at many small candidates in one trip, to find the few that are worth a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from moa_code.core.box import Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate
from moa_code.core.patch import EMPTY_PATCH, FileChange, Patch
from moa_code.core.task import CheckId, Task
from moa_code.core.verdict import CheckOutcome
from moa_code.verify import plan
from moa_code.verify.reach import Reach
from moa_code.verify.reading import BASE, ScreenLine, read_screen

BATCH_CPU_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A cheap look at one candidate. Not `supported`: it could not be screened and must be verified to know."""

    candidate: Candidate
    supported: bool
    passed: bool
    timed_out: bool
    fixed: tuple[CheckId, ...]
    broken: tuple[CheckId, ...]
    changed: bool  # some check ended otherwise than on the base, or failed in another way


def planned_screen(
    task: Task, baseline: Baseline, candidates: Sequence[Candidate], reach: Reach | None, on: Patch = EMPTY_PATCH
) -> plan.Planned:
    """The job that looks at `candidates`, none of which creates or deletes a file.

    They are swapped into the tree with `on` in it, and may be unlike that only where they create and delete nothing.
    """
    passing = [r.check_id for r in baseline.results if r.outcome is CheckOutcome.PASSED]
    variants = [above(on, candidate.patch) for candidate in candidates]
    planned = plan.screen_job(
        task,
        [plan.Variant(changes=changes, reaches=reach.of(changes) if reach else None) for changes in variants],
        failing=[r.check_id for r in baseline.failing],
        passing=[name for name in passing if name not in baseline.flaky],
        hung=baseline.hung,
        check_cpu_s=screen_check_s(baseline),
        job_cpu_s=BATCH_CPU_S,
    )
    return replace(planned, job=replace(planned.job, overlay=on.changes))


def above(on: Patch, patch: Patch) -> tuple[FileChange, ...]:
    """What leads from the tree with `on` in it to the one with `patch`; both are patches against the clean base."""
    before = {change.path: change.after for change in on.changes}
    after = {change.path: change.after for change in patch.changes}
    base = {change.path: change.before for change in (*on.changes, *patch.changes)}
    changes = (
        FileChange(path=path, before=before.get(path, base[path]), after=after.get(path, base[path]))
        for path in sorted(base)
    )
    return tuple(change for change in changes if change.before != change.after)


def screened_of(observation: Observation, nonce: str, candidates: Sequence[Candidate]) -> tuple[Screened, ...]:
    """What came of each candidate, in order. One without an answer is not supported: what ended the batch may not be
    its fault.
    """
    lines = read_screen(observation.report, nonce)
    base = lines.get(BASE)
    return tuple(_screened(candidate, lines.get(index), base) for index, candidate in enumerate(candidates))


def _screened(candidate: Candidate, line: ScreenLine | None, base: ScreenLine | None) -> Screened:
    return Screened(
        candidate=candidate,
        supported=line is not None and line.state != "unsupported",
        passed=line is not None and line.state == "passed",
        timed_out=line is not None and line.state == "timed_out",
        fixed=line.fixed if line else (),
        broken=line.broken if line else (),
        changed=line is not None and _fails_otherwise(line, base),
    )


def _fails_otherwise(line: ScreenLine, base: ScreenLine | None) -> bool:
    if base is None or line.fixed or line.broken:
        return True
    return any(base.symptoms.get(name, mark) != mark for name, mark in line.symptoms.items())


def screen_check_s(baseline: Baseline) -> float:
    """CPU seconds one check may use in a screen: tighter than in a verdict, because thousands are screened."""
    knows_how_long = any(r.outcome is CheckOutcome.PASSED for r in baseline.results)
    return min(2.0, max(0.05 if knows_how_long else 0.1, 10 * baseline.check_cpu_s))
