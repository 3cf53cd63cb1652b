"""`moa-code fix`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from moa_code.cli.options import config_of, output_options, sandbox_options, team_options
from moa_code.cli.running import Interrupts, Output, print_solved, run_interruptible
from moa_code.fix import task_of_repository
from moa_code.solve import Solved, solve
from moa_code.wiring.session import open_session


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
    config = config_of(flags, repository=directory)
    task = task_of_repository(directory, config, test=test)
    with Output(quiet=quiet, events=events) as output:

        async def work(interrupts: Interrupts) -> Solved:
            async with open_session(config, os.environ, output.progress) as session:
                return await solve(
                    session,
                    task,
                    command="fix",
                    listen=output.listen,
                    directory=str(directory.resolve()),
                    on_start=interrupts.register,
                )

        solved = run_interruptible(work)
    return print_solved(solved, as_json=as_json, quiet=quiet)
