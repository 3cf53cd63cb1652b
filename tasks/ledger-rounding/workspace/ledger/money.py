"""Amounts in whole cents."""

from __future__ import annotations

import re
from collections.abc import Sequence

_AMOUNT = re.compile(r"(-?)(\d+)(?:\.(\d{1,2}))?")


def cents(text: str) -> int:
    """The cents of an amount such as "12", "12.5" (fifty cents) or "-0.50". Raises `ValueError` for anything else."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an amount: {text!r}")
    sign, whole, decimals = match.groups()
    units = int(sign + whole)
    fraction = int(decimals or "0")
    return units * 100 + fraction


def shown(amount: int) -> str:
    """The amount as text with two decimals."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` cents divided in proportion to `weights`, none of them negative, at least one positive."""
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError(f"weights must not be negative, and not all zero, got {list(weights)}")
    return [round(amount * weight / total) for weight in weights]
