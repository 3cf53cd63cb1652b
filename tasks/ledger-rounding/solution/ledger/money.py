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
    amount = int(whole) * 100 + int((decimals or "").ljust(2, "0"))
    return -amount if sign else amount


def shown(amount: int) -> str:
    """The amount as text with two decimals."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` cents divided in proportion to `weights`, none of them negative, at least one positive."""
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError(f"weights must not be negative, and not all zero, got {list(weights)}")
    if amount < 0:
        return [-part for part in share(-amount, weights)]
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(parts)), key=lambda index: -(amount * weights[index] % total))
    for index in by_remainder[: amount - sum(parts)]:
        parts[index] += 1
    return parts
