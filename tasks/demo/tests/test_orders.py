from datetime import date

import pytest

from inventory.allocation import Pick, Shortage
from inventory.lots import Lot
from inventory.orders import Order, fulfil
from inventory.warehouse import Warehouse

DAY = date(2024, 5, 10)
SOON, LATER, LAST = date(2024, 5, 12), date(2024, 5, 20), date(2024, 6, 1)


def house():
    return Warehouse(
        "north",
        [
            Lot("m1", "milk", 4, SOON),
            Lot("m2", "milk", 10, LATER),
            Lot("m3", "milk", 10, LAST),
            Lot("t1", "tea", 6, LAST),
        ],
    )


def test_an_order_of_one_line():
    assert fulfil(house(), Order(1, {"tea": 2}), DAY).picks == (Pick("t1", 2),)


def test_lines_are_shipped_in_the_order_of_products():
    shipment = fulfil(house(), Order(2, {"tea": 6, "milk": 3}), DAY)
    assert shipment.picks == (Pick("m1", 3), Pick("t1", 6))


def test_an_order_over_two_lots_ships_what_was_wanted():
    stock = house()
    shipment = fulfil(stock, Order(3, {"milk": 9}), DAY)
    assert shipment.units == 9
    assert stock.free("milk", DAY) == 15


def test_an_order_over_three_lots_empties_the_first_two():
    stock = house()
    fulfil(stock, Order(4, {"milk": 17}), DAY)
    assert [(lot.lot_id, lot.units) for lot in stock.lots] == [("m3", 7), ("t1", 6)]


def test_nothing_leaves_when_one_line_cannot_be_covered():
    stock = house()
    before = stock.lots
    with pytest.raises(Shortage):
        fulfil(stock, Order(5, {"milk": 3, "tea": 7}), DAY)
    assert stock.lots == before


def test_a_shipment_counts_its_units():
    assert fulfil(house(), Order(6, {"tea": 1, "milk": 4}), DAY).units == 5
