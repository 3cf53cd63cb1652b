"""The engine: carries out what the policy names, at the same time where it can, and asks again after every event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from moa_code.core.brief import Baseline, Brief, Judged
from moa_code.core.candidate import Candidate, CandidateId, Draft, Origin
from moa_code.core.errors import MoaError
from moa_code.core.patch import Patch
from moa_code.core.ports import Aggregator, Proposer
from moa_code.core.run import (
    Aggregate,
    Cancel,
    Confirm,
    Members,
    Minimise,
    Propose,
    RunResult,
    RunState,
    Step,
    Stop,
)
from moa_code.core.task import Task
from moa_code.core.verdict import Level, Outcome, Verdict
from moa_code.engine.budget import Ledger
from moa_code.engine.events import (
    AuthorLost,
    CandidateJudged,
    Event,
    Finished,
    Listener,
    Minimised,
    Screening,
    StepStarted,
)
from moa_code.engine.feedback import feedback_for
from moa_code.engine.judge import Judge
from moa_code.engine.minimise import Reducer, minimise
from moa_code.engine.record import Record
from moa_code.engine.search import Search, SearchLimits
from moa_code.engine.unjudged import honest
from moa_code.evidence.ranking import order

Policy = Callable[[RunState], tuple[Step, ...]]
SEARCH_PREFIX = "builtin:"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """`seconds` is the whole run's limit (None: none); `minimise_s` what minimising may take."""

    seconds: float | None = None
    feedback_rounds: int = 3
    min_level: Level = Level.WHOLE_SUITE
    minimise_s: float = 20.0
    seed: int = 0
    search: SearchLimits = field(default_factory=SearchLimits)
    max_prompt_tokens: int = 24_000
    max_answer_tokens: int = 4_096


