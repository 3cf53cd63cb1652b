"""`moa-code doctor`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

import click

from moa_code.cli.options import config_of, sandbox_options, team_options
from moa_code.cli.output import emit
from moa_code.core.errors import ExitCode, MoaError


@click.command()
@sandbox_options
@team_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool, **flags: Any) -> int:
    """Say what this machine has of what moa-code needs, which models would take part, and why."""
    from moa_code.provision.doctor import Line, examine
    from moa_code.report.documents import doctor_document
    from moa_code.wiring.crew import team_of

    lines = list(examine(os.environ))
    why: tuple[str, ...] = ()
    code = ExitCode.ENVIRONMENT if any(line.ok is False for line in lines) else ExitCode.OK
    try:
        why = team_of(config_of(flags), os.environ).why
    except MoaError as error:  # a fault of the settings must not hide what the machine lacks
        lines.append(Line(name="team", ok=False, text=error.message, remedy=error.remedy))
        code = code or error.exit_code
    if as_json:
        emit(json.dumps(doctor_document([asdict(line) for line in lines], why), indent=2))
        return code
    for line in lines:
        mark = {True: "ok", False: "MISSING", None: "-"}[line.ok]
        emit(f"{mark:<8} {line.name:<13} {line.text}")
        if line.remedy:
            emit(f"{'':<22} try: {line.remedy}")
    for reason in why:
        emit(f"{'':<8} {'team':<13} {reason}")
    return code
