"""Orders: several products at once, shipped whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from inventory.allocation import Pick, allocate
from inventory.warehouse import Warehouse


@dataclass(frozen=True)
class Order:
    """`lines` maps a product to the number of units wanted."""

    number: int
    lines: dict[str, int]


@dataclass(frozen=True)
class Shipment:
    order: int
    picks: tuple[Pick, ...]

    @property
    def units(self) -> int:
        return sum(pick.units for pick in self.picks)


def fulfil(warehouse: Warehouse, order: Order, day: date) -> Shipment:
    """Ship the order. Nothing leaves the warehouse when one of its lines cannot be covered."""
    picks: list[Pick] = []
    for sku, wanted in sorted(order.lines.items()):
        picks.extend(allocate(warehouse.lots, sku, wanted, day))
    warehouse.remove(picks)
    return Shipment(order.number, tuple(picks))
