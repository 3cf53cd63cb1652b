"""`builtin:combine`: an aggregator without a model. It unites partial fixes and drops what breaks a check.

Two moves. *Unite*: hunks of candidates that fix different checks, where they do not overlap; and of two drafts, one of
which fixes nothing by itself, since one check may need both. *Drop*: a candidate that fixes something and breaks
something else, without one of its hunks. What it learns through `observe` (its own unions included) joins the pool, so
unions grow as far as they are seen to work.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import combinations, product

from moa_code.aggregate.hunks import Base, Hunk, base_of, join, overlap, parses, split
from moa_code.core.brief import Brief, Judged
from moa_code.core.candidate import Candidate, CandidateId, Draft
from moa_code.core.patch import Patch
from moa_code.core.task import CheckId
from moa_code.core.verdict import CheckOutcome, Outcome, Verdict

NAME = "builtin:combine"
MAX_DRAFTS = 256
MAX_GROUPS = 12  # groups of candidates that fix the same checks
GROUP_SIZE = 6  # candidates of one group that are tried
GROUP_WIDTHS = {2: 6, 3: 3, 4: 2}  # candidates in one union → how many of each group are tried in it
MAX_HUNKS_TO_DROP = 24
MAX_HALVES = 10  # drafts that fix nothing by themselves and are tried with others; a search's own never are

_RAN = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.TIMED_OUT, Outcome.OVER_LIMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Partial:
    """A candidate: what it fixes, what it breaks, and its hunks."""

    candidate_id: CandidateId
    patch: Patch
    hunks: tuple[Hunk, ...]
    fixed: frozenset[CheckId]
    broken: frozenset[CheckId]
    prior: float

    @property
    def rank(self) -> tuple[int, float, int, str]:
        return len(self.broken), -self.prior, sum(h.lines for h in self.hunks), self.patch.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Idea:
    """A patch worth judging. `key` orders ideas: fewest checks left unfixed, then broken, then parts, then lines."""

    key: tuple[int, int, int, int]
    patch: Patch
    parents: tuple[CandidateId, ...]
    note: str


class CombineAggregator:
    """Unites partial fixes. At most `max_drafts` a merge, the most promising first, no patch twice in its life."""

    def __init__(self, *, max_drafts: int = MAX_DRAFTS) -> None:
        self._max_drafts = max_drafts
        self._seen: set[str] = set()
        self._learned: list[Judged] = []

    @property
    def name(self) -> str:
        return NAME

    def observe(self, candidate: Candidate, verdict: Verdict) -> None:
        """Remember how a candidate was judged; a running merge takes it up with its next draft."""
        self._seen.add(candidate.patch.sha256)
        if verdict.outcome in _RAN:
            self._learned.append(Judged(candidate=candidate, verdict=verdict))

    async def merge(self, brief: Brief) -> AsyncIterator[Draft]:
        """Drafts from `brief.judged` and from what was observed meanwhile."""
        targets = frozenset(result.check_id for result in brief.baseline.failing)
        self._seen.update(judged.candidate.patch.sha256 for judged in brief.judged)
        known: dict[str, _Partial] = {}
        heard = 0
        for judged in brief.judged:
            _remember(known, judged, targets)
        ideas = _ideas(tuple(known.values()), targets)
        for _ in range(self._max_drafts):
            size = len(known)
            for judged in self._learned[heard:]:
                _remember(known, judged, targets)
            heard = len(self._learned)
            if len(known) > size:
                ideas = _ideas(tuple(known.values()), targets)
            idea = next((i for i in ideas if i.patch.sha256 not in self._seen), None)
            if idea is None:
                return
            self._seen.add(idea.patch.sha256)
            yield Draft(
                author=NAME,
                patch=idea.patch,
                parents=idea.parents,
                note=idea.note,
                prior=-float(idea.key[0] + idea.key[1]),
            )


def _remember(known: dict[str, _Partial], judged: Judged, targets: frozenset[CheckId]) -> None:
    """Add the candidate to `known`, by its patch, when it fixes a target or may be half of what does."""
    candidate, verdict = judged.candidate, judged.verdict
    passed = frozenset(r.check_id for r in verdict.results if r.outcome is CheckOutcome.PASSED)
    fixed = passed & targets
    searched = candidate.origin.author.startswith("builtin:")  # thousands of small edits that each do nothing
    if verdict.outcome not in _RAN or not (fixed or (targets and not searched)):
        return
    known[candidate.patch.sha256] = _Partial(
        candidate_id=candidate.candidate_id,
        patch=candidate.patch,
        hunks=split(candidate.patch),
        fixed=fixed,
        broken=frozenset(verdict.regressed),
        prior=candidate.prior,
    )


def _ideas(partials: tuple[_Partial, ...], targets: frozenset[CheckId]) -> Iterator[_Idea]:
    """All ideas, lazily, most promising first; the same patch may come more than once."""
    groups = _groups(tuple(partial for partial in partials if partial.fixed))
    heap: list[tuple[tuple[int, int, int, int], int, Iterator[_Idea]]] = []

    def push(key: tuple[int, int, int, int], source: Iterator[_Idea]) -> None:
        heap.append((key, len(heap), source))  # the place breaks ties, so that no two sources are compared

    for group in groups:
        for partial in group:
            push((len(targets - partial.fixed), len(partial.broken), 1, 0), _without_parts(partial, targets))
    for parts, width in GROUP_WIDTHS.items():
        for chosen in combinations(groups, parts):
            sets = [group[0].fixed for group in chosen]
            if _each_adds(sets):
                broken = frozenset().union(*(group[0].broken for group in chosen))
                key = (len(targets - frozenset().union(*sets)), len(broken), parts, 0)
                push(key, _unions(tuple(group[:width] for group in chosen), targets))
    for pair in _halves(partials):
        broken = pair[0].broken | pair[1].broken
        push(
            (len(targets - pair[0].fixed - pair[1].fixed), len(broken), 2, 0),
            _unions(((pair[0],), (pair[1],)), targets),
        )
    heapq.heapify(heap)
    # A source is asked only when its turn comes: making a patch and parsing it costs far more than counting checks.
    while heap:
        _, place, source = heapq.heappop(heap)
        idea = next(source, None)
        if idea is not None:
            heapq.heappush(heap, (idea.key, place, source))
            yield idea


def _halves(partials: tuple[_Partial, ...]) -> Iterator[tuple[_Partial, _Partial]]:
    """Pairs in which one fixes nothing by itself: one check may need what both of them change."""
    empty = sorted((p for p in partials if not p.fixed), key=lambda p: p.rank)[:MAX_HALVES]
    fixing = sorted((p for p in partials if p.fixed), key=lambda p: (-len(p.fixed), p.rank))[:MAX_HALVES]
    yield from product(fixing, empty)
    yield from combinations(empty, 2)


def _groups(partials: tuple[_Partial, ...]) -> list[tuple[_Partial, ...]]:
    """Partial fixes by the checks they fix, the widest first; in each group the least harmful and likeliest first."""
    by_fixed: dict[frozenset[CheckId], list[_Partial]] = {}
    for partial in partials:
        by_fixed.setdefault(partial.fixed, []).append(partial)
    ordered = sorted(by_fixed.items(), key=lambda item: (-len(item[0]), sorted(item[0])))
    return [tuple(sorted(group, key=lambda p: p.rank)[:GROUP_SIZE]) for _, group in ordered[:MAX_GROUPS]]


def _each_adds(sets: list[frozenset[CheckId]]) -> bool:
    """Whether every set holds something that no other one does."""
    return all(one - frozenset().union(*(s for s in sets if s is not one)) for one in sets)


def _unions(chosen: tuple[tuple[_Partial, ...], ...], targets: frozenset[CheckId]) -> Iterator[_Idea]:
    """Unions of one member of each group, members of best rank first."""
    ranked = sorted(product(*(range(len(group)) for group in chosen)), key=lambda places: (sum(places), places))
    for places in ranked:
        parts = tuple(group[place] for group, place in zip(chosen, places, strict=True))
        base = base_of(*(part.patch for part in parts))
        if base is None:
            continue
        fixed = frozenset().union(*(p.fixed for p in parts))
        broken = frozenset().union(*(p.broken for p in parts))
        # Where two overlap, the one named first has its way; each gets to be first.
        made: set[str] = set()
        for turn in range(len(parts)):
            hunks = _compatible((*parts[turn:], *parts[:turn]))
            patch = None if hunks is None else _joined(base, hunks)
            if patch is not None and hunks is not None and patch.sha256 not in made:
                made.add(patch.sha256)
                yield _Idea(
                    key=(len(targets - fixed), len(broken), len(parts), sum(h.lines for h in hunks)),
                    patch=patch,
                    parents=tuple(p.candidate_id for p in parts),
                    note=f"unites {len(parts)} candidates that fix {len(fixed)} of {len(targets)} checks between them",
                )


def _without_parts(partial: _Partial, targets: frozenset[CheckId]) -> Iterator[_Idea]:
    """The candidate without one of its hunks, then one hunk of it alone, where it has several and is not right yet."""
    hunks = partial.hunks
    right = not partial.broken and partial.fixed == targets
    base = base_of(partial.patch)
    if right or base is None or not 2 <= len(hunks) <= MAX_HUNKS_TO_DROP:
        return
    fewer = [(hunks[:n] + hunks[n + 1 :], f"without its hunk {n + 1} of {len(hunks)}") for n in range(len(hunks))]
    alone = [((hunk,), f"its hunk {n + 1} of {len(hunks)} alone") for n, hunk in enumerate(hunks)]
    for left, note in (*fewer, *(alone if len(hunks) > 2 else ())):
        patch = _joined(base, left)
        if patch is not None:
            yield _Idea(
                key=(len(targets - partial.fixed), len(partial.broken), 1, sum(h.lines for h in left)),
                patch=patch,
                parents=(partial.candidate_id,),
                note=f"{partial.candidate_id} {note}",
            )


def _compatible(parts: tuple[_Partial, ...]) -> tuple[Hunk, ...] | None:
    """All hunks of the first, and of each further one what does not overlap; None when one would add nothing."""
    taken: list[Hunk] = []
    for part in parts:
        fresh = [h for h in part.hunks if h not in taken and not any(overlap(h, other) for other in taken)]
        if not fresh:
            return None
        taken += fresh
    return tuple(taken)


def _joined(base: Base, hunks: tuple[Hunk, ...]) -> Patch | None:
    """The patch of these hunks; None when it is empty or a Python file would no longer parse."""
    patch = join(base, hunks)
    fit = patch.changes and all(parses(c.path, c.after) or not parses(c.path, c.before) for c in patch.changes)
    return patch if fit else None
