"""What can go wrong on the way."""

from __future__ import annotations


class UnknownPlace(Exception):
    """The map has no such place."""


class NoRoute(Exception):
    """The two places are not connected."""

    def __init__(self, start: str, goal: str) -> None:
        super().__init__(f"there is no way from {start} to {goal}")
        self.start = start
        self.goal = goal
