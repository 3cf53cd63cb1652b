"""`moa-code setup`."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--install-engine", is_flag=True, help="Install a Docker engine from Debian's packages when there is none."
)
@click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")
def setup(install_engine: bool, quiet: bool) -> None:
    """Get the sandbox ready: an engine that answers, and the image in it."""
    from moa_code.cli.live import Terminal
    from moa_code.cli.output import emit
    from moa_code.provision.setup import run_setup

    terminal = Terminal()
    report = run_setup(install_engine=install_engine, progress=(lambda _: None) if quiet else terminal.progress)
    emit(f"ready in {report.duration_s:.1f} s: {report.image.tag} {report.image.digest[:19]}")
