"""The verifier: baseline, screen, verify, confirm. Each plans a job, has it run, and grades what came back."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never
from weakref import WeakValueDictionary

from moa_code.core.behaviour import Behaviour, Strength, WrittenCheck
from moa_code.core.box import Ended, Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate
from moa_code.core.errors import BaselineFault, SandboxUnavailable
from moa_code.core.patch import EMPTY_PATCH, FileChange, Patch
from moa_code.core.ports import Sandbox
from moa_code.core.spectrum import Spectrum
from moa_code.core.task import CheckId, CheckKind, Task
from moa_code.core.tree import MemorySnapshot, TreeDigest
from moa_code.core.verdict import (
    Counts,
    Integrity,
    Level,
    Outcome,
    Stage,
    StageOutcome,
    Verdict,
)
from moa_code.verify import plan
from moa_code.verify.baseline import SEEDS, baseline_of, blocking_fault
from moa_code.verify.behaviour import compare
from moa_code.verify.grade import Expectation, Graded, grade, grade_command
from moa_code.verify.outside import Outside
from moa_code.verify.reach import Reach
from moa_code.verify.reading import (
    SessionReport,
    ran_out_of_time,
    read_session,
    spectrum_of,
)
from moa_code.verify.screening import Screened, planned_screen, screened_of
from moa_code.verify.seen import seen
from moa_code.verify.stages import (
    check_stages,
    expected_ids,
    expected_of,
    integrity_of,
    level_of,
    policy_stage,
    regressed_in,
)
from moa_code.verify.static import StaticChecks
from moa_code.verify.strength import SECONDS, measured_strength
from moa_code.verify.turns import Turns
from moa_code.verify.votes import Votes

MOST_KNOWN = 1000  # verdicts kept; each holds what its checks said
MOST_KNOWN_BYTES = 32 << 20
MOST_REACHES = 4
HIDDEN_SEED = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The untouched tree: its baseline, and which lines its checks execute (None for a command)."""

    baseline: Baseline
    spectrum: Spectrum | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed:
    graded: Graded
    seconds: float


