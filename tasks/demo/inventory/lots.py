"""Lots: a quantity of one product that arrived together and expires together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True)
class Lot:
    """`reserved` units are on the shelf but promised to somebody."""

    lot_id: str
    sku: str
    units: int
    expires: date
    reserved: int = 0

    def __post_init__(self) -> None:
        if self.units < 0:
            raise ValueError(f"lot {self.lot_id}: units must not be negative, got {self.units}")
        if not 0 <= self.reserved <= self.units:
            raise ValueError(f"lot {self.lot_id}: cannot reserve {self.reserved} of {self.units} units")

    @property
    def free(self) -> int:
        """Units that can still be promised."""
        return self.units - self.reserved

    def usable(self, day: date) -> bool:
        """Whether the lot may leave the house on `day`: its last day counts."""
        return self.free > 0 and day <= self.expires

    def without(self, units: int) -> Lot:
        """The lot after `units` have left it."""
        return replace(self, units=self.units - units)


def first_expiring(lots: Iterable[Lot]) -> list[Lot]:
    """The lots in the order in which they should be sold; equal dates go by id."""
    return sorted(lots, key=lambda lot: (lot.expires, lot.lot_id))


def total_free(lots: Iterable[Lot], day: date) -> int:
    """Units that could be sold on `day`."""
    return sum(lot.free for lot in lots if lot.usable(day))
