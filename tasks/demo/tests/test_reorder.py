from datetime import date

import pytest

from inventory.lots import Lot
from inventory.reorder import Demand, needed, reorder_list
from inventory.warehouse import Warehouse

DAY = date(2024, 5, 10)
SOON, LATER = date(2024, 5, 12), date(2024, 5, 20)


@pytest.mark.parametrize(("stock", "expected"), [(0, 24), (1, 24), (8, 12), (9, 12), (19, 12), (20, 0), (30, 0)])
def test_whole_packs_are_bought(stock, expected):
    house = Warehouse("north", [Lot("a", "milk", stock, LATER)])
    assert needed(house, Demand("milk", units_per_day=4, lead_days=5, pack_size=12), DAY) == expected


def test_stock_that_expires_before_the_delivery_does_not_count():
    house = Warehouse("north", [Lot("a", "milk", 50, SOON)])
    assert needed(house, Demand("milk", units_per_day=2, lead_days=3), DAY) == 6


def test_products_that_need_nothing_are_left_out():
    house = Warehouse("north", [Lot("a", "milk", 50, LATER), Lot("b", "tea", 1, LATER)])
    demands = [Demand("milk", 2, 3), Demand("tea", 2, 3, pack_size=5)]
    assert reorder_list(house, demands, DAY) == {"tea": 5}
