"""Reading and replacing single files below a directory, never through a symbolic link.

Every path is opened part by part relative to an open directory, so a link swapped in under us cannot lead outside.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from moa_code.core.errors import TaskError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDisk:
    """One regular file as it is now."""

    content: bytes
    mode: int  # permission bits
    uid: int
    gid: int


class Obstacle(Exception):
    """The path cannot be a plain file here; the message says what stands in the way. Stays inside `repo/`."""


class FileAbove(Obstacle):
    """A file stands where a folder of the path would be, so there is nothing at the path itself."""


class FolderThere(Obstacle):
    """A folder stands where the file would be."""


def checked_parts(path: str) -> tuple[str, ...]:
    """The parts of a relative path. Raises `TaskError` for one that could leave the tree or reach into `.git`."""
    parts = tuple(path.split("/"))
    if any(part in ("", ".", "..") or "\0" in part or part.casefold() == ".git" for part in parts):
        raise TaskError(f"the patch touches {path!r}, which is no path inside the working tree")
    return parts


@contextmanager
def parent_of(root: int, path: str, *, create: bool = False) -> Iterator[tuple[int, str] | None]:
    """The open parent folder of `path` below the open folder `root`, and the last part; None when there is no parent.

    With `create`, missing folders are made. Raises `Obstacle` when a part is a symbolic link or a file.
    """
    *folders, name = checked_parts(path)
    current = os.dup(root)
    try:
        for depth, folder in enumerate(folders):
            here = "/".join(folders[: depth + 1])
            if create:
                with suppress(FileExistsError):
                    os.mkdir(folder, dir_fd=current)
            try:
                below = os.open(folder, _FOLDER, dir_fd=current)
            except FileNotFoundError:
                yield None
                return
            except OSError as stopped:
                if stopped.errno in (errno.ELOOP, errno.ENOTDIR):
                    if stat.S_ISLNK(os.stat(folder, dir_fd=current, follow_symlinks=False).st_mode):
                        raise Obstacle(f"{here} is a symbolic link") from stopped
                    raise FileAbove(f"{here} is a file") from stopped
                raise
            os.close(current)
            current = below
        yield current, name
    finally:
        os.close(current)


def look(root: int, path: str) -> OnDisk | None:
    """The file as it is now, None when there is none. Raises `Obstacle` for anything but a regular file."""
    with parent_of(root, path) as place:
        if place is None:
            return None
        folder, name = place
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as stopped:
            if stopped.errno == errno.ELOOP:
                raise Obstacle(f"{path} is a symbolic link") from stopped
            raise
        try:
            seen = os.fstat(handle)
            if stat.S_ISDIR(seen.st_mode):
                raise FolderThere(f"{path} is a folder")
            if not stat.S_ISREG(seen.st_mode):
                raise Obstacle(f"{path} is not a regular file")
            with os.fdopen(handle, "rb", closefd=False) as file:
                content = file.read()
        finally:
            os.close(handle)
        return OnDisk(content=content, mode=stat.S_IMODE(seen.st_mode), uid=seen.st_uid, gid=seen.st_gid)


def write_beside(root: int, path: str, temporary: str, content: bytes, like: OnDisk | None) -> None:
    """Write `content` to `temporary` in the folder of `path`, with mode and owner of `like`; flushed to the disk.

    Without `like` the mode is what the umask gives a new file.
    """
    with parent_of(root, path, create=True) as place:
        if place is None:
            raise Obstacle(f"the folder of {path} went away")
        folder, _ = place
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary, flags, 0o666 if like is None else 0o600, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if like is not None:
                seen = os.fstat(handle)
                if os.geteuid() == 0 and (seen.st_uid, seen.st_gid) != (like.uid, like.gid):
                    os.fchown(handle, like.uid, like.gid)
                os.fchmod(handle, like.mode)
            os.fsync(handle)


def put_in_place(root: int, path: str, temporary: str) -> None:
    """Rename `temporary`, which is in the folder of `path`, to `path`. Atomic."""
    with parent_of(root, path) as place:
        if place is None:
            raise Obstacle(f"the folder of {path} went away")
        folder, name = place
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def remove(root: int, path: str, name: str | None = None) -> None:
    """Remove the file `path`, or `name` in its folder; nothing when it is not there."""
    with parent_of(root, path) as place:
        if place is not None:
            with suppress(FileNotFoundError):
                os.unlink(name or place[1], dir_fd=place[0])


def remove_empty_folder(root: int, path: str) -> None:
    """Remove the folder `path` if it is there and empty."""
    with parent_of(root, path) as place:
        if place is not None:
            try:
                os.rmdir(place[1], dir_fd=place[0])
            except OSError as kept:
                if kept.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise


def missing_folders(directory: Path, path: str, leaving: set[str]) -> list[str]:
    """Folders that would have to be made for `path` once the files `leaving` are gone, outermost first."""
    folders = checked_parts(path)[:-1]
    above = ["/".join(folders[: depth + 1]) for depth in range(len(folders))]
    return [folder for folder in above if folder in leaving or not os.path.lexists(directory / folder)]
