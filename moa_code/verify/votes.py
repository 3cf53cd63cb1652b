"""Model-written checks on one candidate: what each of them says. Soft evidence; no verdict is made from it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from moa_code.core.behaviour import WrittenCheck
from moa_code.core.box import Ended, Observation
from moa_code.core.brief import Baseline
from moa_code.core.patch import EMPTY_PATCH, Patch
from moa_code.core.task import CheckId, CheckKind, Mode, Task
from moa_code.core.tree import MemorySnapshot, Snapshot, TreeDigest
from moa_code.core.verdict import CheckOutcome, StageOutcome
from moa_code.verify import plan
from moa_code.verify.reading import SessionReport, read_session
from moa_code.verify.stages import policy_stage
from moa_code.verify.turns import Turns

FOLDER = "written_checks"
SEED = 5
CHECK_CPU_S = 3.0  # a property asks fifty times
HUNG_CPU_S = 0.5  # for each check after one that hung
MOST_KNOWN = 16

Vote = bool | None


class Votes:
    """Runs checks that a model wrote. From another process where their text allows it, else beside the candidate."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._empty: dict[tuple[TreeDigest, tuple[WrittenCheck, ...]], tuple[Vote, ...]] = {}
        self._asking = asyncio.Lock()

    async def of(
        self, task: Task, baseline: Baseline, patch: Patch, checks: Sequence[WrittenCheck]
    ) -> tuple[Vote, ...]:
        """One answer a check. None: it could not be run, or a stub that does nothing passes it, so it says nothing."""
        if not checks:
            return ()
        told = await self._run(task, baseline, patch, tuple(checks))
        if task.mode is not Mode.IMPLEMENT:
            return told
        empty = await self._of_the_stub(task, baseline, tuple(checks))
        return tuple(None if before else vote for vote, before in zip(told, empty, strict=True))

    async def _of_the_stub(self, task: Task, baseline: Baseline, checks: tuple[WrittenCheck, ...]) -> tuple[Vote, ...]:
        key = (task.tree.digest, checks)
        async with self._asking:
            if key not in self._empty:
                self._empty[key] = await self._run(task, baseline, EMPTY_PATCH, checks)
                if len(self._empty) > MOST_KNOWN:
                    del self._empty[next(iter(self._empty))]
            return self._empty[key]

    async def _run(
        self, task: Task, baseline: Baseline, patch: Patch, checks: tuple[WrittenCheck, ...]
    ) -> tuple[Vote, ...]:
        if policy_stage(task, baseline, patch).outcome is StageOutcome.FAILED:
            return (False,) * len(checks)
        folder = _free_folder(task.tree)
        names = [CheckId(f"{folder}/test_written_{at}.py::{check.name}") for at, check in enumerate(checks)]
        files = {name.partition("::")[0]: check.code for name, check in zip(names, checks, strict=True)}
        told: dict[CheckId, Vote] = {}
        for kind in (CheckKind.ORACLE, CheckKind.PYTEST):
            asked = [name for name in names if name not in told]
            if asked:
                told |= await self._session(kind, _with(task, files, asked), baseline, patch, asked)
        return tuple(told.get(name) for name in names)

    async def _session(
        self, kind: CheckKind, task: Task, baseline: Baseline, patch: Patch, asked: Sequence[CheckId]
    ) -> Mapping[CheckId, Vote]:
        """What these checks say; those that this kind of session cannot ask are left out."""
        seconds = max(CHECK_CPU_S, plan.check_budget_s(baseline.check_cpu_s))

        job = plan.oracle_job if kind is CheckKind.ORACLE else plan.pytest_job
        run = job(task, patch, check_cpu_s=seconds, seed=SEED)
        payload = {**run.job.payload, "hung_cpu_s": HUNG_CPU_S}
        observation = await self._turns.run(replace(run.job, payload=payload))
        session = read_session(observation.report, run.nonce)
        beyond: set[CheckId] = set()
        if kind is CheckKind.ORACLE:
            beyond = {name for name in asked if name in session.inexpressible or _module(name) in session.broken}
        left = [name for name in asked if name not in beyond]
        return _read(left, observation, session, agreed_exit=run.exit_code)


def _read(
    asked: Sequence[CheckId], observation: Observation, session: SessionReport, *, agreed_exit: int
) -> dict[CheckId, Vote]:
    """One answer each. A candidate that forges the report fails all; where it ends the session, the check it ended."""
    if observation.ended is Ended.LOST:
        return dict.fromkeys(asked)
    if session.forged or observation.broken_seal:
        return dict.fromkeys(asked, False)
    results = {result.check_id: result.outcome for result in session.results}
    told: dict[CheckId, Vote] = {}
    ended = session.end_code is None or observation.exit_code != agreed_exit
    for name in asked:
        if name in results:
            told[name] = None if results[name] is CheckOutcome.SKIPPED else results[name] is CheckOutcome.PASSED
        elif _module(name) in session.broken:
            told[name] = False
        else:
            told[name] = False if ended else None
            ended = False
    return told


def _with(task: Task, files: Mapping[str, str], asked: Sequence[CheckId]) -> Task:
    """The task with these checks in place of its own, out of a candidate's reach."""
    wanted = {_module(name) for name in asked}
    contents = {path: task.tree.read(path) for path in task.tree.paths()}
    contents |= {path: text.encode() for path, text in files.items() if path in wanted}
    executables = frozenset(path for path in task.tree.paths() if task.tree.executable(path))
    return replace(
        task,
        tree=MemorySnapshot(files=contents, executables=executables),
        checks=replace(task.checks, kind=CheckKind.ORACLE, targets=tuple(sorted(wanted)), argv=(), expected=()),
        rules=replace(task.rules, protected=(*task.rules.protected, *sorted(wanted))),
    )


def _free_folder(tree: Snapshot) -> str:
    folder = FOLDER
    while any(path.partition("/")[0] == folder for path in tree.paths()):
        folder += "_"
    return folder


def _module(name: CheckId) -> str:
    return name.partition("::")[0]
