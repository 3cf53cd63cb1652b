"""Passing on what was heard of an answer: soon, and not for every piece of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from moa_code.core.ports import Heard

EVERY_S = 0.05


class Hearing:
    """Tells `heard` the text so far, at most once every `every_s`, and the last piece of it after that time at most."""

    def __init__(self, heard: Heard | None, text: Callable[[], str], every_s: float = EVERY_S) -> None:
        self._heard = heard
        self._text = text
        self._every_s = every_s
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def more(self) -> None:
        """Another piece has come."""
        if self._heard is None or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_at:
            self._tell()
        else:
            self._timer = loop.call_at(self._next_at, self._tell)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """Tell nothing any more: the answer is complete, or nobody listens."""
        if self._timer is not None:
            self._timer.cancel()
        self._heard = None

    def _tell(self) -> None:
        self._timer = None
        if self._heard is not None:
            self._next_at = asyncio.get_running_loop().time() + self._every_s
            self._heard(self._text())
