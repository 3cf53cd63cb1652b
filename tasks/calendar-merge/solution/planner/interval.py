"""Half-open intervals of minutes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Interval:
    """From `start` up to, not including, `end`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"an interval must end after it starts, got {self.start}..{self.end}")

    @property
    def minutes(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Interval) -> bool:
        """Whether the two share at least one minute."""
        return self.start < other.end and other.start < self.end

    def clipped(self, within: Interval) -> Interval | None:
        """The part inside `within`, or `None` when there is none."""
        start, end = max(self.start, within.start), min(self.end, within.end)
        return Interval(start, end) if start < end else None
