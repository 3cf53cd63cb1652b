"""Interest in whole cents."""

from __future__ import annotations

from fractions import Fraction


def monthly(balance: int, basis_points: int) -> int:
    """A month's interest on `balance` cents at a yearly rate in hundredths of a percent."""
    return round(Fraction(balance * basis_points, 10_000 * 12))
