from fractions import Fraction

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ledger.accounts import Ledger, Overdrawn
from ledger.interest import monthly
from ledger.money import cents, share, shown

quick = settings(max_examples=150, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
amounts = st.integers(-10_000, 10_000)
weightings = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any)


@quick
@given(amounts)
def test_what_is_shown_is_read_back(amount):
    assert cents(shown(amount)) == amount


@quick
@given(amounts, weightings)
def test_shares_add_up_and_are_fair(amount, weights):
    parts = share(amount, weights)
    assert sum(parts) == amount
    total = sum(weights)
    assert all(abs(part - Fraction(amount * weight, total)) < 1 for part, weight in zip(parts, weights))
    rounded_up = [
        (-(abs(amount) * weight % total), index)
        for index, (part, weight) in enumerate(zip(parts, weights))
        if abs(part) > abs(amount) * weight // total
    ]
    order = sorted((-(abs(amount) * weight % total), index) for index, weight in enumerate(weights))
    assert sorted(rounded_up) == order[: len(rounded_up)]


@quick
@given(st.integers(0, 10_000_000), st.integers(0, 2_000))
def test_interest_is_rounded_once_half_to_even(balance, points):
    assert monthly(balance, points) == round(Fraction(balance * points, 120_000))


@pytest.mark.parametrize(("balance", "expected"), [(600, 0), (1_800, 2), (3_000, 2), (4_200, 4)])
def test_half_cents(balance, expected):
    assert monthly(balance, 100) == expected


def test_large_amounts_are_exact():
    assert share(10**18 + 1, [1, 1]) == [5 * 10**17 + 1, 5 * 10**17]
    assert monthly(12 * 10**18 + 12, 10_000) == 10**18 + 1


def test_a_transfer_to_nobody_changes_nothing():
    ledger = Ledger({"ana": 100})
    with pytest.raises(KeyError):
        ledger.transfer("ana", "bo", 50)
    assert ledger.total == 100


def test_a_split_is_made_whole_or_not_at_all():
    ledger = Ledger({"ana": 100, "bo": 7, "cy": 0})
    with pytest.raises(Overdrawn):
        ledger.split("ana", ["bo", "cy"], [1, 2], 101)
    with pytest.raises(KeyError):
        ledger.split("ana", ["bo", "nobody"], [1, 2], 90)
    with pytest.raises(ValueError):
        ledger.split("ana", ["bo", "cy"], [1, 1, 1], 90)
    assert (ledger.balance("ana"), ledger.balance("bo"), ledger.balance("cy")) == (100, 7, 0)


def test_a_transfer_to_oneself_keeps_the_balance():
    ledger = Ledger({"ana": 100})
    ledger.transfer("ana", "ana", 60)
    assert ledger.balance("ana") == 100
