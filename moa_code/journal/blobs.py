"""Contents in the journal, addressed by their SHA-256.

A candidate's file differs from the original in a line or two, and a search makes thousands of them: a content is kept
as the piece that differs from its base, compressed. A base is never itself a difference, so reading takes two rows.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib

from moa_code.journal.database import Database


def put_blob(connection: sqlite3.Connection, run_id: str, content: bytes, base: bytes | None = None) -> str:
    """Store `content` for `run_id` inside the caller's transaction and return its SHA-256 in hexadecimal.

    With `base`, which is stored as well when it is not there, only the difference is kept.
    """
    key = hashlib.sha256(content).hexdigest()
    connection.execute("INSERT OR IGNORE INTO blob_uses VALUES (?, ?)", (run_id, key))
    if connection.execute("SELECT 1 FROM blobs WHERE sha256 = ?", (key,)).fetchone() is not None:
        return key
    base_key: str | None = None
    prefix = suffix = 0
    if base is not None:
        base_key = put_blob(connection, run_id, base)
        row = connection.execute("SELECT base_sha256 FROM blobs WHERE sha256 = ?", (base_key,)).fetchone()
        if row[0] is None:
            prefix = _common(content, base)
            suffix = _common(content[prefix:][::-1], base[prefix:][::-1])
        else:
            base_key = None
    piece = content[prefix : len(content) - suffix]
    connection.execute(
        "INSERT INTO blobs VALUES (?, ?, ?, ?, ?)", (key, base_key, prefix, suffix, zlib.compress(piece))
    )
    return key


def get_blob(database: Database, key: str) -> bytes:
    """The content with this SHA-256. Raises `KeyError` when it is not there, `ValueError` when the row is damaged."""
    rows = database.rows("SELECT base_sha256, prefix, suffix, data FROM blobs WHERE sha256 = ?", (key,))
    if not rows:
        raise KeyError(key)
    base_key, prefix, suffix, data = rows[0]
    content = zlib.decompress(data)
    if base_key is not None:
        base = get_blob(database, base_key)
        content = base[:prefix] + content + base[len(base) - suffix :]
    if hashlib.sha256(content).hexdigest() != key:
        raise ValueError(f"the journal's content {key} is damaged")
    return content


def drop_unused(connection: sqlite3.Connection) -> None:
    """Delete every content that no run uses, directly or as a base."""
    connection.execute(
        """
        DELETE FROM blobs WHERE sha256 NOT IN (
            SELECT sha256 FROM blob_uses
            UNION SELECT b.base_sha256 FROM blobs b JOIN blob_uses u USING (sha256) WHERE b.base_sha256 IS NOT NULL
        )
        """
    )


def _common(a: bytes, b: bytes) -> int:
    """Length of the common start, by halving: comparing slices is far faster than comparing bytes."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
