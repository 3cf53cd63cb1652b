"""`moa-code`: finds the command's module and nothing else, so that `--help` costs what click costs."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Mapping

import click

from moa_code import __version__
from moa_code.cli.output import note, silence
from moa_code.core.errors import ExitCode, MoaError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "Find, fix and prove a real bug; no key, no network."),
    "fix": ("fix", "Make the failing checks of a repository pass."),
    "solve": ("solve", "Solve a task folder, or an instruction in a repository."),
    "implement": ("implement", "Write a function from its docstring and examples."),
    "verify": ("verify", "Verify anybody's patch; no model involved."),
    "apply": ("apply", "Put a run's verified patch into the working tree."),
    "undo": ("apply", "Take an applied patch out again."),
    "plan": ("plan", "Show what would be sent to whom; sends nothing."),
    "bench": ("bench", "Run and report benchmark suites."),
    "team": ("team", "Measure how proposers complement each other."),
    "runs": ("runs", "Look at earlier runs: list, show, diff."),
    "doctor": ("doctor", "Say what this machine has, and what is missing."),
    "setup": ("setup", "Get the sandbox ready."),
    "config": ("config", "Show the settings in force and where they come from."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; their one-line helps stand here."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"moa_code.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=2, cutoff=0.5) if args else []
            if near:
                raise click.UsageError(f"{error.message} Did you mean {' or '.join(near)}?", ctx=ctx) from error
            raise


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="moa-code")
@click.option("--journal", metavar="FILE", help="Where runs are kept (default: below XDG_STATE_HOME).")
def root(journal: str | None) -> None:
    """A code-generation assistant with hard verification.

    Different models propose patches, a strong one merges them, and a sandboxed verifier decides by running the checks.
    Without a key or a network, a search finds and repairs bugs by itself.
    """
    del journal  # `config_of` reads it from the context


def main() -> None:
    """Run the command line; every way out has its exit code (0 1 2 3 4 5 130) and no traceback."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup's wish to ignore is kept
            signal.signal(number, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code for these arguments."""
    try:
        outcome = root.main(arguments, standalone_mode=False)
        _flush()
        return int(outcome) if isinstance(outcome, int) else ExitCode.OK
    except SystemExit:  # click's answer when the reader of --help has gone away
        silence(sys.stdout)
        return ExitCode.OK
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        note("interrupted")
        return ExitCode.INTERRUPTED
    except MoaError as error:
        note(f"moa-code: {error}")
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the top of cli/: nobody else is left to catch it
        return _unexpected(error)


def _flush() -> None:
    """What click itself has printed (`--help`, `--version`) meets its reader here, not at the interpreter's end."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)


def _unexpected(error: Exception) -> int:
    """A fault of ours: the traceback goes to a file, the user gets one sentence."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="moa-code-fault-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        traceback.print_exception(error, file=file)
    note(f"moa-code: a fault of ours: {type(error).__name__}: {error}\n  details: {file.name}")
    return ExitCode.ENVIRONMENT
