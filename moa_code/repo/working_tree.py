"""The user's working tree as a snapshot, and what git says about its state. Reads only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from moa_code.core.errors import EnvironmentFault, TaskError
from moa_code.core.tree import TreeDigest, tree_digest
from moa_code.repo.git import enclosing_repository, must_git, run_git, without_filters

MAX_FILES = 200_000
MAX_FILE_BYTES = 64 << 20
FileId = tuple[int, int]  # device and inode
KEPT_BYTES = 32 << 20  # contents remembered once read, so that the user may go on editing while a run reads

# Folders nobody means when they point at a directory that git does not manage.
_NOT_SOURCE = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        "node_modules",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One path that is on the disk and not in the snapshot, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeState:
    """What git says. `dirty`: tracked paths that differ from HEAD; `untracked`: not ignored.

    Both are relative to `directory`, and only what lies below it. Outside a repository `is_repo` is False
    and the rest empty; `head` is None before the first commit.
    """

    directory: Path
    is_repo: bool
    root: Path | None = None
    head: str | None = None
    branch: str = ""
    dirty: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()


class DiskSnapshot:
    """A tree on the disk as it was when `snapshot` looked. Contents are read when asked for.

    A file that changed on the disk between the look and the first read raises `TaskError`; read once, it stays
    as it was (up to 32 MiB in all). `left_out` names what is no regular file or too large, in order of path.
    """

    def __init__(self, directory: Path, stats: dict[str, os.stat_result], left_out: tuple[LeftOut, ...]) -> None:
        self.directory = directory
        self.left_out = left_out
        self._paths = tuple(sorted(stats))
        self._stats = stats
        self._kept: dict[str, bytes] = {}
        self._room = KEPT_BYTES
        self._digest: TreeDigest | None = None

    @property
    def digest(self) -> TreeDigest:
        if self._digest is None:
            self._digest = tree_digest(self._entries())
        return self._digest

    def paths(self) -> tuple[str, ...]:
        return self._paths

    def executable(self, path: str) -> bool:
        return bool(self._stats[path].st_mode & stat.S_IXUSR)

    def read(self, path: str) -> bytes:
        kept = self._kept.get(path)
        if kept is not None:
            return kept
        content = self._read_unchanged(path)
        if len(content) <= self._room:
            self._kept[path] = content
            self._room -= len(content)
        return content

    def _entries(self) -> Iterator[tuple[str, bool, bytes]]:
        for path in self._paths:
            yield path, self.executable(path), self.read(path)

    def _read_unchanged(self, path: str) -> bytes:
        seen = self._stats[path]
        try:
            handle = os.open(self.directory / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                now = os.fstat(handle)
                content = file.read() if stat.S_ISREG(now.st_mode) else b""
                after = os.fstat(handle)
        except PermissionError as refused:
            raise EnvironmentFault(
                f"cannot read {self.directory / path}: permission denied", remedy=f"chmod u+r {self.directory / path}"
            ) from refused
        except OSError as gone:
            raise _changed(self.directory / path) from gone
        if _mark(now) != _mark(seen) or _mark(after) != _mark(seen):
            raise _changed(self.directory / path)
        return content


def snapshot(directory: Path, *, leave_out: frozenset[FileId] = frozenset()) -> DiskSnapshot:
    """The files below `directory`: tracked, or untracked and not ignored; outside a repository, every file.

    Symbolic links, submodules, sockets, devices, files above 64 MiB and those of `leave_out` are named in
    `left_out`. Names not in UTF-8 come with surrogate escapes. Raises `TaskError` for a directory that is none or
    holds more than 200,000 files, `EnvironmentFault` when there is a repository and no git.
    """
    directory = _checked(directory)
    names, left_out = _names(directory)
    stats: dict[str, os.stat_result] = {}
    real_folders: dict[str, bool] = {"": True}
    base = str(directory)
    for name in names:
        folder = name.rpartition("/")[0]
        if not _inside(base, folder, real_folders):
            left_out.append(LeftOut(path=name, reason="below a symbolic link"))
            continue
        try:
            seen = os.lstat(f"{base}/{name}")
        except (FileNotFoundError, NotADirectoryError):
            continue  # tracked by git, deleted on the disk
        reason = "written by this command" if (seen.st_dev, seen.st_ino) in leave_out else _unfit(seen)
        if reason:
            left_out.append(LeftOut(path=name, reason=reason))
        else:
            stats[name] = seen
    return DiskSnapshot(directory, stats, tuple(sorted(left_out, key=lambda left: left.path)))


def state(directory: Path) -> TreeState:
    """Head, branch and dirty paths of the repository around `directory`. Same errors as `snapshot`."""
    directory = _checked(directory)
    if enclosing_repository(directory) is None:
        return TreeState(directory=directory, is_repo=False)
    root, prefix = _location(directory)
    out = must_git(
        directory,
        *without_filters(directory),
        "status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--untracked-files=all",
        "--ignore-submodules=all", "--", ".",
    )  # fmt: skip
    head: str | None = None
    branch = ""
    dirty: list[str] = []
    untracked: list[str] = []
    for line in out.decode("utf-8", "surrogateescape").split("\0"):
        kind = line[:2]
        if line.startswith("# branch.oid "):
            oid = line.removeprefix("# branch.oid ")
            head = None if oid == "(initial)" else oid
        elif line.startswith("# branch.head "):
            branch = line.removeprefix("# branch.head ")
        elif kind == "1 ":
            dirty.append(line.split(" ", 8)[8].removeprefix(prefix))
        elif kind == "u ":
            dirty.append(line.split(" ", 10)[10].removeprefix(prefix))
        elif kind == "? ":
            untracked.append(line[2:].removeprefix(prefix))
    return TreeState(
        directory=directory,
        is_repo=True,
        root=root,
        head=head,
        branch=branch,
        dirty=tuple(sorted(dirty)),
        untracked=tuple(sorted(untracked)),
    )


def _names(directory: Path) -> tuple[list[str], list[LeftOut]]:
    """Paths that belong to the tree, unchecked, and what is known to be left out already."""
    if enclosing_repository(directory) is None or _ignored(directory):
        return _walk(directory)
    names: set[str] = set()
    left_out: list[LeftOut] = []
    filters = without_filters(directory)
    staged = must_git(directory, *filters, "ls-files", "-z", "--stage")
    for entry in staged.decode("utf-8", "surrogateescape").split("\0"):
        if not entry:
            continue
        head, _, name = entry.partition("\t")
        if head.startswith("160000"):
            left_out.append(LeftOut(path=name, reason="submodule"))
        else:
            names.add(name)
    others = must_git(directory, *filters, "ls-files", "-z", "--others", "--exclude-standard")
    for name in others.decode("utf-8", "surrogateescape").split("\0"):
        if name.endswith("/"):
            left_out.append(LeftOut(path=name, reason="a repository of its own"))
        elif name:
            names.add(name)
    _bounded(len(names), directory)
    return sorted(names), left_out


def _walk(directory: Path) -> tuple[list[str], list[LeftOut]]:
    names: list[str] = []
    left_out: list[LeftOut] = []
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(directory / folder) as entries:
                for entry in entries:
                    name = f"{folder}{entry.name}"
                    if not entry.is_dir(follow_symlinks=False):
                        names.append(name)
                    elif entry.name in _NOT_SOURCE or (directory / name / "pyvenv.cfg").exists():
                        left_out.append(LeftOut(path=f"{name}/", reason="not source"))
                    else:
                        pending.append(f"{name}/")
        except PermissionError as refused:
            raise EnvironmentFault(
                f"cannot list {directory / folder}: permission denied", remedy=f"chmod u+rx {directory / folder}"
            ) from refused
        _bounded(len(names), directory)
    return names, left_out


def _location(directory: Path) -> tuple[Path, str]:
    """The repository's root and the way from there to `directory`, empty or ending in `/`."""
    out = must_git(directory, "rev-parse", "--show-toplevel", "--show-prefix").decode("utf-8", "surrogateescape")
    root, _, prefix = out.rstrip("\n").partition("\n")
    return Path(root), prefix


