"""Shapes: sets of plain values, as far as examples of them show what they have in common. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, assert_never

MOST_SEEN = 24  # values of one place that are drawn again
BRACKET_PAIRS = ("()", "[]", "{}", "<>")
_TOKENS = re.compile(r"\d+(?:\.\d+)?|[^\W\d]\w*|.", re.S)
OPERATORS = frozenset("+-*/%<>")
SEPARATORS = re.compile(r"([ ,;\n\t]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Integers in [low, high], and `seen`, which come up more often."""

    low: int
    high: int
    seen: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """Floats in [low, high] with at most `places` decimals, and `seen`."""

    low: float
    high: float
    places: int = 2
    seen: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of these values."""

    values: tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """Strings over an alphabet. `mirror`: some read the same backwards; `numeral`: none has a needless leading zero."""

    alphabet: str
    low: int
    high: int
    mirror: bool = False
    numeral: bool = False
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """Strings of one length: each character lies between that of `low` and that of `high`."""

    low: str
    high: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Always the same text with other numbers in it: `parts` with a number between each two."""

    parts: tuple[str, ...]
    number: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Texts of some language, known from `seen`: one of those with other numbers, names and operators in the places of
    numbers, names and operators.
    """

    seen: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeral:
    """Numbers written as strings."""

    of: Whole | Real


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Words joined by separators, `low` to `high` of them; besides `words` some over `alphabet`, if there is one."""

    words: tuple[str, ...]
    separators: tuple[str, ...]
    low: int
    high: int
    alphabet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brackets:
    """Balanced brackets. `grouped`: balanced groups with one space between; `spaced`: spaces anywhere."""

    pairs: tuple[str, ...]
    low: int
    high: int
    depth: int
    grouped: bool = False
    spaced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A container of alike elements. `order`: up, down or none. `even`: inner rows of one length, `square` as many.

    `seen` is there where texts and numbers stand side by side: then a place keeps its kind.
    """

    container: str  # list | tuple | set | frozenset
    element: Shape
    low: int
    high: int
    order: str = ""
    unique: bool = False
    even: bool = False
    square: bool = False
    mirror: bool = False
    seen: tuple[tuple[object, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A tuple or list of fixed length, each place with its own shape. `sorted`: never one less than that before it."""

    container: str  # list | tuple
    places: tuple[Shape, ...]
    sorted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A dictionary of alike keys and alike values."""

    key: Shape
    value: Shape
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A dictionary that always has the same keys."""

    names: tuple[object, ...]
    values: tuple[Shape, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    options: tuple[Shape, ...]


Text = Letters | Masked | Template | Sentence | Numeral | Phrase | Brackets
Shape = Whole | Real | Choice | Text | Rows | Record | Table | Fields | OneOf


def widened(shape: Shape) -> Shape:
    """The same kind of value with its borders: empty, zero, below and far above what was seen, unsorted, repeated.

    What strings are made of stays: letters where only brackets were seen tell nothing.
    """
    match shape:
        case Whole(low=low, high=high):
            low, high = min(low, 0) - 1, max(2 * high, high + 10)
            return Whole(low=low, high=high, seen=(low, 0, 1, high))
        case Real(low=low, high=high):
            return Real(low=min(low, 0.0) - 1.0, high=2 * max(high, 1.0), places=shape.places, seen=(0.0, 1.0, -1.0))
        case Choice():
            return shape
        case Letters():
            return Letters(alphabet=shape.alphabet, low=0, high=shape.high * 2, mirror=shape.mirror)
        case Brackets():
            return shape
        case Sentence():
            longest = max(len(text) for text in shape.seen)
            return Letters(alphabet="".join(sorted(set("".join(shape.seen)))), low=0, high=longest)
        case Masked():
            digits = [
                (low, high) if not low.isdigit() else ("0", "9")
                for low, high in zip(shape.low, shape.high, strict=True)
            ]
            return Masked(low="".join(low for low, _ in digits), high="".join(high for _, high in digits))
        case Template():
            return Template(parts=shape.parts, number=Whole(low=0, high=2 * shape.number.high))
        case Numeral(of=Whole() as number):
            return Numeral(of=Whole(low=min(0, number.low) - 1, high=2 * number.high + 10))
        case Numeral(of=Real() as number):
            return Numeral(of=Real(low=min(0.0, number.low) - 1, high=2 * number.high, places=number.places))
        case Numeral():
            return shape
        case Phrase():
            return Phrase(
                words=shape.words,
                separators=shape.separators,
                low=0,
                high=shape.high * 2,
                alphabet=shape.alphabet or "".join(sorted(set("".join(shape.words)))),
            )
        case Rows():
            return Rows(
                container=shape.container,
                element=shape.element if isinstance(shape.element, Rows | Record) else widened(shape.element),
                low=0,
                high=shape.high,
                order=shape.order,
                unique=shape.unique and shape.container in ("set", "frozenset"),
                even=shape.even,
                square=shape.square,
                seen=shape.seen,
            )
        case Record():
            places = tuple(widened(place) for place in shape.places)
            return Record(container=shape.container, places=places, sorted=shape.sorted)
        case Table():
            return Table(key=shape.key, value=widened(shape.value), low=0, high=shape.high)
        case Fields():
            return Fields(names=shape.names, values=tuple(widened(value) for value in shape.values))
        case OneOf():
            return OneOf(options=tuple(widened(option) for option in shape.options))
        case other:
            assert_never(other)


def fits(shape: Shape, value: Any) -> bool:
    """Whether the value is one of the shape's."""
    match shape:
        case Whole():
            return type(value) is int and (shape.low <= value <= shape.high or value in shape.seen)
        case Real():
            return type(value) is float and (shape.low <= value <= shape.high or value in shape.seen)
        case Choice():
            return any(type(value) is type(one) and value == one for one in shape.values)
        case Letters():
            if type(value) is not str or not set(value) <= set(shape.alphabet):
                return False
            return shape.low <= len(value) <= shape.high and not (shape.numeral and len(value) > 1 and value[0] == "0")
        case Masked():
            return type(value) is str and _is_masked(shape, value)
        case Sentence():
            return type(value) is str and _is_sentence(shape, value)
        case Template():
            return type(value) is str and _is_filled(shape, value)
        case Numeral():
            return type(value) is str and _is_number(shape.of, value)
        case Phrase():
            return type(value) is str and _is_phrase(shape, value)
        case Brackets():
            if type(value) is not str or not balanced(value) or set(value) - set("".join(shape.pairs)) - {" "}:
                return False
            return (shape.spaced or shape.grouped or " " not in value) and (
                not shape.grouped or all(part and balanced(part) for part in value.split(" ")) or not value
            )
        case Rows():
            return type(value).__name__ == shape.container and _are_rows(shape, list(value))
        case Record():
            right = type(value).__name__ == shape.container and len(value) == len(shape.places)
            right = right and all(fits(place, item) for place, item in zip(shape.places, value, strict=True))
            return right and (not shape.sorted or ordered(value))
        case Table():
            if type(value) is not dict or not shape.low <= len(value) <= shape.high:
                return False
            return all(fits(shape.key, key) and fits(shape.value, item) for key, item in value.items())
        case Fields():
            if type(value) is not dict or value.keys() != set(shape.names):
                return False
            return all(fits(one, value[name]) for name, one in zip(shape.names, shape.values, strict=True))
        case OneOf():
            return any(fits(option, value) for option in shape.options)
        case other:
            assert_never(other)


def _is_masked(shape: Masked, text: str) -> bool:
    if len(text) != len(shape.low):
        return False
    return all(low <= char <= high for low, char, high in zip(shape.low, text, shape.high, strict=True))


def tokens(text: str) -> list[str]:
    """Numbers, names, and every other character by itself."""
    return _TOKENS.findall(text)


def token_kind(text: str) -> str:
    """What may stand in the place of what: a number, a name, an operator; of all else only itself."""
    if text[0].isdigit():
        return "number"
    if text[0].isalpha():
        return "name"
    return "operator" if text in OPERATORS else text


def _is_sentence(shape: Sentence, text: str) -> bool:
    known = {token for seen in shape.seen for token in tokens(seen)}
    kinds = [token_kind(token) for token in tokens(text)]
    right = all(token in known or token_kind(token) == "number" for token in tokens(text))
    return right and any(kinds == [token_kind(token) for token in tokens(seen)] for seen in shape.seen)


def _is_filled(shape: Template, text: str) -> bool:
    found = re.split(r"(\d+)", text)
    return tuple(found[::2]) == shape.parts and all(fits(shape.number, int(number)) for number in found[1::2])


def _is_number(shape: Whole | Real, text: str) -> bool:
    try:
        return fits(shape, int(text) if isinstance(shape, Whole) else float(text))
    except ValueError:
        return False


def _is_phrase(shape: Phrase, text: str) -> bool:
    parts = SEPARATORS.split(text)
    words = [word for word in parts[::2] if word]
    known = all(word in shape.words or (shape.alphabet and set(word) <= set(shape.alphabet)) for word in words)
    return known and shape.low <= len(words) <= shape.high and set(parts[1::2]) <= set(shape.separators)


def _are_rows(shape: Rows, items: list[Any]) -> bool:
    if not shape.low <= len(items) <= shape.high or not all(fits(shape.element, item) for item in items):
        return False
    if shape.unique and len({repr(item) for item in items}) < len(items):
        return False
    if shape.even and len({len(item) for item in items}) > 1:
        return False
    if shape.square and any(len(item) != len(items) for item in items):
        return False
    return not shape.order or ordered(items[::-1] if shape.order == "down" else items)


def ordered(items: Sequence[Any]) -> bool:
    """Whether none is less than that before it; what cannot be compared has no order."""
    try:
        return all(a <= b for a, b in pairwise(items))
    except TypeError:
        return False


def balanced(text: str) -> bool:
    """Whether the brackets in `text` are; other characters do not count."""
    opened: list[str] = []
    for char in text:
        for pair in BRACKET_PAIRS:
            if char == pair[0]:
                opened.append(pair[1])
            elif char == pair[1] and (not opened or opened.pop() != char):
                return False
    return not opened


def mask_of(text: str) -> str:
    """The text with `9` for each digit and `a` or `A` for each letter."""
    return "".join("9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c for c in text)
