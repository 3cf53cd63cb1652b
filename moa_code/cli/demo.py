"""`moa-code demo`: `fix` on a copy of the bundled repository."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import click

from moa_code.cli.options import config_of, output_options, sandbox_options, team_options

NAME = "demo"


@click.command()
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="DIR", help="Leave the repository there, to apply the patch."
)
@sandbox_options
@team_options
@output_options
def demo(keep: Path | None, as_json: bool, events: Path | None, quiet: bool, **flags: Any) -> int:
    """Find, fix and prove a real bug in a small repository of ours; no key, no network.

    This is `moa-code fix` on a copy, nothing else.
    """
    from moa_code.cli.fix import carry_out
    from moa_code.cli.output import note
    from moa_code.fix import task_of_repository
    from moa_code.solve import check_ready

    config = config_of(flags)
    check_ready(config, os.environ)
    with contextlib.ExitStack() as stack:
        home = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moa-code-demo-"))) / NAME
        _copy(home)
        if not quiet:
            note(f"a copy of the demo repository: {home}")
        task = task_of_repository(home, config_of(flags, repository=home))
        words = "" if keep else "moa-code demo --keep DIR leaves the repository there, to apply it"
        return carry_out(
            config,
            task,
            "fix",
            str(home.resolve()) if keep else "",
            as_json=as_json,
            events=events,
            quiet=quiet,
            apply_words=words,
        )


def _copy(home: Path) -> None:
    """The bundled repository at `home`, committed. Raises `EnvironmentFault`; a copy cut short is taken away."""
    from moa_code.assets import tasks_dir
    from moa_code.core.errors import EnvironmentFault, TaskError
    from moa_code.repo.git import must_git

    if home.exists():
        raise TaskError(f"{home} is there already", remedy="name a folder that does not exist yet: --keep DIR")
    copied = False
    try:
        shutil.copytree(
            tasks_dir() / NAME, home, ignore=shutil.ignore_patterns("__pycache__", ".*_cache", ".hypothesis")
        )
        must_git(home, "init", "--quiet")
        must_git(home, "add", "--all")
        identity = ("-c", "user.name=demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false")
        must_git(home, *identity, "commit", "--quiet", "-m", "a demo with one bug")
        copied = True
    except OSError as error:
        raise EnvironmentFault(
            f"the demo cannot be copied to {home}: {error}", remedy="moa-code demo --keep DIR, on a writable disk"
        ) from error
    finally:
        if not copied:
            shutil.rmtree(home, ignore_errors=True)
