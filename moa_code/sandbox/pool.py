"""Warm boxes, as many as slots: lent to one job each, thrown away when worn, replaced at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from moa_code.core.box import Ended, Job, Limits, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.sandbox.box import Box
from moa_code.sandbox.wire import ChannelBroken

StartBox = Callable[[Limits], Awaitable[Box]]
"""Start a box whose outer walls fit these limits. Raises `SandboxUnavailable`."""

USES = 500  # jobs a warm box runs before it is replaced
LOST_RETRIES = 2


class Pool:
    """At most `slots` jobs at a time over warm boxes; a box is made for one set of outer limits."""

    def __init__(self, start: StartBox, slots: int) -> None:
        self._start = start
        self._free: list[tuple[Limits, Box]] = []
        self._lent: set[Box] = set()
        self._slots = slots
        self._places = asyncio.Semaphore(slots)
        self._closed = False

    async def run(self, job: Job) -> Observation:
        """In a warm box. A box lost under us is replaced and the job repeated; then the loss is the answer."""
        async with self._places:
            for attempt in range(LOST_RETRIES + 1):
                box = await self._take(job.limits)
                observation = await self._use(box, job)
                if observation.ended is not Ended.LOST or attempt == LOST_RETRIES:
                    return observation
        raise AssertionError("the loop returns")

    async def run_fresh(self, job: Job) -> Observation:
        """In a box of its own, thrown away afterwards."""
        async with self._places:
            for attempt in range(LOST_RETRIES + 1):
                box = await self._start_ready(job.limits)
                box.uses_left = 1
                observation = await self._use(box, job)
                if observation.ended is not Ended.LOST or attempt == LOST_RETRIES:
                    return observation
        raise AssertionError("the loop returns")

    async def warm_up(self, limits: Limits) -> Box:
        """Start one box and keep it for later; returns it so that its facts can be read."""
        box = await self._start_ready(limits)
        self._free.append((limits, box))
        return box

    async def aclose(self) -> None:
        self._closed = True
        boxes = [box for _, box in self._free] + list(self._lent)
        self._free.clear()
        await asyncio.gather(*(box.kill() for box in boxes))

    async def _take(self, limits: Limits) -> Box:
        if self._closed:
            raise SandboxUnavailable("the sandbox is closed")
        for index, (fits, _) in enumerate(self._free):
            if _walls(fits) == _walls(limits):
                return self._free.pop(index)[1]
        while self._free and len(self._free) + len(self._lent) >= self._slots:
            await self._free.pop(0)[1].kill()
        return await self._start_ready(limits)

    async def _start_ready(self, limits: Limits) -> Box:
        box = await self._start(limits)
        try:
            await box.wait_ready()
        except (ChannelBroken, TimeoutError) as error:
            await box.kill()
            reason = box.last_words() or str(error) or "no answer in time"
            raise SandboxUnavailable(
                f"a box was started and did not come up: {reason}", remedy="moa-code doctor"
            ) from error
        except BaseException:
            await asyncio.shield(box.kill())
            raise
        return box

    async def _use(self, box: Box, job: Job) -> Observation:
        self._lent.add(box)
        try:
            return await box.run(job)
        finally:
            self._lent.discard(box)
            if box.worn or self._closed:
                await asyncio.shield(box.kill())
            else:
                self._free.append((job.limits, box))


def _walls(limits: Limits) -> tuple[int, int, int, int]:
    """The limits that are set when a box is started; the others are set for each job."""
    return (limits.memory_bytes, limits.pids, limits.disk_bytes, limits.inodes)
