"""Reading the files of a task folder into memory, refusing what a snapshot cannot hold."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path

from moa_code.core.errors import TaskError
from moa_code.edits.paths import Fault, path_faults

MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_TOTAL_BYTES = 64 * 1024 * 1024
MAX_FILES = 5_000
LEFTOVERS = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"})
"""Folders that running the tests in place leaves behind. They are not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFiles:
    """Contents by relative path with `/`, and which of the paths are executable."""

    contents: dict[str, bytes] = field(default_factory=dict)
    executables: frozenset[str] = frozenset()


def read_files(folder: Path) -> FolderFiles:
    """Every file below `folder`, leftovers of test runs left out.

    Raises `TaskError` for a symbolic link, a special file, a name that no patch could spell, and for more or larger
    files than the caps above.
    """
    contents: dict[str, bytes] = {}
    executables: set[str] = set()
    total = 0
    waiting = [folder]
    while waiting:
        for path in _listed(waiting.pop()):
            name = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise TaskError(f"{path} is a symbolic link", remedy="put a copy of the file in its place")
            if path.name.lower() == ".git":
                raise TaskError(f"{path} is a git repository, not files of a task", remedy="remove it")
            for fault, sentence in path_faults(name):
                if fault is not Fault.GIT:  # a .gitignore is a file like any other here
                    raise TaskError(f"{path}: {sentence}", remedy="rename or remove it")
            if stat.S_ISDIR(mode):
                if path.name not in LEFTOVERS:
                    waiting.append(path)
                continue
            if not stat.S_ISREG(mode):
                raise TaskError(f"{path} is neither a file nor a folder", remedy="remove it")
            content = _read(path)
            total += len(content)
            if total > MAX_TOTAL_BYTES or len(contents) >= MAX_FILES:
                raise TaskError(
                    f"{folder} holds more than {MAX_FILES} files or {MAX_TOTAL_BYTES} bytes",
                    remedy="keep only what the checks need",
                )
            contents[name] = content
            if mode & stat.S_IXUSR:
                executables.add(name)
    return FolderFiles(contents=contents, executables=frozenset(executables))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise TaskError(f"cannot list {folder}: {error.strerror}", remedy=f"ls -ld {folder}") from error


def _read(path: Path) -> bytes:
    try:
        size = path.lstat().st_size
        if size > MAX_FILE_BYTES:
            raise TaskError(
                f"{path} has {size} bytes, more than the {MAX_FILE_BYTES} a file of a task may have",
                remedy="make it smaller, or let the tests generate it",
            )
        return path.read_bytes()
    except OSError as error:
        raise TaskError(f"cannot read {path}: {error.strerror}", remedy=f"ls -l {path}") from error
