"""Putting a verified patch into the user's working tree, and taking it out again. All of it or nothing.

Order of an apply: compare every file with what the patch expects; write the record; write every new content beside
its file; rename them into place; mark the record. A kill at any point leaves a record in the state `applying` or
`undoing`, and the next apply or undo with that record puts everything back first.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moa_code.core.errors import EnvironmentFault, TaskError
from moa_code.core.patch import FileChange, Patch
from moa_code.repo.files import (
    FileAbove,
    FolderThere,
    Obstacle,
    OnDisk,
    checked_parts,
    look,
    missing_folders,
    put_in_place,
    remove,
    remove_empty_folder,
    write_beside,
)
from moa_code.repo.record import Record, State, Touched, blob_id, load, moved_on, save


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A patch that is in the working tree.

    `recovered`: an earlier apply or undo had been cut short and was put back first. `already`: it was in the tree
    before this call, which changed nothing.
    """

    paths: tuple[str, ...]
    patch_sha256: str
    record_path: Path
    recovered: bool = False
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """A patch that is out of the working tree again. `already`: it was out before this call."""

    paths: tuple[str, ...]
    patch_sha256: str
    already: bool = False


def apply_patch(directory: Path, patch: Patch, *, record_path: Path) -> Applied:
    """Put `patch` into `directory`; `record_path` is what `undo_patch` needs.

    Raises `TaskError`, having changed nothing, when a touched file is not what the patch expects, when a path leads
    outside or through a symbolic link, or when the record holds another patch that is still applied;
    `EnvironmentFault` when the disk refuses.
    """
    for path in patch.paths:
        checked_parts(path)
    with _locked(directory) as root:
        record = load(record_path)
        recovered = False
        if record is not None and record.state in (State.APPLYING, State.UNDOING):
            _put_back(root, record, record_path)
            recovered = True
        elif record is not None and record.state is State.APPLIED:
            if record.patch_sha256 == patch.sha256 and not _differing(root, record, _after_ids(record)):
                return Applied(paths=patch.paths, patch_sha256=patch.sha256, record_path=record_path, already=True)
            raise TaskError(
                f"the record {record_path} holds a patch that is still applied ({', '.join(_paths(record))})",
                remedy="moa-code undo RUN",
            )
        touched = _compared(root, patch)
        leaving = {c.path for c in patch.changes if c.after is None}
        made = (f for c in patch.changes if c.before is None for f in missing_folders(directory, c.path, leaving))
        record = save(
            Record(
                state=State.APPLYING,
                patch_sha256=patch.sha256,
                token=secrets.token_hex(6),
                files=touched,
                folders=tuple(dict.fromkeys(made)),
            ),
            record_path,
        )
        done = False
        try:
            swaps = tuple(
                _Swap(index=index, file=file, known=file.before_id, content=change.after)
                for index, (file, change) in enumerate(zip(touched, patch.changes, strict=True))
            )
            _exchange(root, record, swaps)
            moved_on(record, State.APPLIED, record_path)
            done = True
        finally:
            if not done:
                _put_back(root, record, record_path)
        return Applied(paths=patch.paths, patch_sha256=patch.sha256, record_path=record_path, recovered=recovered)


def undo_patch(directory: Path, record_path: Path) -> Undone:
    """Put every file of the recorded patch back as it was.

    Raises `TaskError`, having changed nothing, when a file is no longer what the patch had made of it, or when
    there is no record; `EnvironmentFault` when the disk refuses.
    """
    with _locked(directory) as root:
        record = load(record_path)
        if record is None:
            raise TaskError(f"nothing to undo: there is no record at {record_path}", remedy="moa-code runs list")
        outcome = Undone(paths=_paths(record), patch_sha256=record.patch_sha256)
        if record.state is State.UNDONE:
            return Undone(paths=outcome.paths, patch_sha256=outcome.patch_sha256, already=True)
        if record.state is State.APPLIED:
            changed = _differing(root, record, _after_ids(record))
            if changed:
                raise TaskError(
                    f"changed since the patch was applied, so nothing was undone: {', '.join(changed)}",
                    remedy="put these files aside (git stash, or a copy), then `moa-code undo RUN`; "
                    "`moa-code runs diff RUN` shows what the patch did",
                )
            record = moved_on(record, State.UNDOING, record_path)
        _put_back(root, record, record_path)
        return outcome


def _compared(root: int, patch: Patch) -> tuple[Touched, ...]:
    """The files as they are, when each is what the patch expects. Raises `TaskError` naming those which are not."""
    leaving = {c.path for c in patch.changes if c.after is None}
    touched: list[Touched] = []
    overlap: list[str] = []
    for change in patch.changes:
        try:
            now = None if _below_a_leaving_file(change, leaving) else look(root, change.path)
        except Obstacle as obstacle:
            overlap.append(str(obstacle))
            continue
        if (None if now is None else now.content) != change.before:
            overlap.append(change.path)
            continue
        old = now or OnDisk(content=b"", mode=0o644, uid=os.geteuid(), gid=os.getegid())
        touched.append(
            Touched(
                path=change.path,
                before_id=blob_id(change.before),
                after_id=blob_id(change.after),
                before=change.before,
                mode=old.mode,
                uid=old.uid,
                gid=old.gid,
            )
        )
    if overlap:
        raise TaskError(
            f"the working tree is not what the patch was made for: {', '.join(overlap)}",
            remedy="commit or stash these files (git stash push -- FILE), then `moa-code apply RUN`",
        )
    return tuple(touched)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Swap:
    """One file on its way from `known`, the id it must still have, to `content`."""

    index: int
    file: Touched
    known: str | None
    content: bytes | None


