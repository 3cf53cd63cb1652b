"""`moa-code bench run`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, sandbox_options, team_options
from moa_code.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from moa_code.bench import Attempt
    from moa_code.cli.running import Interrupts
    from moa_code.config import Config
    from moa_code.report.table import Row
    from moa_code.suites.loaded import LoadedTask
    from moa_code.wiring.session import Session

SUITES = ("quixbugs", "humaneval", "humaneval+")


@click.group()
def bench() -> None:
    """Run and report benchmark suites."""


@bench.command()
@click.argument("suite")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Where the suite lies (or MOA_CODE_DATA).")
@click.option("--task", "names", multiple=True, metavar="NAME", help="Only these tasks; give it several times.")
@click.option("--arms", type=click.Path(path_type=Path), metavar="FILE", help="Arms to compare: docs/arms.md.")
@click.option("--arm", "chosen", multiple=True, metavar="NAME", help="Only these arms; give it several times.")
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
def run(
    suite: str,
    data: Path | None,
    names: tuple[str, ...],
    arms: Path | None,
    chosen: tuple[str, ...],
    out: Path,
    verbose: bool,
    **flags: Any,
) -> int:
    """Attempt every task of SUITE (quixbugs, humaneval, humaneval+) and grade each once by its hidden checks.

    One JSON line a task goes to DIR/SUITE.jsonl; an interrupted run goes on where it stopped.
    """
    from moa_code.bench import run_suite, with_task_limits
    from moa_code.cli.output import emit, note
    from moa_code.cli.running import Output, in_session
    from moa_code.report.table import summarise, summary_table, task_table
    from moa_code.solve import check_ready

    if suite not in SUITES:
        raise ConfigError(f"no suite {suite!r}", remedy=f"one of {', '.join(SUITES)}")
    ways = _ways(arms, chosen, flags)
    for way in ways:
        check_ready(way.config, os.environ)
    tasks = _tasks(suite, data, names)
    config = with_task_limits(ways[0].config, tasks)
    attempts: list[Attempt] = []
    lost: list[str] = []
    total = len(ways) * len(tasks)
    with Output(quiet=not verbose, events=None) as output, _bar(total, hidden=verbose) as bar:

        async def work(session: Session, interrupts: Interrupts) -> None:
            for way in ways:
                found = await run_suite(
                    replace(session, config=replace(way.config, limits=config.limits)),
                    suite,
                    tasks,
                    out / f"{suite}.jsonl",
                    listen=output.listen,
                    on_attempt=lambda attempt: bar(f"{attempt.arm} {attempt.task_id}".strip()),
                    on_start=interrupts.register,
                    on_lost=lambda task_id, error: lost.append(f"{task_id}: {error}"),
                    arm=way.arm,
                    grade_all=arms is not None,
                )
                attempts.extend(found)
                if len(found) < len(tasks):  # interrupted, or the engine is gone
                    return

        in_session(config, output.progress, work)
    if arms is None:
        rows = [_row(attempt) for attempt in attempts]
        emit(task_table(rows))
        emit("")
        emit(summary_table(summarise(rows)))
    else:
        emit(_arms_table(attempts))
    if lost:
        for words in lost:
            note(f"not attempted, for our side broke: {words}")
        note(f"{len(attempts)} of {total} attempts are made; the same command goes on from there")
        return ExitCode.ENVIRONMENT
    if len(attempts) < total:
        note(f"interrupted after {len(attempts)} of {total} attempts; the same command goes on from there")
        return ExitCode.INTERRUPTED
    return ExitCode.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One configuration to run the suite with."""

    arm: str
    config: Config


def _ways(arms: Path | None, chosen: tuple[str, ...], flags: dict[str, Any]) -> list[_Way]:
    """A configuration for each arm and seed, and one alone where no arms are named."""
    from moa_code.config.arms import choose, load_arms

    if arms is None:
        if chosen:
            raise ConfigError(f"--arm {chosen[0]} names an arm of no file", remedy="name the file too: --arms FILE")
        return [_Way(arm="", config=config_of(flags))]
    return [
        _Way(arm=arm.name, config=config_of(flags, more={**arm.settings, "seed": seed}))
        for arm in choose(load_arms(arms), chosen)
        for seed in arm.seeds
    ]


def _tasks(suite: str, data: Path | None, names: tuple[str, ...]) -> tuple[LoadedTask, ...]:
    from moa_code.provision.places import cache_dir
    from moa_code.suites import humaneval, quixbugs

    if suite == "quixbugs":
        return quixbugs.select(quixbugs.load(quixbugs.data_folder(data, os.environ)), names)
    plus = cache_dir(os.environ) / "suites" if suite == "humaneval+" else None
    return humaneval.select(humaneval.load(humaneval.data_folder(data, os.environ), plus_cache=plus), names)


def _arms_table(attempts: list[Attempt]) -> str:
    from moa_code.report.arms import ArmResult, arms_table

    return arms_table(
        [
            ArmResult(
                arm=attempt.arm,
                verified=attempt.visible_passed,
                right=attempt.held_out_passed,
                stricter=attempt.stricter_passed,
                any_right=attempt.any_passed,
                calls=attempt.calls,
                tokens=attempt.tokens,
                cost_usd=attempt.cost_usd,
                seconds=attempt.seconds,
                belief=attempt.belief,
            )
            for attempt in attempts
        ]
    )


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
