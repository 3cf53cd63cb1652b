"""Asking again: bounded, with growing pauses, never more than a provider lets through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, CompletionRequest
from moa_code.core.ports import Heard, Model
from moa_code.models.limits import Gates, worst_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`attempts` counts the first. The pause before attempt n is uniform in [0, min(cap, base * 2^(n-2))]: full jitter.

    A provider's Retry-After is waited for in full, by all calls to that provider; one beyond `retry_after_cap_s` ends
    the call instead, since asking earlier would only be refused again.
    """

    attempts: int = 3
    base_s: float = 0.5
    cap_s: float = 20.0
    retry_after_cap_s: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"at least one attempt, got {self.attempts}")


class Retrying:
    """A `Model` around another one. Sleeping is injected, so that tests take no time.

    Each attempt takes a place at its provider's gate; a pause holds none. `seconds_left` says how much of the run is
    left: a pause that would outlast it ends the call.
    """

    def __init__(
        self,
        model: Model,
        policy: RetryPolicy | None = None,
        *,
        rng: Random,
        gates: Gates | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        seconds_left: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._model = model
        self._policy = policy or RetryPolicy()
        self._rng = rng
        self._sleep = sleep
        self._gates = gates or Gates()
        self._seconds_left = seconds_left

    async def complete(self, request: CompletionRequest, heard: Heard | None = None) -> Completion:
        """The first answer. Raises the last `ModelError`, with the number of attempts when there were several."""
        gate = self._gates.of(request.model)
        attempt = 0
        while True:
            attempt += 1
            try:
                async with gate.place(worst_tokens(request)):
                    return await self._model.complete(request, heard)
            except ModelError as error:
                pause = self._pause(error, attempt)
                if pause is None:
                    if attempt > 1:
                        error.add_note(f"asked {attempt} times")
                    raise
                if error.retry_after_s is not None:
                    gate.pause(error.retry_after_s)
            await self._sleep(pause)

    async def aclose(self) -> None:
        await self._model.aclose()

    def _pause(self, error: ModelError, attempt: int) -> float | None:
        """Seconds until the next attempt; None for no next attempt."""
        policy = self._policy
        if not error.retryable or attempt >= policy.attempts:
            return None
        pause = self._rng.uniform(0, min(policy.cap_s, policy.base_s * 2 ** (attempt - 1)))
        if error.retry_after_s is not None:
            if error.retry_after_s > policy.retry_after_cap_s:
                return None
            pause += error.retry_after_s
        left = self._seconds_left()
        return None if left is not None and pause >= left else pause
