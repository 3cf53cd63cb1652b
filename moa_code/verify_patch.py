"""The story of one foreign patch: read it, take the baseline, verify it, confirm it in a fresh box."""

from __future__ import annotations

from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import Patch
from moa_code.core.task import Task
from moa_code.core.verdict import (
    Counts,
    Finding,
    Integrity,
    Level,
    Outcome,
    Stage,
    StageOutcome,
    Verdict,
)
from moa_code.edits.policy import violations
from moa_code.edits.unified import parse_diff
from moa_code.wiring.session import Session


def read_patch(data: bytes, task: Task) -> Patch:
    """The patch in a unified diff. Raises `DiffError` for one that is no diff or does not apply exactly."""
    return parse_diff(data, tree=task.tree)


async def verify_patch(session: Session, task: Task, patch: Patch) -> Verdict:
    """The verdict on `patch`: rejected by policy before anything runs, else verified, and confirmed when it passes.

    Raises `BaselineFault`, `SandboxUnavailable`.
    """
    candidate = Candidate(
        candidate_id=CandidateId("p1"), patch=patch, origin=Origin(author="user", role="user", note="given")
    )
    found = violations(patch, tree=task.tree, rules=task.rules)
    if found:
        findings = tuple(Finding(tool="policy", code=v.rule, path=v.path, line=0, message=v.message) for v in found)
        return _rejected(session, task, candidate, findings)
    baseline: Baseline = (await session.verifier.baseline(task)).baseline
    verdict = await session.verifier.verify(task, baseline, candidate)
    if verdict.passed:
        verdict = await session.verifier.confirm(task, baseline, candidate)
    return verdict


def _rejected(session: Session, task: Task, candidate: Candidate, findings: tuple[Finding, ...]) -> Verdict:
    """Policy needs no baseline: what may not be touched is refused even where the checks cannot run."""
    detail = f"{findings[0].path}: {findings[0].message}"
    return Verdict(
        candidate_id=candidate.candidate_id,
        patch_sha256=candidate.patch.sha256,
        outcome=Outcome.REJECTED,
        integrity=Integrity.NONE,
        level=Level.NONE,
        counts=Counts(expected=len(task.checks.expected)),
        stages=(Stage(name="policy", outcome=StageOutcome.FAILED, findings=findings, detail=detail),),
        box=session.sandbox.info,
        limits=task.limits,
        detail=detail,
    )
