# ruff: noqa: I001, PT017 - `bank` is the workspace's
from bank.ledger import Ledger, Overdrawn, running

from visible_tests._tables import ENTRIES


def test_balance():
    assert Ledger(*ENTRIES).balance == sum(ENTRIES)


def test_to_the_last_cent():
    ledger = Ledger(5)
    assert ledger.post(-5) is ledger
    assert ledger.entries == [5, -5]


def test_overdrawn():
    try:
        Ledger(5).post(-7)
    except Overdrawn as error:
        assert error.missing == 2
    else:
        raise AssertionError("nothing was raised")


def test_running():
    assert list(running(Ledger(1, 2, 3))) == [1, 3, 6]
