"""The SQLite file: opened, migrated, locked; every write its own transaction; SQLite's failures as ours."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from moa_code.core.errors import EnvironmentFault

BUSY_S = 10.0
FULL_BYTES = 1 << 20  # with less free space than this, what the disk reports as an error is its fullness
_MAGIC = b"SQLite format 3\0"

# One entry a schema version, never edited after a release: a newer version appends.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, kind TEXT NOT NULL, task_id TEXT NOT NULL, directory TEXT NOT NULL,
        status TEXT NOT NULL, started_at REAL NOT NULL, finished_at REAL, owner TEXT NOT NULL,
        settings TEXT NOT NULL, result TEXT, winner TEXT
    ) WITHOUT ROWID;
    CREATE INDEX runs_by_status ON runs (status);
    CREATE TABLE steps (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, at REAL NOT NULL,
        kind TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX steps_by_run ON steps (run_id);
    CREATE TABLE calls (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, at REAL NOT NULL,
        model TEXT NOT NULL, role TEXT NOT NULL, prompt_sha256 TEXT, answer_sha256 TEXT,
        prompt_tokens INTEGER, completion_tokens INTEGER, cost_usd REAL, latency_s REAL,
        finish TEXT NOT NULL, error TEXT NOT NULL, cached INTEGER NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX calls_by_run ON calls (run_id);
    CREATE TABLE candidates (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        candidate_id TEXT NOT NULL, at REAL NOT NULL, patch_sha256 TEXT NOT NULL, author TEXT NOT NULL,
        prior REAL NOT NULL, origin TEXT NOT NULL, changes TEXT NOT NULL, UNIQUE (run_id, candidate_id)
    );
    CREATE TABLE verdicts (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        candidate_id TEXT NOT NULL, at REAL NOT NULL, outcome TEXT NOT NULL, level INTEGER NOT NULL,
        document BLOB NOT NULL
    );
    CREATE INDEX verdicts_by_run ON verdicts (run_id, candidate_id);
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, at REAL NOT NULL,
        kind TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX events_by_run ON events (run_id);
    CREATE TABLE blobs (
        sha256 TEXT PRIMARY KEY, base_sha256 TEXT, prefix INTEGER NOT NULL, suffix INTEGER NOT NULL, data BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE blob_uses (
        run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, sha256 TEXT NOT NULL, PRIMARY KEY (run_id, sha256)
    ) WITHOUT ROWID;
    CREATE TABLE answers (
        key TEXT PRIMARY KEY, model TEXT NOT NULL, at REAL NOT NULL, completion TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE tasks (
        run_id TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE, digest TEXT NOT NULL, document TEXT NOT NULL,
        files TEXT
    ) WITHOUT ROWID;
    """,
    # What an author did in a run, small enough to be kept when the run itself is forgotten: no reference to it.
    """
    CREATE TABLE outcomes (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, task_id TEXT NOT NULL, digest TEXT NOT NULL,
        mode TEXT NOT NULL, at REAL NOT NULL, author TEXT NOT NULL, first_passed INTEGER, passed INTEGER,
        held_out INTEGER, passes_right INTEGER NOT NULL, passes_wrong INTEGER NOT NULL,
        calls INTEGER NOT NULL, prompt_tokens REAL, completion_tokens REAL, cost_usd REAL, UNIQUE (run_id, author)
    );
    CREATE INDEX outcomes_by_author ON outcomes (author, seq, mode, first_passed);
    CREATE INDEX outcomes_graded ON outcomes (author, seq, mode, passes_right, passes_wrong)
        WHERE passes_right + passes_wrong > 0;
    CREATE TABLE grades (
        run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, candidate_id TEXT NOT NULL, at REAL NOT NULL,
        passed INTEGER NOT NULL, PRIMARY KEY (run_id, candidate_id)
    ) WITHOUT ROWID;
    """,
)


class Database:
    """One connection, shared by the threads of this process behind a lock."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock, translated(self.path):
            return self._connection.execute(sql, values).fetchall()

    def write(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Carry out `change` in a transaction of its own: all of it is in the file afterwards, or nothing."""
        with self._lock, translated(self.path), _transaction(self._connection):
            change(self._connection)