class Verifier:
    """Verdicts on candidates of one task at a time. Remembers trees it has judged: equal patches are verified once."""

    def __init__(self, sandbox: Sandbox, *, lint: bool = True, paranoid: bool = False) -> None:
        self._sandbox = sandbox
        self._paranoid = paranoid
        self._turns = Turns(sandbox)
        self._static = StaticChecks(self._turns, lint=lint)
        self._known: dict[Hashable, Verdict] = {}
        self._known_bytes = 0
        self._running: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._reach: dict[TreeDigest, Reach] = {}
        self._outside = Outside(self._turns)
        self._votes = Votes(self._turns)

    @property
    def slots(self) -> int:
        return self._sandbox.slots

    async def baseline(self, task: Task) -> Measured:
        """The checks on the untouched tree, twice, the second time under coverage and with another seed.

        Raises `BaselineFault` when they cannot be run or judge nothing, `SandboxUnavailable` when the box is at fault.
        """
        if task.checks.kind is CheckKind.COMMAND:
            return await self._command_baseline(task)
        if task.checks.kind is CheckKind.ORACLE:
            return await self._oracle_baseline(task)
        first = await self._session(plan.baseline_job(task, seed=SEEDS[0]))
        fault = blocking_fault(*first, task)
        if fault:
            raise fault
        hung = [r.check_id for r in first[1].results if ran_out_of_time(r)]
        second = await self._session(plan.baseline_job(task, seed=SEEDS[1], coverage=True, hung=hung))
        if second[1].end_code is None:
            # Tracing is slow: what it did not come to must not pass for flaky.
            second = await self._session(plan.baseline_job(task, seed=SEEDS[1], hung=hung))
            fault = blocking_fault(*second, task)
            if fault:
                raise fault
        missing = set(task.checks.expected) - set(first[1].collected)
        if missing and not first[1].broken:
            raise BaselineFault(
                f"the task expects the check {min(missing)}, which is not collected",
                remedy="correct expected in its task.toml",
            )
        spectrum = spectrum_of(second[1] if second[1].coverage else first[1])
        self._reach[task.tree.digest] = Reach(spectrum)
        if len(self._reach) > MOST_REACHES:
            del self._reach[next(iter(self._reach))]
        return Measured(baseline=baseline_of(first[1], second[1], cpu_s=first[0].cpu_s), spectrum=spectrum)

    async def _oracle_baseline(self, task: Task) -> Measured:
        """Function-level checks are judged from outside from the start; of the untouched tree they tell lines too."""
        share = min(plan.CHECK_CPU_UNKNOWN_S, task.limits.cpu_s * plan.BASELINE_CHECK_SHARE)
        first = await self._session(plan.oracle_job(task, check_cpu_s=share, seed=1, untouched=True))
        fault = blocking_fault(*first, task)
        if fault:
            raise fault
        if first[1].broken:
            name, why = next(iter(first[1].broken.items()))
            raise BaselineFault(f"the checks in {name} cannot be read: {why}", remedy="correct the file; docs/tasks.md")
        for check, why in first[1].inexpressible.items():
            raise BaselineFault(
                f"{check} cannot be judged from another process: it needs {why}",
                remedy='change the check, or leave out kind = "oracle" so that pytest runs it; docs/tasks.md',
            )
        second = await self._session(plan.oracle_job(task, check_cpu_s=share, seed=2, untouched=True, coverage=True))
        again = second[1] if second[1].end_code is not None else first[1]
        spectrum = spectrum_of(second[1] if second[1].coverage else first[1])
        return Measured(baseline=baseline_of(first[1], again, cpu_s=first[0].cpu_s), spectrum=spectrum)

    async def _command_baseline(self, task: Task) -> Measured:
        runs = [await self._turns.run(plan.command_job(task).job) for _ in range(2)]
        for run in runs:
            if run.ended is Ended.LOST:
                raise SandboxUnavailable(f"the baseline could not be run: {run.detail}", remedy="moa-code doctor")
            if run.exit_code in (126, 127):
                raise BaselineFault(
                    f"the check command cannot be run in the box: {' '.join(task.checks.argv)}",
                    remedy="name a command that the sandbox image has, or bring your own image",
                )
        graded = [grade_command(run, task.checks.argv) for run in runs]
        flaky = graded[0].results[0].outcome is not graded[1].results[0].outcome
        if flaky:
            raise BaselineFault("the check command passes and fails on the same tree, so it cannot judge a patch")
        baseline = Baseline(results=graded[0].results, cpu_s=runs[0].cpu_s, check_cpu_s=runs[0].cpu_s)
        return Measured(baseline=baseline, spectrum=None)

    async def screen(
        self, task: Task, baseline: Baseline, candidates: Sequence[Candidate], *, on: Patch = EMPTY_PATCH
    ) -> tuple[Screened, ...]:
        """A cheap look at candidates that create and delete no file, in one trip, put into the tree with `on` in it.

        Never a verdict: who passes is still to be verified.
        """
        reach = None if on.changes else self._reach.get(task.tree.digest)
        planned = planned_screen(task, baseline, candidates, reach, on)
        observation = await self._turns.run(planned.job)
        return screened_of(observation, planned.nonce, candidates)

    async def verify(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict:
        """The whole pipeline in a warm box: policy, compile and lint, target checks, all checks.

        The seed is the baseline's, so that what differs is the candidate. A paranoid verifier takes a fresh box.
        """
        return await self._judged(task, baseline, candidate, fresh=self._paranoid, seed=baseline.seed)

    async def confirm(
        self, task: Task, baseline: Baseline, candidate: Candidate, *, seed: int | None = None
    ) -> Verdict:
        """The same once more in a fresh box; what passes here reaches `Level.WHOLE_SUITE`.

        The seed is `seed`, else one that nobody could know before; it stands in the verdict.
        """
        return await self._judged(task, baseline, candidate, fresh=True, seed=seed)

    async def strength(
        self,
        task: Task,
        baseline: Baseline,
        candidate: Candidate,
        mutants: Sequence[Patch],
        *,
        seconds: float = SECONDS,
    ) -> Strength:
        """How many of `mutants`, patches against the clean base that are the candidate with a mistake, fail."""
        return await measured_strength(
            self._turns, task, baseline, candidate, mutants, slots=self.slots, seconds=seconds
        )

    async def distinguish(self, task: Task, baseline: Baseline, candidates: Sequence[Candidate]) -> Behaviour:
        """Their answers to the same fresh inputs, in one trip."""
        return await compare(self._turns, task, baseline, candidates)

    async def vote(
        self, task: Task, baseline: Baseline, candidate: Candidate, checks: Sequence[WrittenCheck]
    ) -> tuple[bool | None, ...]:
        """Whether the candidate passes each; None where that could not be run, or says nothing."""
        return await self._votes.of(task, baseline, candidate.patch, checks)

    async def hold_out(
        self,
        task: Task,
        patch: Patch,
        hidden: Sequence[FileChange],
        targets: tuple[str, ...],
        expected: tuple[CheckId, ...],
    ) -> Graded:
        """Hidden checks on a patched tree in a fresh box: to grade once, when a run has ended. Feeds nothing back."""
        kind = CheckKind.ORACLE if task.checks.kind is CheckKind.ORACLE else CheckKind.PYTEST
        paths = tuple(change.path for change in hidden)
        graded_task = replace(
            task,
            tree=MemorySnapshot(
                files={path: task.tree.read(path) for path in task.tree.paths()}
                | {change.path: change.after for change in hidden if change.after is not None},
                executables=frozenset(path for path in task.tree.paths() if task.tree.executable(path)),
            ),
            checks=replace(task.checks, kind=kind, targets=targets),
            rules=replace(task.rules, protected=(*task.rules.protected, *paths)),
        )
        job = plan.oracle_job if kind is CheckKind.ORACLE else plan.pytest_job

        def planned() -> plan.Planned:
            return job(graded_task, patch, check_cpu_s=task.limits.cpu_s, seed=HIDDEN_SEED)

        nothing_known = Baseline(results=())
        run, observation, session = await seen(self._turns, planned, nothing_known, task.limits, fresh=True)
        ids = expected or tuple(c for c in session.collected if c.rpartition("::")[2] not in run.canaries)
        expectation = Expectation(checks=ids, canaries=run.canaries, agreed_exit=run.exit_code)
        graded = grade(observation, session, expectation)
        if graded.outcome is Outcome.PASSED and kind is CheckKind.PYTEST:
            return await self._outside.judge_hidden(graded_task, patch, graded, seed=HIDDEN_SEED)
        return replace(graded, integrity=self._integrity(kind))

    async def _judged(
        self, task: Task, baseline: Baseline, candidate: Candidate, *, fresh: bool, seed: int | None
    ) -> Verdict:
        key = (
            task.tree.digest,
            task.checks,
            task.rules,
            task.limits,
            expected_ids(baseline),
            _digest(candidate.patch),
            fresh,
            seed,
        )
        async with self._running.setdefault(key, asyncio.Lock()):  # its twin waits for the verdict
            known = self._known.get(key)
            if known is not None:
                return replace(known, candidate_id=candidate.candidate_id)
            chosen = _new_seed() if seed is None else seed
            verdict = await self._pipeline(task, baseline, candidate, fresh=fresh, seed=chosen)
            if verdict.outcome is not Outcome.INCONCLUSIVE:
                self._remember(key, verdict)
        return verdict

    def _remember(self, key: Hashable, verdict: Verdict) -> None:
        self._known[key] = verdict
        self._known_bytes += _weight(verdict)
        while len(self._known) > MOST_KNOWN or self._known_bytes > MOST_KNOWN_BYTES:
            self._known_bytes -= _weight(self._known.pop(next(iter(self._known))))

    async def _pipeline(
        self, task: Task, baseline: Baseline, candidate: Candidate, *, fresh: bool, seed: int
    ) -> Verdict:
        started = time.monotonic()
        stages: list[Stage] = []

        def verdict(outcome: Outcome, level: Level, graded: Graded | None = None, detail: str = "") -> Verdict:
            return Verdict(
                candidate_id=candidate.candidate_id,
                patch_sha256=candidate.patch.sha256,
                outcome=outcome,
                integrity=graded.integrity if graded else Integrity.NONE,
                level=level,
                counts=graded.counts if graded else Counts(expected=len(expected_ids(baseline))),
                results=graded.results if graded else (),
                stages=tuple(stages),
                regressed=regressed_in(baseline, graded.results) if graded else (),
                box=self._sandbox.info,
                limits=task.limits,
                duration_s=time.monotonic() - started,
                detail=detail or (graded.detail if graded else ""),
                seed=seed if graded and task.checks.kind is not CheckKind.COMMAND else None,
            )

        stages.append(policy_stage(task, baseline, candidate.patch))
        if stages[-1].outcome is StageOutcome.FAILED:
            return verdict(Outcome.REJECTED, Level.NONE, detail=stages[-1].detail)
        asked = None
        if task.checks.kind is CheckKind.ORACLE:  # cheaper than a compiler and a linter: those look at what passes
            asked = await self._timed_checks(task, baseline, candidate.patch, fresh=fresh, seed=seed)
            if asked.graded.outcome is not Outcome.PASSED:
                stages.extend(check_stages(baseline, asked.graded, asked.seconds, fresh=fresh))
                level = level_of(baseline, asked.graded, fresh=fresh, mode=task.mode)
                return verdict(asked.graded.outcome, level if level > Level.COMPILES else Level.APPLIES, asked.graded)
        for stage in await self._static.stages(task, candidate.patch):
            stages.append(stage)
            if stage.outcome is StageOutcome.INCONCLUSIVE:
                return verdict(Outcome.INCONCLUSIVE, Level.APPLIES, detail=stage.detail)
            if stage.outcome is StageOutcome.FAILED:
                return verdict(Outcome.FAILED, Level.APPLIES, detail=stage.detail)
        if asked is None:
            asked = await self._timed_checks(task, baseline, candidate.patch, fresh=fresh, seed=seed)
        stages.extend(check_stages(baseline, asked.graded, asked.seconds, fresh=fresh))
        return verdict(
            asked.graded.outcome, level_of(baseline, asked.graded, fresh=fresh, mode=task.mode), asked.graded
        )

    async def _timed_checks(self, task: Task, baseline: Baseline, patch: Patch, *, fresh: bool, seed: int) -> _Timed:
        """The checks, in a fresh box from outside too, and how long they took."""
        at = time.monotonic()
        graded = await self._checks(task, baseline, patch, fresh=fresh, seed=seed)
        if fresh and graded.outcome is Outcome.PASSED and task.checks.kind is CheckKind.PYTEST:
            graded = await self._outside.judge(task, baseline, patch, graded, seed=seed, fresh=self._paranoid)
        return _Timed(graded=graded, seconds=time.monotonic() - at)

    async def _checks(self, task: Task, baseline: Baseline, patch: Patch, *, fresh: bool, seed: int) -> Graded:
        match task.checks.kind:
            case CheckKind.COMMAND:
                _, observation, _ = await seen(
                    self._turns, lambda: plan.command_job(task, patch), baseline, task.limits, fresh=fresh
                )
                return grade_command(observation, task.checks.argv)
            case CheckKind.PYTEST | CheckKind.ORACLE as kind:
                expectation = expected_of(baseline)
                job = plan.pytest_job if kind is CheckKind.PYTEST else plan.oracle_job

                def planned() -> plan.Planned:
                    return job(
                        task,
                        patch,
                        first=expectation.checks[: expectation.gate],
                        check_cpu_s=plan.check_budget_s(baseline.check_cpu_s),
                        seed=seed,
                    )

                run, observation, session = await seen(self._turns, planned, baseline, task.limits, fresh=fresh)
                complete = replace(expectation, canaries=run.canaries, agreed_exit=run.exit_code)
                return replace(grade(observation, session, complete), integrity=self._integrity(kind))
            case other:
                assert_never(other)

    def _integrity(self, kind: CheckKind) -> Integrity:
        found = integrity_of(kind)
        return Integrity.IN_PROCESS if found is Integrity.ORACLE and not self._turns.separate_users else found

    async def _session(self, planned: plan.Planned) -> tuple[Observation, SessionReport]:
        observation = await self._turns.run(planned.job)
        if observation.ended is Ended.LOST:
            raise SandboxUnavailable(f"the baseline could not be run: {observation.detail}", remedy="moa-code doctor")
        return observation, read_session(observation.report, planned.nonce)


def _new_seed() -> int:
    """A seed for a fresh box. Seeds that are written down somewhere tell a candidate which examples will come."""
    return secrets.randbelow(1 << 31)


def _digest(patch: Patch) -> str:
    """What a verdict depends on of a patch: all of it. `Patch.sha256` leaves out what it was made against."""
    total = hashlib.sha256(patch.sha256.encode())
    for change in patch.changes:
        total.update(b"-" if change.before is None else hashlib.sha256(change.before).digest())
    return total.hexdigest()


def _weight(verdict: Verdict) -> int:
    """Bytes that a verdict keeps alive, roughly: what the candidate made its checks say is most of it."""
    texts = sum(len(result.detail) for result in verdict.results)
    findings = sum(len(finding.message) + len(finding.path) for stage in verdict.stages for finding in stage.findings)
    return 2000 + 300 * len(verdict.results) + texts + findings
