"""The map: places, and roads that can be driven in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from routes.errors import UnknownPlace, UnknownRoad


class RoadMap:
    """Roads as (place, place, kilometres)."""

    def __init__(self, roads: Iterable[tuple[str, str, float]] = ()) -> None:
        self._roads: dict[str, dict[str, float]] = {}
        self._closed: set[frozenset[str]] = set()
        for one, two, length in roads:
            self.add(one, two, length)

    def add(self, one: str, two: str, length: float) -> None:
        if length <= 0:
            raise ValueError(f"a road must have a length, got {length} from {one} to {two}")
        self._roads.setdefault(one, {})[two] = length
        self._roads.setdefault(two, {})[one] = length

    @property
    def places(self) -> list[str]:
        return sorted(self._roads)

    def neighbours(self, place: str) -> Iterator[tuple[str, float]]:
        """Places next to `place` and how far they are, by name. Raises `UnknownPlace`."""
        if place not in self._roads:
            raise UnknownPlace(place)
        for neighbour, length in sorted(self._roads[place].items()):
            if frozenset((place, neighbour)) not in self._closed:
                yield neighbour, length

    def close(self, one: str, two: str) -> None:
        """Close the road in both directions. Raises `UnknownRoad`."""
        self._closed.add(self._road(one, two))

    def reopen(self, one: str, two: str) -> None:
        """Open the road again. Raises `UnknownRoad`."""
        self._closed.discard(self._road(one, two))

    def _road(self, one: str, two: str) -> frozenset[str]:
        if two not in self._roads.get(one, {}):
            raise UnknownRoad(f"no road from {one} to {two}")
        return frozenset((one, two))
