"""`moa-code verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, sandbox_options
from moa_code.core.errors import ExitCode, TaskError

if TYPE_CHECKING:
    from moa_code.cli.running import Interrupts
    from moa_code.core.task import Task
    from moa_code.core.verdict import Verdict
    from moa_code.wiring.session import Session

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
    from moa_code.cli.output import emit
    from moa_code.cli.running import Output, in_session, print_document
    from moa_code.cli.solve import chosen_task
    from moa_code.core.verdict import Outcome
    from moa_code.report.documents import verdict_document
    from moa_code.verify_patch import read_patch, verify_patch

    config = config_of(flags, repository=repo)
    chosen, _ = chosen_task(task, repo, None, test, config)
    patch = read_patch(_patch_bytes(patch_file), chosen)
    with Output(quiet=quiet, events=None) as output:

        async def work(session: Session, _: Interrupts) -> Verdict:
            return await verify_patch(session, chosen, patch)

        verdict = in_session(config, output.progress, work)
    if as_json:
        print_document(verdict_document(chosen.task_id, verdict))
    else:
        emit("\n".join(_words(chosen, verdict)))
    codes = {Outcome.PASSED: ExitCode.OK, Outcome.INCONCLUSIVE: ExitCode.ENVIRONMENT}
    return codes.get(verdict.outcome, ExitCode.UNVERIFIED)


def _patch_bytes(name: str) -> bytes:
    """The patch as it was given. Raises `TaskError` for one that cannot be read, is empty, or is far too big."""
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as stream:
            data = stream.read(MAX_PATCH_BYTES + 1)
    except OSError as error:
        raise TaskError(
            f"--patch {name} cannot be read: {error.strerror}", remedy="name a unified diff, or -"
        ) from error
    if not data.strip():
        raise TaskError(f"--patch {name} is empty", remedy="git diff > FILE  # writes what can be read here")
    if len(data) > MAX_PATCH_BYTES:
        raise TaskError(f"--patch {name} is larger than {MAX_PATCH_BYTES // 1_000_000} MB", remedy="split it")
    return data


def _words(task: Task, verdict: Verdict) -> list[str]:
    from moa_code.core.verdict import StageOutcome

    counts = verdict.counts
    lines = [f"{verdict.outcome}  {task.task_id}  {counts.passed} of {counts.expected} checks pass"]
    for stage in verdict.stages:
        if stage.outcome is not StageOutcome.SKIPPED:
            why = stage.detail.splitlines()[0] if stage.detail else ""
            lines.append(f"  {stage.name:<8} {stage.outcome}  {stage.duration_s:.2f} s  {why}".rstrip())
    lines += [f"  {result.check_id}: {result.outcome}" for result in verdict.failing[:20]]
    lines += [
        f"  refused  {finding.path}: {finding.code}: {finding.message}"
        if stage.name == "policy"
        else f"  new      {finding.path}:{finding.line} {finding.code} {finding.message}"
        for stage in verdict.stages
        for finding in stage.findings[:20]
    ]
    lines.append(f"  evidence L{int(verdict.level)}, integrity {verdict.integrity}, {verdict.box.backend}"
                 f" {verdict.box.image_digest[:19]}, {verdict.duration_s:.1f} s")  # fmt: skip
    if verdict.detail:
        lines.append(f"  why      {verdict.detail.splitlines()[0]}")
    return [printable(line) for line in lines]


def printable(text: str) -> str:
    """Without what a terminal would obey: names and messages may come from the patch."""
    return "".join(c if c.isprintable() else " " for c in text)
