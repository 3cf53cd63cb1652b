"""Literals in running text: where one ends, what it is, and whether it is the whole of what is said there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

MOST_LITERAL_CHARS = 4_000
FLOAT_TOLERANCE = 1e-6
ROUNDED_FROM = 3  # decimals from which a number in a text may be a rounded one

_ATOM = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?j?)(?![\w.]*\w)"
    r"|(?:True|False|None|true|false|null)\b|set\(\)"
)
_STRING = re.compile(r"[bBrRuU]{0,2}(?P<quote>\"\"\"|'''|\"|')")
_FLOAT = re.compile(r"\d*\.(\d+)")
_FOREIGN = {"true": "True", "false": "False", "null": "None"}
_OPENING, _CLOSING = "([{", ")]}"
_END = re.compile(
    r"`?[ \t]*(?:$|\n|#|[.;!](?=\s|$)|,(?=[ \t]*(?:$|\n|[A-Za-z_]))|\)(?=[\s.,;]|$)|//"
    r"|(?<=[ \t])[(\[](?=[A-Za-z])|(?<=[ \t])(?:and|because|since|as|where|whereas|while|but)(?=[ \t\n])"
    r"|(?<=[ \t])(?:--?|—|–)[ \t]+(?=[A-Za-z]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A literal as Python would write it, and where it ended. `tolerance` is how far a float in it may be off."""

    source: str
    end: int
    tolerance: float | None = None


def literal_at(text: str, at: int) -> Literal | None:
    """The literal that begins at `at`, or None. `true` and `null` of other languages are read too."""
    end = _literal_end(text, at)
    if end is None or end - at > MOST_LITERAL_CHARS:
        return None
    written = text[at:end]
    source = _FOREIGN.get(written, written)
    try:
        node = ast.parse(re.sub(r"\s*\n\s*", " ", source).strip(), mode="eval").body
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    if written.startswith("(") and not isinstance(value, tuple):
        return None  # `("Venus")`: whoever wrote that may have meant a tuple
    return Literal(
        source=repr(value) if isinstance(value, set) else ast.unparse(node),
        end=end,
        tolerance=_tolerance(written, value),
    )


def value_of(text: str) -> Literal | None:
    """The literal that is all of `text`, comments aside."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return Literal(source=ast.unparse(node), end=len(text), tolerance=_tolerance(text, value))


def well_ended(text: str, at: int) -> bool:
    """Whether what is said ends at `at`, or goes on with a reason or a new sentence: not with an operator or "if"."""
    return _END.match(text, at) is not None


def bracket_end(text: str, at: int) -> int | None:
    """The place behind the bracket that closes the one at `at`; strings inside are passed over."""
    open_ones: list[str] = []
    while at < len(text):
        character = text[at]
        if character in _OPENING:
            open_ones.append(_CLOSING[_OPENING.index(character)])
        elif character in _CLOSING:
            if not open_ones or open_ones.pop() != character:
                return None
            if not open_ones:
                return at + 1
        elif character in "\"'":
            end = _string_end(text, at)
            if end is None:
                return None
            at = end
            continue
        at += 1
    return None


def _literal_end(text: str, at: int) -> int | None:
    if at >= len(text):
        return None
    if text[at] in _OPENING:
        return bracket_end(text, at)
    atom = _ATOM.match(text, at)
    return atom.end() if atom else _string_end(text, at)


def _string_end(text: str, at: int) -> int | None:
    start = _STRING.match(text, at)
    if start is None:
        return None
    quote, at = start["quote"], start.end()
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(quote, at):
            return at + len(quote)
        elif text[at] == "\n" and len(quote) == 1:
            return None
        else:
            at += 1
    return None


def _tolerance(written: str, value: object) -> float | None:
    """Texts round, and sums of floats are off in their last digits; what is no float must be equal."""
    if not _holds_float(value):
        return None
    decimals = max((len(part) for part in _FLOAT.findall(written)), default=0)
    return max(FLOAT_TOLERANCE, 0.5 * 10.0**-decimals) if decimals >= ROUNDED_FROM else FLOAT_TOLERANCE


def _holds_float(value: object) -> bool:
    match value:
        case float() | complex():
            return True
        case list() | tuple() | set() | frozenset():
            return any(map(_holds_float, value))
        case dict():
            return any(map(_holds_float, value.values()))
        case _:
            return False
