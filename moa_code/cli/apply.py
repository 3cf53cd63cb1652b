"""`moa-code apply` and `moa-code undo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from moa_code.cli.options import config_of
from moa_code.cli.output import emit, note
from moa_code.core.errors import TaskError

if TYPE_CHECKING:
    from moa_code.journal.store import Journal, RunRow

LOOK_BACK = 1_000  # runs among which `undo last` looks for an applied one


@click.command()
@click.argument("run")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Another folder than the run's own.")
def apply(run: str, into: Path | None) -> None:
    """Put the verified patch of RUN (an id, its start, or `last`) into the working tree."""
    from moa_code.core.run import Status
    from moa_code.journal.store import Journal
    from moa_code.repo.apply import apply_patch

    config = config_of({})
    with Journal.open(config.journal) as journal:
        row = journal.run(run)
        if row.status != Status.VERIFIED.value:
            proven = next((r for r in journal.runs(LOOK_BACK) if r.status == Status.VERIFIED.value), None)
            raise TaskError(
                f"run {row.run_id} is {row.status}: it has no verified patch to apply",
                remedy=f"moa-code runs show {row.run_id}"
                + (f"; the latest verified run: moa-code apply {proven.run_id}" if proven else ""),
            )
        patch = journal.patch_of(row.run_id)
    done = apply_patch(_directory(row, into), patch, record_path=_record(config.journal, row))
    emit(f"already applied: {', '.join(done.paths)}" if done.already else f"applied: {', '.join(done.paths)}")
    note(f"take it out again with: moa-code undo {row.run_id}" + (f" --into {into}" if into else ""))


@click.command()
@click.argument("run")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Another folder than the run's own.")
def undo(run: str, into: Path | None) -> None:
    """Take the applied patch of RUN out of the working tree again; `last` is the latest that was applied."""
    from moa_code.journal.store import Journal
    from moa_code.repo.apply import undo_patch

    config = config_of({})
    with Journal.open(config.journal) as journal:
        row = _last_applied(journal, config.journal) if run == "last" else journal.run(run)
    record = _record(config.journal, row)
    if not record.exists():
        raise TaskError(
            f"nothing to undo: run {row.run_id} ({row.status}) was never applied", remedy="moa-code runs list"
        )
    done = undo_patch(_directory(row, into), record)
    emit(f"already undone: {', '.join(done.paths)}" if done.already else f"undone: {', '.join(done.paths)}")


def _last_applied(journal: Journal, path: Path) -> RunRow:
    """The latest run whose patch was applied, else the latest run. Raises `TaskError` without any run."""
    applied = (row for row in journal.runs(LOOK_BACK) if _record(path, row).exists())
    return next(applied, None) or journal.run("last")


def _directory(row: RunRow, into: Path | None) -> Path:
    directory = into or Path(row.directory)
    if not row.directory and into is None:
        raise TaskError(
            f"run {row.run_id} belongs to no folder ({row.task_id} was a copy)",
            remedy=f"moa-code apply {row.run_id} --into DIR",
        )
    if not directory.is_dir():
        raise TaskError(f"{directory} is not there (any more)", remedy=f"moa-code apply {row.run_id} --into DIR")
    return directory


def _record(journal: Path, row: RunRow) -> Path:
    return journal.parent / "applied" / f"{row.run_id}.json"
