"""Hedging: a call that takes far longer than its model's others is made once more, and the first answer counts."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

from moa_code.core.calls import NotAsked
from moa_code.core.model import Completion, CompletionRequest
from moa_code.core.ports import Heard, Model
from moa_code.models.limits import Gates, worst_tokens

KEPT = 200  # answers a model's bound is learnt from


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedging:
    """When a call is repeated: after `floor_s` at the earliest, None for never, and later than `quantile` of the
    answers so far; before there are `least_answers`, after `floor_s`. At most `most_share` of the calls are.
    """

    floor_s: float | None = 10.0
    quantile: float = 0.9
    least_answers: int = 3
    most_share: float = 0.2  # but one call may always be


@dataclass(slots=True, kw_only=True)
class Hedges:
    """How often: `calls` were made, `asked` of them twice; in `won` the second answer came first."""

    calls: int = 0
    asked: int = 0
    won: int = 0


class Latencies:
    """How long each model took to answer, in this process."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = {}

    def add(self, model: str, seconds: float) -> None:
        self._seen.setdefault(model, deque(maxlen=KEPT)).append(seconds)

    def bound(self, model: str, hedging: Hedging) -> float | None:
        """Seconds after which a call is late; None for never."""
        if hedging.floor_s is None:
            return None
        seen = sorted(self._seen.get(model, ()))
        if len(seen) < hedging.least_answers:
            return hedging.floor_s
        return max(hedging.floor_s, seen[ceil(hedging.quantile * len(seen)) - 1])


class Hedged:
    """A `Model` around one that pays for each call (`Metered`), so that both calls are paid for; inside `Retrying`.

    A call is repeated once at most, with the same seed, and only where its provider has a place that nobody waits for.
    `heard` is told both answers as they come. What the budget refuses to repeat is waited for as before.
    """

    def __init__(
        self,
        model: Model,
        gates: Gates,
        latencies: Latencies,
        hedging: Hedging | None = None,
        *,
        hedges: Hedges | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._gates = gates
        self._latencies = latencies
        self._hedging = hedging or Hedging()
        self._clock = clock
        self.hedges = hedges or Hedges()

    async def complete(self, request: CompletionRequest, heard: Heard | None = None) -> Completion:
        """The first answer. Raises what the first call raises, where neither answers."""
        self.hedges.calls += 1
        first = asyncio.create_task(self._ask(request, heard))
        try:
            bound = self._latencies.bound(request.model, self._hedging)
            await asyncio.wait({first}, timeout=bound)
            if first.done() or not self._may():
                return await first
            with self._gates.of(request.model).spare(worst_tokens(request)) as got:
                return await (self._race(first, request, heard) if got else first)
        finally:
            await _end(first)

    async def aclose(self) -> None:
        await self._model.aclose()

    def _may(self) -> bool:
        share = self._hedging.most_share
        return share > 0 and self.hedges.asked + 1 <= max(1.0, share * self.hedges.calls)

    async def _race(
        self, first: asyncio.Task[Completion], request: CompletionRequest, heard: Heard | None
    ) -> Completion:
        self.hedges.asked += 1
        second = asyncio.create_task(self._ask(replace(request, hedge=True), heard))
        try:
            racing = {first, second}
            while racing:
                done, racing = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
                for call in (first, second):
                    if call in done and call.exception() is None:
                        self.hedges.won += call is second
                        return call.result()
            return await first
        finally:
            await _end(second)
            if not second.cancelled() and isinstance(second.exception(), NotAsked):
                self.hedges.asked -= 1

    async def _ask(self, request: CompletionRequest, heard: Heard | None) -> Completion:
        started = self._clock()
        completion = await self._model.complete(request, heard)
        self._latencies.add(request.model, self._clock() - started)
        return completion


async def _end(call: asyncio.Task[Completion]) -> None:
    """Cancel a call and wait until its connection is closed; its error, if any, was told or does not matter."""
    call.cancel()
    await asyncio.wait({call})
    if not call.cancelled():
        call.exception()
