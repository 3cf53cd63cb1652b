"""Reading one value: from TOML as it is typed there, from the environment and flags as text.

Every parser raises `ValueError`, `TypeError` or `KeyError` on a value that does not fit; the caller knows key and file.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from moa_code.config.sections import Endpoint, ProviderLimits
from moa_code.core.verdict import Level

Parse = Callable[[object], Any]

EDIT_FORMATS = ("function", "blocks", "whole_file", "udiff")

_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SPANS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def parse_size(value: object) -> int:
    """Bytes of `1073741824` or `"1GiB"` (kB, MB, GB in thousands; KiB, MiB, GiB in 1024s). Raises `ValueError`."""
    size = _with_unit(value, _SIZES)
    if not 1 <= size < math.inf or size != int(size):
        raise ValueError(value)
    return int(size)


def parse_duration(value: object) -> float:
    """Seconds of `90`, `"90s"`, `"1.5m"`, `"250ms"` or `"2h"`. Raises `ValueError`."""
    seconds = _with_unit(value, _SPANS)
    if not 0 < seconds < math.inf:
        raise ValueError(value)
    return seconds


def _with_unit(value: object, units: Mapping[str, float]) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*", value.lower()) if isinstance(value, str) else None
    if match is None or match[2] not in units:
        raise ValueError(value)
    return float(match[1]) * units[match[2]]


def whole(low: int, high: int | None = None) -> Parse:
    def parse(value: object) -> int:
        number = int(value.replace("_", "")) if isinstance(value, str) else value
        if (
            isinstance(number, bool)
            or not isinstance(number, int)
            or number < low
            or (high is not None and number > high)
        ):
            raise ValueError(value)
        return number

    return parse


def number(low: float, high: float = math.inf) -> Parse:
    def parse(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)) or not low <= float(value) <= high:
            raise ValueError(value)
        return float(value)

    return parse


def or_none(parse: Parse) -> Parse:
    return lambda value: None if value == "none" else parse(value)


def flag(value: object) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    return value if isinstance(value, bool) else words[word(value).lower()]


def word(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    return value.strip()


def model(value: object) -> str:
    """A model's name, or `MODEL@URL`; an address alone is none."""
    name = word(value)
    if "://" in name.partition("@")[0]:
        raise ValueError(value)
    return name


def one_of(*words: str) -> Parse:
    def parse(value: object) -> str:
        if value not in words:
            raise ValueError(value)
        return str(value)

    return parse


def several(parse: Parse) -> Parse:
    def every(value: object) -> tuple[Any, ...]:
        items = [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)):
            raise ValueError(value)
        return tuple(parse(item) for item in items)

    return every


def command(value: object) -> tuple[str, ...]:
    return tuple(shlex.split(value)) if isinstance(value, str) else tuple(map(word, several(word)(value)))


def level(value: object) -> Level:
    if isinstance(value, str):
        word = value.strip().upper().removeprefix("L").replace("-", "_")
        return Level(int(word)) if word.isdigit() else Level[value.strip().upper().replace("-", "_")]
    return Level(whole(0)(value))


def glob(value: object) -> str:
    pattern = word(value)
    if not pattern or pattern.startswith("/") or ".." in pattern.split("/"):
        raise ValueError(value)
    return pattern


def endpoints(value: object) -> Mapping[str, Endpoint]:
    if not isinstance(value, Mapping):
        raise ValueError(value)
    made = {}
    for name, table in value.items():
        if not isinstance(table, Mapping) or not table.keys() <= {"base_url", "api_key_env"}:
            raise ValueError(value)
        url = word(table.get("base_url"))
        if not re.fullmatch(r"https?://[^\s/]+\S*", url):
            raise ValueError(url)
        made[str(name)] = Endpoint(base_url=url, api_key_env=word(table.get("api_key_env", "")))
    return made


def limits(value: object) -> Mapping[str, ProviderLimits]:
    if not isinstance(value, Mapping):
        raise ValueError(value)
    bound = or_none(whole(1))
    made = {}
    for name, table in value.items():
        if not isinstance(table, Mapping) or not table.keys() <= {"at_once", "rpm", "tpm"}:
            raise ValueError(value)
        made[str(name)] = ProviderLimits(**{key: bound(limit) for key, limit in table.items()})
    return made


def formats(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(value)
    allowed = one_of(*EDIT_FORMATS)
    return {str(model): allowed(form) for model, form in value.items()}
