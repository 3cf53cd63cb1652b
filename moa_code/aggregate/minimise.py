"""Making a verified patch smaller: what the checks do not need is dropped, for as long as they still pass.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002) over ever finer
units: hunks, then the statements inside them, then lines. Pure: it names patches to try and is told which passed;
somebody else runs them. The result is always a patch that was seen to pass.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from functools import partial
from itertools import pairwise

from moa_code.aggregate.hunks import Base, Hunk, base_of, join, lines_of, parses, split, tree_of
from moa_code.aggregate.needed import dead_statements, lines_to_keep
from moa_code.aggregate.units import line_units, placed, statement_spans, together
from moa_code.core.patch import Patch

MAX_TESTS = 400

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
    for twice, none that breaks the syntax of a Python file or leaves dead code behind, never the empty one. For a hunk
    or a part of one for which `keep` says True, removal is not tried; `kept` names those that stand in the result.
    `complete` says that the search ended by itself: no single unit left can be dropped; otherwise it ran into
    `max_tests`.

    `unexercised` are lines of the files after, by path, that no check executes (None: not known). That no check misses
    them says nothing, so they stay, with what they need; see `lines_to_keep`.
    """

    def __init__(
        self,
        patch: Patch,
        *,
        keep: Callable[[Hunk], bool] = nothing_kept,
        unexercised: Mapping[str, Collection[int]] | None = None,
        max_tests: int = MAX_TESTS,
        width: int = 8,
    ) -> None:
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        base = base_of(patch)
        assert base is not None, "one patch has one base"
        self._base: Base = base
        self._keep = keep
        self._missed = unexercised
        self._stay = {c.path: lines_to_keep(c, (unexercised or {}).get(c.path, ())) for c in patch.changes}
        # Of each line of the files after, as they are now: which of the given patch's it is; 0 for one of the base.
        self._origin = {c.path: list(range(1, len(lines_of(c.after)) + 1)) for c in patch.changes}
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
        self._dead = {c.path: dead_statements(c.after) for c in patch.changes if c.path in self._parsed}
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

    @property
    def unexercised(self) -> Mapping[str, tuple[int, ...]] | None:
        """Lines of the result's files after, by path, that no check executes; None where that is not known."""
        if self._missed is None:
            return None
        found = {
            change.path: tuple(
                number
                for number, origin in enumerate(self._origin[change.path], start=1)
                if origin in self._missed.get(change.path, ())
            )
            for change in self.patch.changes
        }
        return {path: lines for path, lines in found.items() if lines}

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
                    origins = self._origin[hunk.path][self._start(hunk) :]
                    stay = self._stay[hunk.path]
                    for part, low, high in placed(parts):
                        added = origins[low : low + len(part.after or ())]
                        if any(low < end and start < high for start, end in guarded) or not stay.isdisjoint(added):
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
        self._drop(steps[best])

    def _passing(self, choices: list[tuple[Hunk, ...]]) -> Generator[Batch, tuple[bool, ...], list[int]]:
        """Indices of the choices that passed. Those known, empty or of broken syntax are not asked for."""
        patches = [join(self._base, units) for units in choices]
        asked: list[Patch] = []
        for patch in patches:
            fresh = patch.sha256 not in self._known and patch.sha256 not in {p.sha256 for p in asked}
            if not patch.changes or not self._still_parses(patch) or self._leaves_dead_code(patch):
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

    def _drop(self, chunk: tuple[Hunk, ...]) -> None:
        """From now on without these units."""
        gone = set(map(id, chunk))
        origin: dict[str, list[int]] = {}
        at: dict[str, tuple[int, int]] = {}  # how far in the base and in the file as it was
        for unit in self._units:
            lines, old = origin.setdefault(unit.path, []), self._origin[unit.path]
            base, here = at.get(unit.path, (0, 0))
            between = here + unit.first - base
            after = between + len(unit.after or ())
            lines += old[here:between]
            lines += [0] * len(unit.before) if id(unit) in gone else old[between:after]
            at[unit.path] = unit.last, after
        for path, (_, here) in at.items():
            origin[path] += self._origin[path][here:]
        self._origin |= origin
        self._units = self._without(chunk)
        self.patch = join(self._base, self._units)

    def _start(self, hunk: Hunk) -> int:
        """Where the hunk's new lines begin in the file after, 0-based."""
        earlier = (h for h in split(self.patch) if h.path == hunk.path and h.first < hunk.first)
        return hunk.first + sum(len(h.after or ()) - len(h.before) for h in earlier)

    def _without(self, chunk: tuple[Hunk, ...]) -> tuple[Hunk, ...]:
        gone = set(map(id, chunk))
        return tuple(unit for unit in self._units if id(unit) not in gone)

    def _leaves_dead_code(self, patch: Patch) -> bool:
        """Whether it is smaller only by leaving what the given one removed, behind a new exit."""
        changes = (c for c in patch.changes if c.path in self._parsed)
        return any(dead_statements(c.after) > self._dead.get(c.path, 0) for c in changes)

    def _still_parses(self, patch: Patch) -> bool:
        return all(change.path not in self._parsed or parses(change.path, change.after) for change in patch.changes)

    def _guarded(self, hunk: Hunk) -> list[tuple[Hunk, int, int]]:
        """The largest parts of the hunk that `keep` guards, with their places among its new lines."""
        found: list[tuple[Hunk, int, int]] = []
        if self._keep is nothing_kept:
            return found
        for refine in self._levels:
            for part, low, high in placed(refine(hunk)):
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
        start = self._start(hunk)
        spans = statement_spans(tree, start, start + len(hunk.after or ()), depth)
        return together(parts, start, spans)


def reductions(
    patch: Patch,
    *,
    keep: Callable[[Hunk], bool] = nothing_kept,
    unexercised: Mapping[str, Collection[int]] | None = None,
    max_tests: int = MAX_TESTS,
) -> Reduction:
    """The reduction of a patch that passes. See `Reduction`."""
    return Reduction(patch, keep=keep, unexercised=unexercised, max_tests=max_tests)


def _lines(patch: Patch) -> int:
    return sum(hunk.lines for hunk in split(patch))


def _whole(hunk: Hunk) -> list[Hunk]:
    return [hunk]


def _cut(units: Sequence[Hunk], pieces: int) -> list[Sequence[Hunk]]:
    """`units` in `pieces` runs of nearly equal length."""
    edges = [len(units) * n // pieces for n in range(pieces + 1)]
    return [units[a:b] for a, b in pairwise(edges)]
