"""Turns on the sandbox: any number of jobs side by side, or one alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from moa_code.core.box import Job, Observation
from moa_code.core.ports import Sandbox


class Turns:
    """All jobs of one verifier go through here, so that one of them can be run while no other is."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._places = asyncio.Semaphore(sandbox.slots)
        self._one = asyncio.Lock()  # two that want all places would each hold some and wait for the other

    @property
    def separate_users(self) -> bool:
        """Whether a judge and the candidate it judges are two users: else the one may kill and read the other."""
        return self._sandbox.info.enforced.get("uid") != "shared"

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Callable[[Job], Awaitable[Observation]]]:
        """A place of one's own, and what runs a job in it: for who decides only now what the job is."""
        async with self._places:
            yield self._sandbox.run

    async def run(self, job: Job, *, fresh: bool = False) -> Observation:
        """What the box saw, of a warm box or a `fresh` one."""
        async with self._places:
            return await self._run(job, fresh)

    async def run_alone(self, job: Job, *, fresh: bool = False) -> Observation:
        """The same once every job before it has ended; those that come meanwhile wait."""
        async with self._one, AsyncExitStack() as held:
            for _ in range(self._sandbox.slots):
                await held.enter_async_context(self._places)
            return await self._run(job, fresh)

    async def _run(self, job: Job, fresh: bool) -> Observation:
        return await (self._sandbox.run_fresh(job) if fresh else self._sandbox.run(job))
