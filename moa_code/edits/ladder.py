"""The apply ladder: where a SEARCH text is in the files, and the file with REPLACE in its place.

First success wins, two matches are an error on every rung, and lines that both texts share keep the file's own bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from moa_code.edits.lines import matching_blocks, split_lines
from moa_code.edits.pages import line_end
from moa_code.edits.source import Defined, NotPython, definitions, parse_source
from moa_code.edits.splice import Spliced, splice

_ELISION = re.compile(r"\s*(?:#|//|--|;|/\*|<!--)?\s*(?:\.\.\.|…)(?:\s.*)?")
_MAX_PIECES = 50


class Rung(StrEnum):
    """How far down the ladder a block went, best first."""

    EXACT = "exact"
    SPACE = "space"  # trailing space and line ends apart
    INDENT = "indent"  # one indentation added to, or taken from, every line
    ELIDED = "elided"  # `...` lines stand for text that stays
    OTHER_FILE = "other_file"
    NAME = "name"  # a whole definition, found by its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The file a block landed in, and that file's new text."""

    path: str
    text: str
    rung: Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Why a block landed nowhere. `ambiguous`: it would fit in several places."""

    reason: str
    ambiguous: bool = False


def apply_block(texts: Mapping[str, str], *, path: str, search: str, replace: str) -> Applied | Missed:
    """One block laid on `path`, or on the one other file of `texts` that holds its text.

    `texts` are the shown files and `path` itself as they now stand; `search` and `replace` have line feeds.
    `path` may be missing from `texts`: then only the last two rungs can help.
    """
    wanted, new = _bare(search), _bare(replace)
    if not any(line.strip() for line in wanted):
        return Missed(reason="the SEARCH text is blank")
    if path in texts:
        here = _placed(texts[path], wanted, new)
        if isinstance(here, Missed):
            return here
        if here is not None:
            return Applied(path=path, text=here[0], rung=here[1])
    elsewhere: list[Applied] = []
    for other in sorted(set(texts) - {path}):
        for rung in (_same, _spaced):
            placed = _one(texts[other], wanted, new, rung)
            if isinstance(placed, Missed):
                return Missed(reason=f"not in {path}, and in {other} {placed.reason}", ambiguous=True)
            if placed is not None:
                elsewhere.append(Applied(path=other, text=placed, rung=Rung.OTHER_FILE))
                break
    if len(elsewhere) > 1:
        names = ", ".join(a.path for a in elsewhere)
        return Missed(reason=f"not in {path}, and in several other files: {names}", ambiguous=True)
    if elsewhere:
        return elsewhere[0]
    if path not in texts:
        return Missed(reason=f"there is no file {path}")
    return _by_name(texts[path], path, search, replace)


def find_windows(lines: list[str], wanted: list[str], limit: int = 2) -> list[int]:
    """Where `wanted` stands in `lines`, the first `limit` places."""
    hay = "\n" + "\n".join(lines) + "\n"
    needle = "\n" + "\n".join(wanted) + "\n"
    found: list[int] = []
    at = hay.find(needle)
    while at >= 0 and len(found) < limit:
        found.append(hay.count("\n", 0, at))
        at = hay.find(needle, at + 1)
    return found


def _bare(text: str) -> list[str]:
    return [line.removesuffix("\n") for line in split_lines(text)]


_Window = tuple[int, Callable[[str], str | None]]
"""Where a text fits, and how a new line must be changed to fit there too (`None`: it cannot)."""


def _placed(text: str, wanted: list[str], new: list[str]) -> tuple[str, Rung] | Missed | None:
    """The text after the first of the four rungs inside one file that fits."""
    for rung, look in ((Rung.EXACT, _same), (Rung.SPACE, _spaced), (Rung.INDENT, _indented)):
        placed = _one(text, wanted, new, look)
        if isinstance(placed, Missed):
            return placed
        if placed is not None:
            return placed, rung
    elided = _elided(text, wanted, new)
    return (elided, Rung.ELIDED) if isinstance(elided, str) else elided


def _one(
    text: str, wanted: list[str], new: list[str], look: Callable[[list[str], list[str]], Iterator[_Window]]
) -> str | Missed | None:
    lines = split_lines(text)
    windows: list[_Window] = []
    for window in look([line.removesuffix("\n") for line in lines], wanted):
        windows.append(window)
        if len(windows) == 2:
            places = " and ".join(str(at + 1) for at, _ in windows)
            return Missed(reason=f"the SEARCH text fits more than once, from lines {places}", ambiguous=True)
    if not windows:
        return None
    at, adapt = windows[0]
    woven = _woven(lines[at : at + len(wanted)], wanted, new, adapt, line_end(text))
    return None if woven is None else "".join(lines[:at] + woven + lines[at + len(wanted) :])


def _woven(
    window: list[str], wanted: list[str], new: list[str], adapt: Callable[[str], str | None], end: str
) -> list[str] | None:
    """The window's new lines: those common to both texts as the file has them, the others adapted."""
    woven: list[str] = []
    j = 0
    for at, new_at, size in [*matching_blocks(wanted, new), (len(wanted), len(new), 0)]:
        for line in new[j:new_at]:
            adapted = adapt(line)
            if adapted is None:
                return None
            woven.append(adapted + end)
        woven += window[at : at + size]
        j = new_at + size
    whole = [line if line.endswith("\n") else line + end for line in woven]
    if whole and not window[-1].endswith("\n"):
        whole[-1] = whole[-1].removesuffix("\n").removesuffix("\r")
    return whole


