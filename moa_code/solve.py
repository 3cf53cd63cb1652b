"""The story of one task: baseline, localisation, the engine, the patch, the journal."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace

from moa_code.config import Config
from moa_code.context.spectrum import ochiai
from moa_code.core.brief import Baseline
from moa_code.core.errors import BaselineFault, MoaError
from moa_code.core.patch import Patch
from moa_code.core.run import RunResult, Status, Stop
from moa_code.core.task import CheckKind, Mode, Task
from moa_code.core.verdict import CheckOutcome
from moa_code.edits.policy import may_edit
from moa_code.engine.budget import Ledger
from moa_code.engine.engine import Engine, Policy
from moa_code.engine.events import BaselineDone, Finished, Listener, Started
from moa_code.engine.parts import EngineSettings
from moa_code.engine.search import SearchLimits
from moa_code.models.catalog import Team
from moa_code.repo.git import git_binary
from moa_code.repo.git_diff import canonical_diff
from moa_code.report.documents import run_document
from moa_code.wiring.crew import build_crew, team_of
from moa_code.wiring.profiles import profiles_of
from moa_code.wiring.records import JournalRecord, machine_facts
from moa_code.wiring.session import Session
from moa_code.wiring.strategies import policy_of

_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_SYNTAX_ERROR = re.compile(r"(?:SyntaxError|IndentationError|TabError): .*")
_ERROR_FILE = re.compile(r'File "([^"\n]+)", line \d+')
FAILED = "failed"  # the journal's status of a run that we could not carry through


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What one command hands back: the result, and the winner's canonical diff when there is a winner.

    `unanswered`: models were asked, none of them answered, and there was nothing else to judge.
    """

    run_id: str
    result: RunResult
    diff: str | None
    document: dict[str, object]
    unanswered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What an experiment holds apart from ordinary work. Without `learnt` nothing of earlier runs is used; `others` are
    texts of other tasks, for the arm whose aggregator reads those.
    """

    learnt: bool = True
    others: tuple[str, ...] = ()


async def _in_time(
    work: Coroutine[None, None, Baseline], interrupted: asyncio.Event, seconds: float | None
) -> Baseline | None:
    """What `work` brings; None when it was interrupted or took longer than `seconds`, and then it is cancelled."""
    working, pressed = asyncio.create_task(work), asyncio.create_task(interrupted.wait())
    try:
        await asyncio.wait({working, pressed}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        pressed.cancel()
        await asyncio.gather(working, pressed, return_exceptions=True)


def check_ready(config: Config, environment: Mapping[str, str]) -> None:
    """Raise what can be known before anything is opened or copied.

    `EnvironmentFault` without git, `ConfigError` for a strategy or a model nobody knows and for a key that is missing.
    """
    git_binary()
    policy_of(config.strategy)
    team_of(config, environment)


async def solve(
    session: Session,
    task: Task,
    *,
    command: str,
    listen: Listener,
    directory: str = "",
    on_start: Callable[[Callable[[], None]], None] = lambda _: None,
    policy: Policy | None = None,
    conditions: Conditions | None = None,
) -> Solved:
    """Work on `task` until something is verified or a limit comes. `on_start` is given a way to interrupt.

    `policy` decides instead of the configured strategy's; `conditions` are an experiment's.
    Raises `MoaError` for what we cannot do; the run then stands in the journal as failed, with the reason.
    """
    run_id = session.journal.start_run(
        kind=command,
        task_id=task.task_id,
        directory=directory,
        settings=machine_facts(session.config, session.sandbox),
    )
    info = session.sandbox.info
    listen(Started(task_id=task.task_id, backend=info.backend, image_digest=info.image_digest))
    try:
        session.journal.add_task(run_id, task)
        result = await _work(session, task, run_id, listen, on_start, policy, conditions or Conditions())
        diff = None if result.winner is None else diff_of(task, result.winner.candidate.patch)
    except MoaError as error:
        session.journal.finish_run(run_id, FAILED, {"error": error.message, "remedy": error.remedy})
        raise
    except (asyncio.CancelledError, KeyboardInterrupt):
        session.journal.finish_run(run_id, Status.INTERRUPTED.value, {})
        raise
    except BaseException as error:
        session.journal.finish_run(run_id, FAILED, {"error": f"{type(error).__name__}: {error}", "remedy": ""})
        raise
    document = run_document(command, run_id, task.task_id, result, diff)
    winner = result.winner.candidate.candidate_id if result.winner else None
    session.journal.finish_run(run_id, result.status.value, document, winner=winner)
    calls = session.journal.calls(run_id) if result.status is Status.UNVERIFIED and not result.judged else ()
    unanswered = bool(calls) and not result.screened and all(call["error"] for call in calls)
    return Solved(run_id=run_id, result=result, diff=diff, document=document, unanswered=unanswered)


async def _work(
    session: Session,
    task: Task,
    run_id: str,
    listen: Listener,
    on_start: Callable[[Callable[[], None]], None],
    policy: Policy | None,
    conditions: Conditions,
) -> RunResult:
    config = session.config
    started = time.monotonic()
    interrupted = asyncio.Event()
    on_start(interrupted.set)
    record = JournalRecord(session.journal, run_id)
    team = team_of(config, session.environment)
    ledger = ledger_of(config, team)
    profiles = profiles_of(team, session.journal if conditions.learnt else None, task.mode)
    crew = build_crew(
        team,
        config,
        session.environment,
        ledger,
        record.call,
        profiles=profiles,
        others=conditions.others,
        traffic=session.traffic,
    )
    async with crew.open():
        baseline = await _in_time(localised_baseline(session, task), interrupted, config.budget.seconds)
        if baseline is None:
            status = Status.INTERRUPTED if interrupted.is_set() else Status.TIME_LIMIT
            why = "interrupted by the user" if interrupted.is_set() else "the time limit has come"
            return _ended(status, f"{why} while the baseline ran", None, time.monotonic() - started, listen)
        listen(BaselineDone(baseline=baseline, duration_s=time.monotonic() - started))
        if (fault := uncollectable(task, baseline)) is not None:
            raise fault
        if task.mode is Mode.FIX and not baseline.failing:
            return _ended(Status.NOTHING_TO_DO, _all_pass(baseline), baseline, time.monotonic() - started, listen)
        engine = Engine(
            task=task,
            baseline=baseline,
            judge=session.verifier,
            policy=policy or policy_of(config.strategy),
            members=crew.members,
            parts=crew.parts,
            record=record,
            ledger=ledger,
            settings=_settings(config, time.monotonic() - started),
            listen=listen,
        )
        on_start(engine.interrupt)
        result = await engine.run()
    return replace(result, duration_s=time.monotonic() - started)


def _settings(config: Config, used_s: float) -> EngineSettings:
    """What the engine may do in the time that is left."""
    left = None if config.budget.seconds is None else max(1.0, config.budget.seconds - used_s)
    search = SearchLimits() if left is None else SearchLimits(seconds=min(SearchLimits().seconds, left * 0.8))
    return EngineSettings(
        seconds=left,
        feedback_rounds=config.strategy.feedback_rounds,
        min_level=config.verify.min_level,
        seed=config.seed,
        search=search,
        max_prompt_tokens=config.models.max_prompt_tokens,
        max_answer_tokens=config.models.max_answer_tokens,
    )


def uncollectable(task: Task, baseline: Baseline) -> BaselineFault | None:
    """Why no check of a `fix` can be collected, where no patch could mend it; None when some can, or one might.

    A test file with a syntax error may not be patched, and a module that the tree does not hold is not there to be
    mended. A test that cannot import a name from the tree's own code is a failing check like any other.
    """
    broken = [r for r in baseline.results if "::" not in r.check_id and r.outcome is CheckOutcome.ERROR]
    if task.mode is not Mode.FIX or task.checks.kind is CheckKind.COMMAND:
        return None
    if not broken or len(broken) != len(baseline.results):
        return None
    tops = {path.split("/")[0].removesuffix(".py") for path in task.tree.paths()} | {
        path.split("/")[1].removesuffix(".py") for path in task.tree.paths() if path.startswith("src/")
    }
    reasons = []
    for result in broken:
        missing = _MISSING_MODULE.search(result.detail)
        syntax = _SYNTAX_ERROR.search(result.detail)
        where = _ERROR_FILE.findall(result.detail[: syntax.start()]) if syntax else []
        own = bool(where) and where[-1].endswith(result.check_id) and not may_edit(result.check_id, task.rules)
        if missing is not None and missing[1].partition(".")[0] not in tops:
            reasons.append(f"{result.check_id}: {missing[0]}")
        elif own and syntax is not None:
            reasons.append(f"{result.check_id}: {syntax[0]}")
        else:
            return None
    first = broken[0].check_id
    return BaselineFault(
        f"no check can be collected on the untouched tree: {'; '.join(reasons[:3])}",
        remedy=f"see it by hand: pytest {first}; what the box lacks comes with an image of your own: --image IMAGE",
    )


def ledger_of(config: Config, team: Team) -> Ledger:
    """The budget of a run. A server of the user's own has no price list: unless a limit in dollars was asked for,
    the limit in tokens alone bounds what is sent there.
    """
    llms = [s for s in (*team.proposers, team.aggregator, team.reasoner) if s is not None and not s.is_builtin]
    own = bool(llms) and all(spec.base_url for spec in llms)
    unknown = own and config.origin("budget.usd") == "default"
    budget = config.budget
    return Ledger(budget.usd, budget.tokens, seconds=budget.seconds, allow_unknown_price=unknown)


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


def _all_pass(baseline: Baseline) -> str:
    reason = f"all {len(baseline.results)} checks pass on the untouched tree"
    if baseline.flaky:
        reason += f" ({len(baseline.flaky)} flaky left out: {', '.join(baseline.flaky[:3])})"
    return reason


def _ended(status: Status, reason: str, baseline: Baseline | None, duration_s: float, listen: Listener) -> RunResult:
    """The result of a run that was over before anybody was asked for a patch."""
    listen(Finished(status=status, reason=reason))
    return RunResult(
        status=status,
        reason=reason,
        baseline=baseline,
        winner=None,
        steps=(Stop(status=status, reason=reason),),
        judged=(),
        screened=0,
        lost=(),
        spent=(),
        duration_s=duration_s,
    )
