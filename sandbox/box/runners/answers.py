"""One way of writing any answer down, equal exactly for answers that a check would take for equal, as far as it shows.

Numbers as `==` has it (1, 1.0 and True are one), floats to ten digits, NaN like NaN, sets and dictionaries in no order,
iterators by what they yield, objects by type and public attributes, without addresses in memory.
"""

from __future__ import annotations

import hashlib
import math
import re
import types
from collections import deque
from collections.abc import Iterator, Mapping
from enum import Enum
from fractions import Fraction
from itertools import islice
from typing import Any

MOST_PARTS = 20_000
MOST_TAKEN = 1000  # of an iterator
MOST_DEPTH = 60
MOST_TEXT = 200
EXACT = 1e15
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class TooMuch(Exception):
    """The value has more parts than are compared."""


def taken(value: Any) -> Any:
    """The value itself; of an iterator the list of what it yields, up to a bound, behind the name of its kind."""
    if isinstance(value, Iterator):
        return Yielded(list(islice(value, MOST_TAKEN)))
    return value


class Yielded:
    """What came out of an iterator."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __repr__(self) -> str:
        return f"iterator over {self.items!r}"


def digest(*values: Any) -> str:
    """Equal for equal answers; those with too many parts are told apart by their first."""
    writer = _Writer()
    try:
        for value in values:
            writer.write(value, 0)
    except (TooMuch, RecursionError):
        writer.put("…")
    return writer.total.hexdigest()[:20]


def text_of(value: Any) -> str:
    """The value for a person, cut and without addresses."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    text = ADDRESS.sub("", text[: 4 * MOST_TEXT])
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"


class _Writer:
    def __init__(self) -> None:
        self.total = hashlib.sha256()
        self._left = MOST_PARTS
        self._open: list[int] = []

    def put(self, text: str) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooMuch
        data = text.encode("utf-8", "surrogatepass")
        self.total.update(b"%d:" % len(data) + data)

    def write(self, value: Any, depth: int) -> None:
        kind = value.__class__
        if kind is int or kind is bool:
            self.put(f"number {int(value)}")
            return
        if kind is str:
            self.put(f"str {value}")
            return
        if id(value) in self._open or depth > MOST_DEPTH:
            self.put("cycle")
            return
        self._open.append(id(value))
        try:
            self._write(value, depth + 1)
        finally:
            self._open.pop()

    def _write(self, value: Any, depth: int) -> None:
        match value:
            case None:
                self.put("none")
            case Enum():
                self.put(f"enum {type(value).__name__}.{value.name}")
            case bool() | int():
                self.put(f"number {int(value)}")
            case float():
                self.put(f"number {_rounded(value)}")
            case complex():
                self.put(f"complex {_rounded(value.real)} {_rounded(value.imag)}")
            case str():
                self.put("str " + str.__str__(value))
            case bytes() | bytearray() | memoryview():
                self.put("bytes " + bytes(value).hex())
            case Fraction():
                self.put(f"number {value}")
            case Yielded():
                self._row("iterator", value.items, depth)
            case range():
                self._row("range", list(value[:MOST_TAKEN]), depth)
            case list():
                self._row("list", value, depth)
            case tuple():
                self._row("tuple", value, depth)
            case deque():
                self._row("deque", value, depth)
            case set() | frozenset():
                self._unordered("set", (digest(item) for item in value))
            case Mapping():
                self._unordered("dict", (digest(key) + digest(item) for key, item in value.items()))
            case types.FunctionType() | types.BuiltinFunctionType() | types.MethodType() | type() | types.ModuleType():
                self.put(f"{type(value).__name__} {getattr(value, '__name__', '')}")
            case BaseException():
                self._row(f"exception {type(value).__name__}", value.args, depth)
            case _:
                self._object(value, depth)

    def _row(self, kind: str, items: Any, depth: int) -> None:
        self.put(f"{kind} {len(items)}")
        for item in items:
            self.write(item, depth)

    def _unordered(self, kind: str, parts: Any) -> None:
        found = []
        for part in parts:
            self._left -= 1
            if self._left < 0:
                raise TooMuch
            found.append(part)
        self.put(f"{kind} {len(found)}")
        for part in sorted(found):
            self.put(part)

    def _object(self, value: Any, depth: int) -> None:
        names = public_names(value)
        if not names and getattr(type(value), "__repr__", None) is not object.__repr__:
            self.put(f"{type(value).__name__} {ADDRESS.sub('', repr(value))[: 10 * MOST_TEXT]}")
            return
        self.put(f"object {type(value).__name__} {len(names)}")
        for name in names:
            self.put(name)
            self.write(getattr(value, name, None), depth)


def public_names(value: Any) -> list[str]:
    """Attributes that the object itself holds, but those that begin with an underscore."""
    held = list(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        held += [slots] if isinstance(slots, str) else list(slots)
    return sorted({name for name in held if isinstance(name, str) and not name.startswith("_")})


def _rounded(number: float) -> str:
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return str(number)
    if abs(number) < 1e-12:
        return "0"
    short = float(f"{number:.9e}")
    return str(int(short)) if short.is_integer() and abs(short) < EXACT else f"{short:.9e}"
