"""A mapping of limited size whose entries are forgotten after a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from cachekit.clock import Clock, MonotonicClock
from cachekit.entry import Entry

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """At most `capacity` entries, each for `ttl` seconds. `_entries` runs from least to most recently used."""

    def __init__(self, capacity: int, ttl: float, clock: Clock | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        if ttl <= 0:
            raise ValueError(f"ttl must be positive, got {ttl}")
        self._capacity = capacity
        self._ttl = ttl
        self._clock = clock or MonotonicClock()
        self._entries: OrderedDict[K, Entry[V]] = OrderedDict()

    def __len__(self) -> int:
        now = self._clock.now()
        return sum(not entry.expired(now) for entry in self._entries.values())

    def __contains__(self, key: K) -> bool:
        """Whether `get` would find the key. Does not count as use."""
        entry = self._entries.get(key)
        return entry is not None and not entry.expired(self._clock.now())

    def get(self, key: K, default: V | None = None) -> V | None:
        """The value under `key`, or `default`."""
        entry = self._entries.get(key)
        if entry is None:
            return default
        if entry.expired(self._clock.now()):
            del self._entries[key]
            return default
        self._entries.move_to_end(key, last=False)
        return entry.value

    def put(self, key: K, value: V) -> None:
        """Store `value` under `key`, making room if needed."""
        self._entries[key] = Entry(value, self._clock.now() + self._ttl)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def discard(self, key: K) -> bool:
        """Forget the key. Whether there was a live entry to forget."""
        live = key in self
        self._entries.pop(key, None)
        return live

    def purge(self) -> int:
        """Forget every expired entry and return how many there were."""
        now = self._clock.now()
        gone = [key for key, entry in self._entries.items() if entry.expired(now)]
        for key in gone:
            del self._entries[key]
        return len(gone)