def _ignored(directory: Path) -> bool:
    """Whether the repository around `directory` ignores it as a whole: then git has nothing to say about its files."""
    if (directory / ".git").exists():
        return False
    status, _, _ = run_git(directory, "check-ignore", "-q", ".")
    return status == 0


def _checked(directory: Path) -> Path:
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else "does not exist"
        raise TaskError(f"{directory} {what}", remedy="moa-code fix DIR, with DIR the root of your project")
    return directory.resolve()


def _bounded(count: int, directory: Path) -> None:
    if count > MAX_FILES:
        raise TaskError(
            f"{directory} holds more than {MAX_FILES:,} files",
            remedy="name the project's own folder, or put what is not source into .gitignore",
        )


def _inside(base: str, folder: str, known: dict[str, bool]) -> bool:
    """Whether every part of `folder` is a real directory; a link there could lead out of the tree."""
    answer = known.get(folder)
    if answer is None:
        answer = _inside(base, folder.rpartition("/")[0], known)
        if answer:
            try:
                answer = not stat.S_ISLNK(os.lstat(f"{base}/{folder}").st_mode)
            except FileNotFoundError:
                answer = True  # its files are gone as well, and skipped for that
        known[folder] = answer
    return answer


def _unfit(seen: os.stat_result) -> str:
    if stat.S_ISLNK(seen.st_mode):
        return "symbolic link"
    if not stat.S_ISREG(seen.st_mode):
        return "not a regular file"
    if seen.st_size > MAX_FILE_BYTES:
        return f"larger than {MAX_FILE_BYTES >> 20} MiB"
    return ""


def _mark(seen: os.stat_result) -> tuple[int, int, int, int]:
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns


def _changed(path: Path) -> TaskError:
    return TaskError(f"{path} changed on the disk while it was being read", remedy="run the same command again")
