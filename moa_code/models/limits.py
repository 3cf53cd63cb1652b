"""What a provider lets through: calls at once, requests and tokens a minute, and pauses that it asks for."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from moa_code.config.sections import ProviderLimits
from moa_code.core.model import CompletionRequest
from moa_code.models.metered import worst_prompt_tokens

WINDOW_S = 60.0


class Gate:
    """The way to one provider. Who waits is let through in the order of asking; for one event loop.

    In no `WINDOW_S` more than `rpm` calls are begun, nor calls that may use more than `tpm` tokens together: a call
    counts as its worst case, as providers count it too. A single call beyond `tpm` goes alone.
    """

    def __init__(
        self,
        limits: ProviderLimits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._free = asyncio.Event()
        self._inside = 0
        self._paused_until = 0.0
        self._begun: deque[tuple[float, int]] = deque()  # when, with how many tokens; of the last window
        self._tokens = 0

    @asynccontextmanager
    async def place(self, tokens: int) -> AsyncIterator[None]:
        """A place for one call that may use so many tokens, as soon as there is one."""
        async with self._turn:
            while True:
                while self._is_full():
                    self._free.clear()
                    await self._free.wait()
                if (wait := self._wait_s(tokens)) <= 0:
                    break
                await self._sleep(wait)
            self._enter(tokens)
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def spare(self, tokens: int) -> Iterator[bool]:
        """Whether there is a place this moment that nobody waits for; taken if so."""
        got = not self._turn.locked() and not self._is_full() and self._wait_s(tokens) <= 0
        if got:
            self._enter(tokens)
        try:
            yield got
        finally:
            if got:
                self._leave()

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long; the longest pause counts."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _is_full(self) -> bool:
        return self._limits.at_once is not None and self._inside >= self._limits.at_once

    def _enter(self, tokens: int) -> None:
        self._inside += 1
        self._begun.append((self._clock(), tokens))
        self._tokens += tokens

    def _leave(self) -> None:
        self._inside -= 1
        self._free.set()

    def _wait_s(self, tokens: int) -> float:
        """Seconds until neither a pause nor a full minute is in the way; at most 0 for now."""
        now = self._clock()
        while self._begun and self._begun[0][0] + WINDOW_S <= now:
            self._tokens -= self._begun.popleft()[1]
        rpm, tpm = self._limits.rpm, self._limits.tpm
        wait = self._paused_until - now
        if rpm is not None and len(self._begun) >= rpm:
            wait = max(wait, self._begun[-rpm][0] + WINDOW_S - now)
        if tpm is not None and self._begun and self._tokens + tokens > tpm:
            leaving, over = 0, self._tokens + tokens - tpm
            for begun, used in self._begun:
                leaving += used
                if leaving >= over or leaving == self._tokens:
                    wait = max(wait, begun + WINDOW_S - now)
                    break
        return wait


class Gates:
    """One `Gate` a provider. A model that is not known counts against a provider of its own name, within `default`."""

    def __init__(
        self,
        *,
        default: ProviderLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._default = default or ProviderLimits()
        self._clock = clock
        self._sleep = sleep
        self._providers: dict[str, str] = {}
        self._limits: dict[str, ProviderLimits] = {}
        self._gates: dict[str, Gate] = {}

    def know(self, model: str, provider: str, limits: ProviderLimits | None = None) -> None:
        """Whose limits a model counts against. Limits count from the provider's first call on."""
        self._providers[model] = provider
        if limits is not None:
            self._limits.setdefault(provider, limits)

    def of(self, model: str) -> Gate:
        """The gate that calls to this model go through."""
        provider = self._providers.get(model, model)
        if provider not in self._gates:
            limits = self._limits.get(provider, self._default)
            self._gates[provider] = Gate(limits, clock=self._clock, sleep=self._sleep)
        return self._gates[provider]


def worst_tokens(request: CompletionRequest) -> int:
    """Upper estimate of all tokens of a call."""
    return worst_prompt_tokens(request) + request.max_tokens
