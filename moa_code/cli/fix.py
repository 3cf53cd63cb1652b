"""`moa-code fix`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, output_options, sandbox_options, team_options

if TYPE_CHECKING:
    from moa_code.cli.running import Interrupts
    from moa_code.config import Config
    from moa_code.core.task import Task
    from moa_code.solve import Solved
    from moa_code.wiring.session import Session


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@click.option("--test", default="", metavar="WHAT", help="The checks: files, folders, ids, or a command.")
@sandbox_options
@team_options
@output_options
def fix(directory: Path, test: str, as_json: bool, events: Path | None, quiet: bool, **flags: Any) -> int:
    """Make the failing checks of the repository at DIRECTORY pass.

    The verified patch is printed; the working tree stays as it is until `moa-code apply`.
    """
    from moa_code.fix import task_of_repository, written_by_us
    from moa_code.solve import check_ready

    config = config_of(flags, repository=directory)
    check_ready(config, os.environ)
    task = task_of_repository(directory, config, test=test, leave_out=written_by_us(config, events))
    home = str(directory.resolve())
    return carry_out(config, task, "fix", home, as_json=as_json, events=events, quiet=quiet)


def carry_out(
    config: Config,
    task: Task,
    command: str,
    directory: str,
    *,
    as_json: bool,
    events: Path | None,
    quiet: bool,
    apply_words: str = "",
) -> int:
    """Solve `task` and print what came of it; returns the exit code. What `fix`, `solve` and `demo` share."""
    from moa_code.cli.running import Output, in_session, print_solved
    from moa_code.solve import solve

    with Output(quiet=quiet, events=events) as output:

        async def work(session: Session, interrupts: Interrupts) -> Solved:
            return await solve(
                session,
                task,
                command=command,
                listen=output.listen,
                directory=directory,
                on_start=interrupts.register,
            )

        solved = in_session(config, output.progress, work)
    return print_solved(solved, as_json=as_json, quiet=quiet, apply_words=apply_words)