class Engine:
    """One task from its baseline to its end. Used once."""

    def __init__(
        self,
        *,
        task: Task,
        baseline: Baseline,
        judge: Judge,
        policy: Policy,
        proposers: Mapping[str, Proposer],
        aggregators: Mapping[str, Aggregator],
        members: Members,
        reducer: Callable[[Patch], Reducer],
        record: Record,
        ledger: Ledger,
        settings: EngineSettings,
        listen: Listener,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task = task
        self._judge = judge
        self._policy = policy
        self._proposers = proposers
        self._aggregators = aggregators
        self._reducer = reducer
        self._record = record
        self._ledger = ledger
        self._settings = settings
        self._listen = listen
        self._clock = clock
        self._state = RunState(
            baseline=baseline, members=members, feedback_rounds=settings.feedback_rounds, min_level=settings.min_level
        )
        self._running: dict[asyncio.Task[None], Step] = {}
        self._changed = asyncio.Event()
        self._numbered = 0
        self._known: dict[str, Candidate] = {}
        self._lines = (0, 0)
        self._minimal: CandidateId | None = None

    def interrupt(self) -> None:
        """Finish at the next decision; what is known is kept."""
        self._state = replace(self._state, interrupted=True)
        self._changed.set()

    async def run(self) -> RunResult:
        """Ask the policy, carry out, until it says stop.

        Raises `SandboxUnavailable` when boxes cannot be had, or were lost under every candidate.
        """
        started = self._clock()
        try:
            while True:
                if self._settings.seconds is not None and self._clock() - started >= self._settings.seconds:
                    self._state = replace(self._state, out_of_time=True)
                for step in self._policy(self._state):
                    if isinstance(step, Stop):
                        return self._result(honest(step, self._state), self._clock() - started)
                    self._start(step)
                await self._wait(started)
        finally:
            await self._cancel(lambda _: True)

    async def _wait(self, started: float) -> None:
        """Until something happened: a verdict, the end of a step, an interrupt, the time limit."""
        left = None
        if self._settings.seconds is not None:
            left = max(0.01, self._settings.seconds - (self._clock() - started))
        changed = asyncio.create_task(self._changed.wait())
        try:
            done, _ = await asyncio.wait({changed, *self._running}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        self._changed.clear()
        for task in [t for t in self._running if t in done]:
            step = self._running.pop(task)
            if not task.cancelled():
                task.result()
            self._ended(step)

    def _start(self, step: Step) -> None:
        self._record.step(type(step).__name__.lower(), getattr(step, "reason", ""), {})
        self._listen(StepStarted(step=step))
        match step:
            case Propose():
                work = self._propose(step)
            case Aggregate():
                work = self._aggregate(step)
            case Minimise():
                work = self._minimise(step)
            case Confirm():
                work = self._confirm(step)
            case Cancel():
                work = self._cancel(lambda s: isinstance(s, Propose | Aggregate))
            case Stop():
                raise AssertionError("stop is not carried out")
            case other:
                assert_never(other)
        self._running[asyncio.create_task(work)] = step
        self._state = replace(self._state, running=(*self._state.running, step))

    def _ended(self, step: Step) -> None:
        running = tuple(s for s in self._state.running if s is not step)
        self._state = replace(self._state, running=running, done=(*self._state.done, step))
        if self._ledger.refused:
            self._state = replace(self._state, out_of_budget=True)

    async def _cancel(self, which: Callable[[Step], bool]) -> None:
        """Cancel running steps and wait until they are gone; they count as done."""
        doomed = [t for t, s in self._running.items() if which(s) and t is not asyncio.current_task()]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)
        for task in doomed:
            step = self._running.pop(task, None)
            if step is not None:
                self._ended(step)

    async def _propose(self, step: Propose) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for name in step.proposers:
                    proposer = self._proposers[name]
                    brief = self._brief(step.round, judged=step.round > 0)
                    if name.startswith(SEARCH_PREFIX):
                        drafts = proposer.drafts(brief)
                        group.create_task(self._search(name, drafts, "proposer", step.round, proposer.observe))
                    else:
                        group.create_task(self._read(name, proposer.drafts(brief), "proposer", step.round))
        except* MoaError as failures:
            raise failures.exceptions[0] from None

    async def _aggregate(self, step: Aggregate) -> None:
        aggregator = self._aggregators[step.aggregator]
        drafts = aggregator.merge(self._brief(step.round, judged=True))
        if step.aggregator.startswith(SEARCH_PREFIX):
            await self._search(step.aggregator, drafts, "aggregator", step.round, aggregator.observe)
            return
        await self._read(step.aggregator, drafts, "aggregator", step.round, observe=aggregator.observe)

    async def _search(
        self,
        author: str,
        drafts: AsyncIterator[Draft],
        role: str,
        round_: int,
        observe: Callable[[Candidate, Verdict], None],
    ) -> None:
        """Screen many drafts, verify the few that get through."""
        layer = 1 if role == "aggregator" else 0

        def looked(count: int, partial: int, latest: str) -> None:
            self._state = replace(self._state, screened=self._state.screened + count)
            self._say(Screening(author=author, screened=search.screened, partial=partial, latest=latest))

        search = Search(
            task=self._task,
            baseline=self._state.baseline,
            judge=self._judge,
            limits=self._settings.search,
            number=lambda draft: self._candidate(draft, role, layer, round_)[0],
            observe=observe,
            verified=self._verify,
            partial=self._write_down,
            looked=looked,
        )
        try:
            lost = await search.run(drafts)
        finally:
            await _close(drafts)
        self._record.event("screened", {"author": author, "screened": search.screened})
        if lost:
            self._lose(author, lost)

    async def _read(
        self,
        author: str,
        drafts: AsyncIterator[Draft],
        role: str,
        round_: int,
        observe: Callable[[Candidate, Verdict], None] | None = None,
    ) -> None:
        """Verify each draft the moment it is there; stop reading at the first that passes."""
        try:
            async for draft in drafts:
                if draft.patch is None:
                    self._lose(author, draft.lost)
                    continue
                candidate, new = self._candidate(draft, role, 1 if role == "aggregator" else 0, round_)
                if not new:
                    continue
                verdict = await self._verify(candidate)
                if observe is not None:
                    observe(candidate, verdict)
                if verdict.passed:
                    return
        finally:
            await _close(drafts)

    async def _verify(self, candidate: Candidate) -> Verdict:
        verdict = await self._judge.verify(self._task, self._state.baseline, candidate)
        self._keep(candidate, verdict)
        return verdict

    def _keep(self, candidate: Candidate, verdict: Verdict) -> None:
        self._write_down(candidate, verdict)
        self._say(CandidateJudged(candidate=candidate, verdict=verdict))

    def _write_down(self, candidate: Candidate, verdict: Verdict) -> None:
        self._record.candidate(candidate)
        self._record.verdict(verdict)
        judged = (*self._state.judged, Judged(candidate=candidate, verdict=verdict))
        self._state = replace(self._state, judged=judged)

    async def _minimise(self, step: Minimise) -> None:
        judged = self._judged(step.candidate_id)
        candidate = judged.candidate

        async def holds(patch: Patch) -> bool:
            trial = Candidate(candidate_id=self._next_id(), patch=patch, origin=candidate.origin)
            return (await self._judge.verify(self._task, self._state.baseline, trial)).passed

        reducer = self._reducer(candidate.patch)
        smaller = await minimise(reducer, holds, slots=self._judge.slots, seconds=self._settings.minimise_s)
        self._lines = (reducer.lines_before, reducer.lines_after)
        if smaller.sha256 == candidate.patch.sha256:
            self._minimal = step.candidate_id
            return
        self._listen(Minimised(lines_before=self._lines[0], lines_after=self._lines[1]))
        origin = Origin(
            author=candidate.origin.author,
            role="minimiser",
            layer=candidate.origin.layer,
            round=candidate.origin.round,
            parents=(candidate.candidate_id,),
            note=f"minimised from {candidate.candidate_id}",
        )
        minimal = Candidate(candidate_id=self._next_id(), patch=smaller, origin=origin, prior=candidate.prior + 1.0)
        self._known[smaller.sha256] = minimal
        self._minimal = minimal.candidate_id
        await self._verify(minimal)

    async def _confirm(self, step: Confirm) -> None:
        judged = self._judged(step.candidate_id)
        verdict = await self._judge.confirm(self._task, self._state.baseline, judged.candidate)
        if verdict.outcome is Outcome.INCONCLUSIVE:  # a patch that passes is worth asking once more
            verdict = await self._judge.confirm(self._task, self._state.baseline, judged.candidate)
        if verdict.passed and step.candidate_id == self._minimal:
            verdict = replace(verdict, level=Level.MINIMISED)
        self._record.verdict(verdict)
        self._state = replace(self._state, confirmed={**self._state.confirmed, step.candidate_id: verdict})
        self._say(CandidateJudged(candidate=judged.candidate, verdict=verdict))

    def _brief(self, round_: int, *, judged: bool) -> Brief:
        ordered = order(self._state.judged) if judged else ()
        return Brief(
            task=self._task,
            baseline=self._state.baseline,
            judged=tuple(ordered),
            layer=1 if judged else 0,
            round=round_,
            seed=self._settings.seed + round_,
            feedback=feedback_for(self._state, round_),
            max_prompt_tokens=self._settings.max_prompt_tokens,
            max_answer_tokens=self._settings.max_answer_tokens,
        )

    def _candidate(self, draft: Draft, role: str, layer: int, round_: int) -> tuple[Candidate, bool]:
        """The candidate of a draft, and whether its patch is new to this run."""
        assert draft.patch is not None
        known = self._known.get(draft.patch.sha256)
        if known is not None:
            return known, False
        origin = Origin(
            author=draft.author, role=role, layer=layer, round=round_, parents=draft.parents, note=draft.note
        )
        candidate = Candidate(candidate_id=self._next_id(), patch=draft.patch, origin=origin, prior=draft.prior)
        if not draft.author.startswith(SEARCH_PREFIX):  # a search never repeats itself, and would fill the memory
            self._known[draft.patch.sha256] = candidate
        return candidate, True

    def _next_id(self) -> CandidateId:
        self._numbered += 1
        return CandidateId(f"c{self._numbered}")

    def _judged(self, candidate_id: CandidateId) -> Judged:
        return next(j for j in reversed(self._state.judged) if j.candidate.candidate_id == candidate_id)

    def _lose(self, author: str, reason: str) -> None:
        self._record.event("lost", {"author": author, "reason": reason})
        self._state = replace(self._state, lost=(*self._state.lost, (author, reason)))
        self._say(AuthorLost(author=author, reason=reason))

    def _say(self, event: Event) -> None:
        self._listen(event)
        self._changed.set()

    def _result(self, stop: Stop, duration_s: float) -> RunResult:
        self._record.step("stop", stop.reason, {"status": stop.status.value})
        winner = None if stop.winner is None else self._judged(stop.winner)
        fresh = self._state.confirmed.get(stop.winner) if stop.winner is not None else None
        if winner is not None and fresh is not None:
            winner = replace(winner, verdict=fresh)
        lines = self._lines if stop.winner == self._minimal else (0, 0)
        self._listen(Finished(status=stop.status, reason=stop.reason))
        return RunResult(
            status=stop.status,
            reason=stop.reason,
            baseline=self._state.baseline,
            winner=winner,
            steps=(*self._state.done, stop),
            judged=self._state.judged,
            screened=self._state.screened,
            lost=self._state.lost,
            spent=self._ledger.spent(),
            duration_s=duration_s,
            lines_before=lines[0],
            lines_after=lines[1],
        )


async def _close(drafts: AsyncIterator[Draft]) -> None:
    closing = getattr(drafts, "aclose", None)
    if closing is not None:
        await closing()
