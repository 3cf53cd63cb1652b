"""A tree of files, as bytes under relative paths, wherever it is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NewType, Protocol

TreeDigest = NewType("TreeDigest", str)
"""SHA-256 over sorted (path, executable bit, blob SHA-256); equal trees have equal digests."""


class Snapshot(Protocol):
    """A tree that does not change while we look at it.

    Paths are relative, with `/`, without `.` or `..`. Symbolic links are not part of a snapshot.
    """

    @property
    def digest(self) -> TreeDigest: ...

    def paths(self) -> tuple[str, ...]:
        """All paths, sorted."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of one file. Raises `KeyError` for a path the tree does not hold."""
        ...

    def executable(self, path: str) -> bool: ...


def tree_digest(entries: Iterator[tuple[str, bool, bytes]]) -> TreeDigest:
    """Digest of (path, executable, content) entries, which must come sorted by path."""
    total = hashlib.sha256()
    for path, executable, content in entries:
        blob = hashlib.sha256(content).hexdigest()
        total.update(f"{path}\0{int(executable)}\0{blob}\n".encode("utf-8", "surrogateescape"))
    return TreeDigest(total.hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySnapshot:
    """A snapshot held in memory: task folders, tests, small trees."""

    files: Mapping[str, bytes]
    executables: frozenset[str] = field(default_factory=frozenset)
    _digest: list[TreeDigest] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def digest(self) -> TreeDigest:
        if not self._digest:  # asked for several times a candidate, so it is made once
            self._digest.append(tree_digest((p, p in self.executables, self.files[p]) for p in self.paths()))
        return self._digest[0]

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def read(self, path: str) -> bytes:
        return self.files[path]

    def executable(self, path: str) -> bool:
        return path in self.executables
