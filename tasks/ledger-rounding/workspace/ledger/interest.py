"""Interest in whole cents."""

from __future__ import annotations


def monthly(balance: int, basis_points: int) -> int:
    """A month's interest on `balance` cents at a yearly rate in hundredths of a percent."""
    yearly = balance * basis_points // 10_000
    return yearly // 12
