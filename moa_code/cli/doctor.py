"""`moa-code doctor`."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, sandbox_options, team_options
from moa_code.cli.output import emit, note
from moa_code.core.errors import ExitCode, MoaError

if TYPE_CHECKING:
    from moa_code.probe.findings import ProbeReport

STANDINGS = {
    "refused": "refused",
    "allowed": "allowed as intended",
    "not_enforced": "NOT ENFORCED HERE",
    "forbidden": "FORBIDDEN BUT ALLOWED",
    "unclear": "UNCLEAR",
}


@click.command()
@sandbox_options
@team_options
@click.option(
    "--probe", "do_probe", is_flag=True, help="Start a box, and try all that it must refuse, instead of looking around."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool, do_probe: bool, **flags: Any) -> int:
    """Say what this machine has of what moa-code needs, which models would take part, and why.

    With --probe, try on a real box what the policy forbids (sockets, namespaces, mounts, tracing, writing outside,
    more than the limits) and say what was refused; anything that succeeds ends it with 3. Every command does so by
    itself, once for each engine, image and kernel.
    """
    if do_probe:
        return _probe(as_json, flags)
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


def _probe(as_json: bool, flags: Mapping[str, Any]) -> int:
    from moa_code.cli.running import run_interruptible
    from moa_code.probe.findings import refusal
    from moa_code.report.documents import probe_document
    from moa_code.wiring import session
    from moa_code.wiring.probing import probe_opened

    config = config_of(flags)
    sandbox = session.open_sandbox(config, note)
    report = run_interruptible(
        lambda _: probe_opened(sandbox, config.limits, session.seccomp_profile(), os.environ, note)
    )
    if as_json:
        emit(json.dumps(probe_document({**asdict(report), "tight": report.tight}), indent=2))
    else:
        emit("\n".join(probe_lines(report)))
    if report.tight:
        return ExitCode.OK
    note(f"moa-code: {refusal(report)}")
    return ExitCode.ENVIRONMENT


def probe_lines(report: ProbeReport) -> list[str]:
    """For a person: how many of each kind were refused or allowed, each that was not as it must be, and the limits."""
    from moa_code.probe.findings import Standing

    lines = [
        f"{'box':<17} {report.box.backend}, image {report.box.image_digest[:19]}, kernel {report.kernel or '?'}",
        "",
    ]
    for kind in dict.fromkeys(f.kind for f in report.findings):
        counts = Counter(f.standing for f in report.findings if f.kind == kind)
        told = ", ".join(f"{counts[standing]} {STANDINGS[standing.value]}" for standing in Standing if counts[standing])
        lines.append(f"{kind:<17} {told}")
    odd = [f for f in report.findings if f.standing not in (Standing.REFUSED, Standing.ALLOWED)]
    if odd:
        lines += [
            "",
            *(f"{STANDINGS[f.standing.value]}: {f.kind}: {f.name} ({f.detail or 'it succeeded'})" for f in odd),
        ]
    lines += ["", *(f"{name:<17} {value}" for name, value in report.box.enforced.items())]
    lines += [f"{'missing':<17} {reason}" for reason in report.box.missing]
    return [*lines, "", f"{len(report.findings)} operations tried in {report.duration_s:.1f} s"]
