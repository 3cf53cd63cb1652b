"""What the cache keeps under a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True)
class Entry(Generic[V]):
    value: V
    expires_at: float

    def expired(self, now: float) -> bool:
        return now >= self.expires_at
