"""Carrying out a minimisation: the reducer names smaller patches, the verifier says which of them still hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from moa_code.core.patch import Patch


class Reducer(Protocol):
    """Names smaller patches in batches and learns which hold. `patch` is the smallest that held so far."""

    @property
    def patch(self) -> Patch: ...

    @property
    def lines_before(self) -> int: ...

    @property
    def lines_after(self) -> int: ...

    def next_batch(self) -> tuple[Patch, ...]:
        """Patches to try side by side; empty when nothing smaller is left to try."""
        ...

    def tell(self, results: tuple[bool, ...]) -> None: ...


async def minimise(
    reducer: Reducer,
    holds: Callable[[Patch], Awaitable[bool]],
    *,
    slots: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Patch:
    """The smallest patch that held when nothing smaller was left to try or the time was up."""
    deadline = clock() + seconds
    places = asyncio.Semaphore(slots)

    async def tried(patch: Patch) -> bool:
        async with places:
            return clock() < deadline and await holds(patch)

    while clock() < deadline:
        batch = reducer.next_batch()
        if not batch:
            break
        reducer.tell(tuple(await asyncio.gather(*(tried(patch) for patch in batch))))
    return reducer.patch
