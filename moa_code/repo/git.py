"""Calling git so that nothing of the repository it reads can run.

A repository's own configuration names programs: hooks, a file-system monitor, clean filters, credential helpers,
transports. Every call switches them off, and the environment is fixed, so a hook that calls us cannot redirect git.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from moa_code.core.errors import EnvironmentFault, TaskError

_NEVER_RUN = (
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.untrackedCache=false",
    "-c", "core.sshCommand=false",
    "-c", "credential.helper=",
    "-c", "protocol.allow=never",
    "-c", "submodule.recurse=false",
)  # fmt: skip
_OWN_SCOPES = ("local", "worktree")
TIMEOUT_S = 120.0


def git_binary(search_path: str | None = None) -> str:
    """Path of git. Raises `EnvironmentFault` naming the command that installs it."""
    found = shutil.which("git", path=search_path)
    if found is None:
        raise EnvironmentFault("git is not installed, and this needs it", remedy="apt-get install git")
    return found


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a git call: the user's own settings are found, nothing else is inherited."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR") if name in os.environ}
    fixed = {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_EXTERNAL_DIFF": "",
    }
    return kept | fixed | dict(extra or {})


def run_git(
    directory: Path, *arguments: str, stdin: bytes = b"", extra_env: Mapping[str, str] | None = None
) -> tuple[int, bytes, str]:
    """Exit status, stdout and stderr of one git call in `directory`.

    Raises `EnvironmentFault` without git, or when git does not end within two minutes.
    """
    command = [git_binary(), *_NEVER_RUN, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            input=stdin,
            capture_output=True,
            env=environment(extra_env),
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as slow:
        raise EnvironmentFault(
            f"`git {arguments[0]}` in {directory} did not end within {TIMEOUT_S:.0f} s",
            remedy=f"git -C {directory} status",
        ) from slow
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace").strip()


def must_git(directory: Path, *arguments: str, stdin: bytes = b"", extra_env: Mapping[str, str] | None = None) -> bytes:
    """Stdout of a git call that has to succeed. Raises `EnvironmentFault` or `TaskError` with git's own words."""
    status, out, err = run_git(directory, *arguments, stdin=stdin, extra_env=extra_env)
    if status == 0:
        return out
    if "dubious ownership" in err:
        raise EnvironmentFault(
            f"git does not trust {directory}: it belongs to another user",
            remedy=f"git config --global --add safe.directory {directory}",
        )
    command = next((a for a in arguments if not a.startswith("-") and "=" not in a), "")
    raise TaskError(
        f"`git {command}` failed in {directory} with status {status}: {err or 'no message'}",
        remedy=f"git -C {directory} status",
    )


def without_filters(directory: Path) -> tuple[str, ...]:
    """Flags that switch off every clean, smudge and process filter which the repository's own configuration defines.

    `git status` runs the clean filter on files whose time stamp is fresh. Filters of the user's and the machine's
    configuration stay: the user chose those.
    """
    listed = must_git(directory, "config", "--list", "--show-scope", "--name-only", "-z")
    fields = listed.decode("utf-8", "surrogateescape").split("\0")
    drivers: set[str] = set()
    for scope, key in zip(fields[::2], fields[1::2], strict=False):
        if scope in _OWN_SCOPES and key.startswith("filter."):
            drivers.add(key[len("filter.") :].rpartition(".")[0])
    flags: list[str] = []
    for driver in sorted(drivers):
        for part in ("clean", "smudge", "process"):
            flags += ["-c", f"filter.{driver}.{part}="]
        flags += ["-c", f"filter.{driver}.required=false"]
    return tuple(flags)


def enclosing_repository(directory: Path) -> Path | None:
    """The nearest folder at or above `directory` that holds a `.git`, found without calling git."""
    for folder in (directory, *directory.parents):
        if (folder / ".git").exists():
            return folder
    return None
