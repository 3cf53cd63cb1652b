"""`moa-code solve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from moa_code.assets import tasks_dir
from moa_code.cli.options import config_of, output_options, sandbox_options, team_options
from moa_code.cli.running import Interrupts, Output, print_solved, run_interruptible
from moa_code.config import Config
from moa_code.core.errors import ConfigError, TaskError
from moa_code.core.task import Mode, Task
from moa_code.fix import task_of_repository
from moa_code.solve import Solved
from moa_code.solve import solve as solve_task
from moa_code.suites.task_folder import find_task, load_task
from moa_code.wiring.session import open_session


@click.command()
@click.argument("task", required=False)
@click.option("--repo", type=click.Path(path_type=Path), metavar="DIR", help="Work in this repository instead.")
@click.option("--issue", metavar="FILE", help="What to do in the repository, in words; - reads standard input.")
@click.option("--test", default="", metavar="WHAT", help="The repository's checks: files, folders, ids, or a command.")
@sandbox_options
@team_options
@output_options
def solve(
    task: str | None,
    repo: Path | None,
    issue: str | None,
    test: str,
    as_json: bool,
    events: Path | None,
    quiet: bool,
    **flags: Any,
) -> int:
    """Solve TASK (a task folder or a bundled task's name), or an instruction in a repository (--repo, --issue)."""
    config = config_of(flags, repository=repo)
    loaded, directory = chosen_task(task, repo, issue, test, config)
    with Output(quiet=quiet, events=events) as output:

        async def work(interrupts: Interrupts) -> Solved:
            async with open_session(config, os.environ, output.progress) as session:
                return await solve_task(
                    session,
                    loaded,
                    command="solve",
                    listen=output.listen,
                    directory=directory,
                    on_start=interrupts.register,
                )

        solved = run_interruptible(work)
    return print_solved(solved, as_json=as_json, quiet=quiet)


def chosen_task(task: str | None, repo: Path | None, issue: str | None, test: str, config: Config) -> tuple[Task, str]:
    """The task the arguments name, and the folder a patch of it belongs to. Raises `ConfigError`, `TaskError`."""
    if (task is None) == (repo is None):
        raise ConfigError(
            "name either a task or a repository",
            remedy="moa-code solve TASK, or moa-code solve --repo DIR --issue FILE",
        )
    if repo is not None:
        words = _issue(issue) if issue else ""
        mode = Mode.EDIT if words else Mode.FIX
        return task_of_repository(repo, config, test=test, instruction=words, mode=mode), str(repo.resolve())
    if issue or test:
        raise ConfigError("--issue and --test go with --repo; a task folder brings its own")
    folder = find_task(str(task), (tasks_dir(),))
    return load_task(folder).task, str((folder / "workspace").resolve())


def _issue(name: str) -> str:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"--issue {name} cannot be read: {error}", remedy="name a UTF-8 text file, or -") from error
    if not text.strip():
        raise TaskError(f"--issue {name} is empty", remedy="say in words what is to be done")
    return text
