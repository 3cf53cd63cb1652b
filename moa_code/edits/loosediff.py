"""Unified diffs as models write them: line numbers wrong or missing, prefixes left out, fenced."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from moa_code.edits.blocks import MAX_BLOCKS, Block, Malformed
from moa_code.edits.fences import Fence

_HUNK = re.compile(r"@@.*")
_NOT_TEXT = re.compile(
    r"(?:old mode|new mode|new file mode (?!100644$)|deleted file mode 1[26]|copy |rename |GIT binary|Binary files ).*"
)


@dataclass(slots=True, kw_only=True)
class _File:
    """The two names of a file; empty stands for /dev/null."""

    old: str
    new: str


def diff_text(lines: list[str], fences: list[Fence]) -> list[str]:
    """The lines of the reply that are a diff: those of its fences that hold one, or all from the first header on."""
    inside = [line for fence in fences if _has_hunk(list(fence.lines)) for line in fence.lines]
    if inside:
        return inside
    if not _has_hunk(lines):
        return []
    return lines[next(n for n in range(len(lines)) if _header(lines, n)) :]


def _has_hunk(lines: list[str]) -> bool:
    return any(_header(lines, n) for n in range(len(lines)))


def _header(lines: list[str], at: int) -> bool:
    """Whether a file begins at this line: git's own first line, or `---` and `+++`."""
    if lines[at].startswith("diff --git "):
        return True
    return lines[at].startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")


def read_loose_diff(lines: list[str], known: Callable[[str], bool]) -> tuple[Block, ...] | Malformed:
    """Each hunk as the block that says the same: context and removed lines give way to context and added ones."""
    found: list[Block] = []
    file: _File | None = None
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("--- ") and _header(lines, at):
            old, new = _named(line[4:], known), _named(lines[at + 1][4:], known)
            if old is None or new is None or not (old or new):
                return Malformed(reason=f"the file names of the diff cannot be read: {line[:100]}")
            if old and new and old != new:
                return Malformed(reason=f"a diff that renames {old} to {new}; write a deletion and a creation")
            file = _File(old=old, new=new)
            if not new:
                found.append(Block(path=old, delete=True))
            at += 2
        elif _HUNK.fullmatch(line) and file is not None:
            end = at + 1
            while end < len(lines) and not (_HUNK.fullmatch(lines[end]) or _header(lines, end)):
                end += 1
            hunk = _hunk(lines[at + 1 : end], file)
            if isinstance(hunk, Malformed):
                return hunk
            if file.new:
                found.append(hunk)
            at = end
        elif _HUNK.fullmatch(line):
            return Malformed(reason="a hunk of the diff without `---` and `+++` lines before it")
        elif _NOT_TEXT.match(line):
            return Malformed(reason=f"the diff changes more than text (a mode, a link, a name): {line[:100]}")
        else:
            at += 1
        if len(found) > MAX_BLOCKS:
            return Malformed(reason=f"more than {MAX_BLOCKS} hunks")
    return tuple(found) if found else Malformed(reason="the diff has no hunk")


def _named(text: str, known: Callable[[str], bool]) -> str | None:
    """The path of a header line, empty for /dev/null, `None` if it names none."""
    path = text.split("\t")[0].strip()
    if path == "/dev/null":
        return ""
    if path.startswith(("a/", "b/")) and not known(path):
        path = path[2:]
    return path or None


def _hunk(lines: list[str], file: _File) -> Block | Malformed:
    last = len(lines)
    while last and not lines[last - 1].strip():  # what separates a hunk from the next header is not part of it
        last -= 1
    search: list[str] = []
    replace: list[str] = []
    for line in lines[:last]:
        mark, text = line[:1], line[1:] + "\n"
        if mark not in ("", " ", "-", "+", "\\"):
            return Malformed(reason=f"a line of the diff begins with neither space, `-` nor `+`: {line[:100]}")
        if mark in ("", " ", "-"):
            search.append(text if mark else "\n")
        if mark in ("", " ", "+"):
            replace.append(text if mark else "\n")
    if file.old and not any(line.strip() for line in search):
        return Malformed(reason=f"a hunk of {file.old} without context: where it belongs cannot be told")
    return Block(path=file.new or file.old, search="".join(search), replace="".join(replace))
