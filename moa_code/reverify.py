"""The story of a verdict that is asked again: a stored run's candidate, on its stored task, with its seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from moa_code.config import Config
from moa_code.core.candidate import Candidate
from moa_code.core.errors import TaskError
from moa_code.core.task import Task
from moa_code.core.verdict import Outcome, Verdict
from moa_code.evidence.reproduction import Reproduction, reproduction
from moa_code.journal.store import Journal, RunRow
from moa_code.repo.working_tree import snapshot
from moa_code.verify_patch import refusal
from moa_code.wiring.records import FACTS, machine_facts
from moa_code.wiring.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A judged candidate of an earlier run, with all that its verdict depends on."""

    row: RunRow
    task: Task
    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Rechecked:
    """The verdict of now, and how it stands to the stored one."""

    stored: Stored
    verdict: Verdict
    reproduction: Reproduction


def stored_run(journal: Journal, run: str, candidate_id: str = "", repository: Path | None = None) -> Stored:
    """The candidate of a run that is to be judged again: the one named, else the run's own, else its best.

    `repository` stands in for a tree that was too large to be kept. Raises `TaskError` with what is missing.
    """
    row = journal.run(run)
    kept = journal.task(row.run_id)
    if kept is None:
        raise TaskError(
            f"run {row.run_id} was made by a version of moa-code that did not keep its task",
            remedy=f"moa-code runs diff {row.run_id} | moa-code verify --repo DIR --patch -",
        )
    if kept.whole:
        task = kept.task
    elif repository is not None:
        task = kept.on(snapshot(repository))
    else:
        raise TaskError(
            f"the tree of run {row.run_id} was too large to be kept in the journal",
            remedy=f"moa-code verify --run {row.run_id} --repo {row.directory or 'DIR'}",
        )
    verdict = _verdict(journal, row, candidate_id)
    return Stored(row=row, task=task, candidate=journal.candidate(row.run_id, verdict.candidate_id), verdict=verdict)


def settings_of(stored: Stored, config: Config) -> Config:
    """This machine's settings with those of the run that a verdict depends on."""
    lint = stored.row.settings.get("lint")
    verify = replace(config.verify, lint=lint) if isinstance(lint, bool) else config.verify
    return replace(config, limits=stored.task.limits, verify=verify)


async def recheck(session: Session, stored: Stored) -> Rechecked:
    """The stored candidate judged again, in a fresh box and with the stored seed.

    Raises `BaselineFault`, `SandboxUnavailable`.
    """
    task, candidate = stored.task, stored.candidate
    verdict = refusal(session, task, candidate)
    if verdict is None:
        baseline = (await session.verifier.baseline(task)).baseline
        verdict = await session.verifier.confirm(task, baseline, candidate, seed=stored.verdict.seed)
    here = machine_facts(session.config, session.sandbox)
    facts = tuple(
        {name: str(machine[name]) for name in FACTS if machine.get(name) is not None}
        for machine in (stored.row.settings, here)
    )
    return Rechecked(
        stored=stored,
        verdict=verdict,
        reproduction=reproduction(stored.verdict, verdict, facts=(facts[0], facts[1])),
    )


def _verdict(journal: Journal, row: RunRow, candidate_id: str) -> Verdict:
    """The last word on the candidate that is asked for. Raises `TaskError` when there is none to be compared with."""
    last = {verdict.candidate_id: verdict for verdict in journal.verdicts(row.run_id)}
    show = f"moa-code runs show {row.run_id}"
    if not last:
        raise TaskError(f"run {row.run_id} ({row.status}) judged no candidate, so there is no verdict", remedy=show)
    wanted = candidate_id or row.winner or ""
    if wanted and wanted not in last:
        raise TaskError(f"run {row.run_id} has no verdict on a candidate {wanted}", remedy=show)
    known = [verdict for verdict in last.values() if verdict.outcome is not Outcome.INCONCLUSIVE]
    if wanted:
        chosen = last[wanted]
    elif known:
        chosen = max(known, key=lambda verdict: (verdict.counts.passed, verdict.counts.run))
    else:
        chosen = next(iter(last.values()))
    if chosen.outcome is Outcome.INCONCLUSIVE:
        raise TaskError(
            f"the verdict on {chosen.candidate_id} of run {row.run_id} was inconclusive ({chosen.detail}):"
            " there is nothing to compare with",
            remedy=show,
        )
    return chosen
