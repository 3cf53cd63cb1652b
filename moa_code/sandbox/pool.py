"""Warm boxes, as many as slots: lent to one job each, thrown away when worn, replaced at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TypeVar

from moa_code.core.box import Job, Limits, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.sandbox.box import Box, Loss
from moa_code.sandbox.wire import ChannelBroken

StartBox = Callable[[Limits], Awaitable[Box]]
"""Start a box whose outer walls fit these limits. Raises `SandboxUnavailable`; `EngineAway` where it may pass."""

USES = 500  # jobs a warm box runs before it is replaced
RETRIES: Mapping[Loss, int] = {Loss.VANISHED: 2, Loss.SILENT: 1, Loss.REFUSED: 1, Loss.MEMORY: 1}
"""How often a job is repeated in another box. What a job does to its box every time comes to light at the second."""
START_RETRIES = 2  # a box that was started and did not come up
ENGINE_PATIENCE_S = 20.0  # an engine that is being restarted answers again within this
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

Result = TypeVar("Result")


class EngineAway(SandboxUnavailable):
    """What makes boxes does not answer, as while it is restarted: asking again may help."""


class NotUp(SandboxUnavailable):
    """A box was started and did not come up."""


class Pool:
    """At most `slots` jobs at a time over warm boxes; a box is made for one set of outer limits."""

    def __init__(self, start: StartBox, slots: int) -> None:
        self._start = start
        self._free: list[tuple[Limits, Box]] = []
        self._lent: set[Box] = set()
        self._starting = 0
        self._pending: set[asyncio.Task[object]] = set()  # starts and kills, which outlive a caller that is cancelled
        self._slots = slots
        self._places = asyncio.Semaphore(slots)
        self._closed = False

    async def run(self, job: Job) -> Observation:
        """In a warm box. A box lost under us is replaced and the job repeated; then the loss is the answer."""
        return await self._repeated(job, self._take)

    async def run_fresh(self, job: Job) -> Observation:
        """In a box of its own, thrown away afterwards."""
        return await self._repeated(job, self._fresh)

    async def warm_up(self, limits: Limits) -> Box:
        """Start one box and keep it for later; returns it so that its facts can be read. Tried once."""
        box = await self._start_ready(limits)
        self._free.append((limits, box))
        return box

    async def aclose(self) -> None:
        """Kill every box, lent ones too, and wait for all that is still being started or killed."""
        self._closed = True
        boxes = [box for _, box in self._free] + list(self._lent)
        self._free.clear()
        kills = [self._keep(box.kill()) for box in boxes]
        while self._pending:
            await asyncio.wait(self._pending)
        for kill in kills:
            kill.result()

    async def _repeated(self, job: Job, box_for: Callable[[Limits], Awaitable[Box]]) -> Observation:
        """What a box saw, in as many boxes as `RETRIES` allows. The place is held, so nobody overtakes."""
        async with self._places:
            lost = 0
            while True:
                box = await self._patiently(box_for, job.limits)
                observation = await self._use(box, job)
                if box.loss is None or lost >= RETRIES[box.loss]:
                    return observation
                lost += 1

    async def _patiently(self, box_for: Callable[[Limits], Awaitable[Box]], limits: Limits) -> Box:
        """A box, waiting for an engine that has gone away and trying again what did not come up; both have an end."""
        deadline, pause, failed = time.monotonic() + ENGINE_PATIENCE_S, FIRST_PAUSE_S, 0
        while True:
            try:
                return await box_for(limits)
            except NotUp:
                failed += 1
                if self._closed or failed > START_RETRIES or time.monotonic() > deadline:
                    raise
            except EngineAway:
                if self._closed or time.monotonic() + pause > deadline:
                    raise
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_S, pause * 2)

    async def _fresh(self, limits: Limits) -> Box:
        box = await self._start_ready(limits)
        box.uses_left = 1
        return box

    async def _take(self, limits: Limits) -> Box:
        for gone in [free for free in self._free if free[1].gone]:  # an engine that was restarted takes all with it
            self._free.remove(gone)
            await self._end(gone[1])
        for index in reversed(range(len(self._free))):  # the one used last: it has the tree, most likely
            if _walls(self._free[index][0]) == _walls(limits):
                return self._free.pop(index)[1]
        while self._free and len(self._free) + len(self._lent) + self._starting >= self._slots:
            await self._end(self._free.pop(0)[1])
        return await self._start_ready(limits)

    async def _start_ready(self, limits: Limits) -> Box:
        """A box that answers. Cancelled meanwhile, what was started is taken away again."""
        if self._closed:
            raise SandboxUnavailable("the sandbox is closed")
        starting = self._keep(self._bring_up(limits))
        self._starting += 1
        try:
            box = await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancel():
                await asyncio.wait([starting])
            elif not starting.cancelled() and starting.exception() is None:
                await self._end(starting.result())
            raise
        finally:
            self._starting -= 1
        if self._closed:
            await self._end(box)
            raise SandboxUnavailable("the sandbox is closed")
        return box

    async def _bring_up(self, limits: Limits) -> Box:
        box = await self._start(limits)
        try:
            await box.wait_ready()
        except (ChannelBroken, TimeoutError) as error:
            await self._end(box)
            reason = box.last_words() or str(error) or "no answer in time"
            raise NotUp(f"a box was started and did not come up: {reason}", remedy="moa-code doctor") from error
        except BaseException:
            await self._end(box)
            raise
        return box

    def _keep(self, work: Coroutine[object, object, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return task

    async def _end(self, box: Box) -> None:
        """Kill a box; the killing goes on when the caller is cancelled, and `aclose` waits for it."""
        await asyncio.shield(self._keep(box.kill()))

    async def _use(self, box: Box, job: Job) -> Observation:
        self._lent.add(box)
        try:
            return await box.run(job)
        finally:
            self._lent.discard(box)
            if box.worn or self._closed:
                await self._end(box)
            else:
                self._free.append((job.limits, box))


def _walls(limits: Limits) -> tuple[int, int, int, int]:
    """The limits that are set when a box is started; the others are set for each job."""
    return (limits.memory_bytes, limits.pids, limits.disk_bytes, limits.inodes)
