"""The baseline: two runs of the checks on the untouched tree become what every candidate is measured by."""

from __future__ import annotations

from moa_code.core.box import Ended, Observation
from moa_code.core.brief import Baseline
from moa_code.core.errors import BaselineFault, MoaError
from moa_code.core.task import CheckId, Task
from moa_code.core.verdict import CheckOutcome, CheckResult
from moa_code.verify.grade import LIMIT_WORDS
from moa_code.verify.reading import SessionReport, plain, ran_out_of_time

PYTEST_USAGE = 4
SEEDS = (1, 2)  # of the two runs
MAX_QUOTE_CHARS = 1500


def blocking_fault(observation: Observation, session: SessionReport, task: Task) -> MoaError | None:
    """Why these checks can judge nobody, or None when they can."""
    targets = " ".join(task.checks.targets) or "the whole tree"
    if observation.ended in LIMIT_WORDS:
        return BaselineFault(
            f"the checks do not come to an end on the untouched tree: the run {LIMIT_WORDS[observation.ended]}"
            f" ({_limit_in_force(observation, task)}) after {len(session.results)} checks",
            remedy="raise the limit (--cpu, --wall, --memory), or name fewer checks with --test",
        )
    if session.end_code is None:
        return BaselineFault(
            f"the checks break off on the untouched tree: {_quote(observation)}",
            remedy="run them by hand: pytest " + targets,
        )
    if session.internal_error:
        return BaselineFault(f"pytest itself fails on the untouched tree: {session.internal_error[-MAX_QUOTE_CHARS:]}")
    if session.end_code == PYTEST_USAGE:
        return BaselineFault(
            f"pytest cannot run {targets}: {_quote(observation)}", remedy="name existing checks with --test"
        )
    if not session.collected and not session.broken:
        return BaselineFault(f"no check was found in {targets}", remedy="name the checks with --test PATH")
    return None


def baseline_of(first: SessionReport, second: SessionReport, *, cpu_s: float) -> Baseline:
    """What both runs agree on: ids that differ are flaky, a module that cannot be collected stands under its name.

    A property that fails under one seed alone has a counterexample all the same: of the two seeds, the one that shows
    more of them is the one to judge candidates by.
    """
    again = {r.check_id: r for r in _all_results(second)}
    once = _all_results(first)
    shown = [_seeded(r, again[r.check_id]) for r in once if r.check_id in again]
    seed = SEEDS[1] if shown.count(SEEDS[1]) > shown.count(SEEDS[0]) else SEEDS[0]
    flaky = tuple(
        r.check_id
        for r in once
        if r.check_id not in again
        or (again[r.check_id].outcome is not r.outcome and _seeded(r, again[r.check_id]) != seed)
    )
    flaky += tuple(name for name in again if name not in {r.check_id for r in once})
    once = tuple(again[r.check_id] if r.check_id in again and _counts_again(r, again, seed) else r for r in once)
    passing = [r.duration_s for r in once if r.outcome is CheckOutcome.PASSED]
    return Baseline(
        results=once,
        flaky=flaky,
        cpu_s=cpu_s,
        check_cpu_s=max(passing, default=0.0),
        hung=tuple(r.check_id for r in once if ran_out_of_time(r)),
        seed=seed,
    )


def _seeded(first: CheckResult, second: CheckResult) -> int | None:
    """The seed that showed a property's counterexample where the other did not; None for what is no such thing."""
    if first.examples is None or second.examples is None:
        return None
    match first.outcome, second.outcome:
        case CheckOutcome.FAILED, CheckOutcome.PASSED:
            return SEEDS[0]
        case CheckOutcome.PASSED, CheckOutcome.FAILED:
            return SEEDS[1]
        case _:
            return None


def _counts_again(first: CheckResult, again: dict[CheckId, CheckResult], seed: int) -> bool:
    return seed == SEEDS[1] and _seeded(first, again[first.check_id]) == seed


def _all_results(session: SessionReport) -> tuple[CheckResult, ...]:
    broken = tuple(
        CheckResult(check_id=CheckId(module), outcome=CheckOutcome.ERROR, detail=detail)
        for module, detail in session.broken.items()
    )
    return session.results + broken


def _limit_in_force(observation: Observation, task: Task) -> str:
    limits = task.limits
    return {
        Ended.CPU_LIMIT: f"{limits.cpu_s:g} s of CPU",
        Ended.WALL_LIMIT: f"{limits.wall_s:g} s",
        Ended.MEMORY: f"{limits.memory_bytes >> 20} MiB",
        Ended.PIDS: f"{limits.pids} processes and threads",
        Ended.DISK: f"{limits.disk_bytes >> 20} MiB, {limits.inodes} files",
        Ended.OUTPUT: f"{limits.output_bytes >> 10} KiB",
    }[observation.ended]


def _quote(observation: Observation) -> str:
    """The end of what the run printed: where tools say why they stopped."""
    text = (observation.stderr + observation.stdout).decode("utf-8", "replace").strip()
    return plain(text[-MAX_QUOTE_CHARS:]) or f"exit status {observation.exit_code}, signal {observation.signal}"
