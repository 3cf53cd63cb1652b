"""A priority queue of events."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True)
class Event:
    """What is to happen when. Events are ordered by time, then priority."""

    time: float
    priority: int
    action: Callable[[], None]
    number: int = field(default=0)


class EventQueue:
    """Events in the order in which they are due."""

    def __init__(self) -> None:
        self._heap: list[Event] = []
        self._cancelled: set[int] = set()
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, time: float, priority: int, action: Callable[[], None]) -> Event:
        event = Event(time, priority, action, self._count)
        self._count += 1
        heapq.heappush(self._heap, event)
        return event

    def cancel(self, event: Event) -> bool:
        """Take the event out. Whether it was still there."""
        if event.number in self._cancelled:
            return False
        self._cancelled.add(event.number)
        return True

    def next_time(self) -> float | None:
        """When the next event is due, or `None` when there is none."""
        return self._heap[0].time if self._heap else None

    def pop(self) -> Event:
        """The next event, taken out. Raises `IndexError` when there is none."""
        return heapq.heappop(self._heap)
