"""When an answer to HumanEval+ is right: the suite's own rule. This text is put into the checks, so it stands alone."""

from __future__ import annotations

import hashlib
import math
from typing import Any

LONG = 4000
"""Characters from which on an expected answer is known by its digest alone: some have a hundred million."""


def same(got: Any, want: Any, tolerance: float) -> bool:
    """Equal, or close where floats are expected: within 1e-6 where the suite names no tolerance."""
    if isinstance(want, Digest):
        return want.text == digest(got)
    if got == want:
        return True
    allowed = tolerance or (1e-6 if _floats(want) else 0.0)
    return bool(allowed) and type(got) is type(want) and _close(got, want, allowed)


class Digest:
    """A long answer by its SHA-256."""

    def __init__(self, text: str) -> None:
        self.text = text


def digest(value: Any) -> str:
    """SHA-256 of a value; values that are equal have the same, so 1, 1.0 and True do."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: Any) -> str:
    match value:
        case int():
            return hex(value)
        case float() if math.isfinite(value) and value.is_integer():
            return hex(int(value))
        case list():
            return f"[{','.join(map(canonical, value))}]"
        case tuple():
            return f"({','.join(map(canonical, value))})"
        case dict():
            return f"{{{','.join(sorted(f'{canonical(key)}:{canonical(item)}' for key, item in value.items()))}}}"
        case set() | frozenset():
            return f"<{','.join(sorted(map(canonical, value)))}>"
        case _:
            return f"{type(value).__name__}:{value!r}"


def is_root(coefficients: list[float], x: Any, tolerance: float) -> bool:
    """Whether the polynomial is nearly zero at `x`: of `find_zero` any root is right."""
    return bool(abs(sum(factor * x**power for power, factor in enumerate(coefficients))) <= tolerance)


def _floats(value: Any) -> bool:
    if isinstance(value, float):
        return True
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(item, float) for item in value)


def _close(got: Any, want: Any, allowed: float) -> bool:
    if isinstance(want, list | tuple):
        return len(got) == len(want) and all(_close(a, b, allowed) for a, b in zip(got, want, strict=True))
    if not isinstance(got, int | float) or not isinstance(want, int | float):
        return bool(got == want)
    return got == want or (got != got and want != want) or abs(got - want) <= allowed + 1e-7 * abs(want)
