"""Listening to a reply while it comes: which part of it is complete, and when it is worth reading."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from moa_code.edits.blocks import has_blocks
from moa_code.edits.fences import find_fences

QUIET_S = 0.5
"""Whoever says nothing for so long after an edit has probably come to its end, or hangs."""

_BLOCK_END = re.compile(r"\s*>{5,9} ?(?:REPLACE|UPDATED|DELETE)\b.*")
_MARKS = ("```", "~~~", ">>>>>", "</think>")
_PROSE_WORDS = 3  # a path, with whatever marks it as one, has fewer


def complete_part(text: str) -> tuple[str, bool]:
    """The text up to the end of its last edit, when every fence and block is closed; empty when one is open or none is
    there. And whether prose follows, so that the author has gone on from the edit.
    """
    thinking, mark, _ = text.partition("</think>")
    if text.lstrip().startswith("<think>") and not mark:
        return "", False
    skipped = thinking.count("\n") if mark and text.lstrip().startswith("<think>") else 0
    whole, _, _ = text.rpartition("\n")  # the last line may not be all there
    lines = whole.split("\n")
    fences = find_fences(lines[skipped:])
    if fences and not fences[-1].closed:
        return "", False
    ends = [n + 1 for n in range(len(lines) - 1, skipped - 1, -1) if _BLOCK_END.fullmatch(lines[n])][:1]
    ends += [skipped + fence.end for fence in fences[-1:]]
    if not ends or has_blocks(lines[max(ends) :]):
        return "", False
    end = max(ends)
    after = [line for line in text.split("\n")[end:] if line.strip()]
    prose = any(len(line.split()) >= _PROSE_WORDS and not line.lstrip().startswith(("<", "`", "~")) for line in after)
    return "\n".join(lines[:end]) + "\n", prose


class Ear:
    """Hears one call. `text` is what was said so far."""

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        self.text = ""
        self._quiet_s = quiet_s
        self._told = asyncio.Event()
        self._read = ""
        self._looked = 0  # characters that were looked through for the end of an edit

    def hear(self, text: str) -> None:
        self.text = text
        self._told.set()

    def end(self, _: object = None) -> None:
        """The call is over."""
        self._told.set()

    def _complete(self) -> tuple[str, bool]:
        """What is complete and was not handed out yet, and whether prose follows.

        A long text is taken apart only where a closing mark is among what is new of it.
        """
        text = self.text
        if len(text) < self._looked:
            self._looked = 0  # the call was made again
        if any(mark in text[self._looked :] for mark in _MARKS):
            complete, prose = complete_part(text)
            if complete and complete != self._read:
                return complete, prose
        self._looked = text.rfind("\n") + 1  # the last line may be half a mark
        return "", False

    async def next(self, over: Callable[[], bool]) -> str | None:
        """The next text that holds complete edits and was not handed out yet; None as soon as the call is `over`."""
        quiet = False
        while not over():
            self._told.clear()
            complete, prose = self._complete()
            if complete and (prose or quiet):
                self._read = complete
                return complete
            try:
                async with asyncio.timeout(self._quiet_s if complete else None):
                    await self._told.wait()
                quiet = False
            except TimeoutError:
                quiet = True
        return None
