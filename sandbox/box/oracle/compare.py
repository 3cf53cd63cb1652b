"""Whether an answer is the expected one, and where it first is not. Both are exact built-in values by now."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DEFAULT_RELATIVE = 1e-7
FLOAT_TOLERANCE = 1e-6
SHOWN = 200


@dataclass(frozen=True)
class Rule:
    """How a task compares.

    `kind`: equal (Python's `==`), exact (types as well), unordered (as multisets), set, sorted, list (tuples for the
    lists inside), truthy, any.
    `absolute`: tolerance for floats; 0 keeps `equal` but for floats and sequences of floats, which get 1e-6, as graders
    of function suites do. None: no tolerance at all.
    """

    kind: str = "equal"
    absolute: float | None = None
    relative: float = DEFAULT_RELATIVE


def difference(got: Any, want: Any, rule: Rule) -> str:
    """Where `got` first differs from `want`; empty when it is the expected answer. A nan is expected by a nan."""
    try:
        return _difference(got, want, rule)
    except RecursionError:
        return _words("", got, want)


def _difference(got: Any, want: Any, rule: Rule) -> str:
    if rule.kind == "any":
        return ""
    if rule.kind == "truthy":
        return "" if bool(got) == bool(want) else _words("", got, want)
    convert = CONVERSIONS.get(rule.kind)
    if convert is not None:
        try:
            got, want = convert(got), convert(want)
        except TypeError:
            return _words("", got, want)
    if rule.kind == "exact":
        return _differs("", got, want, rule, exact=True)
    if _equal(got, want):
        return ""
    if rule.absolute is None:
        return _differs("", got, want, rule, exact=False)
    if rule.absolute == 0 and not _all_floats(want):
        return _differs("", got, want, Rule(), exact=False)
    absolute = rule.absolute or FLOAT_TOLERANCE
    return _differs("", got, want, Rule(absolute=absolute, relative=rule.relative), exact=False)


def _equal(got: Any, want: Any) -> bool:
    try:
        return bool(got == want)
    except RecursionError:
        return False


def _differs(path: str, got: Any, want: Any, rule: Rule, *, exact: bool) -> str:
    if exact and type(got) is not type(want):
        return _words(path, got, want)
    numbers = (int, float)
    if rule.absolute is not None and type(got) in numbers and type(want) in numbers:
        close = _is_close(got, want, rule.relative, rule.absolute)
        return "" if close else _words(path, got, want)
    if type(got) in (list, tuple) and type(got) is type(want):
        for index, (left, right) in enumerate(zip(got, want, strict=False)):
            found = _differs(f"{path}[{index}]", left, right, rule, exact=exact)
            if found:
                return found
        if len(got) != len(want):
            return f"{path or 'the answer'} has {len(got)} items where {len(want)} are expected"
        return ""
    if type(got) is dict and type(want) is dict:
        for key in want:
            if key not in got:
                return f"{path or 'the answer'} lacks the key {_short(key)}"
            found = _differs(f"{path}[{_short(key)}]", got[key], want[key], rule, exact=exact)
            if found:
                return found
        extra = [key for key in got if key not in want]
        return f"{path or 'the answer'} has the key {_short(extra[0])} too many" if extra else ""
    if type(got) is float and type(want) is float and math.isnan(got) and math.isnan(want):
        return ""
    return "" if _equal(got, want) else _words(path, got, want)


def _is_close(got: float, want: float, relative: float, absolute: float) -> bool:
    try:
        if math.isnan(got) and math.isnan(want):
            return True
        return math.isclose(got, want, rel_tol=relative, abs_tol=absolute)
    except OverflowError:  # an integer beyond floats
        return False


def _all_floats(value: Any) -> bool:
    if type(value) is float:
        return True
    return type(value) in (list, tuple) and bool(value) and all(type(item) is float for item in value)


def _unordered(value: Any) -> Any:
    return sorted(value, key=repr)


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "set": lambda value: set(value),
    "sorted": sorted,
    "unordered": _unordered,
    "list": lambda value: [tuple(v) if type(v) is list else v for v in value],
}


KINDS = frozenset({"equal", "exact", "truthy", "any", *CONVERSIONS})


def _words(path: str, got: Any, want: Any) -> str:
    where = f"at {path}: " if path else ""
    kinds = "" if type(got) is type(want) else f" ({type(got).__name__} for {type(want).__name__})"
    return f"{where}expected {_short(want)}, got {_short(got)}{kinds}"


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of too many digits, a value without end
        text = f"<{type(value).__name__}>"
    return text if len(text) <= SHOWN else text[: SHOWN // 2] + " … " + text[-SHOWN // 2 :]
