"""A sandbox without boxes: it answers jobs from a script. For unit tests of what stands above the port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace

from moa_code.core.box import BoxInfo, Ended, Job, Observation
from moa_code.core.errors import SandboxUnavailable

Answer = Callable[[Job], Observation | Awaitable[Observation]]
"""What a box would see of a job; a coroutine where the job is to take its time."""


class FakeSandbox:
    """The `Sandbox` port over a script: a function of the job, or observations to hand out in order.

    `jobs` and `fresh` list what was asked of `run` and `run_fresh`; `running`, `most_running` and `cancelled` count.
    A script that has run dry, and a function that raises `SandboxUnavailable`, answer with `Ended.LOST`, as a box
    that went away would.
    """

    def __init__(self, script: Answer | Iterable[Observation], *, slots: int = 2, info: BoxInfo | None = None) -> None:
        self._answer = script if callable(script) else _in_order(iter(script))
        self._slots = slots
        self._info = info or BoxInfo(backend="fake", image_digest="none", missing=("isolation: nothing is run",))
        self._places = asyncio.Semaphore(slots)
        self._open = False
        self._boxes = 0
        self.jobs: list[Job] = []
        self.fresh: list[Job] = []
        self.running = 0
        self.most_running = 0
        self.cancelled = 0

    @property
    def info(self) -> BoxInfo:
        return self._info

    @property
    def slots(self) -> int:
        return self._slots

    async def open(self) -> None:
        self._open = True

    async def aclose(self) -> None:
        self._open = False

    async def run(self, job: Job) -> Observation:
        self.jobs.append(job)
        return await self._run(job, "fake")

    async def run_fresh(self, job: Job) -> Observation:
        self.fresh.append(job)
        self._boxes += 1
        return await self._run(job, f"fake-{self._boxes}")

    async def _run(self, job: Job, box_id: str) -> Observation:
        async with self._places:
            if not self._open:
                raise SandboxUnavailable("the sandbox is closed")
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            try:
                await asyncio.sleep(0)
                answer = self._answer(job)
                seen = answer if isinstance(answer, Observation) else await answer
            except SandboxUnavailable as error:
                return Observation(ended=Ended.LOST, box_id=box_id, detail=error.message)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            finally:
                self.running -= 1
        return seen if seen.box_id else replace(seen, box_id=box_id)


def _in_order(observations: Iterator[Observation]) -> Answer:
    def answer(job: Job) -> Observation:
        seen = next(observations, None)
        if seen is None:
            raise SandboxUnavailable(f"the script has no answer left for a {job.entry} job")
        return seen

    return answer