def _exchange(root: int, record: Record, swaps: tuple[_Swap, ...], *, folders: tuple[str, ...] = ()) -> None:
    """Carry out the swaps and remove `folders` where they became empty.

    Removals come first, because a file may have to make room for a folder and the other way round. A full disk shows
    while the temporary files are written, before any content was replaced.
    """
    written = tuple(swap for swap in swaps if swap.content is not None)
    try:
        for swap in swaps:
            if swap.content is None:
                _still(root, swap)
                remove(root, swap.file.path)
        for folder in reversed(folders):
            remove_empty_folder(root, folder)
        for swap in written:
            old = swap.file
            like = OnDisk(content=b"", mode=old.mode, uid=old.uid, gid=old.gid) if old.before_id is not None else None
            write_beside(root, old.path, record.temporary(swap.index), swap.content or b"", like)
        for swap in written:
            _still(root, swap)
            put_in_place(root, swap.file.path, record.temporary(swap.index))
    except Obstacle as obstacle:
        raise TaskError(f"the working tree changed while the patch was being put in or out: {obstacle}") from obstacle
    except OSError as refused:
        raise EnvironmentFault(
            f"the disk refused a file of the patch: {refused.strerror}",
            remedy="df -h . && ls -ld .",
        ) from refused


def _put_back(root: int, record: Record, record_path: Path) -> None:
    """Every file back as it was before the patch, the record marked as undone.

    A file which is neither what it was nor what the patch made of it is the user's own later work: nothing is
    changed then, and `TaskError` names it.
    """
    try:
        for index, file in enumerate(record.files):
            _remove_temporary(root, file.path, record.temporary(index))
        current = [_current_id(root, file.path, record.folders) for file in record.files]
    except Obstacle as obstacle:
        raise TaskError(f"an interrupted apply cannot be put back: {obstacle}") from obstacle
    ids = tuple(zip(record.files, current, strict=True))
    foreign = [file.path for file, now in ids if now not in (file.before_id, file.after_id)]
    if foreign:
        raise TaskError(
            f"an apply or undo was interrupted, and these files were changed since: {', '.join(foreign)}",
            remedy="put these files aside (a copy), restore them with git, then `moa-code undo RUN`",
        )
    swaps = tuple(
        _Swap(index=index, file=file, known=now, content=file.before)
        for index, (file, now) in enumerate(ids)
        if now != file.before_id
    )
    _exchange(root, record, swaps, folders=record.folders)
    moved_on(record, State.UNDONE, record_path)


def _below_a_leaving_file(change: FileChange, leaving: set[str]) -> bool:
    """Whether a file that this patch deletes has to make room for the folder of a created one."""
    parts = change.path.split("/")
    return change.before is None and any("/".join(parts[:i]) in leaving for i in range(1, len(parts)))


def _still(root: int, swap: _Swap) -> None:
    if _current_id(root, swap.file.path) != swap.known:
        raise Obstacle(swap.file.path)


def _current_id(root: int, path: str, made: tuple[str, ...] = ()) -> str | None:
    """Id of the file as it is now. `made` are folders of ours: one of them at `path` means that no file is there."""
    try:
        now = look(root, path)
    except FileAbove:
        return None
    except FolderThere:
        if path in made:
            return None
        raise
    return blob_id(None if now is None else now.content)


def _remove_temporary(root: int, path: str, temporary: str) -> None:
    try:
        remove(root, path, temporary)
    except Obstacle:
        return  # no such folder, so no temporary file in it


def _differing(root: int, record: Record, ids: tuple[str | None, ...]) -> list[str]:
    """Paths of the record whose file is not the one with the given id."""
    differing: list[str] = []
    for file, wanted in zip(record.files, ids, strict=True):
        try:
            same = _current_id(root, file.path, record.folders) == wanted
        except Obstacle:
            same = False
        if not same:
            differing.append(file.path)
    return differing


def _after_ids(record: Record) -> tuple[str | None, ...]:
    return tuple(file.after_id for file in record.files)


def _paths(record: Record) -> tuple[str, ...]:
    return tuple(file.path for file in record.files)


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    """The directory, open and locked against another apply or undo; the lock ends with the process."""
    try:
        root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as missing:
        raise TaskError(f"cannot open {directory}: {missing.strerror}") from missing
    try:
        try:
            fcntl.flock(root, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise TaskError(
                f"another apply or undo is at work in {directory}", remedy="wait for it, then type this again"
            ) from busy
        yield root
    finally:
        os.close(root)
