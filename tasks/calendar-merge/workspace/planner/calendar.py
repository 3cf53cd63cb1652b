"""People's calendars, and the slots they have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from planner.interval import Interval
from planner.merge import gaps


class Conflict(Exception):
    """Two meetings of one person overlap."""


@dataclass
class Calendar:
    owner: str
    meetings: list[Interval] = field(default_factory=list)

    def book(self, meeting: Interval) -> None:
        """Add a meeting. Raises `Conflict` when it overlaps one that is there."""
        for known in self.meetings:
            if known.overlaps(meeting):
                raise Conflict(f"{self.owner} is busy {known.start}..{known.end}")
        self.meetings.append(meeting)


def common_slots(calendars: Iterable[Calendar], day: Interval, minutes: int) -> list[Interval]:
    """Free time of everybody inside `day`, in pieces of at least `minutes`, sorted."""
    busy = [meeting for calendar in calendars for meeting in calendar.meetings]
    return [slot for slot in gaps(busy, day) if slot.minutes > minutes]
