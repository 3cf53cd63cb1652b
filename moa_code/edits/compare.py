"""Small measures of how two texts differ."""

from __future__ import annotations

from moa_code.core.patch import FileChange, Patch
from moa_code.edits.lines import matching_blocks, split_lines


def first_difference(a: bytes, b: bytes) -> int | None:
    """Index of the first byte where they differ, the shorter one's length if it is a prefix, `None` if equal."""
    if a == b:
        return None
    low, high = 0, min(len(a), len(b))  # a[:low] == b[:low]; bisecting compares slices at memory speed
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def changed_bytes(change: FileChange) -> int:
    """Bytes removed plus bytes added, the common start and end of the file left out."""
    before, after = change.before or b"", change.after or b""
    start = first_difference(before, after)
    if start is None:
        return 0
    before, after = before[start:], after[start:]
    end = first_difference(before[::-1], after[::-1]) or 0
    return len(before) + len(after) - 2 * end


def changed_lines(patch: Patch) -> int:
    """Lines removed plus lines added, over all files: the size by which a smaller diff wins."""
    total = 0
    for change in patch.changes:
        before, after = split_lines(change.before or b""), split_lines(change.after or b"")
        kept = sum(size for _, _, size in matching_blocks(before, after))
        total += len(before) + len(after) - 2 * kept
    return total
