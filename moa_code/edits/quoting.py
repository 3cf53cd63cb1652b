"""Paths as git quotes them in a diff: C-style, between double quotes, where a byte would not stand plainly."""

from __future__ import annotations

import re

_ESCAPES = {7: b"a", 8: b"b", 9: b"t", 10: b"n", 11: b"v", 12: b"f", 13: b"r", 34: b'"', 92: b"\\"}
_MEANINGS = {letter: bytes([code]) for code, letter in _ESCAPES.items()}
_QUOTED = re.compile(rb'"((?:[^"\\]|\\[0-3][0-7]{2}|\\[abtnvfr"\\])*)"\t?')
_ESCAPE = re.compile(rb'\\([0-3][0-7]{2}|[abtnvfr"\\])')


class BadQuoting(ValueError):
    """A quoted path that does not end or holds an unknown escape."""


def unquote(text: bytes) -> bytes:
    """The bytes of a quoted path. Raises `BadQuoting`."""
    match = _QUOTED.fullmatch(text)
    if match is None:
        raise BadQuoting("a quoted path that is not closed or has an unknown escape")
    return _ESCAPE.sub(lambda e: bytes([int(e[1], 8)]) if len(e[1]) == 3 else _MEANINGS[e[1]], match[1])


def quote(path: str) -> str:
    """The path for a diff's header; quoted only if it must be. UTF-8 stays as it is, other bytes become octal."""
    raw = path.encode("utf-8", "surrogateescape")
    broken = path.encode("utf-8", "replace") != raw
    if not broken and not any(b < 32 or b in (34, 92, 127) for b in raw):
        return path
    parts = []
    for byte in raw:
        if byte in _ESCAPES:
            parts.append("\\" + _ESCAPES[byte].decode())
        elif byte < 32 or byte >= 127:
            parts.append(f"\\{byte:03o}")
        else:
            parts.append(chr(byte))
    return '"' + "".join(parts) + '"'
