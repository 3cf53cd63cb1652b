"""The story of a benchmark: solve each task, grade it once by its hidden checks, append one line an attempt."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from moa_code.config import Config
from moa_code.core.brief import Judged
from moa_code.core.errors import EnvironmentFault, MoaError, SandboxUnavailable
from moa_code.core.run import RunResult, Status
from moa_code.core.task import TaskId
from moa_code.core.verdict import Counts, Outcome
from moa_code.edits.policy import may_edit
from moa_code.engine.events import Listener
from moa_code.solve import FAILED, Conditions, Solved, solve
from moa_code.suites.loaded import HiddenChecks, LoadedTask
from moa_code.wiring.session import Session

SCHEMA_VERSION = 1
MOST_OTHERS = 8
OTHER_TASK = "other_task"
MOST_LOST = 2  # tasks in a row that lose their boxes: then it is the engine, not a task


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One line of an attempts file. `held_out_passed` is None where nothing could be graded; it stays in the count.

    `key` is the identity of (suite, task, configuration, sample): the same key is never run twice. `stricter_passed` is
    what the suite's second, harder set of hidden checks says, None where it has none. `any_passed`: some candidate
    that passed the visible checks passes the hidden ones, chosen or not; None where only the chosen one was graded.
    `tokens` and `cost_usd` are those of all `calls`; the cost is None when any call's is unknown.
    """

    key: str
    suite: str
    task_id: str
    status: str
    visible_passed: bool
    held_out_passed: bool | None
    held_out: Counts
    candidates: int
    seconds: float
    run_id: str
    patch: str | None
    note: str = ""
    arm: str = ""
    seed: int = 0
    stricter_passed: bool | None = None
    any_passed: bool | None = None
    calls: int = 0
    tokens: int = 0
    cost_usd: float | None = None
    belief: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grades:
    """What the hidden checks say of one run. `detail`: why the winner is wrong."""

    passed: bool
    counts: Counts
    detail: str = ""
    stricter: bool | None = None
    any_passed: bool | None = None


def attempt_key(suite: str, task: LoadedTask, config: Config, sample: int = 0, arm: str = "") -> str:
    """SHA-256 over what an attempt depends on: the tree, the hidden checks, the arm, the team, the budget, the seed."""
    models, strategy = config.models, config.strategy
    team: list[object] = [models.proposers, models.aggregator, strategy.name, config.seed, sample]
    bounds = [config.budget.seconds, config.budget.tokens, config.budget.usd, strategy.feedback_rounds]
    more = [models.reasoner, models.recording, strategy.entry, strategy.threshold, strategy.samples, strategy.layers]
    more += [strategy.calls, strategy.references]
    parts = [suite, task.task.task_id, task.task.tree.digest, task.hidden.files.digest, team, bounds, more, arm]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def read_attempts(path: Path) -> dict[str, Attempt]:
    """Attempts by key. A last line that a kill cut short is left out; its attempt is simply made again."""
    if not path.exists():
        return {}
    found: dict[str, Attempt] = {}
    for line in path.read_bytes().split(b"\n"):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("schema_version") == SCHEMA_VERSION:
            row.pop("schema_version")
            counts = Counts(**row.pop("held_out"))
            found[row["key"]] = Attempt(held_out=counts, **row)
    return found


