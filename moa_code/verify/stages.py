"""What the parts of a pipeline amount to: stages, evidence level, regressions, and what a candidate must show. Pure."""

from __future__ import annotations

from typing import assert_never

from moa_code.core.brief import Baseline
from moa_code.core.patch import Patch
from moa_code.core.task import CheckId, CheckKind, Mode, Task
from moa_code.core.verdict import (
    CheckOutcome,
    CheckResult,
    Finding,
    Integrity,
    Level,
    Outcome,
    Stage,
    StageOutcome,
)
from moa_code.edits.policy import Rule, Violation, violations
from moa_code.verify.grade import Expectation, Graded
from moa_code.verify.properties import properties_of


def expected_of(baseline: Baseline) -> Expectation:
    """What a candidate must show: the baseline's failing checks first, then those that passed; no skipped, no flaky."""
    modules = tuple(r.check_id for r in baseline.results if "::" not in r.check_id and r.check_id not in baseline.flaky)
    named = [r for r in baseline.results if "::" in r.check_id and r.check_id not in baseline.flaky]
    failing = [r.check_id for r in named if r.outcome in (CheckOutcome.FAILED, CheckOutcome.ERROR)]
    passing = [r.check_id for r in named if r.outcome is CheckOutcome.PASSED]
    skipped = frozenset(r.check_id for r in named if r.outcome is CheckOutcome.SKIPPED)
    return Expectation(
        checks=tuple(CheckId(name) for name in (*failing, *passing)),
        gate=len(failing) if not modules else 0,
        modules=modules,
        ignored=skipped | frozenset(baseline.flaky),
        properties=properties_of(named),
    )


def expected_ids(baseline: Baseline) -> tuple[CheckId, ...]:
    expectation = expected_of(baseline)
    return (*expectation.checks, *(CheckId(m) for m in expectation.modules))


def regressed_in(baseline: Baseline, results: tuple[CheckResult, ...]) -> tuple[CheckId, ...]:
    """Checks that ran and no longer pass. One that never ran, behind a failed target, is not a regression."""
    passed = {r.check_id for r in baseline.results if r.outcome is CheckOutcome.PASSED}
    return tuple(
        r.check_id
        for r in results
        if r.check_id in passed and r.outcome not in (CheckOutcome.PASSED, CheckOutcome.MISSING)
    )


def integrity_of(kind: CheckKind) -> Integrity:
    match kind:
        case CheckKind.PYTEST:
            return Integrity.IN_PROCESS
        case CheckKind.COMMAND:
            return Integrity.EXIT_STATUS
        case CheckKind.ORACLE:
            return Integrity.ORACLE
        case other:
            assert_never(other)


def policy_stage(task: Task, baseline: Baseline, patch: Patch) -> Stage:
    """A file that holds checks is protected wherever it lies; the rules know such files by their usual names alone."""
    found = list(violations(patch, tree=task.tree, rules=task.rules))
    known = {v.path for v in found}
    judges = check_files(task, baseline)
    found += [
        Violation(path=path, rule=Rule.PROTECTED, message=f"{path} holds the checks that judge this patch")
        for path in patch.paths
        if path in judges and path not in known
    ]
    findings = tuple(Finding(tool="policy", code=v.rule, path=v.path, line=0, message=v.message) for v in found)
    detail = f"{findings[0].path}: {findings[0].message}" if findings else ""
    outcome = StageOutcome.FAILED if findings else StageOutcome.PASSED
    return Stage(name="policy", outcome=outcome, findings=findings, detail=detail)


def check_files(task: Task, baseline: Baseline) -> frozenset[str]:
    """Files that hold checks: those the task names, and those whose checks the baseline has run."""
    if task.checks.kind is CheckKind.COMMAND:
        return frozenset()
    return frozenset(str(name).partition("::")[0] for name in (*task.checks.targets, *expected_ids(baseline)))


def check_stages(baseline: Baseline, graded: Graded, seconds: float, *, fresh: bool) -> list[Stage]:
    if graded.outcome is Outcome.INCONCLUSIVE:
        return [Stage(name="checks", outcome=StageOutcome.INCONCLUSIVE, duration_s=seconds, detail=graded.detail)]
    if graded.outcome is Outcome.PASSED:
        name = "confirm" if fresh else "suite"
        return [
            Stage(name="target", outcome=StageOutcome.PASSED, duration_s=seconds),
            Stage(name=name, outcome=StageOutcome.PASSED),
        ]
    if not _targets_passed(baseline, graded):
        return [Stage(name="target", outcome=StageOutcome.FAILED, duration_s=seconds, detail=graded.detail)]
    return [
        Stage(name="target", outcome=StageOutcome.PASSED, duration_s=seconds),
        Stage(name="confirm" if fresh else "suite", outcome=StageOutcome.FAILED, detail=graded.detail),
    ]


def level_of(baseline: Baseline, graded: Graded, *, fresh: bool, mode: Mode = Mode.FIX) -> Level:
    if mode is Mode.IMPLEMENT and not baseline.failing:
        return Level.COMPILES  # the stub passes all of it, so passing shows nothing
    if graded.outcome is Outcome.PASSED:
        return Level.WHOLE_SUITE if fresh else Level.IMPACTED_CHECKS
    if graded.results and _targets_passed(baseline, graded) and graded.outcome is Outcome.FAILED:
        return Level.TARGET_CHECKS
    return Level.COMPILES


def _targets_passed(baseline: Baseline, graded: Graded) -> bool:
    targets = {r.check_id for r in baseline.failing}
    return all(r.outcome is CheckOutcome.PASSED for r in graded.results if r.check_id in targets)
