"""SEARCH/REPLACE blocks as models write them.

    path/to/file.py
    <<<<<<< SEARCH
    old lines
    =======
    new lines
    >>>>>>> REPLACE

The path stands above the block, inside or above a fence around it, or in the fence's opening line; a block without
one is about the file of the block before. An empty SEARCH creates a file. A file is deleted by

    path/to/file.py
    <<<<<<< DELETE
    >>>>>>> DELETE
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from moa_code.edits.fences import path_in, path_in_info

MAX_BLOCKS = 200

_SEARCH = re.compile(r"\s*<{5,9} ?(?:SEARCH|ORIGINAL)\b.*")
_DELETE = re.compile(r"\s*<{5,9} ?DELETE\b.*")
_DIVIDER = re.compile(r"={5,9}\s*")
_REPLACE = re.compile(r"\s*>{5,9} ?(?:REPLACE|UPDATED)\b.*")
_DELETE_END = re.compile(r"\s*>{5,9} ?DELETE\b.*")
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})([^`]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block. `path` is empty where the reply names none; `delete` blocks hold no text."""

    path: str
    search: str = ""
    replace: str = ""
    delete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """Why the blocks of a reply cannot be read, in one line."""

    reason: str


def has_blocks(lines: list[str]) -> bool:
    """Whether a block begins anywhere."""
    return any(_SEARCH.fullmatch(line) or _DELETE.fullmatch(line) for line in lines)


def read_blocks(lines: list[str], known: Callable[[str], bool]) -> tuple[Block, ...] | Malformed:
    """All blocks in order, or what is wrong with the first broken one: half a reply is none."""
    found: list[Block] = []
    path = ""
    at = floor = 0
    while at < len(lines):
        line = lines[at]
        where = f"block {len(found) + 1} (line {at + 1} of the reply)"
        if _DELETE.fullmatch(line):
            named = _path_above(lines, at, floor, known)
            if not named:
                return Malformed(reason=f"{where} deletes a file without naming it")
            if at + 1 >= len(lines) or not _DELETE_END.fullmatch(lines[at + 1]):
                return Malformed(reason=f"{where}: `<<<<<<< DELETE` must be followed by `>>>>>>> DELETE`")
            found.append(Block(path=named, delete=True))
            at += 2
        elif _SEARCH.fullmatch(line):
            path = _path_above(lines, at, floor, known) or path
            end = next((n for n in range(at + 1, len(lines)) if _REPLACE.fullmatch(lines[n])), None)
            if end is None:
                return Malformed(reason=f"{where} has no `>>>>>>> REPLACE`; the reply may be cut off")
            inside = lines[at + 1 : end]
            if has_blocks(inside):
                return Malformed(reason=f"{where} has no `>>>>>>> REPLACE` before the next block begins")
            dividers = [n for n, text in enumerate(inside) if _DIVIDER.fullmatch(text)]
            if len(dividers) != 1:
                return Malformed(reason=f"{where} has {len(dividers)} `=======` lines; it takes exactly one")
            search, replace = inside[: dividers[0]], inside[dividers[0] + 1 :]
            found.append(Block(path=path, search=_text(search), replace=_text(replace)))
            at = end + 1
        elif _REPLACE.fullmatch(line):
            return Malformed(reason=f"`>>>>>>> REPLACE` on line {at + 1} of the reply ends no block")
        else:
            at += 1
            continue
        floor = at
        if len(found) > MAX_BLOCKS:
            return Malformed(reason=f"more than {MAX_BLOCKS} blocks")
    return tuple(found)


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _path_above(lines: list[str], at: int, floor: int, known: Callable[[str], bool]) -> str:
    """The path named by the nearest lines above, fences and blank lines passed over; none below `floor`."""
    for number in range(at - 1, floor - 1, -1):
        line = lines[number]
        fence = _FENCE.fullmatch(line)
        if fence:
            path = path_in_info(fence[1].strip(), known)
            if path:
                return path
        elif line.strip():
            return path_in(line, known)
    return ""
