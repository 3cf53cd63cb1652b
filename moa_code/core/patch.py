"""A patch: what a candidate changes, as whole files before and after, against the clean base."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file before and after. `before is None`: created; `after is None`: deleted."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Changes sorted by path, one a path, none of them a no-op. Empty `changes` is the untouched tree.

    A rename is a deletion and a creation.
    """

    changes: tuple[FileChange, ...]

    def __post_init__(self) -> None:
        paths = [change.path for change in self.changes]
        if paths != sorted(set(paths)):
            raise ValueError(f"paths of a patch must be sorted and unique, got {paths}")
        if any(change.before == change.after for change in self.changes):
            raise ValueError("a patch holds no change that changes nothing")

    @property
    def sha256(self) -> str:
        """Identity of the patch: equal for equal trees after patching the same base."""
        total = hashlib.sha256()
        for change in self.changes:
            after = "-" if change.after is None else hashlib.sha256(change.after).hexdigest()
            total.update(f"{change.path}\0{after}\n".encode("utf-8", "surrogateescape"))
        return total.hexdigest()

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(change.path for change in self.changes)


EMPTY_PATCH = Patch(changes=())


def patch_of(*changes: FileChange) -> Patch:
    """The patch of these changes in order, with no-ops left out. Raises `ValueError` on a path named twice."""
    real = sorted((c for c in changes if c.before != c.after), key=lambda c: c.path)
    return Patch(changes=tuple(real))
