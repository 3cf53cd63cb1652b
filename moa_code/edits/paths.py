"""How a path of a patch may be spelled, whatever the tree holds."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

MAX_PATH_BYTES = 1000
MAX_NAME_BYTES = 255  # of one component; the limit of common file systems


class Fault(StrEnum):
    """What is wrong with a path's spelling."""

    EMPTY = "empty"
    ABSOLUTE = "absolute"
    DOTS = "dots"  # a `.`, `..` or empty component
    BACKSLASH = "backslash"
    CONTROL = "control"  # control characters, NUL among them, and line separators
    NOT_UTF8 = "not_utf8"
    TOO_LONG = "too_long"
    GIT = "git"  # `.git*` in any component, however it is disguised
    INVISIBLE = "invisible"  # code points that some file systems ignore


_INVISIBLE_RANGES = (  # Unicode's Default_Ignorable_Code_Point beyond category Cf
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE0FFF),
)
# Letters that look like those of `.git` and that neither compatibility forms nor case folding bring back to them.
_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("ɡցƍԍ", "g"),
        **dict.fromkeys("іıɩιɪӏｌ", "i"),
        **dict.fromkeys("тτţŧ", "t"),
        **dict.fromkeys("。｡․܁܂", "."),
    }
)


def _invisible(char: str) -> bool:
    if char.isascii():
        return False
    code = ord(char)
    return unicodedata.category(char) == "Cf" or any(low <= code <= high for low, high in _INVISIBLE_RANGES)


def folded(path: str) -> str:
    """The path as a file system that ignores case, composition and invisible code points would see it."""
    if path.isascii():
        return path.lower()
    bare = "".join(c for c in path if not _invisible(c))
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", bare).casefold())


def _skeleton(component: str) -> str:
    """A component with case, accents, invisible code points and look-alike letters taken away."""
    if component.isascii():
        return component.lower()
    bare = "".join(c for c in unicodedata.normalize("NFKD", component) if not _invisible(c))
    plain = "".join(c for c in unicodedata.normalize("NFKD", bare.casefold()) if unicodedata.category(c) != "Mn")
    return plain.translate(_LOOK_ALIKES)


def names_git(component: str) -> bool:
    """Whether a component is `.git…` or its short name `git~1` to any file system we know of."""
    plain = _skeleton(component).strip(" ")
    return plain.startswith(".git") or (plain.startswith("git~") and plain[4:5].isdigit())


def path_faults(path: str) -> tuple[tuple[Fault, str], ...]:
    """Everything wrong with how `path` is spelled, each with a sentence; empty for a good path."""
    if not path:
        return ((Fault.EMPTY, "the path is empty"),)
    if len(path) > MAX_PATH_BYTES:
        return ((Fault.TOO_LONG, f"{path[:100]!a}… has more than {MAX_PATH_BYTES} bytes"),)
    found: list[tuple[Fault, str]] = []
    shown = ascii(path) if len(path) <= 200 else f"{path[:200]!a}…"
    if path.startswith("/") or (path[1:2] == ":" and path[0].isascii() and path[0].isalpha()):
        found.append((Fault.ABSOLUTE, f"{shown} is absolute; paths are relative to the tree"))
    components = path.split("/")
    if any(c in ("", ".", "..") for c in components):
        found.append((Fault.DOTS, f"{shown} has an empty, `.` or `..` component"))
    if "\\" in path:
        found.append((Fault.BACKSLASH, f"{shown} has a backslash; components are separated by /"))
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in path):
        found.append((Fault.CONTROL, f"{shown} has a control character"))
    if any(unicodedata.category(c) == "Cs" for c in path):
        found.append((Fault.NOT_UTF8, f"{shown} is not UTF-8"))
    sizes = [len(c.encode("utf-8", "surrogatepass")) for c in components]
    if sum(sizes) + len(sizes) - 1 > MAX_PATH_BYTES or max(sizes) > MAX_NAME_BYTES:
        found.append((Fault.TOO_LONG, f"{shown} is longer than {MAX_PATH_BYTES} bytes, {MAX_NAME_BYTES} a component"))
    if any(names_git(c) for c in components):
        found.append((Fault.GIT, f"{shown} names something of git's own"))
    if any(_invisible(c) for c in path):
        found.append((Fault.INVISIBLE, f"{shown} has code points that do not show"))
    return tuple(found)
