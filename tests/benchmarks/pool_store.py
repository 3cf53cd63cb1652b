"""What was measured about recorded candidates, on disk, so that a second run of the benchmark asks no box."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path


class Store:
    """Texts by kind and key in one SQLite file. What is put is kept at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = sqlite3.connect(path, isolation_level=None, timeout=60.0)
        self._rows.execute("PRAGMA journal_mode = WAL")
        self._rows.execute("PRAGMA synchronous = NORMAL")
        self._rows.execute("CREATE TABLE IF NOT EXISTS kept (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))")
        self._known: dict[tuple[str, str], str] = {
            (kind, key): value for kind, key, value in self._rows.execute("SELECT kind, key, value FROM kept")
        }
        self.hits = self.misses = 0

    def get(self, kind: str, key: str) -> str | None:
        found = self._known.get((kind, key))
        self.hits += found is not None
        self.misses += found is None
        return found

    def put(self, kind: str, key: str, value: str) -> None:
        self._known[kind, key] = value
        self._rows.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, key, value))

    def close(self) -> None:
        self._rows.close()


def key_of(*parts: object) -> str:
    """SHA-256 over the parts."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