def open_database(path: Path, *, clock: Callable[[], float], busy_s: float = BUSY_S) -> Database:
    """Open the file, making and migrating it as needed.

    Raises `EnvironmentFault` when the disk refuses, when another process holds it for longer than `busy_s`, when it is
    no journal or damaged, or when a newer version of the program wrote it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_foreign(path)
        path.touch(mode=0o600)  # prompts and code are in it; SQLite gives its side files the same mode
    except OSError as refused:
        raise EnvironmentFault(
            f"cannot make the journal {path}: {refused.strerror}", remedy="moa-code --journal FILE, on a writable disk"
        ) from refused
    with translated(path):
        connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        with translated(path):
            connection.row_factory = sqlite3.Row
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise EnvironmentFault(
                    f"the file system of {path} cannot hold a journal: SQLite's write-ahead log does not work there",
                    remedy="moa-code --journal FILE, on a local disk",
                )
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            _migrate(path, connection, clock())
    except BaseException:
        connection.close()
        raise
    return Database(path, connection)


def _refuse_foreign(path: Path) -> None:
    """SQLite takes a file shorter than its header for an empty one, and would write over it. Raises `OSError` too."""
    if not path.exists():
        return
    with path.open("rb") as file:
        start = file.read(len(_MAGIC))
    if start and start != _MAGIC:
        raise EnvironmentFault(
            f"the journal {path} cannot be used: it is no SQLite database",
            remedy="moa-code --journal FILE, with a new file",
        )


def _migrate(path: Path, connection: sqlite3.Connection, now: float) -> None:
    with _transaction(connection):
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone()
        if known is None:
            if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
                raise EnvironmentFault(
                    f"{path} is a database of another program", remedy="moa-code --journal FILE, with a new file"
                )
            connection.execute("CREATE TABLE migrations (version INTEGER PRIMARY KEY, at REAL NOT NULL)")
        version = connection.execute("SELECT coalesce(max(version), 0) FROM migrations").fetchone()[0]
        if version > len(MIGRATIONS):
            raise EnvironmentFault(
                f"the journal {path} has schema {version}; this moa-code knows {len(MIGRATIONS)} and would damage it",
                remedy="update moa-code, or use another file: moa-code --journal FILE",
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in filter(None, map(str.strip, script.split(";"))):
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, now))


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk ends the transaction by itself
            connection.execute("ROLLBACK")
        raise


_REASONS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", "moa-code runs gc, or free some space (df -h)"),
    sqlite3.SQLITE_READONLY: ("it is read-only", "moa-code --journal FILE, on a writable disk"),
    sqlite3.SQLITE_BUSY: ("another process holds it", "wait for the other moa-code, then type this again"),
    sqlite3.SQLITE_LOCKED: ("another process holds it", "wait for the other moa-code, then type this again"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "moa-code --journal FILE, on a writable disk"),
    sqlite3.SQLITE_PERM: ("access is denied", "moa-code --journal FILE, with a file of yours"),
    sqlite3.SQLITE_IOERR: ("the disk reported an error", "moa-code --journal FILE, on another disk"),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "move the file away; a new one is made"),
    sqlite3.SQLITE_NOTADB: ("it is no SQLite database", "moa-code --journal FILE, with a new file"),
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's failures that come from the machine as `EnvironmentFault`; a wrong statement of ours stays as it is."""
    try:
        yield
    except sqlite3.DatabaseError as failed:
        code = getattr(failed, "sqlite_errorcode", 0) & 0xFF  # the low byte; the rest is detail
        if code not in _REASONS:
            raise
        if code == sqlite3.SQLITE_IOERR and _is_full(path):
            code = sqlite3.SQLITE_FULL  # the shared memory beside a write-ahead log reports it like this
        reason, remedy = _REASONS[code]
        raise EnvironmentFault(f"the journal {path} cannot be used: {reason} ({failed})", remedy=remedy) from failed


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < FULL_BYTES
    except OSError:
        return False
