"""Uniting intervals, and what they leave over."""

from __future__ import annotations

from collections.abc import Iterable

from planner.interval import Interval


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The same minutes as sorted intervals that neither overlap nor touch."""
    merged: list[Interval] = []
    for interval in sorted(intervals):
        if merged and interval.start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return merged


def gaps(busy: Iterable[Interval], day: Interval) -> list[Interval]:
    """The minutes of `day` that `busy` leaves free, sorted."""
    free: list[Interval] = []
    position = day.start
    inside = [part for interval in busy if (part := interval.clipped(day))]
    for interval in merge(inside):
        if interval.start > position:
            free.append(Interval(position, interval.start))
        position = interval.end
    if position < day.end:
        free.append(Interval(position, day.end))
    return free
