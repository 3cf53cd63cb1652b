"""The story of one task: baseline, localisation, the engine, the patch, the journal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from moa_code.context.spectrum import ochiai
from moa_code.core.brief import Baseline
from moa_code.core.errors import MoaError
from moa_code.core.patch import Patch
from moa_code.core.run import RunResult, Status, Stop
from moa_code.core.task import Mode, Task
from moa_code.edits.policy import may_edit
from moa_code.engine.budget import Ledger
from moa_code.engine.engine import Engine, EngineSettings
from moa_code.engine.events import BaselineDone, Finished, Listener, Started
from moa_code.engine.search import SearchLimits
from moa_code.repo.git_diff import canonical_diff
from moa_code.report.documents import run_document
from moa_code.wiring.crew import build_crew, policy_of, reducer_of, team_of
from moa_code.wiring.records import JournalRecord
from moa_code.wiring.session import Session

FAILED = "failed"  # the journal's status of a run that we could not carry through


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What one command hands back: the result, and the winner's canonical diff when there is a winner."""

    run_id: str
    result: RunResult
    diff: str | None
    document: dict[str, object]


async def solve(
    session: Session,
    task: Task,
    *,
    command: str,
    listen: Listener,
    directory: str = "",
    on_start: Callable[[Callable[[], None]], None] = lambda _: None,
) -> Solved:
    """Work on `task` until something is verified or a limit comes. `on_start` is given a way to interrupt.

    Raises `MoaError` for what we cannot do; the run then stands in the journal as failed, with the reason.
    """
    config = session.config
    run_id = session.journal.start_run(
        kind=command,
        task_id=task.task_id,
        directory=directory,
        settings={"strategy": config.strategy.name, "seed": config.seed, "image": session.sandbox.info.image_digest},
    )
    info = session.sandbox.info
    listen(Started(task_id=task.task_id, backend=info.backend, image_digest=info.image_digest))
    try:
        result = await _work(session, task, run_id, listen, on_start)
    except MoaError as error:
        session.journal.finish_run(run_id, FAILED, {"error": error.message, "remedy": error.remedy})
        raise
    except BaseException:
        session.journal.finish_run(run_id, Status.INTERRUPTED.value, {})
        raise
    diff = None if result.winner is None else diff_of(task, result.winner.candidate.patch)
    document = run_document(command, run_id, task.task_id, result, diff)
    winner = result.winner.candidate.candidate_id if result.winner else None
    session.journal.finish_run(run_id, result.status.value, document, winner=winner)
    return Solved(run_id=run_id, result=result, diff=diff, document=document)


async def _work(
    session: Session, task: Task, run_id: str, listen: Listener, on_start: Callable[[Callable[[], None]], None]
) -> RunResult:
    config = session.config
    started = time.monotonic()
    baseline = await localised_baseline(session, task)
    listen(BaselineDone(baseline=baseline, duration_s=time.monotonic() - started))
    if task.mode is Mode.FIX and not baseline.failing:
        return _nothing_to_do(baseline, time.monotonic() - started, listen)
    record = JournalRecord(session.journal, run_id)
    ledger = Ledger(config.budget.usd, config.budget.tokens)
    crew = build_crew(team_of(config, session.environment), config, session.environment, ledger, record.call)
    left = None if config.budget.seconds is None else max(1.0, config.budget.seconds - (time.monotonic() - started))
    search = SearchLimits() if left is None else SearchLimits(seconds=min(SearchLimits().seconds, left * 0.8))
    try:
        engine = Engine(
            task=task,
            baseline=baseline,
            judge=session.verifier,
            policy=policy_of(config.strategy.name),
            proposers=crew.proposers,
            aggregators=crew.aggregators,
            members=crew.members,
            reducer=reducer_of,
            record=record,
            ledger=ledger,
            settings=EngineSettings(
                seconds=left,
                feedback_rounds=config.strategy.feedback_rounds,
                seed=config.seed,
                search=search,
                max_prompt_tokens=config.models.max_prompt_tokens,
                max_answer_tokens=config.models.max_answer_tokens,
            ),
            listen=listen,
        )
        on_start(engine.interrupt)
        result = await engine.run()
    finally:
        await crew.aclose()
    return replace(result, duration_s=time.monotonic() - started)


async def localised_baseline(session: Session, task: Task) -> Baseline:
    """The baseline with its suspicious lines. Raises `BaselineFault`, `SandboxUnavailable`."""
    measured = await session.verifier.baseline(task)
    if measured.spectrum is None:
        return measured.baseline
    editable = {path for path in task.tree.paths() if may_edit(path, task.rules)}
    suspects = tuple(s for s in ochiai(measured.spectrum) if s.path in editable)
    return replace(measured.baseline, suspects=suspects)


def diff_of(task: Task, patch: Patch) -> str:
    """The patch as git writes it."""
    executables = frozenset(
        path for path in patch.paths if path in set(task.tree.paths()) and task.tree.executable(path)
    )
    return canonical_diff(patch, executables=executables)


def _nothing_to_do(baseline: Baseline, duration_s: float, listen: Listener) -> RunResult:
    reason = f"all {len(baseline.results)} checks pass on the untouched tree"
    if baseline.flaky:
        reason += f" ({len(baseline.flaky)} flaky left out: {', '.join(baseline.flaky[:3])})"
    listen(Finished(status=Status.NOTHING_TO_DO, reason=reason))
    return RunResult(
        status=Status.NOTHING_TO_DO,
        reason=reason,
        baseline=baseline,
        winner=None,
        steps=(Stop(status=Status.NOTHING_TO_DO, reason=reason),),
        judged=(),
        screened=0,
        lost=(),
        spent=(),
        duration_s=duration_s,
    )
