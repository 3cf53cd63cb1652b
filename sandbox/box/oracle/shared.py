"""Containers that both sides hold: each under one number, so that identity and changes in place cross the border too.

Call by value alone would lose `sort_in_place(items)`, or an attribute that hands out the object's own list. So whenever
one side passes control to the other, it tells what has changed in the containers that the other knows.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from typing import Any

SHARED_TYPES = frozenset({list, dict, set, bytearray, deque, OrderedDict, Counter, defaultdict})
MAX_SHARED = 100_000
SWEEP_FROM = 64


class UnknownContainer(ValueError):
    """A number that was never told, or told twice."""


class TooMany(Exception):
    """More than a table holds. Told like an answer that is too large, not like a lie."""


class Shared:
    """One side's table. `first` is 0 for the judge and 1 for the candidate, so that the two never choose one number."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._parity = first
        self._objects: dict[int, Any] = {}
        self._sids: dict[int, int] = {}  # by id(); `_objects` keeps it from being used again
        self._last: dict[int, Any] = {}
        self._sweep_at = SWEEP_FROM

    def __len__(self) -> int:
        return len(self._objects)

    def sid(self, value: Any) -> tuple[int, bool]:
        """The number of a container, and whether it is new."""
        known = self._sids.get(id(value))
        if known is not None:
            return known, False
        sid = self._next
        self._next += 2
        self._enter(sid, value)
        return sid, True

    def adopt(self, sid: Any, value: Any) -> None:
        """Enter a container of the other side's. Raises `UnknownContainer` for a number that is not its to choose."""
        if type(sid) is not int or sid < 0 or sid in self._objects or sid % 2 == self._parity:
            raise UnknownContainer(f"{sid!r} is not a new number of the other side's")
        if len(self._objects) >= MAX_SHARED:
            raise TooMany(f"more than {MAX_SHARED} lists, dictionaries and sets at a time")
        self._enter(sid, value)

    def known(self, sid: Any) -> Any:
        if type(sid) is not int or sid not in self._objects:
            raise UnknownContainer(f"{sid!r} was never told")
        return self._objects[sid]

    def told(self, sid: int) -> None:
        """The other side now knows what this container holds."""
        self._last[sid] = _content(self._objects[sid])

    def changed(self) -> Iterable[tuple[int, Any]]:
        """Containers whose content the other side does not know; each is taken for told."""
        found = []
        for sid, value in list(self._objects.items()):
            if sid in self._last and _differs(self._last[sid], value):
                self.told(sid)
                found.append((sid, value))
        return found

    def forget(self, sids: Iterable[int]) -> None:
        for sid in sids:
            value = self._objects.pop(sid, None)
            if value is not None:
                del self._sids[id(value)]
                self._last.pop(sid, None)

    def unseen(self) -> list[int]:
        """Numbers of what nothing on this side refers to any more, dropped here. Looks when the table has doubled."""
        if len(self._objects) < self._sweep_at:
            return []
        gone: list[int] = []
        while fresh := self._unreferenced():
            gone += fresh
            self.forget(fresh)
        self._sweep_at = max(SWEEP_FROM, 2 * len(self._objects))
        return gone

    def _unreferenced(self) -> list[int]:
        held: dict[int, int] = {}  # references from what the table remembers of contents
        for last in self._last.values():
            if type(last) is tuple:
                for item in last:
                    if id(item) in self._sids:
                        held[id(item)] = held.get(id(item), 0) + 1
        found = []
        for sid in list(self._objects):
            value = self._objects[sid]
            # The table itself, `value` here and getrefcount's argument.
            if sys.getrefcount(value) - held.get(id(value), 0) <= 3:
                found.append(sid)
        return found

    def _enter(self, sid: int, value: Any) -> None:
        self._objects[sid] = value
        self._sids[id(value)] = sid


def _content(value: Any) -> Any:
    if type(value) is bytearray:
        return bytes(value)
    if isinstance(value, dict):
        return tuple(part for pair in value.items() for part in pair)
    return tuple(value)


def _differs(last: Any, value: Any) -> bool:
    if type(last) is bytes:
        return bool(last != value)
    if isinstance(value, dict):
        if len(last) != 2 * len(value):
            return True
        at = 0
        for key, item in value.items():
            if last[at] is not key or last[at + 1] is not item:
                return True
            at += 2
        return False
    if len(last) != len(value):
        return True
    return any(old is not new for old, new in zip(last, value, strict=True))
