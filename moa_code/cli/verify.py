"""`moa-code verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, sandbox_options
from moa_code.core.errors import ConfigError, ExitCode, TaskError

if TYPE_CHECKING:
    from moa_code.cli.running import Interrupts
    from moa_code.core.task import Task
    from moa_code.core.verdict import Verdict
    from moa_code.reverify import Rechecked
    from moa_code.wiring.session import Session

MAX_PATCH_BYTES = 10_000_000
MOST_SHOWN = 20
MOST_CALL_CHARS = 300


@click.command()
@click.argument("task", required=False)
@click.option("--repo", type=click.Path(path_type=Path), metavar="DIR", help="Verify in this repository instead.")
@click.option("--patch", "patch_file", metavar="FILE", help="A unified diff; - reads standard input.")
@click.option("--test", default="", metavar="WHAT", help="The repository's checks: files, folders, ids, or a command.")
@click.option("--run", metavar="RUN", help="Judge a stored run's patch again, and say whether its verdict reproduces.")
@click.option("--candidate", default="", metavar="ID", help="With --run: this candidate instead of the run's own.")
@sandbox_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quiet", "-q", is_flag=True, help="No progress on standard error.")
def verify(
    task: str | None,
    repo: Path | None,
    patch_file: str | None,
    test: str,
    run: str | None,
    candidate: str,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Verify a patch against TASK, or against the checks of a repository (--repo); or judge the patch of an earlier RUN
    again, on this machine (--run). No model is involved.
    """
    if run is not None:
        if task or patch_file or test:
            raise ConfigError(
                "--run brings its own task, checks and patch",
                remedy=f"moa-code verify --run {run}, or leave --run out",
            )
        return _again(run, candidate, repo, flags, as_json=as_json, quiet=quiet)
    if candidate:
        raise ConfigError("--candidate goes with --run", remedy=f"moa-code verify --run last --candidate {candidate}")
    if patch_file is None:
        raise ConfigError(
            "nothing to verify: no --patch was given",
            remedy="git diff | moa-code verify --repo . --patch -, or moa-code verify --run last",
        )
    return _patch(task, repo, patch_file, test, flags, as_json=as_json, quiet=quiet)


def _patch(
    task: str | None, repo: Path | None, patch_file: str, test: str, flags: Any, *, as_json: bool, quiet: bool
) -> int:
    from moa_code.cli.output import emit
    from moa_code.cli.running import Output, in_session, print_document
    from moa_code.cli.solve import chosen_task
    from moa_code.core.verdict import Outcome
    from moa_code.verify_patch import Checked, check_patch, read_patch

    config = config_of(flags, repository=repo)
    chosen, directory = chosen_task(task, repo, None, test, config)
    given = read_patch(_patch_bytes(patch_file), chosen)
    with Output(quiet=quiet, events=None) as output:
        if given.taken_out:
            output.progress("the tree has this patch already: it is judged against the tree without it")
            directory = ""

        async def work(session: Session, _: Interrupts) -> Checked:
            return await check_patch(session, given.task, given.patch, directory=directory)

        checked = in_session(config, output.progress, work)
    if as_json:
        print_document(checked.document)
    else:
        emit("\n".join(_words(chosen, checked.verdict, checked.run_id)))
    codes = {Outcome.PASSED: ExitCode.OK, Outcome.INCONCLUSIVE: ExitCode.ENVIRONMENT}
    return codes.get(checked.verdict.outcome, ExitCode.UNVERIFIED)


