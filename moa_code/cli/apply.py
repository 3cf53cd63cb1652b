"""`moa-code apply` and `moa-code undo`."""

from __future__ import annotations

from pathlib import Path

import click

from moa_code.cli.options import config_of
from moa_code.core.errors import TaskError
from moa_code.core.run import Status
from moa_code.journal.store import Journal, RunRow
from moa_code.repo.apply import apply_patch, undo_patch


@click.command()
@click.argument("run")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Another folder than the run's own.")
def apply(run: str, into: Path | None) -> None:
    """Put the verified patch of RUN (an id, its start, or `last`) into the working tree."""
    config = config_of({})
    with Journal.open(config.journal) as journal:
        row = journal.run(run)
        if row.status != Status.VERIFIED.value:
            raise TaskError(
                f"run {row.run_id} is {row.status}: it has no verified patch to apply",
                remedy=f"moa-code runs show {row.run_id}",
            )
        patch = journal.patch_of(row.run_id)
    done = apply_patch(_directory(row, into), patch, record_path=_record(config.journal, row))
    click.echo("already applied" if done.already else f"applied {row.run_id}: {', '.join(done.paths)}")
    click.echo(f"take it out again with: moa-code undo {row.run_id}", err=True)


@click.command()
@click.argument("run")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Another folder than the run's own.")
def undo(run: str, into: Path | None) -> None:
    """Take the applied patch of RUN out of the working tree again."""
    config = config_of({})
    with Journal.open(config.journal) as journal:
        row = journal.run(run)
    done = undo_patch(_directory(row, into), _record(config.journal, row))
    click.echo("already undone" if done.already else f"undone {row.run_id}: {', '.join(done.paths)}")


def _directory(row: RunRow, into: Path | None) -> Path:
    directory = into or Path(row.directory)
    if not row.directory and into is None:
        raise TaskError(f"run {row.run_id} belongs to no folder", remedy=f"moa-code apply {row.run_id} --into DIR")
    if not directory.is_dir():
        raise TaskError(f"{directory} is gone", remedy=f"moa-code apply {row.run_id} --into DIR")
    return directory


def _record(journal: Path, row: RunRow) -> Path:
    return journal.parent / "applied" / f"{row.run_id}.json"
