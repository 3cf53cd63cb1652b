from datetime import date

from inventory.lots import Lot
from inventory.transfers import balance, transfer
from inventory.warehouse import Warehouse

DAY = date(2024, 5, 10)
SOON, LATER = date(2024, 5, 12), date(2024, 5, 20)


def test_a_whole_lot_moves():
    north, south = Warehouse("north", [Lot("a", "milk", 4, SOON)]), Warehouse("south")
    assert transfer(north, south, "milk", 4, DAY) == ["a"]
    assert (north.lots, south.lots) == ([], [Lot("a", "milk", 4, SOON)])


def test_reserved_units_stay():
    north, south = Warehouse("north", [Lot("a", "milk", 9, SOON, reserved=5)]), Warehouse("south")
    transfer(north, south, "milk", 3, DAY)
    assert north.lot("a") == Lot("a", "milk", 6, SOON, reserved=5)
    assert south.free("milk", DAY) == 3


def test_balance_moves_half_of_the_difference():
    north = Warehouse("north", [Lot("a", "milk", 2, SOON), Lot("b", "milk", 8, LATER)])
    south = Warehouse("south", [Lot("c", "milk", 3, SOON)])
    assert balance(north, south, "milk", DAY) == 3
    assert (north.free("milk", DAY), south.free("milk", DAY)) == (7, 6)


def test_balance_works_in_both_directions():
    north, south = Warehouse("north"), Warehouse("south", [Lot("c", "milk", 5, SOON)])
    assert balance(north, south, "milk", DAY) == 2
    assert (north.free("milk", DAY), south.free("milk", DAY)) == (2, 3)


def test_balance_leaves_a_difference_of_one():
    north = Warehouse("north", [Lot("a", "milk", 4, SOON)])
    south = Warehouse("south", [Lot("c", "milk", 3, SOON)])
    assert balance(north, south, "milk", DAY) == 0
