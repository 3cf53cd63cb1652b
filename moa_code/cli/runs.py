"""`moa-code runs list | show | diff | gc`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from moa_code.cli.options import config_of
from moa_code.cli.output import emit, note
from moa_code.core.errors import TaskError

if TYPE_CHECKING:
    from moa_code.journal.store import Journal, RunRow


@click.group()
def runs() -> None:
    """Look at earlier runs."""


@runs.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_runs(limit: int, as_json: bool) -> None:
    """The latest runs, newest first."""
    from moa_code.report.documents import runs_document

    with _journal() as journal:
        rows = journal.runs(limit)
    if as_json:
        emit(json.dumps(runs_document([_row(row) for row in rows]), indent=2))
        return
    if not rows:
        note("no run yet (moa-code demo)")
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.started_at))
        took = "" if row.finished_at is None else f"{row.finished_at - row.started_at:.1f} s"
        emit(f"{row.run_id}  {when}  {row.kind:<6} {row.status:<14} {took:>9}  {row.task_id}")


@runs.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(run: str, as_json: bool) -> None:
    """What RUN (an id, its start, or `last`) did, step by step, and why."""
    from moa_code.core.verdict import CheckOutcome
    from moa_code.report.documents import log_document

    with _journal() as journal:
        row = journal.run(run)
        steps, events = journal.steps(row.run_id), journal.events(row.run_id)
        calls, candidates = journal.calls(row.run_id), journal.candidates(row.run_id)
        verdicts = {v.candidate_id: v for v in journal.verdicts(row.run_id)}
    if as_json:
        document = log_document(
            _row(row),
            steps=steps,
            events=events,
            calls=calls,
            candidates=candidates,
            verdicts=tuple(verdicts.values()),
            result=row.result,
        )
        emit(json.dumps(document, indent=2))
        return
    emit(f"{row.run_id}  {row.kind}  {row.status}  {row.task_id}  {row.directory}".rstrip())
    if not steps and row.result and row.result.get("reason"):
        emit(f"  {row.result['reason']}")
    told = [(step["at"], str(step["kind"]), str(step["reason"])) for step in steps]
    told += [(event["at"], str(event["kind"]), words) for event in events if (words := _event_words(event))]
    for _, kind, words in sorted(told, key=lambda one: float(str(one[0]))):
        emit(f"  {kind:<11} {words}")
    for call in calls:
        emit(f"  call        {call['model']} {call['role']}: {_call_words(call)}")
    for candidate in candidates:
        verdict = verdicts.get(candidate.candidate_id)
        judged = (
            "not judged" if verdict is None else f"{verdict.outcome} {verdict.counts.passed}/{verdict.counts.expected}"
        )
        mark = "*" if candidate.candidate_id == row.winner else " "
        emit(f" {mark}{candidate.candidate_id:<6} {candidate.origin.author:<16} {judged}  {candidate.origin.note}")
        if verdict is not None and mark == "*":
            bad = [r for r in verdict.results if r.outcome not in (CheckOutcome.PASSED, CheckOutcome.MISSING)]
            for result in bad[:5]:
                emit(f"          {result.check_id}: {result.outcome}")
    if row.result and row.result.get("error"):
        emit(f"  failed     {row.result['error']}")
        if row.result.get("remedy"):
            emit(f"  try        {row.result['remedy']}")


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
        note(f"run {row.run_id} is {row.status}: this is its best attempt, not a verified patch")
    emit(render_diff(patch), newline=False)


@runs.command()
@click.option("--keep", default=200, show_default=True, type=click.IntRange(0), help="How many of the latest runs.")
def gc(keep: int) -> None:
    """Forget all but the latest runs, to free disk space. A run that is still going on is kept."""
    with _journal() as journal:
        emit(f"forgotten: {journal.forget(keep=keep)} runs")


def _journal() -> Journal:
    """The journal, in which runs whose process has died are called interrupted from now on."""
    from moa_code.journal.store import Journal

    journal = Journal.open(config_of({}).journal)
    try:
        journal.orphans()
    except BaseException:
        journal.close()
        raise
    return journal


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


def _event_words(event: Mapping[str, object]) -> str:
    """What happened, in a line; nothing for what candidates and calls show below."""
    detail = event["detail"]
    assert isinstance(detail, Mapping)
    match event["kind"]:
        case "lost":
            return f"{detail['author']}: {detail['reason']}"
        case "agrees":
            return f"{detail['author']} wrote {detail['candidate_id']} once more"
        case "compared":
            asked = f"{len(detail['candidates'])} candidates on {detail['calls']} fresh inputs"
            unsure = f"{len(detail['clusters'])} behaviours, {detail['entropy_bits']:.2f} bits"
            return str(detail["note"] or f"{asked}: {unsure}")
        case "strength":
            return f"{detail['candidate_id']}: the checks notice {detail['killed']} of {detail['tried']} small mistakes"
        case "ruled":
            return f"{detail['author']}: {detail['chosen'] or 'none of them'}: {detail['reason']}"
        case "check":
            return f"{detail['author']} wrote {detail['name']}: {detail['sentence']}"
        case "screened":
            return f"{detail['author']}: {detail['screened']} candidates"
        case _:
            return ""


def _call_words(call: Mapping[str, object]) -> str:
    if call["error"]:
        return str(call["error"])
    cost = "cost unknown" if call["cost_usd"] is None else f"${call['cost_usd']}"
    return f"{call['prompt_tokens']} + {call['completion_tokens']} tokens, {cost}"
