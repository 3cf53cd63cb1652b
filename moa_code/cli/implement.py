"""`moa-code implement`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, output_options, sandbox_options, team_options
from moa_code.cli.output import note

if TYPE_CHECKING:
    from moa_code.cli.running import Interrupts
    from moa_code.implement import Implemented
    from moa_code.wiring.session import Session


@click.command()
@click.argument("target", metavar="PATH::FUNCTION")
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), metavar="DIR", help="Where PATH lies.")
@click.option("--spec", metavar="FILE", help="What it is to do, beside its docstring; - reads standard input.")
@click.option("--test", default="", metavar="WHAT", help="Tests of the repository's own that must pass too.")
@click.option(
    "--tests", type=click.Path(path_type=Path), metavar="FILE", help="Write the proposed tests there; a new file."
)
@click.option(
    "--write-tests/--no-write-tests",
    default=None,
    help="Let the strong model write tests that vote (default: when the examples are few).",
)
@sandbox_options
@team_options
@output_options
def implement(
    target: str,
    repo: Path,
    spec: str | None,
    test: str,
    tests: Path | None,
    write_tests: bool | None,
    as_json: bool,
    events: Path | None,
    quiet: bool,
    **flags: Any,
) -> int:
    """Write the body of FUNCTION, a stub in PATH, from its docstring and the examples in it.

    The examples are the checks. The patch is printed; the working tree stays as it is until `moa-code apply`.
    """
    from moa_code.cli.running import Output, in_session, print_solved
    from moa_code.cli.solve import words_of
    from moa_code.fix import written_by_us
    from moa_code.implement import check_team, specify
    from moa_code.implement import implement as carry_out
    from moa_code.policies.from_spec import Writing
    from moa_code.solve import check_ready

    config = config_of(flags, repository=repo)
    check_ready(config, os.environ)
    if tests is not None:
        _check_new(tests)
    words = words_of(spec, "--spec") if spec is not None else ""
    specified = specify(repo, config, target, words=words, test=test, leave_out=written_by_us(config, events))
    check_team(config, os.environ)
    writing = {None: Writing.WHEN_NEEDED, True: Writing.ALWAYS, False: Writing.NEVER}[write_tests]
    with Output(quiet=quiet, events=events) as output:

        async def work(session: Session, interrupts: Interrupts) -> Implemented:
            return await carry_out(
                session,
                specified,
                writing=writing,
                listen=output.listen,
                directory=str(repo.resolve()),
                on_start=interrupts.register,
            )

        done = in_session(config, output.progress, work)
    if tests is not None and done.tests:
        _write(tests, done.tests)
    code = print_solved(replace(done.solved, document=_document(done)), as_json=as_json, quiet=quiet)
    if not quiet:
        for line in notes(done, tests):
            note(line)
    return code


def notes(done: Implemented, tests: Path | None) -> list[str]:
    """What a person wants to know beside the run itself: what the answer rests on, and what stayed open."""
    from moa_code.core.run import Status

    examples = done.specified.examples
    lines = [f"  rests on    {done.evidence}"]
    if done.solved.result.status is Status.UNVERIFIED and done.solved.result.winner is not None:
        lines.append(f"  attempt     moa-code runs diff {done.solved.run_id} shows the best one; it is not verified")
    lines += [f"  not read    {_one_line(quote)}" for quote in examples.unread[:3]]
    lines += [f"  open        {_one_line(words)}" for words in done.ambiguities]
    lines += [
        f"  disputed    it fails {o.check.name}, written for “{_one_line(o.check.sentence)}”"
        for o in done.opinions
        if o.vote is False
    ]
    lines += [f"  not run     {one.name}: {_one_line(one.reason)}" for one in done.rejected]
    if done.tests:
        count = done.tests.count("\ndef test_")
        where = f"in {tests}" if tests else "--tests FILE writes them"
        lines.append(f"  tests       {count} proposed, {where}")
    return lines


def _document(done: Implemented) -> dict[str, object]:
    from moa_code.report.specified import implement_document, written_row

    examples = done.specified.examples
    return implement_document(
        done.solved.document,
        function=done.specified.task.entry_point,
        examples=[(example.call, example.claim, example.quote) for example in examples.examples],
        contradictions=examples.contradictions,
        unread=examples.unread,
        written=[
            written_row(
                author=o.check.author,
                name=o.check.name,
                sentence=o.check.sentence,
                is_property=o.check.is_property,
                vote=o.vote,
                valid=o.valid,
                kept=o.kept,
            )
            for o in done.opinions
        ],
        rejected=[(one.name, one.reason) for one in done.rejected],
        tests=done.tests,
        ambiguities=done.ambiguities,
        evidence=done.evidence,
    )


def _check_new(path: Path) -> None:
    """Raise `ConfigError` where a file of tests cannot be made."""
    from moa_code.core.errors import ConfigError

    if path.exists():
        raise ConfigError(f"--tests {path} is there already", remedy="name a new file: nothing of yours is replaced")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"--tests {path}: its folder does not exist", remedy=f"mkdir -p {path.parent}")


def _write(path: Path, text: str) -> None:
    from moa_code.core.errors import EnvironmentFault

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise EnvironmentFault(f"--tests {path} cannot be written: {error.strerror}", remedy="name another") from error


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
