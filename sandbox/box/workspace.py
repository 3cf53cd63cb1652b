"""Trees inside the box: unpack the base once, lay it out for each job, and wipe whatever a job left."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path


class BadPath(Exception):
    """A path the host must never have sent."""


def checked(path: str) -> str:
    """`path` if it is relative, clean and cannot leave the tree. Raises `BadPath`."""
    parts = path.split("/")
    if not path or path.startswith("/") or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise BadPath(path)
    return path


class Sealed:
    """Which paths a job may read but not replace: exact names, and folders written with a final `/`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact = frozenset(name for name in names if not name.endswith("/"))
        self._folders = tuple(name for name in names if name.endswith("/"))

    def __contains__(self, path: str) -> bool:
        return path in self._exact or path.startswith(self._folders)


def store(root: Path, path: str, content: bytes, executable: bool) -> None:
    """One file of a base tree: owned by us, readable by all, writable by nobody."""
    target = root / checked(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fchmod(descriptor, 0o555 if executable else 0o444)
    finally:
        os.close(descriptor)


def lay_out(
    base: Path,
    work: Path,
    overlay: Sequence[tuple[str, bytes | None]],
    sealed: Sealed,
    owner: int | None,
    left_out: frozenset[str] = frozenset(),
) -> None:
    """The job's tree: `base` with `overlay` over it (None deletes), without the paths in `left_out`.

    Sealed files are links to our copy and the folders are ours with the sticky bit, so a job can add files anywhere and
    cannot remove, rename or rewrite a sealed one. Other files belong to `owner` (None: we are the owner).
    """
    changed = {checked(path): content for path, content in overlay} | dict.fromkeys(left_out)
    work.mkdir(mode=0o755)
    os.chmod(work, 0o1777)
    made = {""}

    def folder_of(path: str) -> None:
        head, _, _ = path.rpartition("/")
        if head in made:
            return
        folder_of(head)
        os.mkdir(work / head, 0o755)
        os.chmod(work / head, 0o1777)
        made.add(head)

    for folder, _, names in os.walk(base):
        inside = os.path.relpath(folder, base)
        for name in sorted(names):
            path = name if inside == "." else f"{inside}/{name}"
            if path in changed:
                continue
            folder_of(path)
            if path in sealed:
                os.link(base / path, work / path)
            else:
                _copy(base / path, work / path, owner)
    for path, content in changed.items():
        if content is None:
            continue
        folder_of(path)
        source = base / path
        mode = 0o755 if source.exists() and source.stat().st_mode & 0o100 else 0o644
        _write(work / path, content, mode, None if path in sealed else owner)


def broken_seal(base: Path, work: Path, paths: Iterable[str]) -> str:
    """The first of `paths` that in `work` is no longer our own file, unchanged; empty when all are."""
    for path in paths:
        try:
            ours = os.lstat(base / path)
        except FileNotFoundError:
            continue
        try:
            there = os.lstat(work / path)
        except OSError:
            return path
        if (there.st_ino, there.st_size, there.st_mtime_ns) != (ours.st_ino, ours.st_size, ours.st_mtime_ns):
            return path
    return ""


def lay_out_some(
    base: Path, work: Path, paths: Iterable[str], overlay: Sequence[tuple[str, bytes | None]], owner: int | None
) -> None:
    """Of `base` with `overlay` over it only `paths`, in a folder that `owner` alone can enter."""
    changed = dict(overlay)
    os.mkdir(work, 0o700)
    for path in sorted(paths):
        target = work / checked(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = changed.get(path)
        if content is not None:
            _write(target, content, 0o644, None)
        elif path not in changed and (base / path).exists():
            os.link(base / path, target)
    if owner is not None:
        os.chown(work, owner, owner)


def _copy(source: Path, target: Path, owner: int | None) -> None:
    info = source.stat()
    with open(source, "rb") as stream:
        _write(target, stream.read(), 0o755 if info.st_mode & 0o100 else 0o644, owner)


def _write(target: Path, content: bytes, mode: int, owner: int | None) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fchmod(descriptor, mode)
        if owner is not None:
            os.fchown(descriptor, owner, owner)
    finally:
        os.close(descriptor)


def wipe(root: Path) -> None:
    """Empty `root`, whatever was put there, following no link.

    Folders are first moved up to `root`, so that the depth a job has built never makes a path too long.
    """
    pending = True
    serial = 0
    prefix = os.fsencode(root) + b"/.moved-" + os.urandom(8).hex().encode()  # no job can have guessed it
    while pending:
        pending = False
        for entry in list(os.scandir(os.fsencode(root))):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            pending = True
            with contextlib.suppress(OSError):
                os.chmod(entry.path, 0o700)
            for inner in list(os.scandir(entry.path)):
                if inner.is_dir(follow_symlinks=False):
                    serial += 1
                    with contextlib.suppress(OSError):
                        os.chmod(inner.path, 0o700)
                    os.rename(inner.path, prefix + b"-%d" % serial)
                else:
                    os.unlink(inner.path)
            os.rmdir(entry.path)


def sweep_owned(folder: str, uid: int) -> int:
    """Remove what `uid` left directly or below in a shared folder (/tmp, /dev/shm). Returns how many entries."""
    removed = 0
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return 0
    for entry in entries:
        if entry.stat(follow_symlinks=False).st_uid != uid:
            continue
        removed += 1
        if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
            os.chmod(entry.path, 0o700)
            wipe(Path(entry.path))
            os.rmdir(entry.path)
        else:
            os.unlink(entry.path)
    return removed


def fullness(folder: str | Path) -> tuple[int, int]:
    """Free bytes and free inodes of the file system that holds `folder`."""
    info = os.statvfs(folder)
    return info.f_bavail * info.f_frsize, info.f_ffree
