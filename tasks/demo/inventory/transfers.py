"""Moving stock between warehouses."""

from __future__ import annotations

from datetime import date

from inventory.allocation import allocate
from inventory.warehouse import Warehouse


def transfer(source: Warehouse, target: Warehouse, sku: str, units: int, day: date) -> list[str]:
    """Move `units` of `sku`, first-expiring lots first. Returns the ids of the lots touched."""
    moved = source.remove(allocate(source.lots, sku, units, day))
    for lot in moved:
        target.receive(lot)
    return [lot.lot_id for lot in moved]


def balance(first: Warehouse, second: Warehouse, sku: str, day: date) -> int:
    """Move units of `sku` so that the two differ by one at most. Returns how many units moved."""
    here, there = first.free(sku, day), second.free(sku, day)
    source, target = (first, second) if here > there else (second, first)
    units = abs(here - there) // 2
    if units:
        transfer(source, target, sku, units, day)
    return units
