"""What is known of one run so far. Each change is written down, told to who listens, and wakes the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate, CandidateId, Draft, Origin
from moa_code.core.patch import Patch
from moa_code.core.run import Pending, RunState, Step
from moa_code.core.verdict import Verdict
from moa_code.engine.events import AuthorLost, CandidateJudged, Event, Listener
from moa_code.engine.record import Record

SEARCH_PREFIX = "builtin:"


class Board:
    """The state that policies read, and its only writer. `changed` is set by everything a policy may want to see."""

    def __init__(self, state: RunState, record: Record, listen: Listener, clock: Callable[[], float]) -> None:
        self.state = state
        self.record = record
        self.changed = asyncio.Event()
        self._listen = listen
        self._clock = clock
        self._started = clock()
        self._numbers = count(1)
        self._known: dict[str, Candidate] = {}
        self._writing: dict[int, tuple[str, float]] = {}
        self._letters = count()

    def update(self, **changes: object) -> None:
        """Change the state and wake the loop."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]  # names and types are RunState's own
        self.changed.set()

    def tell(self, event: Event) -> None:
        self._listen(event)

    def say(self, event: Event) -> None:
        """Tell, and wake the loop."""
        self._listen(event)
        self.changed.set()

    def now(self) -> RunState:
        """The state with its clocks brought up to date, for a policy to read."""
        at = self._clock()
        pending = tuple(Pending(author=author, waited_s=at - since) for author, since in self._writing.values())
        self.state = replace(self.state, pending=pending, elapsed_s=at - self._started)
        return self.state

    @contextmanager
    def writing(self, author: str) -> Iterator[None]:
        """While an author writes, it is pending; how long it took is kept unless it was cut off."""
        letter, since = next(self._letters), self._clock()
        self._writing[letter] = (author, since)
        try:
            yield
            self.state = replace(self.state, latencies_s=(*self.state.latencies_s, self._clock() - since))
        finally:
            del self._writing[letter]
            self.changed.set()

    def begin(self, step: Step) -> None:
        self.state = replace(self.state, running=(*self.state.running, step))

    def end(self, step: Step) -> None:
        running = tuple(s for s in self.state.running if s is not step)
        self.update(running=running, done=(*self.state.done, step))

    def candidate(self, draft: Draft, role: str, layer: int, round_: int) -> tuple[Candidate, bool]:
        """The candidate of a draft, and whether its patch is new to this run."""
        assert draft.patch is not None
        known = self._known.get(draft.patch.sha256)
        if known is not None:
            return known, False
        origin = Origin(
            author=draft.author, role=role, layer=layer, round=round_, parents=draft.parents, note=draft.note
        )
        made = self.number(draft.patch, origin, draft.prior)
        if not draft.author.startswith(SEARCH_PREFIX):  # a search never repeats itself, and would fill the memory
            self._known[draft.patch.sha256] = made
        return made, True

    def number(self, patch: Patch, origin: Origin, prior: float = 0.0) -> Candidate:
        """A candidate with an id of its own."""
        return Candidate(candidate_id=CandidateId(f"c{next(self._numbers)}"), patch=patch, origin=origin, prior=prior)

    def remember(self, candidate: Candidate) -> None:
        """Have later drafts of the same patch be this candidate."""
        self._known[candidate.patch.sha256] = candidate

    def keep(self, candidate: Candidate, verdict: Verdict) -> None:
        """Write a judged candidate down, and tell of it."""
        self.write_down(candidate, verdict)
        self.say(CandidateJudged(candidate=candidate, verdict=verdict))

    def write_down(self, candidate: Candidate, verdict: Verdict) -> None:
        self.record.candidate(candidate)
        self.record.verdict(verdict)
        judged = (*self.state.judged, Judged(candidate=candidate, verdict=verdict))
        self.state = replace(self.state, judged=judged)

    def agree(self, candidate: Candidate, author: str) -> None:
        """Note that another author wrote the same patch: agreement, and nothing to verify."""
        if author != candidate.origin.author:
            self.record.event("agrees", {"author": author, "candidate_id": candidate.candidate_id})
            agreed = self.state.agreed
            authors = (*agreed.get(candidate.candidate_id, ()), author)
            self.update(agreed={**agreed, candidate.candidate_id: authors})

    def lose(self, author: str, reason: str) -> None:
        self.record.event("lost", {"author": author, "reason": reason})
        self.state = replace(self.state, lost=(*self.state.lost, (author, reason)))
        self.say(AuthorLost(author=author, reason=reason))

    def judged(self, candidate_id: CandidateId) -> Judged:
        return next(j for j in reversed(self.state.judged) if j.candidate.candidate_id == candidate_id)

    def candidates(self, ids: tuple[CandidateId, ...]) -> tuple[Candidate, ...]:
        return tuple(self.judged(one).candidate for one in ids)

    def note(self, kind: str, detail: Mapping[str, object]) -> None:
        """Keep something in the journal that is no step, candidate or verdict."""
        self.record.event(kind, detail)
