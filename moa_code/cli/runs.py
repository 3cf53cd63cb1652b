"""`moa-code runs list | show | diff`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import click

from moa_code.cli.options import config_of
from moa_code.core.errors import TaskError
from moa_code.core.verdict import CheckOutcome
from moa_code.journal.store import Journal, RunRow
from moa_code.report.documents import verdict_document


@click.group()
def runs() -> None:
    """Look at earlier runs."""


@runs.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_runs(limit: int, as_json: bool) -> None:
    """The latest runs, newest first."""
    with _journal() as journal:
        journal.orphans()  # runs whose process has died are called interrupted from now on
        rows = journal.runs(limit)
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "runs": [_row(row) for row in rows]}, indent=2))
        return
    if not rows:
        click.echo("no run yet (moa-code demo)", err=True)
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.started_at))
        took = "" if row.finished_at is None else f"{row.finished_at - row.started_at:.1f} s"
        click.echo(f"{row.run_id}  {when}  {row.kind:<6} {row.status:<14} {took:>9}  {row.task_id}")


@runs.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(run: str, as_json: bool) -> None:
    """What RUN (an id, its start, or `last`) did, step by step, and why."""
    with _journal() as journal:
        row = journal.run(run)
        steps, events = journal.steps(row.run_id), journal.events(row.run_id)
        calls, candidates = journal.calls(row.run_id), journal.candidates(row.run_id)
        verdicts = {v.candidate_id: v for v in journal.verdicts(row.run_id)}
    if as_json:
        document = {
            "schema_version": 1,
            **_row(row),
            "steps": [dict(step) for step in steps],
            "events": [dict(event) for event in events],
            "calls": [dict(call) for call in calls],
            "verdicts": [verdict_document(row.task_id, verdict) for verdict in verdicts.values()],
            "result": row.result,
        }
        click.echo(json.dumps(document, indent=2, default=str))
        return
    click.echo(f"{row.run_id}  {row.kind}  {row.status}  {row.task_id}  {row.directory}")
    for step in steps:
        click.echo(f"  {step['kind']:<10} {step['reason']}")
    for call in calls:
        click.echo(f"  call       {call['model']} {call['role']}: {_call_words(call)}")
    for candidate in candidates:
        verdict = verdicts.get(candidate.candidate_id)
        judged = (
            "not judged" if verdict is None else f"{verdict.outcome} {verdict.counts.passed}/{verdict.counts.expected}"
        )
        mark = "*" if candidate.candidate_id == row.winner else " "
        click.echo(
            f" {mark}{candidate.candidate_id:<6} {candidate.origin.author:<16} {judged}  {candidate.origin.note}"
        )
        if verdict is not None and mark == "*":
            bad = [r for r in verdict.results if r.outcome not in (CheckOutcome.PASSED, CheckOutcome.MISSING)]
            for result in bad[:5]:
                click.echo(f"          {result.check_id}: {result.outcome}")
    if row.result and row.result.get("error"):
        click.echo(f"  failed     {row.result['error']}")


@runs.command()
@click.argument("run")
def diff(run: str) -> None:
    """The patch of RUN as a unified diff: the verified one, else the best attempt."""
    from moa_code.edits.unified import render_diff

    with _journal() as journal:
        row = journal.run(run)
        if row.winner is None:
            raise TaskError(
                f"run {row.run_id} is {row.status} and kept no patch", remedy=f"moa-code runs show {row.run_id}"
            )
        patch = journal.patch_of(row.run_id)
    if row.status != "verified":
        click.echo(f"run {row.run_id} is {row.status}: this is its best attempt, not a verified patch", err=True)
    click.echo(render_diff(patch), nl=False)


def _journal() -> Journal:
    return Journal.open(config_of({}).journal)


def _row(row: RunRow) -> dict[str, object]:
    return {
        "run_id": row.run_id,
        "command": row.kind,
        "task_id": row.task_id,
        "directory": row.directory,
        "status": row.status,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "winner": row.winner,
    }


def _call_words(call: Mapping[str, object]) -> str:
    if call["error"]:
        return str(call["error"])
    cost = "cost unknown" if call["cost_usd"] is None else f"${call['cost_usd']}"
    return f"{call['prompt_tokens']} + {call['completion_tokens']} tokens, {cost}"
