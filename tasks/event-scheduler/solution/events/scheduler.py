"""Running callbacks in simulated time."""

from __future__ import annotations

from collections.abc import Callable

from events.queue import Event, EventQueue


class Scheduler:
    """A clock and what is still to come. `now` is in simulated seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue = EventQueue()

    @property
    def pending(self) -> int:
        return len(self._queue)

    def at(self, time: float, action: Callable[[], None], priority: int = 0) -> Event:
        """Schedule `action`. Raises `ValueError` for a time that is over."""
        if time < self.now:
            raise ValueError(f"{time} is over, it is {self.now}")
        return self._queue.push(time, priority, action)

    def after(self, delay: float, action: Callable[[], None], priority: int = 0) -> Event:
        return self.at(self.now + delay, action, priority)

    def cancel(self, event: Event) -> bool:
        """Keep an event from running. Whether that was still possible."""
        return self._queue.cancel(event)

    def run_until(self, time: float) -> int:
        """Run what is due and return how many callbacks ran."""
        ran = 0
        while (due := self._queue.next_time()) is not None and due <= time:
            event = self._queue.pop()
            self.now = event.time
            event.action()
            ran += 1
        self.now = max(self.now, time)
        return ran
