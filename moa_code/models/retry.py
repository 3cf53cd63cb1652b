"""Asking again: bounded, with growing pauses, never more than a provider's share of calls at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from random import Random

from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, CompletionRequest
from moa_code.core.ports import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`attempts` counts the first. The pause before attempt n is uniform in [0, min(cap, base * 2^(n-2))]: full jitter.

    A provider's Retry-After is waited for in full; one beyond `retry_after_cap_s` ends the call instead, since
    asking earlier would only be refused again.
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

    `providers` maps a model's name to whose limits it counts against, `at_once` a provider to how many calls may be in
    flight (`default_at_once` where it is not named). A pause does not hold a place.
    """

    def __init__(
        self,
        model: Model,
        policy: RetryPolicy | None = None,
        *,
        rng: Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        providers: Mapping[str, str] | None = None,
        at_once: Mapping[str, int] | None = None,
        default_at_once: int | None = 16,
    ) -> None:
        self._model = model
        self._policy = policy or RetryPolicy()
        self._rng = rng
        self._sleep = sleep
        self._providers = providers or {}
        self._at_once = at_once or {}
        self._default_at_once = default_at_once
        self._places: dict[str, asyncio.Semaphore | nullcontext[None]] = {}

    async def complete(self, request: CompletionRequest) -> Completion:
        """The first answer. Raises the last `ModelError`, with the number of attempts when there were several."""
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._place(request.model):
                    return await self._model.complete(request)
            except ModelError as error:
                pause = self._pause(error, attempt)
                if pause is None:
                    if attempt > 1:
                        error.add_note(f"asked {attempt} times")
                    raise
            await self._sleep(pause)

    async def aclose(self) -> None:
        await self._model.aclose()

    def _pause(self, error: ModelError, attempt: int) -> float | None:
        """Seconds until the next attempt; None for no next attempt."""
        policy = self._policy
        if not error.retryable or attempt >= policy.attempts:
            return None
        jitter = self._rng.uniform(0, min(policy.cap_s, policy.base_s * 2 ** (attempt - 1)))
        if error.retry_after_s is None:
            return jitter
        return None if error.retry_after_s > policy.retry_after_cap_s else error.retry_after_s + jitter

    def _place(self, model: str) -> asyncio.Semaphore | nullcontext[None]:
        provider = self._providers.get(model, model)
        if provider not in self._places:
            limit = self._at_once.get(provider, self._default_at_once)
            self._places[provider] = nullcontext() if limit is None else asyncio.Semaphore(limit)
        return self._places[provider]
