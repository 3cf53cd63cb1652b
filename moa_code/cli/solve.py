"""`moa-code solve`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from moa_code.cli.options import config_of, output_options, sandbox_options, team_options

if TYPE_CHECKING:
    from moa_code.config import Config
    from moa_code.core.task import Task

F = TypeVar("F", bound=Callable[..., Any])


def task_options(command: F) -> F:
    """What is to be done: a task folder, or a repository with an instruction and its checks."""
    for option in reversed(
        (
            click.argument("task", required=False),
            click.option("--repo", type=click.Path(path_type=Path), metavar="DIR", help="A repository instead."),
            click.option(
                "--issue", metavar="FILE", help="What to do in the repository, in words; - reads standard input."
            ),
            click.option(
                "--test", default="", metavar="WHAT", help="The repository's checks: files, folders, ids, or a command."
            ),
        )
    ):
        command = option(command)
    return command


@click.command()
@task_options
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
    from moa_code.cli.fix import carry_out
    from moa_code.solve import check_ready

    config = config_of(flags, repository=repo)
    check_ready(config, os.environ)
    loaded, directory = chosen_task(task, repo, issue, test, config, events=events)
    words = "" if directory else f"moa-code runs diff last; {task} is a bundled task, kept as it is"
    return carry_out(config, loaded, "solve", directory, as_json=as_json, events=events, quiet=quiet, apply_words=words)


def chosen_task(
    task: str | None, repo: Path | None, issue: str | None, test: str, config: Config, *, events: Path | None = None
) -> tuple[Task, str]:
    """The task the arguments name, and the folder a patch of it belongs to: none for a bundled task.

    Raises `ConfigError`, `TaskError`.
    """
    from moa_code.assets import tasks_dir
    from moa_code.core.errors import ConfigError
    from moa_code.core.task import Mode
    from moa_code.fix import task_of_repository, written_by_us
    from moa_code.suites.task_folder import find_task, load_task

    command = click.get_current_context().info_name
    if (task is None) == (repo is None):
        given = "neither" if task is None else f"both {task!r} and --repo {repo}"
        raise ConfigError(
            f"name either a task or a repository; {given} was given",
            remedy=f"moa-code {command} TASK, or moa-code {command} --repo DIR",
        )
    if repo is not None:
        words = words_of(issue, "--issue") if issue is not None else ""
        mode = Mode.EDIT if words else Mode.FIX
        ours = written_by_us(config, events)
        made = task_of_repository(repo, config, test=test, instruction=words, mode=mode, leave_out=ours)
        return made, str(repo.resolve())
    if issue or test:
        raise ConfigError(
            "--issue and --test go with --repo; a task folder brings its own",
            remedy=f"moa-code {command} {task}, or moa-code {command} --repo DIR --test WHAT",
        )
    folder = find_task(str(task), (tasks_dir(),))
    bundled = folder.resolve().is_relative_to(tasks_dir().resolve())
    return load_task(folder).task, "" if bundled else str((folder / "workspace").resolve())


def words_of(name: str, flag: str) -> str:
    """The text of the file that `flag` names, or of standard input for `-`. Raises `TaskError` without any."""
    from moa_code.core.errors import TaskError

    try:
        text = sys.stdin.buffer.read().decode("utf-8") if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = f"not UTF-8 (byte {error.start})" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise TaskError(f"{flag} {name} cannot be read: {why}", remedy="name a UTF-8 text file, or -") from error
    if not text.strip():
        raise TaskError(f"{flag} {name} is empty", remedy="say in words what is to be done")
    return text
