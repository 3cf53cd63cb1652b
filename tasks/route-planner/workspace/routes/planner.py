"""Dijkstra's algorithm."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from routes.errors import NoRoute, UnknownPlace
from routes.roads import RoadMap


@dataclass(frozen=True)
class Route:
    """Stops from start to goal, both included, and the kilometres between them."""

    stops: tuple[str, ...]
    length: float


def shortest_route(roads: RoadMap, start: str, goal: str) -> Route:
    """The shortest way; of equally short ones the one whose stops come first in the alphabet.

    Raises `UnknownPlace` for a place that the map does not have, `NoRoute` when there is no way.
    """
    for place in (start, goal):
        if place not in roads.places:
            raise UnknownPlace(place)
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
