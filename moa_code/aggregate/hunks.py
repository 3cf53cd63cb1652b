"""A patch taken apart into hunks and put together from some of them. Lines end at `\\n`; contents stay bytes."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from moa_code.core.patch import FileChange, Patch, patch_of

# SequenceMatcher is quadratic where nothing matches; beyond this many changed lines one hunk holds them all.
MAX_MATCHED_LINES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Lines `first` to `last` (0-based, half open) of the base's file, and what stands there instead.

    `whole`: the file is created or deleted, which cannot be done by parts; `after` is None for a deletion.
    """

    path: str
    first: int
    last: int
    before: tuple[bytes, ...]
    after: tuple[bytes, ...] | None
    whole: bool = False

    @property
    def lines(self) -> int:
        """Lines removed and added together."""
        return len(self.before) + len(self.after or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The files that some patches touch, as they are without any patch; None: not there."""

    files: Mapping[str, bytes | None] = field(default_factory=dict)


def base_of(*patches: Patch) -> Base | None:
    """The common base of the patches, None when they were not made against the same tree."""
    files: dict[str, bytes | None] = {}
    for change in (change for patch in patches for change in patch.changes):
        if files.setdefault(change.path, change.before) != change.before:
            return None
    return Base(files=files)


def split(patch: Patch) -> tuple[Hunk, ...]:
    """The hunks of a patch in order of path and line."""
    return tuple(hunk for change in patch.changes for hunk in _of_change(change))


def join(base: Base, hunks: Iterable[Hunk]) -> Patch:
    """The patch that makes exactly these hunks' changes. Raises `ValueError` when two of them overlap."""
    by_path: dict[str, list[Hunk]] = {}
    for hunk in hunks:
        by_path.setdefault(hunk.path, []).append(hunk)
    changes = []
    for path, parts in by_path.items():
        before = base.files[path]
        changes.append(FileChange(path=path, before=before, after=_apply(before, parts)))
    return patch_of(*changes)


def overlap(a: Hunk, b: Hunk) -> bool:
    """Whether the two cannot both be made: they share a line of the base, or insert at the same place."""
    if a.path != b.path:
        return False
    if a.whole or b.whole or a.first == b.first:
        return True
    early, late = (a, b) if a.first < b.first else (b, a)
    return late.first < early.last


def lines_of(content: bytes | None) -> tuple[bytes, ...]:
    """The lines with their ends; the last one may have none."""
    return () if content is None else tuple(_lines(content))


def parses(path: str, content: bytes | None) -> bool:
    """Whether a Python file can be parsed at all; True for any other file and for none."""
    if content is None or not path.endswith((".py", ".pyi")):
        return True
    return tree_of(content) is not None


def tree_of(content: bytes) -> ast.Module | None:
    """The syntax tree of Python source, None when it has none: wrong syntax, null bytes, nested too deep."""
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def size(patch: Patch) -> int:
    """Lines removed and added by a patch."""
    return sum(hunk.lines for hunk in split(patch))


def _of_change(change: FileChange) -> tuple[Hunk, ...]:
    before, after = lines_of(change.before), lines_of(change.after)
    if change.before is None or change.after is None:
        hunk = Hunk(
            path=change.path,
            first=0,
            last=len(before),
            before=before,
            after=None if change.after is None else after,
            whole=True,
        )
        return (hunk,)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if len(old) + len(new) > MAX_MATCHED_LINES:
        blocks: Sequence[tuple[str, int, int, int, int]] = (("replace", 0, len(old), 0, len(new)),)
    else:
        blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple(
        Hunk(path=change.path, first=start + i, last=start + j, before=old[i:j], after=new[k:n])
        for kind, i, j, k, n in blocks
        if kind != "equal"
    )


def _apply(before: bytes | None, hunks: list[Hunk]) -> bytes | None:
    if any(hunk.whole for hunk in hunks):
        if len(hunks) > 1:
            raise ValueError(f"{hunks[0].path}: a created or deleted file cannot be combined with another hunk")
        return None if hunks[0].after is None else b"".join(hunks[0].after)
    source, at = lines_of(before), 0
    out: list[bytes] = []
    for hunk in sorted(hunks, key=lambda h: (h.first, h.last)):
        if hunk.first < at:
            raise ValueError(f"{hunk.path}: hunks overlap at line {hunk.first + 1}")
        out += source[at : hunk.first]
        out += hunk.after or ()
        at = hunk.last
    return b"".join((*out, *source[at:]))


def _lines(content: bytes) -> list[bytes]:
    parts = content.split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
