"""A warehouse: its lots, and what may be done with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from inventory.allocation import Pick
from inventory.lots import Lot, first_expiring, total_free


class Warehouse:
    """The lots of one place, by id."""

    def __init__(self, name: str, lots: Iterable[Lot] = ()) -> None:
        self.name = name
        self._lots: dict[str, Lot] = {}
        for lot in lots:
            self.receive(lot)

    @property
    def lots(self) -> list[Lot]:
        return first_expiring(self._lots.values())

    def lot(self, lot_id: str) -> Lot:
        if lot_id not in self._lots:
            raise KeyError(f"{self.name} has no lot {lot_id}")
        return self._lots[lot_id]

    def receive(self, lot: Lot) -> None:
        """Put a lot on the shelf. A lot that is split and comes back is added to what is there."""
        known = self._lots.get(lot.lot_id)
        if known is None:
            self._lots[lot.lot_id] = lot
            return
        if (known.sku, known.expires) != (lot.sku, lot.expires):
            raise ValueError(f"lot {lot.lot_id} is already in {self.name} with another product or date")
        self._lots[lot.lot_id] = Lot(
            lot.lot_id, lot.sku, known.units + lot.units, lot.expires, known.reserved + lot.reserved
        )

    def remove(self, picks: Iterable[Pick]) -> list[Lot]:
        """Take the picks off the shelf and return them as lots of their own; empty lots disappear."""
        taken = []
        for pick in picks:
            lot = self.lot(pick.lot_id)
            rest = lot.without(pick.units)
            if rest.units:
                self._lots[pick.lot_id] = rest
            else:
                del self._lots[pick.lot_id]
            taken.append(Lot(lot.lot_id, lot.sku, pick.units, lot.expires))
        return taken

    def free(self, sku: str, day: date) -> int:
        return total_free((lot for lot in self._lots.values() if lot.sku == sku), day)

    def expired(self, day: date) -> list[Lot]:
        """Lots whose last day is over."""
        return [lot for lot in self.lots if lot.expires < day]
