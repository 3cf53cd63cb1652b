"""Deciding which lots a wanted quantity is taken from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from inventory.lots import Lot, first_expiring, total_free


class Shortage(Exception):
    """There is not enough usable stock."""

    def __init__(self, sku: str, wanted: int, available: int) -> None:
        super().__init__(f"{sku}: wanted {wanted}, only {available} available")
        self.sku = sku
        self.wanted = wanted
        self.available = available


@dataclass(frozen=True)
class Pick:
    """So many units out of one lot."""

    lot_id: str
    units: int


def allocate(lots: Sequence[Lot], sku: str, wanted: int, day: date) -> list[Pick]:
    """Picks that cover `wanted` units of `sku`, from the lots that expire first.

    Raises `Shortage` when the usable lots do not hold enough, and `ValueError` unless `wanted` is positive.
    """
    if wanted <= 0:
        raise ValueError(f"{sku}: a positive number of units is needed, got {wanted}")
    candidates = [lot for lot in lots if lot.sku == sku and lot.usable(day)]
    available = total_free(candidates, day)
    if available < wanted:
        raise Shortage(sku, wanted, available)
    missing = wanted
    picks: list[Pick] = []
    for lot in first_expiring(candidates):
        taken = min(lot.free, wanted)
        picks.append(Pick(lot.lot_id, taken))
        missing -= taken
        if missing <= 0:
            break
    return picks
