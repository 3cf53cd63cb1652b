from datetime import date

import pytest

from inventory.allocation import Pick
from inventory.lots import Lot
from inventory.warehouse import Warehouse

DAY = date(2024, 5, 10)
LATER = date(2024, 5, 20)


def test_a_lot_that_comes_back_is_added():
    house = Warehouse("north", [Lot("a", "milk", 3, DAY, reserved=1)])
    house.receive(Lot("a", "milk", 4, DAY))
    assert house.lot("a") == Lot("a", "milk", 7, DAY, reserved=1)


def test_a_lot_id_names_one_product_and_date():
    house = Warehouse("north", [Lot("a", "milk", 3, DAY)])
    with pytest.raises(ValueError):
        house.receive(Lot("a", "milk", 3, LATER))


def test_removing_returns_what_was_taken():
    house = Warehouse("north", [Lot("a", "milk", 3, DAY), Lot("b", "milk", 5, LATER)])
    assert house.remove([Pick("a", 3), Pick("b", 1)]) == [Lot("a", "milk", 3, DAY), Lot("b", "milk", 1, LATER)]
    assert house.lots == [Lot("b", "milk", 4, LATER)]


def test_an_unknown_lot_is_named():
    with pytest.raises(KeyError, match="north has no lot x"):
        Warehouse("north").lot("x")


def test_free_units_of_one_product():
    house = Warehouse("north", [Lot("a", "milk", 3, DAY), Lot("b", "tea", 5, DAY), Lot("c", "milk", 4, LATER)])
    assert house.free("milk", DAY) == 7
    assert house.free("milk", LATER) == 4


def test_expired_lots():
    house = Warehouse("north", [Lot("a", "milk", 3, DAY), Lot("b", "milk", 5, LATER)])
    assert house.expired(DAY) == []
    assert house.expired(LATER) == [Lot("a", "milk", 3, DAY)]
