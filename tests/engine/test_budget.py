import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.core.errors import BudgetExhausted
from moa_code.core.model import Usage
from moa_code.engine.budget import Ledger, Part


def used(prompt=10, completion=5, cost=0.01):
    return Usage(prompt_tokens=prompt, completion_tokens=completion, cost_usd=cost)


def test_what_is_reserved_cannot_be_promised_twice():
    ledger = Ledger(limit_usd=1.0)
    first = ledger.reserve("a", worst_usd=0.7, worst_tokens=10)
    with pytest.raises(BudgetExhausted, match=r"\$0\.4000; of \$1, \$0\.0000 are spent and \$0\.7000 reserved"):
        ledger.reserve("b", worst_usd=0.4, worst_tokens=10)
    ledger.settle(first, used(cost=0.1))
    ledger.reserve("b", worst_usd=0.4, worst_tokens=10)
    assert ledger.refused == 1


def test_a_limit_can_be_used_up_exactly():
    ledger = Ledger(limit_tokens=100)
    ledger.settle(ledger.reserve("a", worst_usd=None, worst_tokens=100), used(60, 40))
    with pytest.raises(BudgetExhausted, match="of 100, 100 are spent"):
        ledger.reserve("a", worst_usd=None, worst_tokens=1)


def test_an_unknown_price_is_refused_under_a_limit_in_dollars():
    with pytest.raises(BudgetExhausted, match="price of local/x is unknown") as caught:
        Ledger(limit_usd=5).reserve("local/x", worst_usd=None, worst_tokens=10)
    assert "--tokens" in caught.value.remedy


def test_an_unknown_price_passes_when_allowed_and_stays_unknown():
    ledger = Ledger(limit_usd=5, allow_unknown_price=True)
    ledger.settle(ledger.reserve("x", worst_usd=None, worst_tokens=10), used(cost=None))
    ledger.settle(ledger.reserve("x", worst_usd=0.5, worst_tokens=10), used(cost=0.25))
    assert ledger.totals["x"].cost_usd is None
    assert ledger.totals["x"].calls == 2
    assert ledger.spent_usd == 0.25


def test_uncounted_tokens_are_booked_at_the_worst_case():
    ledger = Ledger(limit_tokens=100)
    ledger.settle(ledger.reserve("x", worst_usd=None, worst_tokens=80), Usage(prompt_tokens=30))
    assert ledger.spent_tokens == 80
    assert ledger.totals["x"].unknown_tokens == 50
    assert ledger.totals["x"].prompt_tokens == 30


def test_an_unreported_cost_is_booked_at_the_worst_case_and_shown_as_unknown():
    ledger = Ledger(limit_usd=1)
    ledger.settle(ledger.reserve("x", worst_usd=0.75, worst_tokens=80), used(cost=None))
    assert ledger.spent_usd == 0.75
    assert ledger.totals["x"].cost_usd is None


def test_a_released_reservation_costs_nothing():
    ledger = Ledger(limit_usd=1)
    ledger.release(ledger.reserve("a", worst_usd=1, worst_tokens=5))
    assert (ledger.reserved_usd, ledger.spent_usd, ledger.totals) == (0, 0, {})


def test_a_reservation_is_closed_once():
    ledger = Ledger()
    reservation = ledger.reserve("a", worst_usd=1, worst_tokens=5)
    ledger.settle(reservation, used())
    with pytest.raises(ValueError, match="not open"):
        ledger.settle(reservation, used())
    with pytest.raises(ValueError, match="not open"):
        ledger.release(reservation)


@pytest.mark.parametrize("arguments", [{"limit_usd": -1}, {"limit_usd": float("nan")}, {"limit_tokens": -1}])
def test_limits_make_sense(arguments):
    with pytest.raises(ValueError, match="not negative"):
        Ledger(**arguments)


_COSTS = st.integers(0, 50)
_STEPS = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "release", "lose"]), _COSTS, st.integers(0, 99)), max_size=60
)


@given(_STEPS, st.integers(0, 120), st.integers(0, 1200))
def test_no_interleaving_overruns(steps, limit_usd, limit_tokens):
    """Whatever order calls start and end in, reserved + spent stays within both limits. Whole dollars are exact."""
    ledger, open_ = Ledger(limit_usd, limit_tokens), []
    for what, cost, share in steps:
        if what == "reserve":
            try:
                open_.append(ledger.reserve("m", worst_usd=cost, worst_tokens=cost * 10))
            except BudgetExhausted:
                assert (
                    ledger.spent_usd + ledger.reserved_usd + cost > limit_usd
                    or ledger.spent_tokens + ledger.reserved_tokens + cost * 10 > limit_tokens
                )
        elif open_:
            one = open_.pop(share % len(open_))
            if what == "release":
                ledger.release(one)
            elif what == "lose":
                ledger.settle(one, Usage())
            else:
                tokens = one.worst_tokens * share // 99
                ledger.settle(
                    one, Usage(prompt_tokens=tokens, completion_tokens=0, cost_usd=one.worst_usd * share // 99)
                )
        assert ledger.spent_usd + ledger.reserved_usd <= limit_usd
        assert ledger.spent_tokens + ledger.reserved_tokens <= limit_tokens
    for one in open_:
        ledger.release(one)
    assert ledger.reserved_usd == ledger.reserved_tokens == 0


def test_the_time_of_a_run_is_counted_from_its_beginning():
    now = [50.0]
    ledger = Ledger(seconds=10, clock=lambda: now[0])
    assert ledger.seconds_left == 10
    now[0] = 57.5
    assert ledger.seconds_left == 2.5
    now[0] = 99
    assert ledger.seconds_left == 0
    assert Ledger().seconds_left is None


def test_what_was_cut_and_what_was_hedged_is_counted_apart():
    ledger = Ledger()
    ledger.settle(ledger.reserve("a", worst_usd=1, worst_tokens=50), used())
    ledger.settle(ledger.reserve("a", worst_usd=1, worst_tokens=50), used(), cut=True)
    ledger.settle(ledger.reserve("b", worst_usd=1, worst_tokens=50, hedge=True), Usage(), cut=True)
    assert ledger.cut == Part(calls=2, tokens=65, usd=1.01)
    assert ledger.hedges == Part(calls=1, tokens=50, usd=1)
    assert ledger.totals["a"].hedge == Part()


def test_a_hedge_that_does_not_fit_is_not_counted_as_refused():
    ledger = Ledger(limit_tokens=10, limit_usd=1)
    for worst in ({"worst_usd": 0, "worst_tokens": 11}, {"worst_usd": 2, "worst_tokens": 1}):
        with pytest.raises(BudgetExhausted):
            ledger.reserve("a", **worst, hedge=True)
    assert ledger.refused == 0