def _again(run: str, candidate: str, repo: Path | None, flags: Any, *, as_json: bool, quiet: bool) -> int:
    from moa_code.cli.output import emit
    from moa_code.cli.running import Output, in_session, print_document
    from moa_code.evidence.reproduction import Answer
    from moa_code.journal.store import Journal
    from moa_code.report.documents import reverification_document
    from moa_code.reverify import recheck, settings_of, stored_run

    config = config_of(flags)
    if not config.journal.exists():
        raise TaskError(
            f"there is no journal {config.journal}, so there is no run {run}", remedy="moa-code --journal FILE verify …"
        )
    with Journal.open(config.journal) as journal:
        stored = stored_run(journal, run, candidate, repo)
    with Output(quiet=quiet, events=None) as output:

        async def work(session: Session, _: Interrupts) -> Rechecked:
            return await recheck(session, stored)

        found = in_session(settings_of(stored, config), output.progress, work)
    if as_json:
        row = {"run_id": stored.row.run_id, "command": stored.row.kind, "task_id": stored.row.task_id}
        print_document(
            reverification_document(
                row, stored.candidate.candidate_id, stored.verdict, found.verdict, found.reproduction
            )
        )
    else:
        emit("\n".join(_words_again(found)))
    codes = {Answer.REPRODUCED: ExitCode.OK, Answer.INCONCLUSIVE: ExitCode.ENVIRONMENT}
    return codes.get(found.reproduction.answer, ExitCode.UNVERIFIED)


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


def _words(task: Task, verdict: Verdict, run_id: str) -> list[str]:
    from moa_code.core.verdict import StageOutcome
    from moa_code.prompts.failure import counterexamples

    counts = verdict.counts
    lines = [f"{verdict.outcome}  {task.task_id}  {counts.passed} of {counts.expected} checks pass"]
    for stage in verdict.stages:
        if stage.outcome is not StageOutcome.SKIPPED:
            why = stage.detail.splitlines()[0] if stage.detail else ""
            lines.append(f"  {stage.name:<8} {stage.outcome}  {stage.duration_s:.2f} s  {why}".rstrip())
    for result in verdict.failing[:MOST_SHOWN]:
        lines.append(f"  {result.check_id}: {result.outcome}")
        lines += [f"    counterexample  {call[:MOST_CALL_CHARS]}" for call in counterexamples(result.detail)]
    if len(verdict.failing) > MOST_SHOWN:
        lines.append(f"  … and {len(verdict.failing) - MOST_SHOWN} more")
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
    if verdict.seed is not None and any(result.examples is not None for result in verdict.results):
        lines.append(f"  seed     {verdict.seed}  (by hand: pytest --hypothesis-seed={verdict.seed})")
    lines.append(f"  run      {run_id}  (again: moa-code verify --run {run_id})")
    return [printable(line) for line in lines]


def _words_again(found: Rechecked) -> list[str]:
    from moa_code.evidence.reproduction import Answer

    stored, now, how = found.stored, found.verdict, found.reproduction
    what = f"{stored.candidate.candidate_id} of run {stored.row.run_id}, {stored.row.task_id}"
    lines = [f"{how.answer}  {what}"]
    for name, verdict in (("stored", stored.verdict), ("now", now)):
        counts = verdict.counts
        seed = "" if verdict.seed is None else f", seed {verdict.seed}"
        lines.append(
            f"  {name:<7} {verdict.outcome}  {counts.passed} of {counts.expected} checks pass"
            f"  ({verdict.box.backend} {verdict.box.image_digest[:19]}{seed})"
        )
    if how.answer is Answer.INCONCLUSIVE:
        lines.append(f"  why     {now.detail.splitlines()[0] if now.detail else 'the box was lost'}")
    for difference in how.checks[:MOST_SHOWN]:
        lines.append(f"  {difference.name}: {difference.stored}, now {difference.now}")
        lines += [f"    {line}" for line in difference.detail.strip().splitlines()[-3:]]
    if len(how.checks) > MOST_SHOWN:
        lines.append(f"  … and {len(how.checks) - MOST_SHOWN} more checks")
    if how.environment:
        lines.append("  may explain it:" if how.checks else "  although these differ:")
        lines += [
            f"    {difference.name:<9} {difference.stored or 'unknown'}, now {difference.now or 'unknown'}"
            for difference in how.environment
        ]
    return [printable(line) for line in lines]


def printable(text: str) -> str:
    """Without what a terminal would obey: names and messages may come from the patch."""
    return "".join(c if c.isprintable() else " " for c in text)
