"""What of a reply is meant: without what was thought aloud and without notes; and whether it declines."""

from __future__ import annotations

import re

from moa_code.edits.fences import find_fences

_MARK = re.compile(r"[\s#>*_`]*EDIT[\s*_`:]*")
_OPENS = re.compile(r"\s*<{5,9} ?(?:SEARCH|ORIGINAL|DELETE)\b.*")
_CLOSES = re.compile(r"\s*>{5,9} ?(?:REPLACE|UPDATED|DELETE)\b.*")
_NO_PATCH = re.compile(r"[\s#>*_`\"']*NO PATCH[*_`\"']*\s*(?:[:.,–—-]\s*[*_`]*\s*(?P<reason>.*))?")
_MOST_REASON_CHARS = 500


def spoken(text: str) -> str:
    """The part of a reply in which its edit stands.

    What a reasoning model thought aloud holds drafts that it went on to reject, and so do notes: where a line says
    `EDIT` and nothing else, outside any fence or block, only what follows the last such line counts.
    """
    said = text.partition("</think>")[2] if text.lstrip().startswith("<think>") else text
    if "EDIT" not in said:
        return said
    lines = said.replace("\r\n", "\n").split("\n")
    fenced = {n for fence in find_fences(lines) for n in range(fence.first, fence.end)}
    last, inside = -1, False
    for number, line in enumerate(lines):
        if _OPENS.fullmatch(line):
            inside = True
        elif _CLOSES.fullmatch(line):
            inside = False
        elif not inside and number not in fenced and _MARK.fullmatch(line):
            last = number
    after = "\n".join(lines[last + 1 :])
    return after if last >= 0 and after.strip() else said


def declined(text: str) -> str:
    """Why a reply says that there shall be no patch: its first or last line is `NO PATCH: reason`. Empty otherwise."""
    lines = [line.strip() for line in spoken(text).splitlines() if line.strip()]
    for number in dict.fromkeys((0, len(lines) - 1)) if lines else ():
        found = _NO_PATCH.fullmatch(lines[number])
        if found:
            why = found["reason"] or next(iter(lines[number + 1 :]), "") or "no reason given"
            flat = " ".join("".join(c if c.isprintable() else " " for c in why).split())
            return flat[:_MOST_REASON_CHARS] or "no reason given"
    return ""
