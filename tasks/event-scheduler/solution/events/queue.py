"""A priority queue of events."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True)
class Event:
    """What is to happen when. Events are ordered by time, then priority, then number."""

    time: float
    priority: int
    number: int
    action: Callable[[], None] = field(compare=False)


class EventQueue:
    """Events in the order in which they are due."""

    def __init__(self) -> None:
        self._heap: list[Event] = []
        self._waiting: set[int] = set()
        self._count = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, time: float, priority: int, action: Callable[[], None]) -> Event:
        event = Event(time, priority, self._count, action)
        self._count += 1
        self._waiting.add(event.number)
        heapq.heappush(self._heap, event)
        return event

    def cancel(self, event: Event) -> bool:
        """Take the event out. Whether it was still there."""
        if event.number not in self._waiting:
            return False
        self._waiting.remove(event.number)
        return True

    def next_time(self) -> float | None:
        """When the next event is due, or `None` when there is none."""
        self._drop_cancelled()
        return self._heap[0].time if self._heap else None

    def pop(self) -> Event:
        """The next event, taken out. Raises `IndexError` when there is none."""
        self._drop_cancelled()
        event = heapq.heappop(self._heap)
        self._waiting.remove(event.number)
        return event

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0].number not in self._waiting:
            heapq.heappop(self._heap)
