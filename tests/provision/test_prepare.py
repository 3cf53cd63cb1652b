"""`.ci/prepare`, which `make` calls first, on machines that lack something."""

import subprocess
import sys
from pathlib import Path

import pytest

PREPARE = Path(__file__).parents[2] / ".ci" / "prepare"
OLD_PYTHON = """#!/bin/sh
case "$2" in *version_info*) exit 1;; *) echo 3.9.2;; esac
"""
NO_VENV = """#!/bin/sh
case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac
"""
TOOLS = ("bash", "cat", "readlink", "dirname", "env")


def run(tmp_path, *, python=None, git=True):
    """Run it as an ordinary user whose PATH holds these stubs and the few tools the script calls."""
    path = tmp_path / "bin"
    path.mkdir()
    stubs = {"id": "#!/bin/sh\necho 1000\n"}
    if python:
        stubs["python3"] = python
    if git:
        stubs["git"] = "#!/bin/sh\n"
    for name, text in stubs.items():
        (path / name).write_text(text)
        (path / name).chmod(0o755)
    for tool in TOOLS:
        (path / tool).symlink_to(Path("/usr/bin") / tool)
    return subprocess.run(
        ["/bin/bash", str(PREPARE), str(tmp_path / ".venv")],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("machine", "message", "remedy"),
    [
        ({}, "python3 is not installed", "sudo apt-get install -y python3"),
        ({"python": OLD_PYTHON}, "python3 is 3.9.2; moa-code needs Python 3.11", "make PYTHON=/path/to/python3.11"),
        ({"python": NO_VENV, "git": False}, "git is not installed", "sudo apt-get install -y git"),
        ({"python": NO_VENV}, "cannot make virtual environments", "sudo apt-get install -y python3.11-venv"),
    ],
)
def test_a_missing_piece_ends_in_one_message_with_its_command(tmp_path, machine, message, remedy):
    done = run(tmp_path, **machine)
    assert done.returncode == 3
    assert message in done.stderr
    assert f"try: {remedy}" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert not (tmp_path / ".venv").exists()


def test_with_everything_there_an_environment_is_made(tmp_path):
    done = run(tmp_path, python=f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".venv" / "bin" / "pip").exists()
