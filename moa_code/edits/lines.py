"""Lines of a text, and which lines two texts share."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import AnyStr

# Above this product of lengths a stretch with no unique common line counts as replaced whole; below it
# difflib, whose worst case is cubic, ends within a fraction of a second.
_MATCHER_CELLS = 250_000


def split_lines(text: AnyStr) -> list[AnyStr]:
    """Lines with their ends, cut at line feeds alone: git and Python agree on no other separator."""
    newline = b"\n" if isinstance(text, bytes) else "\n"
    lines = [line + newline for line in text.split(newline)]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def matching_blocks(a: Sequence[AnyStr], b: Sequence[AnyStr]) -> list[tuple[int, int, int]]:
    """(index in a, index in b, count) of common stretches, ascending in both, neighbours joined.

    Patience diff: anchors are lines that occur once on either side; difflib fills small gaps.
    """
    found: list[tuple[int, int, int]] = []
    pending = [(0, len(a), 0, len(b))]
    while pending:
        a0, a1, b0, b1 = pending.pop()
        start = 0
        while a0 + start < a1 and b0 + start < b1 and a[a0 + start] == b[b0 + start]:
            start += 1
        if start:
            found.append((a0, b0, start))
        a0, b0 = a0 + start, b0 + start
        end = 0
        while a0 < a1 - end and b0 < b1 - end and a[a1 - end - 1] == b[b1 - end - 1]:
            end += 1
        a1, b1 = a1 - end, b1 - end
        if end:
            found.append((a1, b1, end))
        if a0 == a1 or b0 == b1:
            continue
        anchors = list(_anchors(a, a0, a1, b, b0, b1))
        if anchors:
            for i, j in anchors:
                pending.append((a0, i, b0, j))
                found.append((i, j, 1))
                a0, b0 = i + 1, j + 1
            pending.append((a0, a1, b0, b1))
        elif (a1 - a0) * (b1 - b0) <= _MATCHER_CELLS:
            matcher = SequenceMatcher(None, a[a0:a1], b[b0:b1], autojunk=False)
            found.extend((a0 + i, b0 + j, n) for i, j, n in matcher.get_matching_blocks() if n)
    return _joined(sorted(found))


def _joined(blocks: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    joined: list[tuple[int, int, int]] = []
    for i, j, n in blocks:
        if joined and (joined[-1][0] + joined[-1][2], joined[-1][1] + joined[-1][2]) == (i, j):
            joined[-1] = (*joined[-1][:2], joined[-1][2] + n)
        else:
            joined.append((i, j, n))
    return joined


def _anchors(a: Sequence[AnyStr], a0: int, a1: int, b: Sequence[AnyStr], b0: int, b1: int) -> Iterator[tuple[int, int]]:
    """Longest ascending run of lines that occur exactly once on either side."""
    there = _unique(b, b0, b1)
    pairs = [(i, there[line]) for line, i in _unique(a, a0, a1).items() if line in there]
    pairs.sort()
    tails: list[int] = []  # smallest last j of a run of each length
    tail_at: list[int] = []
    previous: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        previous.append(tail_at[length - 1] if length else -1)
        tails[length : length + 1] = [j]
        tail_at[length : length + 1] = [index]
    run: list[tuple[int, int]] = []
    index = tail_at[-1] if tail_at else -1
    while index >= 0:
        run.append(pairs[index])
        index = previous[index]
    return reversed(run)


def _unique(lines: Sequence[AnyStr], first: int, last: int) -> dict[AnyStr, int]:
    at: dict[AnyStr, int] = {}
    for index in range(first, last):
        at[lines[index]] = -1 if lines[index] in at else index
    return {line: index for line, index in at.items() if index >= 0}
