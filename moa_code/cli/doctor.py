"""`moa-code doctor`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

import click

from moa_code.cli.options import config_of, sandbox_options
from moa_code.core.errors import ExitCode
from moa_code.provision.doctor import examine
from moa_code.wiring.crew import team_of


@click.command()
@sandbox_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool, **flags: Any) -> int:
    """Say what this machine has of what moa-code needs, which models would take part, and why."""
    lines = examine(os.environ)
    team = team_of(config_of(flags), os.environ)
    if as_json:
        document = {"schema_version": 1, "machine": [asdict(line) for line in lines], "team": list(team.why)}
        click.echo(json.dumps(document, indent=2))
    else:
        for line in lines:
            mark = {True: "ok", False: "MISSING", None: "-"}[line.ok]
            click.echo(
                f"{mark:<8} {line.name:<12} {line.text}" + (f"\n{'':<22}try: {line.remedy}" if line.remedy else "")
            )
        for why in team.why:
            click.echo(f"{'':<8} {'team':<12} {why}")
    return ExitCode.ENVIRONMENT if any(line.ok is False for line in lines) else ExitCode.OK
