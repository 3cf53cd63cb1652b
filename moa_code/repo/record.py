"""The record of one applied patch: what every touched file was, so that it can be put back. A JSON file."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import zlib
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from moa_code.core.errors import EnvironmentFault, TaskError

SCHEMA = 1


class State(StrEnum):
    """How far it came. The two in the middle of something are found only after a kill."""

    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One file of the patch. Ids are git's blob ids in its SHA-256 format; None: no file.

    Mode and owner are the old file's.
    """

    path: str
    before_id: str | None
    after_id: str | None
    before: bytes | None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One apply. `token` names its temporary files; `folders` are those it made, outermost first."""

    state: State
    patch_sha256: str
    token: str
    files: tuple[Touched, ...]
    folders: tuple[str, ...] = ()

    def temporary(self, index: int) -> str:
        return f".moa-{self.token}-{index}"


def blob_id(content: bytes | None) -> str | None:
    """What `git hash-object` prints for these bytes in a SHA-256 repository; None for no file."""
    if content is None:
        return None
    return hashlib.sha256(b"blob %d\0" % len(content) + content).hexdigest()


def save(record: Record, path: Path) -> Record:
    """Write the record, atomically and flushed to the disk, and return it."""
    document = {
        "schema": SCHEMA,
        "state": record.state.value,
        "patch_sha256": record.patch_sha256,
        "token": record.token,
        "folders": list(record.folders),
        "files": [
            {
                "path": f.path,
                "before_id": f.before_id,
                "after_id": f.after_id,
                "before": None if f.before is None else base64.b64encode(zlib.compress(f.before)).decode("ascii"),
                "mode": f.mode,
                "uid": f.uid,
                "gid": f.gid,
            }
            for f in record.files
        ],
    }
    beside = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as refused:
        raise EnvironmentFault(
            f"cannot write the record {path}, without which nothing could be undone: {refused.strerror}",
            remedy=f"df -h {path.parent}",
        ) from refused
    return record


def load(path: Path) -> Record | None:
    """The record at `path`; None when there is none. Raises `TaskError` for a file that is no record of ours."""
    try:
        document = json.loads(path.read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError) as broken:
        raise TaskError(f"{path} is not a readable record of an applied patch: {broken}") from broken
    try:
        if document["schema"] != SCHEMA:
            raise TaskError(
                f"{path} was written by another version (schema {document['schema']}, this one reads {SCHEMA})",
                remedy="moa-code --version",
            )
        return Record(
            state=State(document["state"]),
            patch_sha256=str(document["patch_sha256"]),
            token=str(document["token"]),
            folders=tuple(map(str, document["folders"])),
            files=tuple(
                Touched(
                    path=str(f["path"]),
                    before_id=f["before_id"],
                    after_id=f["after_id"],
                    before=None if f["before"] is None else zlib.decompress(base64.b64decode(f["before"])),
                    mode=int(f["mode"]),
                    uid=int(f["uid"]),
                    gid=int(f["gid"]),
                )
                for f in document["files"]
            ),
        )
    except (KeyError, TypeError, ValueError, binascii.Error, zlib.error) as broken:
        raise TaskError(f"{path} is damaged: {broken!r}") from broken


def moved_on(record: Record, state: State, path: Path) -> Record:
    """Save `record` in its next state."""
    return save(replace(record, state=state), path)
