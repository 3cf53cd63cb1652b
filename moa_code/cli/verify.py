"""`moa-code verify`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from moa_code.cli.options import config_of, sandbox_options
from moa_code.cli.running import Interrupts, Output, run_interruptible
from moa_code.cli.solve import chosen_task
from moa_code.core.errors import ExitCode, TaskError
from moa_code.core.task import Task
from moa_code.core.verdict import Outcome, StageOutcome, Verdict
from moa_code.report.documents import verdict_document
from moa_code.verify_patch import read_patch, verify_patch
from moa_code.wiring.session import open_session

EXIT_CODES = {Outcome.PASSED: ExitCode.OK, Outcome.INCONCLUSIVE: ExitCode.ENVIRONMENT}
MAX_PATCH_BYTES = 10_000_000


@click.command()
@click.argument("task", required=False)
@click.option("--repo", type=click.Path(path_type=Path), metavar="DIR", help="Verify in this repository instead.")
@click.option("--patch", "patch_file", required=True, metavar="FILE", help="A unified diff; - reads standard input.")
@click.option("--test", default="", metavar="WHAT", help="The repository's checks: files, folders, ids, or a command.")
@sandbox_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")
def verify(
    task: str | None, repo: Path | None, patch_file: str, test: str, as_json: bool, quiet: bool, **flags: Any
) -> int:
    """Verify a patch against TASK, or against the checks of a repository (--repo). No model is involved."""
    config = config_of(flags, repository=repo)
    chosen, _ = chosen_task(task, repo, None, test, config)
    patch = read_patch(_patch_bytes(patch_file), chosen)
    with Output(quiet=quiet, events=None) as output:

        async def work(_: Interrupts) -> Verdict:
            async with open_session(config, os.environ, output.progress) as session:
                return await verify_patch(session, chosen, patch)

        verdict = run_interruptible(work)
    if as_json:
        click.echo(json.dumps(verdict_document(chosen.task_id, verdict), indent=2))
    else:
        for line in _words(chosen, verdict):
            click.echo(line)
    return EXIT_CODES.get(verdict.outcome, ExitCode.UNVERIFIED)


def _patch_bytes(name: str) -> bytes:
    """The patch as it was given. Raises `TaskError` for one that cannot be read or is far too big."""
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as stream:
            data = stream.read(MAX_PATCH_BYTES + 1)
    except OSError as error:
        raise TaskError(
            f"--patch {name} cannot be read: {error.strerror}", remedy="name a unified diff, or -"
        ) from error
    if len(data) > MAX_PATCH_BYTES:
        raise TaskError(f"--patch {name} is larger than {MAX_PATCH_BYTES >> 20} MB", remedy="split it")
    return data


def _words(task: Task, verdict: Verdict) -> list[str]:
    counts = verdict.counts
    lines = [f"{verdict.outcome}  {task.task_id}  {counts.passed} of {counts.expected} checks pass"]
    for stage in verdict.stages:
        if stage.outcome is not StageOutcome.SKIPPED:
            why = stage.detail.splitlines()[0] if stage.detail else ""
            lines.append(f"  {stage.name:<8} {stage.outcome}  {stage.duration_s:.2f} s  {why}")
    lines += [f"  {result.check_id}: {result.outcome}" for result in verdict.failing[:20]]
    lines += [f"  new: {f.path}:{f.line} {f.code} {f.message}" for s in verdict.stages for f in s.findings[:20]]
    lines.append(f"  evidence L{int(verdict.level)}, integrity {verdict.integrity}, {verdict.box.backend}"
                 f" {verdict.box.image_digest[:19]}, {verdict.duration_s:.1f} s")  # fmt: skip
    if verdict.detail:
        lines.append(f"  why      {verdict.detail.splitlines()[0]}")
    return lines