def _same(lines: list[str], wanted: list[str]) -> Iterator[_Window]:
    return ((at, lambda line: line) for at in find_windows(lines, wanted))


def _spaced(lines: list[str], wanted: list[str]) -> Iterator[_Window]:
    windows = find_windows([line.rstrip() for line in lines], [line.rstrip() for line in wanted])
    return ((at, lambda line: line) for at in windows)


def _indented(lines: list[str], wanted: list[str]) -> Iterator[_Window]:
    bare = [line.strip() for line in wanted]
    for at in find_windows([line.strip() for line in lines], bare, limit=1000):
        window = zip(lines[at : at + len(wanted)], wanted, strict=True)
        leads = [(_lead(there), _lead(line)) for there, line in window if line.strip()]
        added, taken = leads[0][0].removesuffix(leads[0][1]), leads[0][1].removesuffix(leads[0][0])
        if all(there == added + line for there, line in leads):
            yield at, _adding(added)
        elif all(line == taken + there for there, line in leads):
            yield at, _taking(taken)


def _lead(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _adding(pad: str) -> Callable[[str], str | None]:
    return lambda line: pad + line if line.strip() else line


def _taking(pad: str) -> Callable[[str], str | None]:
    return lambda line: line if not line.strip() else line.removeprefix(pad) if line.startswith(pad) else None


def _elided(text: str, wanted: list[str], new: list[str]) -> str | Missed | None:
    """Both texts cut at their `...` lines, piece replaced by piece, what lies between them untouched."""
    old_pieces, new_pieces = _pieces(wanted), _pieces(new)
    if not 2 <= len(old_pieces) <= _MAX_PIECES or len(old_pieces) != len(new_pieces):
        return None
    lines = split_lines(text)
    bare = [line.rstrip() for line in lines]
    reached = 0
    done = ""
    for number, (old, replacement) in enumerate(zip(old_pieces, new_pieces, strict=True)):
        if not any(line.strip() for line in old):
            if any(line.strip() for line in replacement) or 0 < number < len(old_pieces) - 1:
                return None
            continue
        windows = find_windows(bare, [line.rstrip() for line in old])
        if len(windows) > 1:
            places = " and ".join(str(at + 1) for at in windows)
            reason = f"a piece between `...` fits more than once, from lines {places}"
            return Missed(reason=reason, ambiguous=True)
        if not windows or windows[0] < reached:
            return None
        at = windows[0]
        woven = _woven(lines[at : at + len(old)], old, replacement, lambda line: line, line_end(text))
        done += "".join(lines[reached:at] + (woven or []))
        reached = at + len(old)
    return done + "".join(lines[reached:])


def _pieces(lines: list[str]) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    for line in lines:
        if _ELISION.fullmatch(line):
            pieces.append([])
        else:
            pieces[-1].append(line)
    return pieces


def _by_name(text: str, path: str, search: str, replace: str) -> Applied | Missed:
    """A SEARCH that is one whole definition, misremembered in places: found by name, replaced whole."""
    missed = Missed(reason=f"the SEARCH text is not in {path}")
    if not path.endswith(".py"):
        return missed
    old, new, here = _only(search), _only(replace), parse_source(text)
    if old is None or new is None or isinstance(here, NotPython) or old.name != new.name:
        return missed
    named = [d for d in definitions(here) if d.name.rpartition(".")[2] == old.name]
    if len(named) > 1:
        places = " and ".join(str(d.head + 1) for d in named[:2])
        reason = f"{missed.reason}, and `{old.name}` is defined more than once, at lines {places}"
        return Missed(reason=reason, ambiguous=True)
    if not named or not _alike(search, split_lines(text)[named[0].first : named[0].end]):
        return missed
    spliced = splice(text, replace, name=named[0].name)
    return Applied(path=path, text=spliced.text, rung=Rung.NAME) if isinstance(spliced, Spliced) else missed


def _only(text: str) -> Defined | None:
    lead = _lead(text)
    module = parse_source("".join(line.removeprefix(lead) for line in split_lines(text)))
    if isinstance(module, NotPython) or len(module.body) != 1:
        return None
    found = definitions(module)
    return found[0] if found and found[0].node is module.body[0] else None


def _alike(search: str, lines: list[str]) -> bool:
    """Whether the SEARCH is the whole definition: most lines of it are there, and it ends as the definition does.

    One that stops halfway must not take the definition's other half away with it.
    """
    wanted = [line.strip() for line in split_lines(search) if line.strip()]
    there = [line.strip() for line in lines if line.strip()]
    common = sum(size for _, _, size in matching_blocks(wanted, there))
    return wanted[-1] == there[-1] and 2 * common >= 0.6 * (len(wanted) + len(there))
