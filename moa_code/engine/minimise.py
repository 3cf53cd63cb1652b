"""Carrying out a minimisation: the reducer names smaller patches, the verifier says which of them still hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import Patch
from moa_code.core.task import CheckKind, Task
from moa_code.engine.judge import Judge

LEAST_SCREENED = 2  # a look at one patch costs as much as a verdict on it
MOST_BLIND = 3  # batches in a row of which the screen can tell nothing, until it is asked no more

Screen = Callable[[Patch, Sequence[Patch]], Awaitable[Sequence[bool | None]]]
"""A cheap look at parts of a patch: False for one that fails, None for one that only a verdict can tell of."""


class Reducer(Protocol):
    """Names smaller patches in batches and learns which hold. `patch` is the smallest that held so far."""

    @property
    def patch(self) -> Patch: ...

    @property
    def lines_before(self) -> int: ...

    @property
    def lines_after(self) -> int: ...

    @property
    def unexercised(self) -> Mapping[str, tuple[int, ...]] | None:
        """Lines of `patch`, by path, that stayed because no check executes them; None where that is not known."""
        ...

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
    screen: Screen | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Patch:
    """The smallest patch that held when nothing smaller was left to try or the time was up.

    What `screen` refuses is not tried: most smaller patches fail, and many can be seen to in one trip. What it lets
    through decides nothing.
    """
    deadline = clock() + seconds
    places = asyncio.Semaphore(slots)

    async def tried(patch: Patch, refused: bool) -> bool:
        if refused:
            return False
        async with places:
            return clock() < deadline and await holds(patch)

    blind = 0
    while clock() < deadline:
        batch = reducer.next_batch()
        if not batch:
            break
        looks: Sequence[bool | None] = [None] * len(batch)
        if screen is not None and len(batch) >= LEAST_SCREENED and blind < MOST_BLIND:
            looks = await screen(reducer.patch, batch)
            blind = blind + 1 if all(look is None for look in looks) else 0
        pairs = zip(batch, looks, strict=True)
        reducer.tell(tuple(await asyncio.gather(*(tried(patch, look is False) for patch, look in pairs))))
    return reducer.patch


def screen_of(judge: Judge, task: Task, baseline: Baseline) -> Screen | None:
    """The judge's batches as a screen; None where its checks know no such thing."""
    if task.checks.kind is not CheckKind.PYTEST:
        return None
    origin = Origin(author="", role="minimiser")

    async def look(whole: Patch, parts: Sequence[Patch]) -> Sequence[bool | None]:
        small = {
            number: Candidate(candidate_id=CandidateId(f"part {number}"), patch=part, origin=origin)
            for number, part in enumerate(parts)
            if _files_made_and_gone(part) == _files_made_and_gone(whole)
        }
        if len(small) < LEAST_SCREENED:
            return [None] * len(parts)
        found = await judge.screen(task, baseline, tuple(small.values()), on=whole)
        told = {number: result.passed for number, result in zip(small, found, strict=True) if result.supported}
        return [told.get(number) for number in range(len(parts))]

    return look


def _files_made_and_gone(patch: Patch) -> frozenset[tuple[str, bool]]:
    changed = (change for change in patch.changes if change.before is None or change.after is None)
    return frozenset((change.path, change.after is None) for change in changed)
