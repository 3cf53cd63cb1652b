"""Carrying out what brings evidence about candidates that pass: none of it changes a verdict."""

from __future__ import annotations

import asyncio

from moa_code.core.run import Arbitrate, Distinguish, Measure, Vote, WriteChecks
from moa_code.core.task import Task
from moa_code.engine.board import Board
from moa_code.engine.events import Compared, Measured, Ruled, Wrote
from moa_code.engine.judge import Judge
from moa_code.engine.parts import EngineSettings, Parts
from moa_code.evidence.clusters import clusters, entropy_bits


class Weighing:
    """Compares, measures, polls."""

    def __init__(self, task: Task, board: Board, judge: Judge, parts: Parts, settings: EngineSettings) -> None:
        self._task = task
        self._board = board
        self._judge = judge
        self._parts = parts
        self._settings = settings

    async def distinguish(self, step: Distinguish) -> None:
        board = self._board
        found = await self._judge.distinguish(self._task, board.state.baseline, board.candidates(step.candidate_ids))
        parts = clusters(found)
        board.note(
            "compared",
            {
                "calls": len(found.calls),
                "candidates": list(found.answers),
                "clusters": [list(part.members) for part in parts],
                "entropy_bits": round(entropy_bits(parts), 3),
                "note": found.note,
            },
        )
        board.update(behaviour=found)
        board.say(Compared(behaviour=found))

    async def measure(self, step: Measure) -> None:
        board = self._board
        candidate = board.judged(step.candidate_id).candidate
        mutants = await asyncio.to_thread(self._parts.mutants, self._task, candidate.patch)
        found = await self._judge.strength(self._task, board.state.baseline, candidate, mutants)
        board.note("strength", {"candidate_id": candidate.candidate_id, "killed": found.killed, "tried": found.tried})
        board.update(strengths={**board.state.strengths, candidate.candidate_id: found})
        board.say(Measured(candidate=candidate, strength=found))

    async def write_checks(self, step: WriteChecks) -> None:
        board = self._board
        writer = self._parts.check_writers[step.author]
        with board.writing(step.author):
            written = await writer.checks(self._settings.brief(self._task, board.state, 0, judged=False))
        for check in written:
            board.note("check", {"author": check.author, "name": check.name, "sentence": check.sentence})
        board.update(written=written)
        board.say(Wrote(checks=written))

    async def vote(self, step: Vote) -> None:
        board = self._board
        votes = dict(board.state.votes)
        for candidate in board.candidates(step.candidate_ids):
            votes[candidate.candidate_id] = await self._judge.vote(
                self._task, board.state.baseline, candidate, board.state.written
            )
        board.update(votes=votes)

    async def arbitrate(self, step: Arbitrate) -> None:
        board = self._board
        behaviour = board.state.behaviour
        assert behaviour is not None, "who arbitrates is shown where candidates differ"
        brief = self._settings.brief(self._task, board.state, 0, judged=False)
        with board.writing(step.author):
            ruling = await self._parts.arbiters[step.author].rule(brief, behaviour, step.candidate_ids)
        board.note("ruled", {"author": ruling.author, "chosen": ruling.chosen, "reason": ruling.reason})
        board.update(rulings=(*board.state.rulings, ruling))
        board.say(Ruled(ruling=ruling))
