"""The JSON documents of the command line. Each carries `schema_version`; their JSON Schemas lie in `schemas/`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from moa_code.core.behaviour import Behaviour
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate
from moa_code.core.run import RunResult, Spent, Status, Step
from moa_code.core.verdict import CheckOutcome, CheckResult, Stage, Verdict
from moa_code.evidence.clusters import clusters, differences
from moa_code.evidence.reproduction import Reproduction
from moa_code.prompts.failure import counterexamples
from moa_code.report.diversity import Diversity

SCHEMA_VERSION = 3
SCHEMAS = Path(__file__).with_name("schemas")

Document = dict[str, object]


def verdict_document(task_id: str, verdict: Verdict, *, run_id: str | None = None) -> Document:
    """One verdict: the document of `moa-code verify --json`, and the `verdict` of a run's.

    `run_id` is the run that can be judged again with `moa-code verify --run`.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "task_id": task_id,
        "run_id": run_id,
        "outcome": verdict.outcome.value,
        "integrity": verdict.integrity.value,
        "level": int(verdict.level),
        "level_name": verdict.level.name.lower(),
        "detail": verdict.detail,
        "seed": verdict.seed,
        "checks": asdict(verdict.counts),
        "failing": [_result(r) for r in verdict.failing],
        "regressed": list(verdict.regressed),
        "properties": [
            {"check_id": r.check_id, "outcome": r.outcome.value, **asdict(r.examples)}
            for r in verdict.results
            if r.examples is not None
        ],
        "stages": [_stage(s) for s in verdict.stages],
        "patch_sha256": verdict.patch_sha256,
        "image_digest": verdict.box.image_digest,
        "backend": verdict.box.backend,
        "python": verdict.box.python,
        "enforced": dict(verdict.box.enforced),
        "missing": list(verdict.box.missing),
        "limits": asdict(verdict.limits),
        "duration_s": round(verdict.duration_s, 4),
    }


def run_document(command: str, run_id: str, task_id: str, result: RunResult, diff: str | None) -> Document:
    """One run: the document of `moa-code solve --json` and `fix --json`. `patch` is null unless it was verified."""
    verified = result.status is Status.VERIFIED and result.winner is not None
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "run_id": run_id,
        "task_id": task_id,
        "status": result.status.value,
        "reason": result.reason,
        "patch": diff if verified else None,
        "verdict": verdict_document(task_id, result.winner.verdict, run_id=run_id)
        if verified and result.winner
        else None,
        "baseline": None if result.baseline is None else _baseline(result.baseline),
        "steps": [_step(step) for step in result.steps],
        "candidates": {
            "screened": result.screened,
            "judged": [
                {
                    "candidate_id": j.candidate.candidate_id,
                    "author": j.candidate.origin.author,
                    "role": j.candidate.origin.role,
                    "round": j.candidate.origin.round,
                    "note": j.candidate.origin.note,
                    "outcome": j.verdict.outcome.value,
                    "checks": asdict(j.verdict.counts),
                    "patch_sha256": j.candidate.patch.sha256,
                }
                for j in result.judged
            ],
            "lost": [{"author": author, "reason": reason} for author, reason in result.lost],
        },
        "evidence": _evidence(result),
        "models": [_spent(spent) for spent in result.spent],
        "cost_usd": total_cost(result.spent),
        "lines_before": result.lines_before,
        "lines_after": result.lines_after,
        "duration_s": round(result.duration_s, 3),
    }


def reverification_document(
    row: Mapping[str, object], candidate_id: str, stored: Verdict, now: Verdict, found: Reproduction
) -> Document:
    """`moa-code verify --run --json`: a stored verdict, that of now, and how they differ."""
    run_id, task_id = str(row["run_id"]), str(row["task_id"])
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "command": row["command"],
        "task_id": task_id,
        "candidate_id": candidate_id,
        "answer": found.answer.value,
        "differences": [asdict(difference) for difference in found.checks],
        "environment": [
            {"name": difference.name, "stored": difference.stored, "now": difference.now}
            for difference in found.environment
        ],
        "stored": verdict_document(task_id, stored, run_id=run_id),
        "now": verdict_document(task_id, now),
    }


def runs_document(rows: Sequence[Mapping[str, object]]) -> Document:
    """`moa-code runs list --json`: the runs, newest first."""
    return {"schema_version": SCHEMA_VERSION, "runs": [dict(row) for row in rows]}


