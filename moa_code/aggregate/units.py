"""A hunk in parts: the lines of one statement together, or line by line; and where parts stand among its new lines."""

from __future__ import annotations

import ast
import difflib
from dataclasses import replace

from moa_code.aggregate.hunks import Hunk

MAX_ALIGNED = 900  # pairs of lines compared inside one hunk


def line_units(hunk: Hunk) -> list[Hunk]:
    """The hunk in its smallest parts: a line replaced by its like, a line removed, a line added; in order.

    A created file is so many added lines; a deleted one stays in one piece.
    """
    if not hunk.after and hunk.whole:
        return [hunk]
    old, new = hunk.before, hunk.after or ()
    units: list[Hunk] = []
    i = j = 0
    for k, n in (*_pairs(old, new), (len(old), len(new))):
        for gone in range(i, k):
            units.append(_part(hunk, gone, gone + 1, ()))
        for added in range(j, n):
            units.append(_part(hunk, k, k, (new[added],)))
        if k < len(old):
            units.append(_part(hunk, k, k + 1, (new[n],)))
        i, j = k + 1, n + 1
    return [unit for unit in units if unit.before != unit.after]


def _part(hunk: Hunk, first: int, last: int, after: tuple[bytes, ...]) -> Hunk:
    start = hunk.first
    before = hunk.before[first:last]
    return replace(hunk, first=start + first, last=start + last, before=before, after=after, whole=False)


def _pairs(old: tuple[bytes, ...], new: tuple[bytes, ...]) -> list[tuple[int, int]]:
    """Which old line became which new one, both rising: position by position, else the most alike in all."""
    if len(old) == len(new):
        return [(n, n) for n in range(len(old))]
    if not old or not new or len(old) * len(new) > MAX_ALIGNED:
        return []
    likeness = [[_likeness(line, other) for other in new] for line in old]
    # best[i][j]: the most likeness that old lines from i on and new ones from j on can have together.
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            paired = likeness[i][j] + best[i + 1][j + 1] if likeness[i][j] else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(old) and j < len(new):
        if likeness[i][j] and best[i][j] == likeness[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _likeness(line: bytes, other: bytes) -> float:
    """From 0.5 to 1; 0 for lines that have less than half in common: one did not become the other."""
    ratio = difflib.SequenceMatcher(None, line.strip(), other.strip(), autojunk=False).ratio()
    return ratio if ratio >= 0.5 else 0.0


def statement_spans(tree: ast.Module, start: int, stop: int, depth: int) -> list[tuple[int, int]]:
    """Lines (0-based, half open) of the statements that lie wholly in [start, stop), `depth` such statements deep."""
    spans: list[tuple[int, int]] = []
    pending: list[tuple[ast.AST, int]] = [(tree, 0)]
    while pending:
        node, inside = pending.pop()
        for child in ast.iter_child_nodes(node):
            deeper = inside
            if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                span = _span(child)
                if start <= span[0] and span[1] <= stop:
                    if inside == depth and not isinstance(child, ast.match_case):
                        spans.append(span)
                    deeper += 1
            if deeper <= depth:
                pending.append((child, deeper))
    return sorted(spans)


def _span(node: ast.stmt | ast.ExceptHandler | ast.match_case) -> tuple[int, int]:
    if isinstance(node, ast.match_case):
        return node.pattern.lineno - 1, node.body[-1].end_lineno or node.body[-1].lineno
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    return first - 1, node.end_lineno or node.lineno


def together(parts: list[Hunk], start: int, spans: list[tuple[int, int]]) -> list[Hunk]:
    """The parts, those merged whose new lines belong to one span. `start`: where the first part's new lines are."""
    merged: list[Hunk] = []
    owner: int | None = None
    at = start
    for part in parts:
        stop = at + len(part.after or ())
        span = next((n for n, (low, high) in enumerate(spans) if low <= at < stop <= high), None)
        touching = bool(merged) and merged[-1].last == part.first
        if span is not None and span == owner and touching:
            last = merged.pop()
            part = replace(
                part,
                first=last.first,
                before=last.before + part.before,
                after=(last.after or ()) + (part.after or ()),
            )
        merged.append(part)
        owner, at = span, stop
    return merged


def placed(parts: list[Hunk]) -> list[tuple[Hunk, int, int]]:
    """Each part with its place (half open) among the new lines; a part that only removes has a place of one line."""
    placed: list[tuple[Hunk, int, int]] = []
    at = 0
    for part in parts:
        added = len(part.after or ())
        placed.append((part, at, at + (added or 1)))
        at += added
    return placed
