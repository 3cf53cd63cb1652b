"""What to buy: products whose stock will not last until the next delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from inventory.warehouse import Warehouse


@dataclass(frozen=True)
class Demand:
    """How fast a product sells, and how it can be bought."""

    sku: str
    units_per_day: int
    lead_days: int
    pack_size: int = 1


def needed(warehouse: Warehouse, demand: Demand, day: date) -> int:
    """Units to buy today, in whole packs, so that the stock lasts over the lead time. 0 when it does."""
    arrival = day + timedelta(days=demand.lead_days)
    missing = demand.units_per_day * demand.lead_days - warehouse.free(demand.sku, arrival)
    if missing <= 0:
        return 0
    packs = -(-missing // demand.pack_size)
    return packs * demand.pack_size


def reorder_list(warehouse: Warehouse, demands: list[Demand], day: date) -> dict[str, int]:
    """Units to buy by product, those that need none left out."""
    wanted = {demand.sku: needed(warehouse, demand, day) for demand in demands}
    return {sku: units for sku, units in wanted.items() if units > 0}