def log_document(
    row: Mapping[str, object],
    *,
    steps: Iterable[Mapping[str, object]],
    events: Iterable[Mapping[str, object]],
    calls: Iterable[Mapping[str, object]],
    candidates: Iterable[Candidate],
    verdicts: Iterable[Verdict],
    result: Mapping[str, object] | None,
) -> Document:
    """`moa-code runs show --json`: all the journal holds of one run, patches aside.

    `result` is the run's own document; of a run that broke, its `error` and `remedy`; null while it goes on.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        **row,
        "steps": [dict(step) for step in steps],
        "events": [dict(event) for event in events],
        "calls": [dict(call) for call in calls],
        "candidates": [
            {
                "candidate_id": c.candidate_id,
                "author": c.origin.author,
                "role": c.origin.role,
                "round": c.origin.round,
                "parents": list(c.origin.parents),
                "note": c.origin.note,
                "paths": list(c.patch.paths),
                "patch_sha256": c.patch.sha256,
            }
            for c in candidates
        ],
        "verdicts": [
            {
                "candidate_id": verdict.candidate_id,
                **verdict_document(str(row["task_id"]), verdict, run_id=str(row["run_id"])),
            }
            for verdict in verdicts
        ],
        "result": None if result is None else dict(result),
    }


def doctor_document(lines: Sequence[Mapping[str, object]], team: Sequence[str]) -> Document:
    """`moa-code doctor --json`: what was examined (`ok` null: can be done without), and why this team."""
    return {"schema_version": SCHEMA_VERSION, "machine": [dict(line) for line in lines], "team": list(team)}


def probe_document(report: Mapping[str, Any]) -> Document:
    """`moa-code doctor --probe --json`: what was tried on a box, and how each stands to the policy."""
    box = report["box"]
    return {
        "schema_version": SCHEMA_VERSION,
        "tight": report["tight"],
        "backend": box["backend"],
        "image_digest": box["image_digest"],
        "kernel": report["kernel"],
        "findings": [{**finding, "standing": str(finding["standing"])} for finding in report["findings"]],
        "enforced": dict(box["enforced"]),
        "missing": list(box["missing"]),
        "duration_s": round(report["duration_s"], 3),
    }


def config_document(settings: Iterable[tuple[str, object, str]]) -> Document:
    """`moa-code config show --json`: key, value, origin."""
    rows = [{"key": key, "value": value, "origin": origin} for key, value, origin in settings]
    return {"schema_version": SCHEMA_VERSION, "settings": rows}


def plan_document(plan: Mapping[str, object]) -> Document:
    """`moa-code plan --json`; dollars are null where a price is unknown, `messages` unless they were asked for."""
    return {"schema_version": SCHEMA_VERSION, **plan}


def team_document(source: str, found: Diversity, *, passes: int, graded: int | None) -> Document:
    """`moa-code team report --json`. Shares are of 1; an estimate is null where nothing was seen."""
    return {
        "schema_version": SCHEMA_VERSION,
        "source": source,
        "tasks": found.tasks,
        "passes": passes,
        "graded": graded,
        "worth_usd": found.worth_usd,
        "proposers": [{**asdict(one), "standing": one.standing.value} for one in found.proposers],
        "pairs": [asdict(pair) for pair in found.pairs],
        "unions": [asdict(union) for union in found.unions],
    }


def total_cost(spent: tuple[Spent, ...]) -> float | None:
    """Dollars of all models together; None as soon as one is unknown."""
    costs = [s.cost_usd for s in spent]
    return None if any(c is None for c in costs) else sum(c for c in costs if c is not None)


def schema(name: str) -> Mapping[str, object]:
    """The JSON Schema called `name`: verdict, reverification, run, runs, log, doctor, probe, config,
    plan or team.

    Raises `FileNotFoundError` for one that does not exist.
    """
    loaded: Mapping[str, object] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return loaded


def _result(result: CheckResult) -> Document:
    return {
        "check_id": result.check_id,
        "outcome": result.outcome.value,
        "detail": result.detail,
        "counterexamples": list(counterexamples(result.detail)),
    }


def _stage(stage: Stage) -> Document:
    return {
        "name": stage.name,
        "outcome": stage.outcome.value,
        "duration_s": round(stage.duration_s, 4),
        "findings": [asdict(finding) for finding in stage.findings],
        "detail": stage.detail,
    }


def _baseline(baseline: Baseline) -> Document:
    return {
        "checks": len(baseline.results),
        "passing": sum(r.outcome is CheckOutcome.PASSED for r in baseline.results),
        "failing": [r.check_id for r in baseline.failing],
        "flaky": list(baseline.flaky),
    }


def _evidence(result: RunResult) -> Document:
    """What speaks for the winner beside its verdict: none of it is part of the verdict."""
    behaviour = result.behaviour or Behaviour()
    parts = clusters(behaviour)
    return {
        "belief": None if result.belief is None else round(result.belief, 4),
        "strengths": [
            {"candidate_id": name, "killed": strength.killed, "tried": strength.tried}
            for name, strength in result.strengths.items()
        ],
        "differences": [
            {
                "call": one.call,
                "answers": [
                    {"candidate_ids": list(part.members), "text": answer.text}
                    for part, answer in zip(parts, one.answers, strict=True)
                ],
            }
            for one in differences(behaviour, parts)
        ],
        "rulings": [asdict(ruling) for ruling in result.rulings],
        "written_checks": [
            {"author": check.author, "name": check.name, "sentence": check.sentence} for check in result.written
        ],
        "unexercised": [{"path": path, "lines": list(lines)} for path, lines in result.unexercised.items()],
    }


def _step(step: Step) -> Document:
    return {"kind": type(step).__name__.lower(), "reason": step.reason}


def _spent(spent: Spent) -> Document:
    return asdict(spent)
