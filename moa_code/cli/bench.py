"""`moa-code bench run`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, sandbox_options, team_options
from moa_code.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from moa_code.bench import Attempt
    from moa_code.cli.running import Interrupts
    from moa_code.report.table import Row
    from moa_code.wiring.session import Session

SUITES = ("quixbugs",)


@click.group()
def bench() -> None:
    """Run and report benchmark suites."""


@bench.command()
@click.argument("suite")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Where the suite lies (or MOA_CODE_DATA).")
@click.option("--task", "names", multiple=True, metavar="NAME", help="Only these tasks; give it several times.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("bench-out"),
    show_default=True,
    metavar="DIR",
    help="Where attempts are kept; what is there is not run again.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show each run's own progress.")
@sandbox_options
@team_options
def run(suite: str, data: Path | None, names: tuple[str, ...], out: Path, verbose: bool, **flags: Any) -> int:
    """Attempt every task of SUITE and grade each once by its hidden checks.

    One JSON line a task goes to DIR/SUITE.jsonl; an interrupted run goes on where it stopped.
    """
    from moa_code.bench import run_suite, with_task_limits
    from moa_code.cli.output import emit, note
    from moa_code.cli.running import Output, in_session
    from moa_code.report.table import summarise, summary_table, task_table
    from moa_code.solve import check_ready
    from moa_code.suites import quixbugs

    if suite not in SUITES:
        raise ConfigError(f"no suite {suite!r}", remedy=f"one of {', '.join(SUITES)}")
    check_ready(config_of(flags), os.environ)
    tasks = quixbugs.select(quixbugs.load(quixbugs.data_folder(data, os.environ)), names)
    config = with_task_limits(config_of(flags), tasks)
    attempts: list[Attempt] = []
    lost: list[str] = []
    with Output(quiet=not verbose, events=None) as output, _bar(len(tasks), hidden=verbose) as bar:

        async def work(session: Session, interrupts: Interrupts) -> tuple[Attempt, ...]:
            return await run_suite(
                session,
                suite,
                tasks,
                out / f"{suite}.jsonl",
                listen=output.listen,
                on_attempt=lambda attempt: bar(attempt.task_id),
                on_start=interrupts.register,
                on_lost=lambda task_id, error: lost.append(f"{task_id}: {error}"),
            )

        attempts.extend(in_session(config, output.progress, work))
    rows = [_row(attempt) for attempt in attempts]
    emit(task_table(rows))
    emit("")
    emit(summary_table(summarise(rows)))
    if lost:
        for words in lost:
            note(f"not attempted, for our side broke: {words}")
        note(f"{len(attempts)} of {len(tasks)} tasks are attempted; the same command goes on from there")
        return ExitCode.ENVIRONMENT
    if len(attempts) < len(tasks):
        note(f"interrupted after {len(attempts)} of {len(tasks)} tasks; the same command goes on from there")
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def _row(attempt: Attempt) -> Row:
    from moa_code.report.table import Row

    return Row(
        task_id=attempt.task_id,
        visible_passed=attempt.visible_passed,
        held_out_passed=attempt.held_out_passed,
        candidates=attempt.candidates,
        seconds=attempt.seconds,
        note=attempt.note,
    )


class _bar:  # noqa: N801 - used like the context managers of contextlib
    """A progress bar on standard error: tasks done, time gone, time to come."""

    def __init__(self, total: int, *, hidden: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            Remaining(),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), disable=hidden)
        self._task = self._progress.add_task("bench", total=total)

    def __enter__(self) -> _bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, name: str) -> None:
        self._progress.update(self._task, advance=1, description=name)
