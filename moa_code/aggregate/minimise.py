"""Making a verified patch smaller: what the checks do not need is dropped, for as long as they still pass.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002) over ever finer
units: hunks, then the statements inside them, then lines. Pure: it names patches to try and is told which passed;
somebody else runs them. The result is always a patch that was seen to pass.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from moa_code.aggregate.hunks import Base, Hunk, base_of, join, parses, split, tree_of
from moa_code.core.patch import Patch

MAX_TESTS = 400
MAX_ALIGNED = 900  # pairs of lines compared inside one hunk

Batch = tuple[Patch, ...]
_Search = Generator[Batch, tuple[bool, ...], None]


def nothing_kept(hunk: Hunk) -> bool:  # noqa: ARG001
    """The hook that lets every hunk go which the checks do not need."""
    return False


def looks_like_a_guard(hunk: Hunk) -> bool:
    """Whether all the hunk does is add early exits: asserts, or `if …:` with nothing but raise, return, … inside.

    Checks that do not cover a guard do not miss it; a reader would.
    """
    if hunk.before or not hunk.after:
        return False
    # Indented lines are parsed where every one of those statements is allowed.
    wrapped = b"".join((b"def f():\n while 1:\n", *(b"  " + line for line in hunk.after)))
    tree = tree_of(wrapped)
    if tree is None:
        return False
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    loop = function.body[0]
    assert isinstance(loop, ast.While)
    return len(tree.body) == 1 and len(function.body) == 1 and all(map(_exits, loop.body))


def _exits(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        inner = (*statement.body, *statement.orelse)
        return all(isinstance(s, (ast.Raise, ast.Return, ast.Continue, ast.Break)) or _exits(s) for s in inner)
    return isinstance(statement, ast.Assert)


class Reduction:
    """One patch on its way to its smallest form.

    Ask `next_batch` for patches to judge (empty: finished), judge them in any order, and hand `tell` one bool each, in
    the order of the batch. `patch` is the smallest one that passed so far, the given one at first. No patch is asked
    for twice, none that breaks the syntax of a Python file, never the empty one. For a hunk or a part of one for which
    `keep` says True, removal is not tried; `kept` names those that stand in the result. `complete` says that the search
    ended by itself: no single unit left can be dropped; otherwise it ran into `max_tests`.
    """

    def __init__(
        self, patch: Patch, *, keep: Callable[[Hunk], bool] = nothing_kept, max_tests: int = MAX_TESTS, width: int = 8
    ) -> None:
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        base = base_of(patch)
        assert base is not None, "one patch has one base"
        self._base: Base = base
        self._keep = keep
        self._width = width
        self._left = max_tests
        self._known: dict[str, bool] = {patch.sha256: True}
        self._units: tuple[Hunk, ...] = split(patch)
        self._held: set[int] = set()  # ids of the units that hold something guarded
        self._asked: Batch = ()
        self._search = self._all_levels()
        self._started = False
        self._handed_out = False
        self._levels: tuple[Callable[[Hunk], list[Hunk]], ...] = (
            _whole,
            *(partial(self._statements, depth) for depth in range(3)),
            line_units,
        )
        self._parsed = {c.path for c in patch.changes if parses(c.path, c.before) and parses(c.path, c.after)}
        self.patch = patch
        self.tests = 0
        self.complete = False
        self.lines_before = _lines(patch)

    @property
    def lines_after(self) -> int:
        return _lines(self.patch)

    @property
    def kept(self) -> tuple[Hunk, ...]:
        """Parts of the result, as large as they come, for which `keep` says True: a check may need them or not."""
        return tuple(part for hunk in split(self.patch) for part, _, _ in self._guarded(hunk))

    def next_batch(self) -> Batch:
        """Patches to judge next, at most `width`. Raises `RuntimeError` when the last batch was not told yet."""
        if self._handed_out:
            raise RuntimeError("tell the results of the last batch first")
        if not self._started:
            self._started = True
            self._advance(None)
        self._handed_out = bool(self._asked)
        return self._asked

    def tell(self, results: Sequence[bool]) -> None:
        """The results of the last batch. Raises `ValueError` unless there is one for each of its patches."""
        expected = len(self._asked) if self._handed_out else 0
        if len(results) != expected:
            raise ValueError(f"{expected} results expected, got {len(results)}")
        if not self._handed_out:
            return
        self._handed_out = False
        self._advance(tuple(results))

    def _advance(self, results: tuple[bool, ...] | None) -> None:
        try:
            self._asked = next(self._search) if results is None else self._search.send(results)
        except StopIteration:
            self._asked = ()

    def _all_levels(self) -> _Search:
        """Hunks, statements, lines; again from the hunks as long as that still drops something."""
        while True:
            before = self.patch.sha256
            for refine in self._levels:
                units: list[Hunk] = []
                self._held = set()
                for hunk in split(self.patch):
                    parts = refine(hunk)
                    units += parts
                    guarded = [(low, high) for _, low, high in self._guarded(hunk)]
                    for part, low, high in _placed(parts):
                        if any(low < end and start < high for start, end in guarded):
                            self._held.add(id(part))
                if join(self._base, units) == self.patch:
                    self._units = tuple(units)
                    yield from self._drop_units()
                if self._left <= 0:
                    return
            if self.patch.sha256 == before:
                self.complete = True
                return

    def _drop_units(self) -> _Search:
        """Delta debugging over `self._units`, many complements at a time."""
        pieces = 2
        while True:
            free = [unit for unit in self._units if id(unit) not in self._held]
            if not free or len(self._units) < 2:
                return
            pieces = min(pieces, len(free))
            chunks = [tuple(chunk) for chunk in _cut(free, pieces)]
            passed = yield from self._passing([self._without(chunk) for chunk in chunks])
            if passed:
                droppable = [chunks[index] for index in passed]
                yield from self._drop_together(droppable)
                pieces = max(2, pieces - len(passed))
            elif pieces == len(free) or self._left <= 0:
                return
            else:
                pieces *= 2

    def _drop_together(self, chunks: list[tuple[Hunk, ...]]) -> _Search:
        """Each chunk alone can go. Drop as many as can go together: all, or as far as one after the other goes."""
        steps = [tuple(unit for chunk in chunks[: n + 1] for unit in chunk) for n in range(len(chunks))]
        best = 0
        if len(steps) > 1:
            fitting = yield from self._passing([self._without(step) for step in reversed(steps[1:])])
            if fitting:
                best = len(steps) - 1 - fitting[0]
        self._units = self._without(steps[best])
        self.patch = join(self._base, self._units)

    def _passing(self, choices: list[tuple[Hunk, ...]]) -> Generator[Batch, tuple[bool, ...], list[int]]:
        """Indices of the choices that passed. Those known, empty or of broken syntax are not asked for."""
        patches = [join(self._base, units) for units in choices]
        asked: list[Patch] = []
        for patch in patches:
            fresh = patch.sha256 not in self._known and patch.sha256 not in {p.sha256 for p in asked}
            if not patch.changes or not self._still_parses(patch):
                self._known[patch.sha256] = False
            elif fresh:
                asked.append(patch)
        for start in range(0, len(asked), self._width):
            batch = tuple(asked[start : start + min(self._width, max(self._left, 0))])
            if not batch:
                break
            self._left -= len(batch)
            self.tests += len(batch)
            for patch, result in zip(batch, (yield batch), strict=True):
                self._known[patch.sha256] = result
        return [index for index, patch in enumerate(patches) if self._known.get(patch.sha256, False)]

    def _without(self, chunk: tuple[Hunk, ...]) -> tuple[Hunk, ...]:
        gone = set(map(id, chunk))
        return tuple(unit for unit in self._units if id(unit) not in gone)

    def _still_parses(self, patch: Patch) -> bool:
        return all(change.path not in self._parsed or parses(change.path, change.after) for change in patch.changes)

    def _guarded(self, hunk: Hunk) -> list[tuple[Hunk, int, int]]:
        """The largest parts of the hunk that `keep` guards, with their places among its new lines."""
        found: list[tuple[Hunk, int, int]] = []
        if self._keep is nothing_kept:
            return found
        for refine in self._levels:
            for part, low, high in _placed(refine(hunk)):
                if not any(low < end and start < high for _, start, end in found) and self._keep(part):
                    found.append((part, low, high))
        return sorted(found, key=lambda place: place[1])

    def _statements(self, depth: int, hunk: Hunk) -> list[Hunk]:
        """The hunk in parts, the lines of one statement of the patched file together.

        `depth` 0 takes the outermost statements that lie wholly inside the hunk, 1 those inside them, and so on.
        """
        parts = line_units(hunk)
        after = next((c.after for c in self.patch.changes if c.path == hunk.path), None)
        if after is None or hunk.path not in self._parsed or not hunk.path.endswith((".py", ".pyi")):
            return parts
        tree = tree_of(after)
        if tree is None:
            return parts
        earlier = (h for h in split(self.patch) if h.path == hunk.path and h.first < hunk.first)
        start = hunk.first + sum(len(h.after or ()) - len(h.before) for h in earlier)
        spans = _statement_spans(tree, start, start + len(hunk.after or ()), depth)
        return _together(parts, start, spans)


def reductions(patch: Patch, *, keep: Callable[[Hunk], bool] = nothing_kept, max_tests: int = MAX_TESTS) -> Reduction:
    """The reduction of a patch that passes. See `Reduction`."""
    return Reduction(patch, keep=keep, max_tests=max_tests)


def _lines(patch: Patch) -> int:
    return sum(hunk.lines for hunk in split(patch))


def _whole(hunk: Hunk) -> list[Hunk]:
    return [hunk]


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
    """Which old line became which new one, both rising: position by position, else the most alike."""
    if len(old) == len(new):
        return [(n, n) for n in range(len(old))]
    if not old or not new or len(old) * len(new) > MAX_ALIGNED:
        return []
    pairs: list[tuple[int, int]] = []
    at = 0
    for i, line in enumerate(old):
        likeness = [
            (difflib.SequenceMatcher(None, line.strip(), new[j].strip(), autojunk=False).ratio(), -j)
            for j in range(at, len(new))
        ]
        best, place = max(likeness, default=(0.0, 0))
        if best >= 0.5:
            pairs.append((i, -place))
            at = 1 - place
    return pairs


def _statement_spans(tree: ast.Module, start: int, stop: int, depth: int) -> list[tuple[int, int]]:
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


def _together(parts: list[Hunk], start: int, spans: list[tuple[int, int]]) -> list[Hunk]:
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


def _placed(parts: list[Hunk]) -> list[tuple[Hunk, int, int]]:
    """Each part with its place (half open) among the new lines; a part that only removes has a place of one line."""
    placed: list[tuple[Hunk, int, int]] = []
    at = 0
    for part in parts:
        added = len(part.after or ())
        placed.append((part, at, at + (added or 1)))
        at += added
    return placed


def _cut(units: Sequence[Hunk], pieces: int) -> list[Sequence[Hunk]]:
    """`units` in `pieces` runs of nearly equal length."""
    edges = [len(units) * n // pieces for n in range(pieces + 1)]
    return [units[a:b] for a, b in pairwise(edges)]
