"""The engine: carries out what the policy names, at the same time where it can, and asks again after every event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import assert_never

from moa_code.core.brief import Baseline
from moa_code.core.run import (
    Aggregate,
    Arbitrate,
    Cancel,
    Confirm,
    Distinguish,
    Measure,
    Members,
    Minimise,
    Propose,
    Refine,
    RunResult,
    RunState,
    Step,
    Stop,
    Vote,
    WriteChecks,
)
from moa_code.core.task import Task
from moa_code.engine.board import Board
from moa_code.engine.budget import Ledger
from moa_code.engine.drafting import Drafting
from moa_code.engine.events import Finished, Listener, StepStarted
from moa_code.engine.judge import Judge
from moa_code.engine.parts import EngineSettings, Parts
from moa_code.engine.proving import Proving
from moa_code.engine.record import Record
from moa_code.engine.unjudged import honest
from moa_code.engine.weighing import Weighing

Policy = Callable[[RunState], tuple[Step, ...]]
ASKING = Propose | Refine | Aggregate | WriteChecks | Arbitrate
TICK_S = 0.25
"""While authors write, the policy is asked at least so often, so that it can see one fall behind."""


class Engine:
    """One task from its baseline to its end. Used once."""

    def __init__(
        self,
        *,
        task: Task,
        baseline: Baseline,
        judge: Judge,
        policy: Policy,
        members: Members,
        parts: Parts,
        record: Record,
        ledger: Ledger,
        settings: EngineSettings,
        listen: Listener,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        state = RunState(
            baseline=baseline,
            members=members,
            feedback_rounds=settings.feedback_rounds,
            min_level=settings.min_level,
            seed=settings.seed,
        )
        self._policy = policy
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._board = Board(state, record, listen, clock)
        self._drafting = Drafting(task, self._board, judge, parts, settings)
        self._weighing = Weighing(task, self._board, judge, parts, settings)
        self._proving = Proving(task, self._board, judge, parts, settings)
        self._running: dict[asyncio.Task[None], Step] = {}

    def interrupt(self) -> None:
        """Finish at the next decision; what is known is kept."""
        self._board.update(interrupted=True)

    async def run(self) -> RunResult:
        """Ask the policy, carry out, until it says stop.

        Raises `SandboxUnavailable` when boxes cannot be had, or were lost under every candidate.
        """
        started = self._clock()
        try:
            while True:
                if self._settings.seconds is not None and self._clock() - started >= self._settings.seconds:
                    self._board.update(out_of_time=True)
                for step in self._policy(self._board.now()):
                    if isinstance(step, Stop):
                        return self._result(honest(step, self._board.state), self._clock() - started)
                    self._start(step)
                await self._wait(started)
        finally:
            await self._cancel(lambda _: True)

    async def _wait(self, started: float) -> None:
        """Until something happened: a verdict, the end of a step, an interrupt, a tick, the time limit."""
        left = None
        if self._settings.seconds is not None:
            left = max(0.01, self._settings.seconds - (self._clock() - started))
        if any(isinstance(step, ASKING) for step in self._running.values()):
            left = TICK_S if left is None else min(left, TICK_S)
        changed = asyncio.create_task(self._board.changed.wait())
        try:
            done, _ = await asyncio.wait({changed, *self._running}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        self._board.changed.clear()
        for task in [t for t in self._running if t in done]:
            step = self._running.pop(task)
            if not task.cancelled():
                task.result()
            self._ended(step)

    def _start(self, step: Step) -> None:
        self._board.record.step(type(step).__name__.lower(), step.reason, {})
        self._board.tell(StepStarted(step=step))
        self._running[asyncio.create_task(self._work(step))] = step
        self._board.begin(step)

    def _work(self, step: Step) -> Coroutine[None, None, None]:
        match step:
            case Propose():
                return self._drafting.propose(step)
            case Refine():
                return self._drafting.refine(step)
            case Aggregate():
                return self._drafting.aggregate(step)
            case Distinguish():
                return self._weighing.distinguish(step)
            case Measure():
                return self._weighing.measure(step)
            case WriteChecks():
                return self._weighing.write_checks(step)
            case Vote():
                return self._weighing.vote(step)
            case Arbitrate():
                return self._weighing.arbitrate(step)
            case Minimise():
                return self._proving.minimise(step)
            case Confirm():
                return self._proving.confirm(step)
            case Cancel():
                return self._cancel(lambda s: isinstance(s, ASKING))
            case Stop():
                raise AssertionError("stop is not carried out")
            case other:
                assert_never(other)

    def _ended(self, step: Step) -> None:
        self._board.end(step)
        if self._ledger.refused:
            self._board.update(out_of_budget=True)

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

    def _result(self, stop: Stop, duration_s: float) -> RunResult:
        state = self._board.state
        detail: dict[str, object] = {"status": stop.status.value}
        if stop.belief is not None:
            detail["belief"] = stop.belief
        self._board.record.step("stop", stop.reason, detail)
        winner = None if stop.winner is None else self._board.judged(stop.winner)
        fresh = state.confirmed.get(stop.winner) if stop.winner is not None else None
        if winner is not None and fresh is not None:
            winner = replace(winner, verdict=fresh)
        lines = self._proving.lines(stop.winner)
        self._board.tell(Finished(status=stop.status, reason=stop.reason))
        return RunResult(
            status=stop.status,
            reason=stop.reason,
            baseline=state.baseline,
            winner=winner,
            steps=(*state.done, stop),
            judged=state.judged,
            screened=state.screened,
            lost=state.lost,
            spent=self._ledger.spent(),
            duration_s=duration_s,
            lines_before=lines[0],
            lines_after=lines[1],
            belief=stop.belief,
            behaviour=state.behaviour,
            strengths=state.strengths,
            written=state.written,
            rulings=state.rulings,
            unexercised=self._proving.unexercised(stop.winner),
        )
