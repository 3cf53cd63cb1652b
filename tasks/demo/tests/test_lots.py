from datetime import date

import pytest

from inventory.lots import Lot, first_expiring, total_free

DAY = date(2024, 5, 10)


def lot(lot_id="a", units=10, expires=DAY, reserved=0, sku="milk"):
    return Lot(lot_id, sku, units, expires, reserved)


def test_free_units_are_those_not_reserved():
    assert lot(units=10, reserved=4).free == 6


@pytest.mark.parametrize(("units", "reserved"), [(-1, 0), (3, 4), (3, -1)])
def test_impossible_lots_are_refused(units, reserved):
    with pytest.raises(ValueError):
        lot(units=units, reserved=reserved)


def test_a_lot_is_usable_on_its_last_day():
    assert lot(expires=DAY).usable(DAY)


def test_a_lot_is_not_usable_after_its_last_day():
    assert not lot(expires=date(2024, 5, 9)).usable(DAY)


def test_a_fully_reserved_lot_is_not_usable():
    assert not lot(units=4, reserved=4).usable(DAY)


def test_without_leaves_the_rest():
    assert lot(units=10, reserved=2).without(3) == lot(units=7, reserved=2)


def test_without_cannot_touch_reserved_units():
    with pytest.raises(ValueError):
        lot(units=10, reserved=4).without(7)


def test_first_expiring_sorts_by_date_then_id():
    late, b, a = lot("late", expires=date(2024, 6, 1)), lot("b"), lot("a")
    assert first_expiring([late, b, a]) == [a, b, late]


def test_total_free_counts_usable_lots_only():
    lots = [lot("a", 5), lot("b", 7, reserved=3), lot("c", 9, expires=date(2024, 5, 1))]
    assert total_free(lots, DAY) == 9
