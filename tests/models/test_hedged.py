"""A call that is late is made once more: when, how often, and who pays."""

import asyncio

import pytest

from moa_code.config.sections import ProviderLimits
from moa_code.core.calls import Price
from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, CompletionRequest, Finish, Message, Role, Usage
from moa_code.engine.budget import Ledger
from moa_code.models.hedged import Hedged, Hedging, Latencies
from moa_code.models.limits import Gates
from moa_code.models.metered import Metered, worst_prompt_tokens

REQUEST = CompletionRequest(
    model="m", messages=(Message(role=Role.USER, text="x" * 350),), max_tokens=100, seed=7, timeout_s=30
)
WORST = worst_prompt_tokens(REQUEST) + 100
USED = Usage(prompt_tokens=90, completion_tokens=10, cost_usd=0.19)
NEVER = 3600.0


class Taking:
    """Answers its n-th call after the n-th number of seconds, or fails then with the error in its place."""

    def __init__(self, *takes):
        self.takes = list(takes)
        self.requests = []
        self.cut = 0

    async def complete(self, request, heard=None):
        number = len(self.requests)
        self.requests.append(request)
        take = self.takes[min(number, len(self.takes) - 1)]
        try:
            await asyncio.sleep(take if isinstance(take, float) else 0.05)
        except asyncio.CancelledError:
            self.cut += 1
            raise
        if isinstance(take, ModelError):
            raise take
        return Completion(text=f"answer {number}", finish=Finish.STOP, usage=USED)


def asked(model, *, times=1, ledger=None, floor_s=0.02, at_once=16, **hedging):
    """The texts or errors of `times` calls one after the other, and the `Hedged`."""
    ledger = ledger or Ledger()

    async def run():
        paid = Metered(model, ledger, lambda name: Price(prompt_usd=0.001, completion_usd=0.01))
        gates = Gates(default=ProviderLimits(at_once=at_once))
        hedged = Hedged(paid, gates, Latencies(), Hedging(floor_s=floor_s, **hedging))
        results = []
        for _ in range(times):
            try:
                async with gates.of("m").place(WORST):
                    results.append((await hedged.complete(REQUEST)).text)
            except ModelError as error:
                results.append(error.message)
        return results, hedged

    return asyncio.run(asyncio.wait_for(run(), 60))


def test_what_is_in_time_is_asked_once():
    model = Taking(0.0)
    results, hedged = asked(model, floor_s=30.0)
    assert (results, len(model.requests), hedged.hedges.asked) == (["answer 0"], 1, 0)


def test_a_late_call_is_made_once_more_and_both_are_paid():
    model, ledger = Taking(NEVER, 0.0), Ledger()
    results, hedged = asked(model, ledger=ledger)
    assert results == ["answer 1"]
    assert (hedged.hedges.asked, hedged.hedges.won, model.cut) == (1, 1, 1)
    first, second = model.requests
    assert (first.seed, first.messages, second.hedge, first.hedge) == (second.seed, second.messages, True, False)
    assert ledger.totals["m"].calls == 2
    assert ledger.spent_tokens == WORST + 100
    assert (ledger.hedges.calls, ledger.hedges.tokens, ledger.hedges.usd) == (1, 100, 0.19)
    assert (ledger.cut.calls, ledger.cut.tokens) == (1, WORST)


def test_when_the_first_answers_after_all_the_second_is_hung_up_on():
    model, ledger = Taking(0.2, NEVER), Ledger()
    results, hedged = asked(model, ledger=ledger)
    assert (results, model.cut) == (["answer 0"], 1)
    assert (hedged.hedges.asked, hedged.hedges.won) == (1, 0)
    assert ledger.hedges == ledger.cut


def test_it_is_made_once_more_and_no_oftener():
    model = Taking(0.3)
    asked(model)
    assert len(model.requests) == 2


def test_one_that_fails_leaves_the_other():
    assert asked(Taking(0.3, ModelError("broken")))[0] == ["answer 0"]
    assert asked(Taking(ModelError("broken"), 0.3))[0] == ["answer 1"]
    assert asked(Taking(ModelError("first"), ModelError("second")))[0] == ["first"]


def test_the_share_of_hedged_calls_is_bounded():
    late = {"times": 10, "floor_s": 0.001, "least_answers": 99}
    _, hedged = asked(Taking(0.1), **late)
    assert hedged.hedges.calls == 10
    assert 1 <= hedged.hedges.asked <= 2
    _, hedged = asked(Taking(0.1), most_share=1.0, **late)
    assert hedged.hedges.asked > 2


@pytest.mark.parametrize("off", [{"floor_s": None}, {"most_share": 0.0}])
def test_it_can_be_switched_off(off):
    model = Taking(0.1)
    asked(model, **off)
    assert len(model.requests) == 1


def test_what_the_budget_refuses_is_not_hedged_and_does_not_end_the_run():
    model, ledger = Taking(0.2), Ledger(limit_tokens=WORST + 10)
    results, hedged = asked(model, ledger=ledger)
    assert (results, len(model.requests)) == (["answer 0"], 1)
    assert (hedged.hedges.asked, ledger.refused) == (0, 0)


def test_no_place_is_taken_that_others_wait_for():
    model = Taking(0.2)
    asked(model, at_once=1)
    assert len(model.requests) == 1


def test_the_bound_is_learnt_from_the_answers_so_far():
    latencies, hedging = Latencies(), Hedging(floor_s=1.0)
    assert latencies.bound("m", hedging) == 1.0
    for seconds in (2.0, 9.0):
        latencies.add("m", seconds)
    assert latencies.bound("m", hedging) == 1.0  # two answers say nothing yet
    for seconds in (2.5, 3.0, 2.2, 2.1, 2.3, 2.4, 2.6, 2.7):
        latencies.add("m", seconds)
    assert latencies.bound("m", hedging) == 3.0
    assert latencies.bound("other", hedging) == 1.0
    assert Latencies().bound("m", Hedging(floor_s=None)) is None


def test_cancelling_ends_both():
    async def run():
        model = Taking(NEVER)
        hedged = Hedged(model, Gates(), Latencies(), Hedging(floor_s=0.01))
        call = asyncio.create_task(hedged.complete(REQUEST))
        while len(model.requests) < 2:
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return model.cut

    assert asyncio.run(asyncio.wait_for(run(), 60)) == 2
