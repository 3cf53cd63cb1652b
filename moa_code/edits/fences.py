"""What is fenced in a reply, and which file a line of it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_OPENING = re.compile(r"(\s*)(`{3,}|~{3,})([^`]*)")
_MAX_LABEL_CHARS = 1_200  # a longer line names no path
_MAX_LABEL_WORDS = 8
_LABEL = re.compile(r"(?:file ?name|file ?path|file|path|title|new file|create|update)\s*[:=]\s*", re.IGNORECASE)
_PATH = re.compile(r"[^\s:;,(){}<>|\"'`*?]+")
_MARKS = " \t`*_\"'#:()[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """One fenced block: the words after its opening, its lines, and the last non-blank line above it.

    `first` is the 0-based line of the opening, `end` the line after the closing. `closed` is False where the reply
    ended first.
    """

    info: str
    lines: tuple[str, ...]
    above: str
    first: int
    end: int
    closed: bool

    @property
    def language(self) -> str:
        return re.split(r"[\s:{]", self.info, maxsplit=1)[0].lower()

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def find_fences(lines: list[str]) -> list[Fence]:
    """Fenced blocks in order, none inside another. A fence closes on as many of its marks or more, and nothing else."""
    found: list[Fence] = []
    at = 0
    above = ""
    while at < len(lines):
        opening = _OPENING.fullmatch(lines[at])
        if opening is None:
            above = lines[at].strip() or above
            at += 1
            continue
        indent, marks, info = opening.groups()
        end = at + 1
        while end < len(lines) and not _closes(lines[end], marks):
            end += 1
        closed = end < len(lines)
        inside = tuple(line.removeprefix(indent) for line in lines[at + 1 : end])
        end += closed
        found.append(Fence(info=info.strip(), lines=inside, above=above, first=at, end=end, closed=closed))
        above, at = "", end
    return found


def _closes(line: str, marks: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(marks) and bare == marks[0] * len(bare)


def path_in(line: str, known: Callable[[str], bool]) -> str:
    """The path a line names, alone or as a label (`path.py`, `**File: path.py**`, `# path.py`); empty if it names none.

    What is no file yet counts if it looks like one: no spaces, and a suffix or a folder.
    """
    if len(line) > _MAX_LABEL_CHARS:
        return ""
    bare = line.strip()
    if known(bare):
        return bare
    bare = bare.removeprefix("//").strip(_MARKS)
    bare = _LABEL.sub("", bare, count=1) if _LABEL.match(bare) else bare
    bare = bare.strip(_MARKS)
    if known(bare):
        return bare
    if not bare or not _PATH.fullmatch(bare) or bare.endswith((".", "/")):
        return ""
    name = bare.rpartition("/")[2]
    return bare if "/" in bare or re.fullmatch(r".*\.[A-Za-z]\w{0,9}", name) else ""


def path_in_info(info: str, known: Callable[[str], bool]) -> str:
    """The path in the words after a fence's opening: `python src/a.py`, `python:src/a.py`, `py title="a.py"`."""
    words = [info, *re.split(r"[\s:=]+", info[:_MAX_LABEL_CHARS], maxsplit=_MAX_LABEL_WORDS)]
    return next((path for word in words if (path := path_in(word, known))), "")


def label_of(fence: Fence, known: Callable[[str], bool]) -> str:
    """The path a fence carries: after its language, in the line above, or alone in a comment on its first line."""
    path = path_in_info(fence.info, known) or path_in(fence.above, known)
    if path:
        return path
    first = fence.lines[0].strip() if fence.lines else ""
    path = path_in(first, known) if first.startswith(("#", "//")) else ""
    return path if path and known(path) else ""
