from datetime import date

import pytest

from inventory.allocation import Pick, Shortage, allocate
from inventory.lots import Lot

DAY = date(2024, 5, 10)
SOON, LATER, LAST = date(2024, 5, 12), date(2024, 5, 20), date(2024, 6, 1)


def test_one_lot_covers_the_whole_quantity():
    assert allocate([Lot("a", "milk", 10, SOON)], "milk", 4, DAY) == [Pick("a", 4)]


def test_the_lot_that_expires_first_goes_first():
    lots = [Lot("old", "milk", 10, LATER), Lot("new", "milk", 10, SOON)]
    assert allocate(lots, "milk", 5, DAY) == [Pick("new", 5)]


def test_lots_that_are_used_up_exactly():
    lots = [Lot("a", "milk", 3, SOON), Lot("b", "milk", 4, LATER), Lot("c", "milk", 9, LAST)]
    assert allocate(lots, "milk", 7, DAY) == [Pick("a", 3), Pick("b", 4)]


def test_reserved_units_are_left_alone():
    assert allocate([Lot("a", "milk", 10, SOON, reserved=6)], "milk", 4, DAY) == [Pick("a", 4)]


def test_other_products_and_expired_lots_are_left_alone():
    lots = [Lot("a", "tea", 10, SOON), Lot("b", "milk", 10, date(2024, 5, 9)), Lot("c", "milk", 2, LATER)]
    assert allocate(lots, "milk", 2, DAY) == [Pick("c", 2)]


def test_a_shortage_says_what_is_there():
    lots = [Lot("a", "milk", 3, SOON), Lot("b", "milk", 6, LATER, reserved=4)]
    with pytest.raises(Shortage) as caught:
        allocate(lots, "milk", 6, DAY)
    assert (caught.value.sku, caught.value.wanted, caught.value.available) == ("milk", 6, 5)


@pytest.mark.parametrize("wanted", [0, -2])
def test_the_quantity_must_be_positive(wanted):
    with pytest.raises(ValueError):
        allocate([Lot("a", "milk", 3, SOON)], "milk", wanted, DAY)


def test_all_that_is_there_can_be_taken():
    lots = [Lot("a", "milk", 3, SOON), Lot("b", "milk", 6, LATER, reserved=4)]
    assert allocate(lots, "milk", 5, DAY) == [Pick("a", 3), Pick("b", 2)]
