"""What may cross the border between judge and candidate: exact built-in values as tagged JSON arrays, nothing else.

A value is `null`, a boolean, a string, a small integer or a finite float as JSON has them; everything else is an array
led by its tag. There are no JSON objects, so there are no duplicate keys. A subclass never crosses as what it
derives from: type identity is asked with `is`, so what arrives compares as the built-in types do.

    ["i", hex]  ["f", "nan"]  ["c", re, im]  ["D", text]  ["q", n, d]  ["b", base64]  ["r", start, stop, step]
    ["t", …]  ["z", …] tuple, frozenset          ["w", kind, …] dates and times     ["T", name] a built-in type
    ["l", sid, …]  ["s", sid, …]  ["d", sid, key, value, …]  ["B", sid, base64]     containers, known from now on by sid
    ["k", kind, sid, extra, …]  deque, OrderedDict, Counter, defaultdict             ["@", sid] one that is known
    ["V", kind, …]  what a view of a dict shows     ["S", start, stop, step]  a slice    ["W", time, fold, zone]
    ["x", name, args]  a built-in exception      other tags belong to the two ends: stand-ins, callbacks, classes
"""

from __future__ import annotations

import base64
import binascii
import builtins
import datetime
import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from box.oracle.shared import SHARED_TYPES, Shared, UnknownContainer

MAX_DEPTH = 150
MAX_INT_HEX = 1 << 20
SMALL_INT = 1 << 53

PLAIN_TYPES = frozenset(
    value
    for value in vars(builtins).values()
    if isinstance(value, type) and not issubclass(value, BaseException) and value.__module__ == "builtins"
)
TYPES = {kind.__name__: kind for kind in PLAIN_TYPES}
TYPES |= {"Decimal": Decimal, "Fraction": Fraction, "deque": deque, "OrderedDict": OrderedDict}
TYPES |= {"Counter": Counter, "defaultdict": defaultdict, "NoneType": type(None)}
TYPE_NAMES = {kind: name for name, kind in TYPES.items()}
EXCEPTIONS = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
EXCEPTION_NAMES = {kind: kind.__name__ for kind in EXCEPTIONS.values()}


class Malformed(Exception):
    """Bytes that no encoder of ours writes."""


class CannotCross(Exception):
    """A value that has no form on the other side."""


class TooDeep(CannotCross):
    """Nested beyond `MAX_DEPTH`."""


Other = Callable[[Any, int], Any]


