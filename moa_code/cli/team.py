"""`moa-code team report`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from moa_code.cli.options import config_of
from moa_code.cli.output import emit
from moa_code.core.errors import TaskError


@click.group()
def team() -> None:
    """Measure how proposers complement each other."""


@team.command()
@click.option(
    "--from",
    "source",
    default="journal",
    show_default=True,
    metavar="journal|FILE",
    help="Where trials are taken from; FILE is JSONL: task_id, author, passed_visible, right, cost_usd, tokens.",
)
@click.option(
    "--worth",
    type=click.FloatRange(0, min_open=True),
    metavar="USD",
    help="What one more solved task is worth, held against a proposer's cost (default: what one run may cost).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def report(source: str, worth: float | None, as_json: bool) -> None:
    """Say which proposer earns its place and which to drop, whose errors are alike, and what any k of them solve.

    A proposer is kept when what it adds to those before it is certainly more than it costs, dropped when that is
    certainly less than one task in forty; otherwise the tasks do not tell.
    """
    from moa_code.report.documents import team_document
    from moa_code.report.team_table import counted, team_text
    from moa_code.team import report_on_file, report_on_journal

    config = config_of({})
    worth_usd = worth if worth is not None else config.budget.usd or None
    if source == "journal":
        made = report_on_journal(config.journal, worth_usd=worth_usd, seed=config.seed)
    else:
        made = report_on_file(Path(source), worth_usd=worth_usd, seed=config.seed)
    if as_json:
        emit(json.dumps(team_document(made.source, made.found, passes=made.passes, graded=made.graded), indent=2))
        return
    found = made.found
    if not found.proposers:
        raise TaskError(f"{made.source} holds no trial of a proposer yet", remedy="moa-code bench run quixbugs")
    who, what = counted(len(found.proposers), "proposer"), counted(found.tasks, "task")
    emit(f"{who} on {what} of {made.source}; intervals are 95 %, by task\n")
    emit(team_text(found, made.notes))
