"""Time that passes only while everybody sleeps: pauses and limits of a minute are tested in milliseconds."""

import asyncio
import heapq
from itertools import count


class Clock:
    """Call it for the time; `sleep` returns when it is that late. Whoever sleeps is woken in order, one at a time."""

    def __init__(self):
        self.now = 0.0
        self._sleepers = []
        self._order = count()

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + max(0.0, seconds), next(self._order), woken))
        await woken

    async def run(self, *work):
        """What each of `work` returns, once all are done."""
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(50):  # until nobody has anything to do but to wait
                await asyncio.sleep(0)
            if self._sleepers and not all(task.done() for task in tasks):
                self.now, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():
                    woken.set_result(None)
        return await asyncio.gather(*tasks, return_exceptions=True)