class Encoder:
    """Values to tagged JSON. `other` encodes what is no built-in value; it raises `CannotCross` for what it cannot."""

    def __init__(self, shared: Shared, other: Other) -> None:
        self._shared = shared
        self._other = other

    def encode(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -SMALL_INT < value < SMALL_INT else ["i", format(value, "x")]
        if kind is float:
            return value if math.isfinite(value) else ["f", repr(value)]
        if depth > MAX_DEPTH:
            raise TooDeep(f"a value nested more than {MAX_DEPTH} deep")
        if kind in SHARED_TYPES:
            return self._container(value, depth)
        if kind is tuple or kind is frozenset:
            return ["t" if kind is tuple else "z", *[self.encode(item, depth + 1) for item in value]]
        simple = SIMPLE.get(kind)
        if simple is not None:
            return simple(value)
        if kind in MOMENTS and (value.tzinfo is None or type(value.tzinfo) is datetime.timezone):
            return ["w", kind.__name__, value.isoformat(), value.fold]
        if kind is datetime.datetime and type(value.tzinfo) is ZoneInfo and value.tzinfo.key:
            return ["W", value.replace(tzinfo=None, fold=0).isoformat(), value.fold, value.tzinfo.key]
        if kind in VIEW_NAMES:
            return ["V", VIEW_NAMES[kind], *[self.encode(item, depth + 1) for item in value]]
        if kind is slice:
            return ["S", *[self.encode(part, depth + 1) for part in (value.start, value.stop, value.step)]]
        if kind in EXCEPTION_NAMES and getattr(value, "__dict__", {}).keys() <= {"__notes__", "_answered"}:
            return ["x", EXCEPTION_NAMES[kind], self.encode(value.args, depth + 1)]
        if isinstance(value, type) and value in TYPE_NAMES:
            return ["T", TYPE_NAMES[value]]
        if isinstance(value, type) and value in EXCEPTION_NAMES:
            return ["T", EXCEPTION_NAMES[value]]
        return self._other(value, depth)

    def updates(self) -> list[list[Any]]:
        """What the containers both sides know hold now, of those that have changed since it was last told."""
        return [[sid, *self._content(value, 0)] for sid, value in self._shared.changed()]

    def _container(self, value: Any, depth: int) -> list[Any]:
        sid, new = self._shared.sid(value)
        if not new:
            return ["@", sid]
        content = self._content(value, depth)
        self._shared.told(sid)
        kind = type(value)
        tag = CONTAINER_TAGS.get(kind)
        if tag is not None:
            return [tag, sid, *content]
        extra: Any = None
        if kind is deque:
            extra = value.maxlen
        elif kind is defaultdict:
            extra = self.encode(value.default_factory, depth + 1)
        return ["k", kind.__name__, sid, extra, *content]

    def _content(self, value: Any, depth: int) -> list[Any]:
        kind = type(value)
        if kind is bytearray:
            return [base64.b64encode(value).decode()]
        encode, deeper = self.encode, depth + 1
        if issubclass(kind, dict):
            return [encode(part, deeper) for pair in list(value.items()) for part in pair]
        return [encode(item, deeper) for item in list(value)]


class Decoder:
    """Tagged JSON to values. `other` decodes tags that are not of this module; anything unknown is `Malformed`."""

    def __init__(self, shared: Shared, other: Callable[[list[Any], int], Any]) -> None:
        self._shared = shared
        self._other = other
        self.deepest = 0  # of what has come so far

    def decode(self, data: Any, depth: int = 0) -> Any:
        kind = type(data)
        if kind is not list:
            if data is None or kind in (bool, str, int, float):
                return data
            raise Malformed("an object or an unknown value")
        if not data or type(data[0]) is not str or depth > MAX_DEPTH + 2:
            raise Malformed("an array without a tag, or too deep")
        if depth > self.deepest:
            self.deepest = depth
        tag = data[0]
        try:
            if tag == "t":
                return tuple([self.decode(item, depth + 1) for item in data[1:]])
            if tag == "@":
                return self._shared.known(data[1])
            if tag in FACTORIES or tag == "k":
                return self._container(data, depth)
            if tag == "z":
                return frozenset([self.decode(item, depth + 1) for item in data[1:]])
            reader = READERS.get(tag)
            if reader is not None:
                return reader(data)
            if tag == "V":
                return VIEWS[data[1]]([self.decode(item, depth + 1) for item in data[2:]])
            if tag == "S":
                return slice(*[self.decode(data[at], depth + 1) for at in (1, 2, 3)])
            if tag == "x":
                return _exception(data[1], self.decode(data[2], depth + 1))
        except (IndexError, KeyError, TypeError, ValueError, ArithmeticError, binascii.Error) as error:
            raise Malformed(f"a {tag!r} that says {type(error).__name__}") from error
        return self._other(data, depth)

    def apply(self, updates: Any) -> None:
        """Take in what the other side says its containers hold. Raises `Malformed`."""
        if type(updates) is not list:
            raise Malformed("updates that are no list")
        for update in updates:
            if type(update) is not list or not update:
                raise Malformed("an update of nothing")
            try:
                known = self._shared.known(update[0])
            except UnknownContainer as error:
                raise Malformed(str(error)) from error
            self._fill(known, update[1:], 0)
            self._shared.told(update[0])

    def _container(self, data: list[Any], depth: int) -> Any:
        if data[0] == "k":
            _, name, sid, extra, *content = data
            value = _collection(name, self.decode(extra, depth + 1))
        else:
            sid, *content = data[1:]
            value = FACTORIES[data[0]]()
        self._shared.adopt(sid, value)  # before its content, which may hold itself
        self._fill(value, content, depth)
        self._shared.told(sid)
        return value

    def _fill(self, value: Any, content: list[Any], depth: int) -> None:
        kind = type(value)
        try:
            if kind is bytearray:
                value[:] = base64.b64decode(content[0], validate=True)
                return
            items = [self.decode(item, depth + 1) for item in content]
            value.clear()
            if issubclass(kind, dict):
                if len(items) % 2:
                    raise Malformed("a key without a value")
                for key, item in zip(items[::2], items[1::2], strict=True):
                    value[key] = item  # of the exact types alone; `dict`'s own would lose an OrderedDict's order
            elif kind is set:
                value.update(items)
            else:
                value.extend(items)
        except (IndexError, TypeError, ValueError, binascii.Error) as error:
            raise Malformed(f"a {kind.__name__} that says {type(error).__name__}") from error


def _collection(name: str, extra: Any) -> Any:
    if name == "deque":
        if not (extra is None or (type(extra) is int and extra >= 0)):
            raise Malformed("a deque of odd length")
        return deque(maxlen=extra)
    if name == "defaultdict":
        return defaultdict(extra)
    return {"OrderedDict": OrderedDict, "Counter": Counter}[name]()


def _exception(name: str, args: Any) -> BaseException:
    """Made without running its `__init__`, which may refuse these arguments."""
    if type(args) is not tuple:
        raise Malformed("an exception whose arguments are no tuple")
    return bare_exception(EXCEPTIONS[name], args)


def bare_exception(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """An exception of `kind` with `args`, as far as its own constructor takes them."""
    try:
        made = kind.__new__(kind, *args)
        made.args = args
        if isinstance(made, UnicodeError | OSError | SystemExit | StopIteration | ImportError):
            made.__init__(*args)  # type: ignore[misc]
    except Exception:
        made = kind.__new__(kind)
        made.args = args
    return made


def _integer(data: list[Any]) -> int:
    text = data[1]
    if type(text) is not str or len(text) > MAX_INT_HEX:
        raise Malformed("an integer that is too long")
    return int(text, 16)


def _decimal(data: list[Any]) -> Decimal:
    try:
        return Decimal(data[1])
    except InvalidOperation as error:
        raise Malformed("no decimal") from error


def _float(data: list[Any]) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[data[1]]


def _moment(data: list[Any]) -> Any:
    kind, *parts = data[1:]
    if kind == "timedelta":
        return datetime.timedelta(*parts)
    if kind == "timezone":
        return datetime.timezone(datetime.timedelta(*parts))
    found = ISO_READERS[kind](parts[0])
    return found.replace(fold=parts[1]) if len(parts) > 1 else found


def _zoned(data: list[Any]) -> datetime.datetime:
    _, moment, fold, key = data
    if type(key) is not str:
        raise Malformed("no name of a zone")
    try:
        zone = ZoneInfo(key)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise Malformed("no zone") from error
    return datetime.datetime.fromisoformat(moment).replace(tzinfo=zone, fold=fold)


def _type(data: list[Any]) -> Any:
    return TYPES[data[1]] if data[1] in TYPES else EXCEPTIONS[data[1]]


def _real(value: float) -> Any:
    return value if math.isfinite(value) else ["f", repr(value)]


def _complex(data: list[Any]) -> complex:
    real, imaginary = (_float(part) if type(part) is list else float(part) for part in data[1:3])
    return complex(real, imaginary)


def _duration(kind: str, delta: datetime.timedelta) -> list[Any]:
    return ["w", kind, delta.days, delta.seconds, delta.microseconds]


def _integers(values: Iterable[int]) -> list[Any]:
    return [value if -SMALL_INT < value < SMALL_INT else ["i", format(value, "x")] for value in values]


def _whole(data: Any) -> int:
    value = _integer(data) if type(data) is list else data
    if type(value) is not int:
        raise Malformed("no integer")
    return value


VIEWS: dict[str, Callable[[list[Any]], Any]] = {
    "keys": lambda items: dict.fromkeys(items).keys(),
    "values": lambda items: dict(enumerate(items)).values(),
    "items": lambda items: dict(items).items(),
}
VIEW_NAMES: dict[type, str] = {type(view([])): name for name, view in VIEWS.items()}
MOMENTS = frozenset({datetime.datetime, datetime.time})
ISO_READERS: dict[str, Callable[[str], Any]] = {
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
}
SIMPLE: dict[type, Callable[[Any], Any]] = {
    bytes: lambda value: ["b", base64.b64encode(value).decode()],
    complex: lambda value: ["c", _real(value.real), _real(value.imag)],
    Decimal: lambda value: ["D", str(value)],
    Fraction: lambda value: ["q", *_integers((value.numerator, value.denominator))],
    range: lambda value: ["r", *_integers((value.start, value.stop, value.step))],
    type(Ellipsis): lambda value: ["e"],
    type(NotImplemented): lambda value: ["n"],
    datetime.date: lambda value: ["w", "date", value.isoformat()],
    datetime.timedelta: lambda value: _duration("timedelta", value),
    datetime.timezone: lambda value: _duration("timezone", value.utcoffset(None)),
}
READERS: dict[str, Callable[[list[Any]], Any]] = {
    "i": _integer,
    "f": _float,
    "c": _complex,
    "D": _decimal,
    "q": lambda data: Fraction(_whole(data[1]), _whole(data[2])),
    "b": lambda data: base64.b64decode(data[1], validate=True),
    "r": lambda data: range(*(_whole(part) for part in data[1:4])),
    "e": lambda data: Ellipsis,
    "n": lambda data: NotImplemented,
    "w": _moment,
    "W": _zoned,
    "T": _type,
}
CONTAINER_TAGS: dict[type, str] = {list: "l", dict: "d", set: "s", bytearray: "B"}
FACTORIES: dict[str, Callable[[], Any]] = {"l": list, "d": dict, "s": set, "B": bytearray}
