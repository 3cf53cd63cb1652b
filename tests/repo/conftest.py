"""A repository made by git itself, with an identity that does not depend on the machine."""

import os
import subprocess

import pytest

ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def run(directory, *arguments, stdin=b""):
    done = subprocess.run(["git", *arguments], cwd=directory, input=stdin, capture_output=True, env=ENV, check=True)
    return done.stdout


@pytest.fixture
def git():
    return run


@pytest.fixture
def repository(tmp_path):
    """`src/a.py`, an executable `run.sh`, and a `.gitignore` for `*.log`; one commit."""
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src/a.py").write_bytes(b"x = 1\ny = 2\nz = 3\n")
    (root / "run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / ".gitignore").write_bytes(b"*.log\n")
    run(root, "init", "-q", "-b", "main")
    run(root, "add", "-A")
    run(root, "commit", "-q", "-m", "first")
    return root
