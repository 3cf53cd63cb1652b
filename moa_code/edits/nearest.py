"""The text of a tree that is nearest to one which is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import SequenceMatcher

from moa_code.edits.lines import split_lines

_MAX_LINES = 60
_COMMON = 50  # a line that stands this often in a file says nothing about where we are
_SCANNED = 5_000


def nearest_text(texts: Mapping[str, str], search: str) -> str:
    """`path:first-last` (1-based lines) and below it the lines as they are; empty where nothing comes near.

    Lines of `search` vote for where it would begin; where none is found as it stands, its longest line looks for
    the one most like it.
    """
    wanted = [line.strip() for line in split_lines(search)]
    best: tuple[float, str, int] | None = None
    for path, text in texts.items():
        score, at = _closest([line.strip() for line in split_lines(text)], wanted)
        if score > 0 and (best is None or score > best[0]):
            best = (score, path, at)
    if best is None:
        return ""
    _, path, at = best
    lines = split_lines(texts[path])
    first = max(at, 0)
    shown = lines[first : max(first + 1, min(at + len(wanted), first + _MAX_LINES))]
    return f"{path}:{first + 1}-{first + len(shown)}\n" + "".join(shown)


def _closest(lines: list[str], wanted: list[str]) -> tuple[float, int]:
    """(score, 0-based line) of the best place for `wanted`; a score of 0 means none."""
    places: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        if line:
            places.setdefault(line, []).append(at)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(wanted):
        there = places.get(line, [])
        if len(there) <= _COMMON:
            votes.update(at - offset for at in there)
    if votes:
        score = max(votes.values())
        return float(score), min(at for at, count in votes.items() if count == score)
    longest = max(range(len(wanted)), key=lambda n: len(wanted[n]), default=0)
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(wanted[longest][:200] if wanted else "")
    best = (0.0, 0)
    for at, line in enumerate(lines[:_SCANNED]):
        matcher.set_seq1(line[:200])
        if matcher.real_quick_ratio() > max(best[0], 0.6) and matcher.quick_ratio() > max(best[0], 0.6):
            ratio = matcher.ratio()
            if ratio > max(best[0], 0.6):
                best = (ratio, at - longest)
    return best
