"""The verifier: baseline, screen, verify, confirm. Each plans a job, has it run, and grades what came back."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from moa_code.core.box import Ended, Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate
from moa_code.core.errors import BaselineFault, SandboxUnavailable
from moa_code.core.patch import EMPTY_PATCH, FileChange, Patch, patch_of
from moa_code.core.ports import Sandbox
from moa_code.core.spectrum import Spectrum
from moa_code.core.task import CheckId, CheckKind, Task
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
from moa_code.verify.baseline import baseline_of, blocking_fault
from moa_code.verify.grade import Expectation, Graded, grade, grade_command
from moa_code.verify.reach import Reach
from moa_code.verify.reading import (
    SessionReport,
    ran_out_of_time,
    read_session,
    read_static,
    spectrum_of,
)
from moa_code.verify.screening import Screened, planned_screen, screened_of
from moa_code.verify.stages import (
    check_stages,
    expected_ids,
    expected_of,
    integrity_of,
    level_of,
    policy_stage,
    regressed_in,
)

MOST_KNOWN = 1000  # verdicts kept; each holds what its checks said


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The untouched tree: its baseline, and which lines its checks execute (None for a command)."""

    baseline: Baseline
    spectrum: Spectrum | None


class Verifier:
    """Verdicts on candidates of one task at a time. Remembers trees it has judged: equal patches are verified once."""

    def __init__(self, sandbox: Sandbox, *, lint: bool = True) -> None:
        self._sandbox = sandbox
        self._lint = lint
        self._known: dict[Hashable, Verdict] = {}
        self._reach: dict[str, Reach] = {}
        self._lint_before: dict[tuple[str, str], frozenset[str]] = {}

    @property
    def slots(self) -> int:
        return self._sandbox.slots

    async def baseline(self, task: Task) -> Measured:
        """The checks on the untouched tree, twice, the second time under coverage and with another seed.

        Raises `BaselineFault` when they cannot be run or judge nothing, `SandboxUnavailable` when the box is at fault.
        """
        if task.checks.kind is CheckKind.COMMAND:
            return await self._command_baseline(task)
        first = await self._session(plan.baseline_job(task, seed=1))
        fault = blocking_fault(*first, task)
        if fault:
            raise fault
        hung = [r.check_id for r in first[1].results if ran_out_of_time(r)]
        second = await self._session(plan.baseline_job(task, seed=2, coverage=True, hung=hung))
        if second[1].end_code is None:
            # Tracing is slow: what it did not come to must not pass for flaky.
            second = await self._session(plan.baseline_job(task, seed=2, hung=hung))
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
        return Measured(baseline=baseline_of(first[1], second[1], cpu_s=first[0].cpu_s), spectrum=spectrum)

    async def _command_baseline(self, task: Task) -> Measured:
        runs = [await self._sandbox.run(plan.command_job(task).job) for _ in range(2)]
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

    async def screen(self, task: Task, baseline: Baseline, candidates: Sequence[Candidate]) -> tuple[Screened, ...]:
        """A cheap look at candidates that create and delete no file, in one trip.

        Never a verdict: who passes is still to be verified.
        """
        planned = planned_screen(task, baseline, candidates, self._reach.get(task.tree.digest))
        observation = await self._sandbox.run(planned.job)
        return screened_of(observation, planned.nonce, candidates)

    async def verify(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict:
        """The whole pipeline in a warm box: policy, compile and lint, target checks, all checks."""
        return await self._judged(task, baseline, candidate, fresh=False)

    async def confirm(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict:
        """The same once more in a fresh box with another seed; what passes here reaches `Level.WHOLE_SUITE`."""
        return await self._judged(task, baseline, candidate, fresh=True)

    async def hold_out(
        self,
        task: Task,
        patch: Patch,
        hidden: Sequence[FileChange],
        targets: tuple[str, ...],
        expected: tuple[CheckId, ...],
    ) -> Graded:
        """Hidden checks on a patched tree in a fresh box: to grade once, when a run has ended. Feeds nothing back."""
        checks = replace(task.checks, kind=CheckKind.PYTEST, targets=targets)
        sealed = replace(task.rules, protected=(*task.rules.protected, *(change.path for change in hidden)))
        planned = plan.pytest_job(
            replace(task, checks=checks, rules=sealed),
            patch_of(*patch.changes, *hidden),
            check_cpu_s=task.limits.cpu_s,
            seed=11,
        )
        planned = replace(planned, job=replace(planned.job, sealed=(*planned.job.sealed, *(c.path for c in hidden))))
        observation = await self._sandbox.run_fresh(planned.job)
        session = read_session(observation.report, planned.nonce)
        ids = expected or tuple(c for c in session.collected if c.rpartition("::")[2] not in planned.canaries)
        expectation = Expectation(checks=ids, canaries=planned.canaries, agreed_exit=planned.exit_code)
        return grade(observation, session, expectation)

    async def _judged(self, task: Task, baseline: Baseline, candidate: Candidate, *, fresh: bool) -> Verdict:
        # All that a verdict depends on, the patch whole: its digest leaves out what it was made against.
        key = (task.tree.digest, task.checks, task.rules, task.limits, expected_ids(baseline), candidate.patch, fresh)
        known = self._known.get(key)
        if known is not None:
            return replace(known, candidate_id=candidate.candidate_id)
        verdict = await self._pipeline(task, baseline, candidate, fresh=fresh)
        if verdict.outcome is not Outcome.INCONCLUSIVE:
            self._known[key] = verdict
            if len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]
        return verdict

    async def _pipeline(self, task: Task, baseline: Baseline, candidate: Candidate, *, fresh: bool) -> Verdict:
        started = time.monotonic()
        stages: list[Stage] = []

        def verdict(outcome: Outcome, level: Level, graded: Graded | None = None, detail: str = "") -> Verdict:
            return Verdict(
                candidate_id=candidate.candidate_id,
                patch_sha256=candidate.patch.sha256,
                outcome=outcome,
                integrity=integrity_of(task.checks.kind) if graded else Integrity.NONE,
                level=level,
                counts=graded.counts if graded else Counts(expected=len(expected_ids(baseline))),
                results=graded.results if graded else (),
                stages=tuple(stages),
                regressed=regressed_in(baseline, graded.results) if graded else (),
                box=self._sandbox.info,
                limits=task.limits,
                duration_s=time.monotonic() - started,
                detail=detail or (graded.detail if graded else ""),
            )

        stages.append(policy_stage(task, baseline, candidate.patch))
        if stages[-1].outcome is StageOutcome.FAILED:
            return verdict(Outcome.REJECTED, Level.NONE, detail=stages[-1].detail)
        for stage in await self._static_stages(task, candidate.patch):
            stages.append(stage)
            if stage.outcome is StageOutcome.INCONCLUSIVE:
                return verdict(Outcome.INCONCLUSIVE, Level.APPLIES, detail=stage.detail)
            if stage.outcome is StageOutcome.FAILED:
                return verdict(Outcome.FAILED, Level.APPLIES, detail=stage.detail)
        at = time.monotonic()
        graded = await self._checks(task, baseline, candidate.patch, fresh=fresh)
        stages.extend(check_stages(baseline, graded, time.monotonic() - at, fresh=fresh))
        return verdict(graded.outcome, level_of(baseline, graded, fresh=fresh), graded)

    async def _static_stages(self, task: Task, patch: Patch) -> list[Stage]:
        """Compile and lint of the Python files a patch leaves behind: one job, two stages."""
        paths = [c.path for c in patch.changes if c.path.endswith(".py") and c.after is not None]
        if not paths:
            return []
        at = time.monotonic()
        planned = plan.static_job(task, patch, paths, lint=self._lint)
        observation = await self._sandbox.run(planned.job)
        seconds = time.monotonic() - at
        report = read_static(observation.report, planned.nonce)
        broken = tuple(f for f in report.findings if f.tool == "compile")
        if observation.ended is Ended.LOST:
            return [Stage(name="compile", outcome=StageOutcome.INCONCLUSIVE, detail=observation.detail)]
        if not report.complete and not broken:
            detail = f"compiling or linting ended early ({observation.ended})"
            return [Stage(name="compile", outcome=StageOutcome.FAILED, duration_s=seconds, detail=detail)]
        if broken:
            detail = f"{broken[0].path}:{broken[0].line}: {broken[0].message}"
            return [
                Stage(name="compile", outcome=StageOutcome.FAILED, findings=broken, duration_s=seconds, detail=detail)
            ]
        compiled = Stage(name="compile", outcome=StageOutcome.PASSED, duration_s=seconds)
        if not self._lint:
            return [compiled]
        before = await self._fingerprints(task, paths)
        if before is None:
            detail = "the box was lost while the untouched files were linted"
            return [compiled, Stage(name="lint", outcome=StageOutcome.INCONCLUSIVE, detail=detail)]
        new = tuple(f for f, mark in zip(report.findings, report.fingerprints, strict=True) if mark not in before)
        blocking = [f for f in new if f.code.startswith(plan.BLOCKING)]
        detail = f"{blocking[0].path}:{blocking[0].line}: {blocking[0].code} {blocking[0].message}" if blocking else ""
        outcome = StageOutcome.FAILED if blocking else StageOutcome.PASSED
        return [compiled, Stage(name="lint", outcome=outcome, findings=new, detail=detail)]

    async def _fingerprints(self, task: Task, paths: Sequence[str]) -> frozenset[str] | None:
        """What the linter says of these files before any patch, asked once a file; None when the box was lost."""
        there = set(task.tree.paths())
        asked = [path for path in paths if path in there]
        unknown = [path for path in asked if (task.tree.digest, path) not in self._lint_before]
        if unknown:
            planned = plan.static_job(task, EMPTY_PATCH, unknown, lint=True)
            observation = await self._sandbox.run(planned.job)
            if observation.ended is Ended.LOST:
                return None
            report = read_static(observation.report, planned.nonce)
            for path in unknown:
                marks = frozenset(
                    m for f, m in zip(report.findings, report.fingerprints, strict=True) if f.path == path
                )
                self._lint_before[task.tree.digest, path] = marks
        return frozenset().union(*(self._lint_before[task.tree.digest, path] for path in asked))

    async def _checks(self, task: Task, baseline: Baseline, patch: Patch, *, fresh: bool) -> Graded:
        run = self._sandbox.run_fresh if fresh else self._sandbox.run
        match task.checks.kind:
            case CheckKind.COMMAND:
                return grade_command(await run(plan.command_job(task, patch).job), task.checks.argv)
            case CheckKind.PYTEST | CheckKind.ORACLE:
                expectation = expected_of(baseline)
                planned = plan.pytest_job(
                    task,
                    patch,
                    first=expectation.checks[: expectation.gate],
                    check_cpu_s=plan.check_budget_s(baseline.check_cpu_s),
                    seed=7 if fresh else 1,
                )
                observation = await run(planned.job)
                session = read_session(observation.report, planned.nonce)
                complete = replace(expectation, canaries=planned.canaries, agreed_exit=planned.exit_code)
                return grade(observation, session, complete)
            case other:
                assert_never(other)

    async def _session(self, planned: plan.Planned) -> tuple[Observation, SessionReport]:
        observation = await self._sandbox.run(planned.job)
        if observation.ended is Ended.LOST:
            raise SandboxUnavailable(f"the baseline could not be run: {observation.detail}", remedy="moa-code doctor")
        return observation, read_session(observation.report, planned.nonce)
