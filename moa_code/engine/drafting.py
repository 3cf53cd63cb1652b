"""Carrying out what brings drafts: proposing, refining, merging. Each draft is verified the moment it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from moa_code.core.candidate import Candidate, Draft
from moa_code.core.errors import MoaError
from moa_code.core.run import Aggregate, Propose, Refine
from moa_code.core.task import Task
from moa_code.core.verdict import Verdict
from moa_code.engine.board import SEARCH_PREFIX, Board
from moa_code.engine.events import Screening
from moa_code.engine.judge import Judge
from moa_code.engine.parts import EngineSettings, Parts
from moa_code.engine.search import Search

Observe = Callable[[Candidate, Verdict], None]


class Drafting:
    """Asks authors and has every draft judged."""

    def __init__(self, task: Task, board: Board, judge: Judge, parts: Parts, settings: EngineSettings) -> None:
        self._task = task
        self._board = board
        self._judge = judge
        self._parts = parts
        self._settings = settings

    async def propose(self, step: Propose) -> None:
        """One layer, side by side."""
        try:
            async with asyncio.TaskGroup() as group:
                for name in step.proposers:
                    proposer = self._parts.proposers[name]
                    brief = self._settings.brief(
                        self._task, self._board.state, step.round, judged=step.round > 0, author=name
                    )
                    drafts = proposer.drafts(brief)
                    group.create_task(self._drafts(name, drafts, "proposer", step.round, proposer.observe))
        except* MoaError as failures:
            raise failures.exceptions[0] from None

    async def aggregate(self, step: Aggregate) -> None:
        aggregator = self._parts.aggregators[step.aggregator]
        brief = self._settings.brief(
            self._task, self._board.state, step.round, judged=True, author=step.aggregator, wide=step.wide
        )
        await self._drafts(step.aggregator, aggregator.merge(brief), "aggregator", step.round, aggregator.observe)

    async def refine(self, step: Refine) -> None:
        """Go on from one candidate, or anew with nothing but failures."""
        refiner = self._parts.refiners[step.author]
        brief = self._settings.brief(self._task, self._board.state, step.round, judged=True, author=step.author)
        if step.candidate_id is not None:
            brief = replace(brief, judged=(self._board.judged(step.candidate_id),))
        brief = replace(brief, anew=step.candidate_id is None)
        role = "reasoner" if step.author == self._board.state.members.reasoner else "refiner"
        await self._drafts(step.author, refiner.merge(brief), role, step.round, refiner.observe)

    async def _drafts(
        self, author: str, drafts: AsyncIterator[Draft], role: str, round_: int, observe: Observe
    ) -> None:
        if author.startswith(SEARCH_PREFIX):
            await self._search(author, drafts, role, round_, observe)
            return
        with self._board.writing(author):
            await self._read(author, drafts, role, round_, observe)

    async def _search(
        self, author: str, drafts: AsyncIterator[Draft], role: str, round_: int, observe: Observe
    ) -> None:
        """Screen many drafts, verify the few that get through."""
        board = self._board

        def looked(count: int, partial: int, latest: str) -> None:
            board.update(screened=board.state.screened + count)
            board.say(Screening(author=author, screened=search.screened, partial=partial, latest=latest))

        search = Search(
            task=self._task,
            baseline=board.state.baseline,
            judge=self._judge,
            limits=self._settings.search,
            number=lambda draft: board.candidate(draft, role, _layer(role), round_)[0],
            observe=observe,
            verified=self.verify,
            partial=board.write_down,
            looked=looked,
        )
        try:
            lost = await search.run(drafts)
        finally:
            await _close(drafts)
        board.note("screened", {"author": author, "screened": search.screened})
        if lost:
            board.lose(author, lost)

    async def _read(self, author: str, drafts: AsyncIterator[Draft], role: str, round_: int, observe: Observe) -> None:
        """Verify each draft while the author goes on talking; stop listening at the first that passes."""
        verifying: set[asyncio.Task[bool]] = set()
        reading: asyncio.Task[Draft | None] | None = asyncio.create_task(_next(drafts))
        try:
            while reading is not None or verifying:
                waiting = verifying | ({reading} if reading is not None else set())
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                passed = [task.result() for task in verifying & done]
                if any(passed):
                    return
                verifying -= done
                if reading in done and reading is not None:
                    draft = reading.result()
                    reading = None if draft is None else asyncio.create_task(_next(drafts))
                    if draft is not None:
                        verifying |= self._judged(author, draft, role, round_, observe)
        finally:
            pending = verifying | ({reading} if reading is not None else set())
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            await _close(drafts)

    def _judged(self, author: str, draft: Draft, role: str, round_: int, observe: Observe) -> set[asyncio.Task[bool]]:
        """The verification of a draft under way; nothing where there is no patch, or a known one."""
        if draft.patch is None:
            self._board.lose(author, draft.lost)
            return set()
        candidate, new = self._board.candidate(draft, role, _layer(role), round_)
        if not new:
            self._board.agree(candidate, author)
            return set()

        async def judge() -> bool:
            verdict = await self.verify(candidate)
            observe(candidate, verdict)
            return verdict.passed

        return {asyncio.create_task(judge())}

    async def verify(self, candidate: Candidate) -> Verdict:
        """The verdict, written down and told."""
        verdict = await self._judge.verify(self._task, self._board.state.baseline, candidate)
        self._board.keep(candidate, verdict)
        return verdict


async def _next(drafts: AsyncIterator[Draft]) -> Draft | None:
    return await anext(drafts, None)


def _layer(role: str) -> int:
    return 0 if role == "proposer" else 1


async def _close(drafts: AsyncIterator[Draft]) -> None:
    closing = getattr(drafts, "aclose", None)
    if closing is not None:
        await closing()
