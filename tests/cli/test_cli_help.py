"""Help costs what click costs: no command's help imports what only its work needs."""

import subprocess
import sys

import pytest

from moa_code.cli.main import COMMANDS

HEAVY = ("litellm", "docker", "rich", "scipy", "requests", "sqlite3", "asyncio")
ROOMS = ("moa_code.wiring", "moa_code.engine", "moa_code.config", "moa_code.journal", "moa_code.suites")
SUBCOMMANDS = [
    [],
    *([name] for name in COMMANDS),
    ["bench", "run"],
    ["runs", "list"],
    ["runs", "show"],
    ["runs", "diff"],
    ["runs", "gc"],
    ["config", "show"],
    ["team", "report"],
]
PROBE = """
import sys
from moa_code.cli.main import run
code = run(sys.argv[1:] + ["--help"])
print(code, *sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("words", SUBCOMMANDS, ids=lambda words: " ".join(words) or "root")
def test_help_imports_nothing_heavy(words):
    done = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True, timeout=60)
    code, *modules = done.stderr.split()
    assert code == "0", done.stderr
    assert "Usage:" in done.stdout
    assert not set(HEAVY) & {module.partition(".")[0] for module in modules}
    assert not [module for module in modules if module.startswith(ROOMS)]


def test_every_command_is_there_and_in_the_help(moa):
    for name in COMMANDS:
        assert moa(name, "--help").code == 0
    assert all(f"  {name} " in moa("--help").out for name in COMMANDS)
    assert moa("--version").out.startswith("moa-code, version ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["solv"], "Did you mean solve?"),
        (["runs", "lst"], "list"),
        (["fix", "--tset", "x"], "--test"),
        (["runs", "show"], "Missing argument 'RUN'"),
        (["runs", "list", "--limit", "0"], "0 is not in the range"),
    ],
)
def test_a_mistyped_command_names_the_nearest(moa, words, message):
    done = moa(*words)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""
