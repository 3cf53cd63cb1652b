"""How large a change is."""

from __future__ import annotations

import difflib
from collections import Counter

from moa_code.core.patch import Patch

MAX_MATCHED_LINES = 400  # beyond, matching line by line costs more than the answer is worth


def changed_lines(patch: Patch) -> tuple[int, int]:
    """Lines added and lines removed.

    Between the first and the last differing line of a file, as a diff counts them; where that is very long, as
    multisets, where a line that only moved is neither.
    """
    added = removed = 0
    for change in patch.changes:
        more, fewer = _changed(_lines(change.before), _lines(change.after))
        added, removed = added + more, removed + fewer
    return added, removed


def _changed(before: list[bytes], after: list[bytes]) -> tuple[int, int]:
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if not old or not new:
        return len(new), len(old)
    if len(old) + len(new) > MAX_MATCHED_LINES:
        ours, theirs = Counter(old), Counter(new)
        return (theirs - ours).total(), (ours - theirs).total()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    same = sum(block.size for block in blocks)
    return len(new) - same, len(old) - same


def _lines(content: bytes | None) -> list[bytes]:
    return [] if content is None else content.splitlines(keepends=True)
