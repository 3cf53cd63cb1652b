import pytest

from ledger.accounts import Ledger, Overdrawn
from ledger.interest import monthly


def test_a_transfer_moves_cents():
    ledger = Ledger({"ana": 500, "bo": 0})
    ledger.transfer("ana", "bo", 200)
    assert (ledger.balance("ana"), ledger.balance("bo")) == (300, 200)


def test_an_overdraft_changes_nothing():
    ledger = Ledger({"ana": 100, "bo": 0})
    with pytest.raises(Overdrawn, match="ana lacks 0.50"):
        ledger.transfer("ana", "bo", 150)
    assert ledger.total == 100


def test_a_split_pays_out_everything():
    ledger = Ledger({"ana": 1000, "bo": 0, "cy": 0, "di": 0})
    assert ledger.split("ana", ["bo", "cy", "di"], [1, 1, 1], 1000) == [334, 333, 333]
    assert (ledger.balance("ana"), ledger.total) == (0, 1000)


@pytest.mark.parametrize(
    ("balance", "points", "expected"),
    [(120_000, 100, 100), (0, 350, 0), (600, 100, 0), (1_800, 100, 2), (100_000, 350, 292)],
)
def test_monthly_interest(balance, points, expected):
    assert monthly(balance, points) == expected
