"""Core dataclasses to JSON values and back, by their type hints.

What is covered: dataclasses, enums, tuples (`tuple[T, ...]` and fixed), mappings with string keys, `X | None`,
`NewType`, str, bytes (base64), bool, int, float (`"inf"`, `"-inf"`, `"nan"` as words, so that the JSON stays JSON). A
field that is missing in the JSON takes its default: older rows stay readable. Lone surrogates in strings survive.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_WORDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def dumps(value: object) -> str:
    """`value` as one line of ASCII JSON. Raises `TypeError` for a value of a type the codec does not cover."""
    return json.dumps(to_json(value), separators=(",", ":"), allow_nan=False)


def loads(kind: type[T], text: str | bytes) -> T:
    """The value of type `kind` that `dumps` wrote. Raises `ValueError` naming the place where the text does not fit."""
    return from_json(kind, json.loads(text))


def to_json(value: object) -> object:
    """`value` as what `json.dumps` takes."""
    if isinstance(value, Enum):
        return to_json(value.value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a mapping's keys must be strings, got {key!r}")
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    raise TypeError(f"no JSON form for {type(value).__name__}: {value!r:.80}")


def from_json(kind: type[T], data: object) -> T:
    """The value of type `kind` that `to_json` gave. Raises `ValueError` on anything else."""
    hashable: Any = kind
    value: T = _decoder(hashable)(data, kind.__name__)
    return value


_Decode = Callable[[Any, str], Any]


@lru_cache(maxsize=512)
def _decoder(kind: Any) -> _Decode:
    if hasattr(kind, "__supertype__"):  # NewType
        return _decoder(kind.__supertype__)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _optional(kind)
    if origin is tuple:
        return _tuple(get_args(kind))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(get_args(kind)[1])
    if kind in (object, Any):
        return lambda data, _: data
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    raise TypeError(f"the codec does not cover {kind!r}")


def _dataclass(kind: Any) -> _Decode:
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    required = {
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    inner: dict[str, _Decode] = {}

    def decode(data: Any, place: str) -> Any:
        if not inner:  # at the first use and not before, so that a type may contain itself
            inner.update({name: _decoder(hints[name]) for name in fields})
        _expect(data, dict, place)
        missing, unknown = required - data.keys(), data.keys() - fields.keys()
        if missing or unknown:
            raise ValueError(f"{place}: missing {sorted(missing)}, unknown {sorted(unknown)}")
        return kind(**{name: inner[name](item, f"{place}.{name}") for name, item in data.items()})

    return decode


def _optional(kind: Any) -> _Decode:
    others = [part for part in get_args(kind) if part is not types.NoneType]
    if len(others) != 1:
        raise TypeError(f"the codec covers X | None and no other union, got {kind!r}")
    inner = _decoder(others[0])
    return lambda data, place: None if data is None else inner(data, place)


def _tuple(parts: tuple[Any, ...]) -> _Decode:
    if len(parts) == 2 and parts[1] is Ellipsis:
        every = _decoder(parts[0])

        def decode(data: Any, place: str) -> Any:
            _expect(data, list, place)
            return tuple(every(item, f"{place}[{i}]") for i, item in enumerate(data))

        return decode
    each = [_decoder(part) for part in parts]

    def decode_fixed(data: Any, place: str) -> Any:
        _expect(data, list, place)
        if len(data) != len(each):
            raise ValueError(f"{place}: {len(each)} items expected, got {len(data)}")
        return tuple(inner(item, f"{place}[{i}]") for i, (inner, item) in enumerate(zip(each, data, strict=True)))

    return decode_fixed


def _mapping(item_kind: Any) -> _Decode:
    inner = _decoder(item_kind)

    def decode(data: Any, place: str) -> Any:
        _expect(data, dict, place)
        return {key: inner(item, f"{place}.{key}") for key, item in data.items()}

    return decode


def _enum(kind: type[Enum]) -> _Decode:
    def decode(data: Any, place: str) -> Any:
        try:
            return kind(data)
        except ValueError as unknown:
            raise ValueError(f"{place}: {unknown}") from unknown

    return decode


def _bytes(data: Any, place: str) -> bytes:
    _expect(data, str, place)
    try:
        return base64.b64decode(data, validate=True)
    except ValueError as broken:
        raise ValueError(f"{place}: not base64: {broken}") from broken


def _float(data: Any, place: str) -> float:
    if isinstance(data, str) and data in _WORDS:
        return _WORDS[data]
    if isinstance(data, bool) or not isinstance(data, (int, float)):
        raise ValueError(f"{place}: a number expected, got {data!r}")
    return float(data)


def _int(data: Any, place: str) -> int:
    if isinstance(data, bool) or not isinstance(data, int):
        raise ValueError(f"{place}: a whole number expected, got {data!r}")
    return data


def _bool(data: Any, place: str) -> bool:
    _expect(data, bool, place)
    return bool(data)


def _str(data: Any, place: str) -> str:
    _expect(data, str, place)
    return str(data)


_PLAIN: dict[Any, _Decode] = {bytes: _bytes, float: _float, int: _int, bool: _bool, str: _str}


def _expect(data: object, kind: type, place: str) -> None:
    if not isinstance(data, kind):
        raise ValueError(f"{place}: {kind.__name__} expected, got {data!r:.80}")
