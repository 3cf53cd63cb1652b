"""`moa-code demo`: `fix` on a copy of the bundled repository."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import click

from moa_code.assets import tasks_dir
from moa_code.cli.fix import fix
from moa_code.cli.options import output_options, sandbox_options, team_options
from moa_code.core.errors import EnvironmentFault
from moa_code.repo.git import must_git

NAME = "demo"


@click.command()
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="DIR", help="Leave the repository there, to apply the patch."
)
@sandbox_options
@team_options
@output_options
@click.pass_context
def demo(context: click.Context, /, keep: Path | None, quiet: bool, **flags: Any) -> Any:
    """Find, fix and prove a real bug in a small repository of ours; no key, no network.

    This is `moa-code fix` on a copy, nothing else.
    """
    with contextlib.ExitStack() as stack:
        home = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moa-code-demo-"))) / NAME
        _copy(home)
        if not quiet:
            click.echo(f"a copy of the demo repository: {home}", err=True)
        return context.invoke(fix, directory=home, test="", quiet=quiet, **flags)


def _copy(home: Path) -> None:
    """The bundled repository at `home`, committed. Raises `EnvironmentFault`."""
    if home.exists():
        raise EnvironmentFault(f"{home} is there already", remedy="name a folder that does not exist yet: --keep DIR")
    try:
        shutil.copytree(
            tasks_dir() / NAME, home, ignore=shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")
        )
    except OSError as error:
        raise EnvironmentFault(
            f"the demo cannot be copied to {home}: {error}", remedy="moa-code demo --keep DIR"
        ) from error
    must_git(home, "init", "--quiet")
    must_git(home, "add", "--all")
    must_git(
        home,
        "-c",
        "user.name=demo",
        "-c",
        "user.email=demo@localhost",
        "commit",
        "--quiet",
        "-m",
        "a demo with one bug",
    )
