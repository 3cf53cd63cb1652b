"""The story of one foreign patch: read it, take the baseline, verify it, confirm it in a fresh box, write it down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.errors import MoaError
from moa_code.core.patch import Patch
from moa_code.core.run import Status
from moa_code.core.task import Task
from moa_code.core.tree import MemorySnapshot, Snapshot
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
from moa_code.edits.unified import DiffError, parse_applied, parse_diff
from moa_code.report.documents import verdict_document
from moa_code.wiring.records import machine_facts
from moa_code.wiring.session import Session

FAILED = "failed"  # the journal's status of a run that we could not carry through


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A verdict, and the run of the journal that holds it."""

    run_id: str
    verdict: Verdict
    document: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A patch and the task it is to be judged on. `taken_out`: the tree had it already, and `task` is without it."""

    task: Task
    patch: Patch
    taken_out: bool = False


def read_patch(data: bytes, task: Task) -> Given:
    """The patch in a unified diff, for the tree or in it already, as `git diff` prints what an agent has just changed.

    Raises `DiffError` for one that is no diff or does not apply exactly.
    """
    try:
        return Given(task=task, patch=parse_diff(data, tree=task.tree))
    except DiffError as error:
        try:
            patch = parse_applied(data, tree=task.tree)
        except DiffError:
            raise error from None
    return Given(task=replace(task, tree=_without(task.tree, patch)), patch=patch, taken_out=True)


def _without(tree: Snapshot, patch: Patch) -> Snapshot:
    """`tree` as it was before `patch`."""
    files = {path: tree.read(path) for path in tree.paths()}
    for change in patch.changes:
        if change.before is None:
            del files[change.path]
        else:
            files[change.path] = change.before
    return MemorySnapshot(
        files=files, executables=frozenset(path for path in tree.paths() if path in files and tree.executable(path))
    )


async def check_patch(session: Session, task: Task, patch: Patch, *, directory: str = "") -> Checked:
    """`verify_patch` as a run of the journal, so that `verify --run` and `apply` find it again.

    Raises what `verify_patch` raises; the run then stands in the journal as failed, with the reason.
    """
    journal = session.journal
    run_id = journal.start_run(
        kind="verify",
        task_id=task.task_id,
        directory=directory,
        settings=machine_facts(session.config, session.sandbox),
    )
    try:
        journal.add_task(run_id, task)
        candidate = foreign(patch)
        journal.add_candidate(run_id, candidate)
        verdict = await verify_patch(session, task, patch)
        journal.add_verdict(run_id, verdict)
    except MoaError as error:
        journal.finish_run(run_id, FAILED, {"error": error.message, "remedy": error.remedy})
        raise
    except (asyncio.CancelledError, KeyboardInterrupt):
        journal.finish_run(run_id, Status.INTERRUPTED.value, {})
        raise
    except BaseException as error:
        journal.finish_run(run_id, FAILED, {"error": f"{type(error).__name__}: {error}", "remedy": ""})
        raise
    document = verdict_document(task.task_id, verdict, run_id=run_id)
    if verdict.outcome is Outcome.INCONCLUSIVE:
        journal.finish_run(run_id, FAILED, {"error": verdict.detail, "remedy": "moa-code doctor"})
    else:
        status = Status.VERIFIED if verdict.passed else Status.UNVERIFIED
        journal.finish_run(run_id, status.value, document, winner=candidate.candidate_id)
    return Checked(run_id=run_id, verdict=verdict, document=document)


async def verify_patch(session: Session, task: Task, patch: Patch) -> Verdict:
    """The verdict on `patch`: rejected by policy before anything runs, else verified, and confirmed when it passes.

    Raises `BaselineFault`, `SandboxUnavailable`.
    """
    candidate = foreign(patch)
    refused = refusal(session, task, candidate)
    if refused is not None:
        return refused
    baseline: Baseline = (await session.verifier.baseline(task)).baseline
    verdict = await session.verifier.verify(task, baseline, candidate)
    if verdict.passed:
        verdict = await session.verifier.confirm(task, baseline, candidate)
    return verdict


def foreign(patch: Patch) -> Candidate:
    """The candidate of a patch that somebody brought."""
    return Candidate(
        candidate_id=CandidateId("p1"), patch=patch, origin=Origin(author="user", role="user", note="given")
    )


def refusal(session: Session, task: Task, candidate: Candidate) -> Verdict | None:
    """The verdict on what may not be touched, None where policy has nothing against it. It needs no baseline: such a
    patch is refused even where the checks cannot run.
    """
    found = violations(candidate.patch, tree=task.tree, rules=task.rules)
    if not found:
        return None
    findings = tuple(Finding(tool="policy", code=v.rule, path=v.path, line=0, message=v.message) for v in found)
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
