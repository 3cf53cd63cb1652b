"""The task of a run in the journal: all that its verdicts depend on, so that another machine can judge again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from moa_code.core.box import Limits
from moa_code.core.errors import TaskError
from moa_code.core.task import Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot, Snapshot, TreeDigest
from moa_code.journal import codec
from moa_code.journal.blobs import get_blob, put_blob
from moa_code.journal.database import Database

MOST_TREE_BYTES = 64 << 20
"""Larger trees are not kept: then a run is judged again on the repository itself, when it is still the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """A task without its tree."""

    task_id: TaskId
    mode: Mode
    instruction: str
    checks: Checks
    limits: Limits
    rules: EditRules
    entry_point: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """A task as the journal has it. `task.tree` is empty unless `whole`: a tree that was too large is not kept."""

    task: Task
    digest: TreeDigest
    whole: bool

    def on(self, tree: Snapshot) -> Task:
        """The task on a tree that has the digest of the one it was made for. Raises `TaskError` for another."""
        if tree.digest != self.digest:
            raise TaskError(
                "that folder is not what the run has seen: files were added, removed or changed since",
                remedy="check out the commit the run started from, with the same uncommitted changes",
            )
        return replace(self.task, tree=tree)


def contents_of(tree: Snapshot) -> Mapping[str, bytes] | None:
    """All files of a tree by path; None for one that is too large to be kept."""
    contents: dict[str, bytes] = {}
    left = MOST_TREE_BYTES
    for path in tree.paths():
        contents[path] = tree.read(path)
        left -= len(contents[path])
        if left < 0:
            return None
    return contents


def put_task(connection: sqlite3.Connection, run_id: str, task: Task, contents: Mapping[str, bytes] | None) -> None:
    """Store the task inside the caller's transaction. A second task of a run replaces the first."""
    words = _Words(**{field.name: getattr(task, field.name) for field in fields(_Words)})
    files = contents and [
        (path, task.tree.executable(path), put_blob(connection, run_id, content)) for path, content in contents.items()
    ]
    connection.execute(
        "INSERT OR REPLACE INTO tasks (run_id, digest, document, files) VALUES (?, ?, ?, ?)",
        (run_id, task.tree.digest, codec.dumps(words), None if files is None else json.dumps(files)),
    )


def get_task(database: Database, run_id: str) -> StoredTask | None:
    """The task of a run; None for a run without one. Raises `ValueError` when the journal is damaged."""
    rows = database.rows("SELECT digest, document, files FROM tasks WHERE run_id = ?", (run_id,))
    if not rows:
        return None
    words = codec.loads(_Words, rows[0]["document"])
    entries = None if rows[0]["files"] is None else json.loads(rows[0]["files"])
    tree = MemorySnapshot(
        files={path: get_blob(database, key) for path, _, key in entries or ()},
        executables=frozenset(path for path, executable, _ in entries or () if executable),
    )
    if entries is not None and tree.digest != rows[0]["digest"]:
        raise ValueError(f"the tree of run {run_id} is damaged in the journal")
    task = Task(**{field.name: getattr(words, field.name) for field in fields(_Words)}, tree=tree)
    return StoredTask(task=task, digest=TreeDigest(rows[0]["digest"]), whole=entries is not None)
