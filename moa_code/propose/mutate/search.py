"""The search over mutants of several files: first single edits, then edits on top of what looked promising."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from moa_code.core.brief import Suspect
from moa_code.propose.mutate.edits import mutants
from moa_code.propose.mutate.ingredients import Ingredients
from moa_code.propose.mutate.mutant import Mutant
from moa_code.propose.mutate.ranking import naturalness

_MOST_STREAMS = 24
_MOST_PER_STREAM = 1500
_AFTERWARDS = 12  # how many single edits that changed something are built upon when none fixed anything
_IDLE_AFTER = 12  # mutants of a line that must all change nothing before the line loses credit
_IDLE_DISCOUNT = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What running one mutant taught. `fixed` of `failing` baseline failures now pass; `regressed` passed before.

    `changed` says that some check ended otherwise than on the baseline, or failed in another way; `hung` that the
    mutant ran into a limit.
    """

    fixed: int
    failing: int
    regressed: int
    changed: bool
    hung: bool = False

    @property
    def partial(self) -> bool:
        return 0 < self.fixed < self.failing and not self.regressed


class _Stream:
    """Mutants in order of prior, one looked at ahead. `boost` makes streams comparable."""

    def __init__(self, items: Iterator[Mutant], boost: float) -> None:
        self._items = items
        self._boost = boost
        self.head = self._next()

    def _next(self) -> Mutant | None:
        found = next(self._items, None)
        return None if found is None else replace(found, prior=found.prior * self._boost)

    def pop(self) -> Mutant:
        assert self.head is not None
        taken, self.head = self.head, self._next()
        return taken


class Search:
    """Hands out mutants, likeliest first, and learns from what became of them.

    `files` are the texts that may be changed, by path. `hung` says that some check did not end on the baseline,
    `emphasis` what its failures hint at. An iterator; it ends when all single edits and the bounded second-order ones
    are spent. `learn` may be called at any time between two mutants.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        suspects: Sequence[Suspect],
        ingredients: Ingredients,
        *,
        hung: bool = False,
        emphasis: Mapping[str, float] | None = None,
    ) -> None:
        self._hung = hung
        self._emphasis = emphasis
        self._files = files
        self._suspects = tuple(suspects)
        self._ingredients = ingredients
        self._order = count()
        self._heap: list[tuple[float, int, _Stream]] = []
        # Hashes, not texts: thousands of copies of a large file would not fit.
        self._given: set[int] = {hash((path, text)) for path, text in files.items()}
        self._discounts: defaultdict[tuple[str, int], float] = defaultdict(lambda: 1.0)
        self._idle: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._promising: list[tuple[float, int, Mutant]] = []
        self._streams = 0
        self._extended = False
        for path in sorted(files):
            if any(s.path == path for s in suspects):
                self._open(self._first_order(path), 1.0)

    def __iter__(self) -> Search:
        return self

    def __next__(self) -> Mutant:
        while True:
            if not self._heap:
                if self._extended:
                    raise StopIteration
                self._extended = True
                self._build_on_promising()
                continue
            _, _, stream = heapq.heappop(self._heap)
            mutant = stream.pop()
            self._push(stream)
            key = hash((mutant.path, mutant.after))
            if key not in self._given:
                self._given.add(key)
                return mutant

    def learn(self, mutant: Mutant, lesson: Lesson) -> None:
        """Take note of a verdict. Partial fixes open a search for their second half."""
        place = (mutant.path, mutant.line)
        if lesson.changed:
            self._idle[place] = -1_000_000
            self._discounts[place] = 1.0
        else:
            # A mutant that hangs costs as much as dozens that do not.
            before = self._idle[place]
            self._idle[place] += 3 if lesson.hung else 1
            if before < _IDLE_AFTER <= self._idle[place]:
                self._discounts[place] = _IDLE_DISCOUNT
        if mutant.order > 1:
            return
        worth = naturalness(mutant)
        if lesson.partial and self._streams < _MOST_STREAMS:
            self._streams += 1
            share = lesson.fixed / lesson.failing
            self._open(self._second_order(mutant), worth * (0.02 + 0.25 * share))
        elif lesson.changed and not lesson.regressed:
            heapq.heappush(self._promising, (-worth * mutant.prior, next(self._order), mutant))
            if len(self._promising) > 4 * _AFTERWARDS:
                self._promising = heapq.nsmallest(_AFTERWARDS, self._promising)

    def _first_order(self, path: str) -> Iterator[Mutant]:
        return mutants(
            self._files[path],
            path=path,
            suspects=self._suspects,
            ingredients=self._ingredients,
            discount=lambda line: self._discounts[path, line],
            hung=self._hung,
            emphasis=self._emphasis,
        )

    def _second_order(self, first: Mutant) -> Iterator[Mutant]:
        """Edits of the already edited file; what they replace is still the base."""
        grown = first.after.count("\n") - first.before.count("\n")
        shifted = tuple(
            replace(s, first_line=s.first_line + grown, last_line=s.last_line + grown)
            if s.path == first.path and s.first_line > first.line
            else s
            for s in self._suspects
        )
        made = mutants(
            first.after, path=first.path, suspects=shifted, ingredients=self._ingredients, limit=_MOST_PER_STREAM
        )
        for second in made:
            # The same kind of slip at a second place is likelier than another kind.
            alike = 2.0 if second.operator == first.operator else 1.0
            yield replace(
                second,
                before=first.before,
                operator=f"{first.operator} + {second.operator}",
                description=f"{first.description}; line {second.line}: {second.description}",
                line=first.line,
                prior=second.prior * alike,
                order=2,
            )

    def _build_on_promising(self) -> None:
        for _ in range(min(_AFTERWARDS, len(self._promising))):
            worth, _, mutant = heapq.heappop(self._promising)
            self._open(self._second_order(mutant), -worth)

    def _open(self, items: Iterator[Mutant], boost: float) -> None:
        self._push(_Stream(items, boost))

    def _push(self, stream: _Stream) -> None:
        if stream.head is not None:
            heapq.heappush(self._heap, (-stream.head.prior, next(self._order), stream))
