"""Dijkstra's algorithm."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from routes.errors import NoRoute, UnknownPlace
from routes.roads import RoadMap


@dataclass(frozen=True)
class Route:
    """Stops from start to goal, both included, and the kilometres between them."""

    stops: tuple[str, ...]
    length: float
    via: tuple[str, ...] = ()


def shortest_route(roads: RoadMap, start: str, goal: str, via: Sequence[str] = ()) -> Route:
    """The shortest way that passes `via` in this order, leg by leg.

    Raises `UnknownPlace` for a place that the map does not have, `NoRoute` for a leg that cannot be driven.
    """
    for place in (start, *via, goal):
        if place not in roads.places:
            raise UnknownPlace(place)
    ends = [start, *via, goal]
    stops, length = (start,), 0.0
    for one, two in zip(ends, ends[1:]):
        leg = _leg(roads, one, two)
        stops, length = stops + leg.stops[1:], length + leg.length
    return Route(stops, length, tuple(via))


def _leg(roads: RoadMap, start: str, goal: str) -> Route:
    """The shortest way; of equally short ones the one whose stops come first in the alphabet.

    Raises `NoRoute` when there is none.
    """
    done: set[str] = set()
    waiting: list[tuple[float, tuple[str, ...]]] = [(0, (start,))]
    while waiting:
        length, stops = heapq.heappop(waiting)
        place = stops[-1]
        if place == goal:
            return Route(stops, length)
        if place in done:
            continue
        done.add(place)
        for neighbour, distance in roads.neighbours(place):
            if neighbour not in done:
                heapq.heappush(waiting, (length + distance, (*stops, neighbour)))
    raise NoRoute(start, goal)
