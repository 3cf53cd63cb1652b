"""`moa-code implement`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from moa_code.cli.options import config_of, output_options, sandbox_options, team_options

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
    from moa_code.cli.running import Output, in_session, print_document, print_solved
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
    if as_json:
        print_document(document_of(done))
    code = print_solved(done.solved, as_json=False, quiet=quiet) if not as_json else exit_code_of(done.solved)
    if not quiet:
        _note(done, tests)
    return code