def append_attempt(path: Path, attempt: Attempt) -> None:
    """One line, on disk when this returns. Raises `EnvironmentFault`."""
    line = json.dumps({"schema_version": SCHEMA_VERSION, **asdict(attempt)}, ensure_ascii=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as stream:
            if stream.tell() and not _ends_line(stream.fileno(), stream.tell()):
                stream.write(b"\n")  # close the line that a kill had cut
            stream.write(line.encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be written: {error.strerror}", remedy="name another --out") from error


def _writable(path: Path) -> None:
    """Raises `EnvironmentFault` before anything is attempted that could then not be kept."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise EnvironmentFault(f"{path} cannot be written: {error.strerror}", remedy="name another --out") from error


def _ends_line(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b"\n"


async def run_suite(
    session: Session,
    suite: str,
    tasks: Sequence[LoadedTask],
    out: Path,
    *,
    listen: Listener,
    on_attempt: Callable[[Attempt], None],
    on_start: Callable[[Callable[[], None]], None],
    on_lost: Callable[[TaskId, MoaError], None],
    arm: str = "",
    grade_all: bool = False,
) -> tuple[Attempt, ...]:
    """Attempt every task that `out` does not hold yet; returns all attempts of the suite, in its order.

    `arm` is the name of what is measured, where there are several; `grade_all` has every candidate that passed graded
    after the run, not the winner alone. What our side loses is no attempt: it is told to `on_lost` and left for the
    next time. Two in a row end it.
    """
    done = read_attempts(out)
    _writable(out)
    attempts = []
    lost = 0
    for task in tasks:
        key = attempt_key(suite, task, session.config, arm=arm)
        if key not in done:
            try:
                others = texts_of_others(tasks, task) if session.config.strategy.references == OTHER_TASK else ()
                attempt = await _attempt(
                    session, suite, task, key, listen, on_start, grade_all=grade_all, others=others
                )
                attempt = replace(attempt, arm=arm, seed=session.config.seed)
            except SandboxUnavailable as error:
                on_lost(task.task.task_id, error)
                lost += 1
                if lost == MOST_LOST:
                    break
                continue
            lost = 0
            if attempt.status == Status.INTERRUPTED.value:
                break
            append_attempt(out, attempt)
            done[key] = attempt
        attempts.append(done[key])
        on_attempt(done[key])
    return tuple(attempts)


def texts_of_others(tasks: Sequence[LoadedTask], task: LoadedTask) -> tuple[str, ...]:
    """Code of the tasks that follow this one in the suite, round its end: what the ablation of references shows."""
    place = next((n for n, one in enumerate(tasks) if one is task), 0)
    found = []
    for other in (*tasks[place + 1 :], *tasks[:place])[:MOST_OTHERS]:
        tree = other.task.tree
        own = [path for path in tree.paths() if path.endswith(".py") and may_edit(path, other.task.rules)]
        found += [tree.read(path).decode("utf-8", "replace") for path in own[:1]]
    return tuple(found)


async def _attempt(
    session: Session,
    suite: str,
    loaded: LoadedTask,
    key: str,
    listen: Listener,
    on_start: Callable[[Callable[[], None]], None],
    *,
    grade_all: bool,
    others: tuple[str, ...],
) -> Attempt:
    """Raises `SandboxUnavailable` where boxes were lost under it; any other fault of ours is an attempt that failed."""
    started = time.monotonic()
    try:
        # What hidden checks said of one task must not decide about the next.
        conditions = Conditions(learnt=False, others=others)
        solved = await solve(
            session, loaded.task, command="solve", listen=listen, on_start=on_start, conditions=conditions
        )
    except SandboxUnavailable:
        raise
    except MoaError as error:
        return _lost(suite, loaded, key, time.monotonic() - started, error.message)
    seconds = time.monotonic() - started
    grades = await _grade(session, loaded, solved, grade_all=grade_all)
    result = solved.result
    costs = [spent.cost_usd for spent in result.spent]
    return Attempt(
        key=key,
        suite=suite,
        task_id=loaded.task.task_id,
        status=result.status.value,
        visible_passed=result.status is Status.VERIFIED,
        held_out_passed=grades.passed,
        held_out=grades.counts,
        candidates=result.screened + len(result.judged),
        seconds=round(seconds, 2),
        run_id=solved.run_id,
        patch=solved.diff if result.status is Status.VERIFIED else None,
        note=grades.detail or (result.winner.candidate.origin.note if result.winner else result.reason),
        stricter_passed=grades.stricter,
        any_passed=grades.any_passed,
        calls=sum(spent.calls for spent in result.spent),
        tokens=sum(spent.prompt_tokens + spent.completion_tokens for spent in result.spent),
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        belief=result.belief,
    )


async def _grade(session: Session, loaded: LoadedTask, solved: Solved, *, grade_all: bool) -> _Grades:
    """What the hidden checks say, once, after the run has ended; each grade is noted in the journal.

    Raises `SandboxUnavailable` where the box was lost.
    """
    result = solved.result
    winner = result.winner if result.status is Status.VERIFIED else None
    nothing = _Grades(passed=False, counts=Counts(expected=len(loaded.hidden.expected)))
    grades = nothing if winner is None else await _graded(session, loaded, winner)
    if winner is not None:
        session.journal.add_grade(solved.run_id, winner.candidate.candidate_id, grades.passed)
    if loaded.stricter is not None:
        stricter = grades.passed and winner is not None
        if stricter and winner is not None:
            stricter = (await _held_out(session, loaded, loaded.stricter, winner))[0]
        grades = replace(grades, stricter=stricter)
    if not grade_all:
        return grades
    any_passed = grades.passed
    for judged in _others(result, winner):
        right = (await _held_out(session, loaded, loaded.hidden, judged))[0]
        session.journal.add_grade(solved.run_id, judged.candidate.candidate_id, right)
        any_passed = any_passed or right
    return replace(grades, any_passed=any_passed)


async def _graded(session: Session, loaded: LoadedTask, winner: Judged) -> _Grades:
    passed, counts, detail = await _held_out(session, loaded, loaded.hidden, winner)
    return _Grades(passed=passed, counts=counts, detail=detail)


async def _held_out(
    session: Session, loaded: LoadedTask, hidden: HiddenChecks, judged: Judged
) -> tuple[bool, Counts, str]:
    """One set of hidden checks on one candidate: passed, the counts, and why not."""
    graded = await session.verifier.hold_out(
        loaded.task, judged.candidate.patch, hidden.overlay(), hidden.targets, hidden.expected
    )
    if graded.outcome is Outcome.INCONCLUSIVE:
        raise SandboxUnavailable(f"the hidden checks could not be run: {graded.detail}", remedy="moa-code doctor")
    return graded.outcome is Outcome.PASSED, graded.counts, graded.detail


def _others(result: RunResult, winner: Judged | None) -> tuple[Judged, ...]:
    """The other candidates that passed, one a patch."""
    seen = set() if winner is None else {winner.candidate.patch.sha256}
    found = []
    for judged in result.judged:
        patch = judged.candidate.patch.sha256
        if judged.verdict.passed and patch not in seen:
            seen.add(patch)
            found.append(judged)
    return tuple(found)


def _lost(suite: str, loaded: LoadedTask, key: str, seconds: float, why: str) -> Attempt:
    return Attempt(
        key=key,
        suite=suite,
        task_id=loaded.task.task_id,
        status=FAILED,
        visible_passed=False,
        held_out_passed=None,
        held_out=Counts(expected=len(loaded.hidden.expected)),
        candidates=0,
        seconds=round(seconds, 2),
        run_id="",
        patch=None,
        note=why,
    )


def with_task_limits(config: Config, tasks: Iterable[LoadedTask]) -> Config:
    """The configuration whose warm boxes fit the suite's tasks, so that none has to be started for each."""
    first = next(iter(tasks), None)
    return config if first is None else replace(config, limits=first.task.limits)
