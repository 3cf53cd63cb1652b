"""The map: places, and roads that can be driven in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from routes.errors import UnknownPlace


class RoadMap:
    """Roads as (place, place, kilometres)."""

    def __init__(self, roads: Iterable[tuple[str, str, float]] = ()) -> None:
        self._roads: dict[str, dict[str, float]] = {}
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
        yield from sorted(self._roads[place].items())
