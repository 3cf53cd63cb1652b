"""Carrying out what a passing candidate goes through before it is the answer: made smaller, confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from moa_code.core.candidate import CandidateId, Origin
from moa_code.core.patch import Patch
from moa_code.core.run import Confirm, Minimise
from moa_code.core.task import Mode, Task
from moa_code.core.verdict import Level, Outcome
from moa_code.engine.board import Board
from moa_code.engine.events import CandidateJudged, Minimised
from moa_code.engine.judge import Judge
from moa_code.engine.minimise import minimise, screen_of
from moa_code.engine.parts import EngineSettings, Parts


class Proving:
    """Minimises and confirms. `lines` are a minimised candidate's changed lines before and after."""

    def __init__(self, task: Task, board: Board, judge: Judge, parts: Parts, settings: EngineSettings) -> None:
        self._task = task
        self._board = board
        self._judge = judge
        self._parts = parts
        self._settings = settings
        self._lines = (0, 0)
        self._minimal: CandidateId | None = None
        self._unexercised: Mapping[str, tuple[int, ...]] = {}
        self._examined: CandidateId | None = None

    def unexercised(self, winner: CandidateId | None) -> Mapping[str, tuple[int, ...]]:
        """The winner's own lines that no check executes, by path; empty where that was not measured."""
        return self._unexercised if winner is not None and winner == self._examined else {}

    def lines(self, winner: CandidateId | None) -> tuple[int, int]:
        return self._lines if winner is not None and winner == self._minimal else (0, 0)

    async def minimise(self, step: Minimise) -> None:
        known = self._board.state.strengths.get(step.candidate_id)
        if self._task.mode is Mode.IMPLEMENT:
            # Its checks are examples of what is asked for: what none of them needs is needed all the same.
            self._unexercised, self._examined = (known.unexercised if known else None) or {}, step.candidate_id
            return
        candidate = self._board.judged(step.candidate_id).candidate
        baseline = self._board.state.baseline

        async def holds(patch: Patch) -> bool:
            trial = self._board.number(patch, candidate.origin)
            return (await self._judge.verify(self._task, baseline, trial)).passed

        measured = known or await self._judge.strength(self._task, baseline, candidate, ())
        reducer = self._parts.reducer(candidate.patch, measured.unexercised)
        smaller = await minimise(
            reducer,
            holds,
            slots=self._judge.slots,
            seconds=self._settings.minimise_s,
            screen=screen_of(self._judge, self._task, baseline),
        )
        self._lines = (reducer.lines_before, reducer.lines_after)
        self._unexercised = reducer.unexercised or {}
        if smaller.sha256 == candidate.patch.sha256:
            self._minimal = self._examined = step.candidate_id
            return
        self._board.tell(Minimised(lines_before=self._lines[0], lines_after=self._lines[1]))
        origin = Origin(
            author=candidate.origin.author,
            role="minimiser",
            layer=candidate.origin.layer,
            round=candidate.origin.round,
            parents=(candidate.candidate_id,),
            note=f"minimised from {candidate.candidate_id}",
        )
        minimal = self._board.number(smaller, origin, candidate.prior + 1.0)
        self._board.remember(minimal)
        self._minimal = self._examined = minimal.candidate_id
        self._board.keep(minimal, await self._judge.verify(self._task, baseline, minimal))

    async def confirm(self, step: Confirm) -> None:
        candidate = self._board.judged(step.candidate_id).candidate
        baseline = self._board.state.baseline
        verdict = await self._judge.confirm(self._task, baseline, candidate)
        if verdict.outcome is Outcome.INCONCLUSIVE:  # a patch that passes is worth asking once more
            verdict = await self._judge.confirm(self._task, baseline, candidate)
        if verdict.passed and step.candidate_id == self._minimal:
            verdict = replace(verdict, level=Level.MINIMISED)
        self._board.record.verdict(verdict)
        self._board.update(confirmed={**self._board.state.confirmed, step.candidate_id: verdict})
        self._board.say(CandidateJudged(candidate=candidate, verdict=verdict))
