import asyncio
from dataclasses import replace
from random import Random

import pytest

from moa_code.core.calls import NotAsked, Price, SpentError
from moa_code.core.errors import BudgetExhausted, ModelError
from moa_code.core.model import Completion, CompletionRequest, Finish, Message, Role, Usage
from moa_code.engine.budget import Ledger
from moa_code.models.metered import Metered, worst_prompt_tokens
from moa_code.models.retry import Retrying
from moa_code.models.scripted import ScriptedModel

PRICE = Price(prompt_usd=0.001, completion_usd=0.01)
REQUEST = CompletionRequest(model="m", messages=(Message(role=Role.USER, text="x" * 350),), max_tokens=100)
WORST_TOKENS = worst_prompt_tokens(REQUEST) + 100


def answered(usage):
    return Completion(text="ok", finish=Finish.STOP, usage=usage)


def run(ledger, steps, price=PRICE):
    metered = Metered(ScriptedModel({"m": steps}), ledger, lambda name: price)
    try:
        return asyncio.run(metered.complete(REQUEST))
    except ModelError as error:
        return error


def test_an_answer_is_paid_as_reported():
    ledger = Ledger(limit_usd=5)
    run(ledger, [answered(Usage(prompt_tokens=90, completion_tokens=10, cost_usd=0.19))])
    assert ledger.spent_usd == 0.19
    assert (ledger.spent_tokens, ledger.reserved_tokens) == (100, 0)


def test_an_answer_nobody_counted_is_paid_at_its_worst_case():
    ledger = Ledger()
    run(ledger, [answered(Usage())])
    assert ledger.spent_tokens == WORST_TOKENS
    assert ledger.totals["m"].cost_usd is None


def test_what_was_never_taken_up_costs_nothing():
    ledger = Ledger()
    assert run(ledger, [ModelError("busy", retryable=True)]).message == "busy"
    assert (ledger.spent_tokens, ledger.reserved_tokens) == (0, 0)


def test_a_lost_answer_is_paid():
    ledger = Ledger()
    run(ledger, [SpentError("cut", retryable=True)])
    run(ledger, [SpentError("refused", usage=Usage(prompt_tokens=90, completion_tokens=3))])
    assert ledger.spent_tokens == WORST_TOKENS + 93


def test_over_budget_nothing_is_sent():
    model = ScriptedModel({"m": ["never"]})
    metered = Metered(model, Ledger(limit_usd=0.5), lambda name: PRICE)
    with pytest.raises(ModelError, match="over budget") as caught:
        asyncio.run(metered.complete(REQUEST))
    assert not caught.value.retryable
    assert isinstance(caught.value.__cause__, BudgetExhausted)
    assert model.requests == []


def test_an_unknown_price_is_not_a_free_one():
    assert "price of m is unknown" in run(Ledger(limit_usd=100), ["never"], price=None).message


def test_a_cancelled_call_is_paid_at_its_worst_case():
    class Never:
        async def complete(self, request, heard=None):
            await asyncio.sleep(3600)

    async def cancel():
        call = asyncio.create_task(Metered(Never(), ledger, lambda name: PRICE).complete(REQUEST))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    ledger = Ledger()
    asyncio.run(cancel())
    assert ledger.spent_tokens == WORST_TOKENS


def test_each_attempt_is_paid_for():
    async def no_sleep(seconds):
        pass

    ledger = Ledger()
    model = ScriptedModel(
        {"m": [SpentError("cut", retryable=True), answered(Usage(prompt_tokens=90, completion_tokens=9))]}
    )
    retrying = Retrying(Metered(model, ledger, lambda name: PRICE), rng=Random(0), sleep=no_sleep)
    asyncio.run(retrying.complete(REQUEST))
    assert ledger.totals["m"].calls == 2
    assert ledger.spent_tokens == WORST_TOKENS + 99


def test_200_calls_at_once_never_overrun():
    """Every call uses its whole worst case; only as many as fit are made."""

    async def run_all():
        price = PRICE.cost(prompt_tokens=WORST_TOKENS - 100, completion_tokens=100)
        usage = Usage(prompt_tokens=WORST_TOKENS - 100, completion_tokens=100, cost_usd=price)
        ledger = Ledger(limit_usd=price * 7.5)
        metered = Metered(ScriptedModel({"m": lambda request: answered(usage)}), ledger, lambda name: PRICE)
        results = await asyncio.gather(*(metered.complete(REQUEST) for _ in range(200)), return_exceptions=True)
        assert sum(isinstance(r, Completion) for r in results) == 7
        assert ledger.spent_usd <= ledger.limit_usd

    asyncio.run(run_all())


class Heard:
    """Says `said`, then nothing until it is cancelled. `asked` holds the requests."""

    def __init__(self, said):
        self.said = said
        self.asked = []

    async def complete(self, request, heard=None):
        self.asked.append(request)
        heard(self.said)
        await asyncio.sleep(3600)


def hung_up_on(ledger, said, at_cut):
    """What the listener was told, after a call that is cancelled when it has said `said`."""
    told = []

    async def cancel():
        metered = Metered(Heard(said), ledger, lambda name: PRICE, at_cut=at_cut)
        call = asyncio.create_task(metered.complete(REQUEST, told.append))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancel())
    return told


def test_a_call_that_is_hung_up_on_is_paid_as_reckoned():
    ledger = Ledger()
    assert hung_up_on(ledger, "four words are heard", lambda model, heard: len(heard.split())) == [
        "four words are heard"
    ]
    assert ledger.spent_tokens == WORST_TOKENS - 100 + 4
    assert ledger.totals["m"].cost_usd == PRICE.cost(prompt_tokens=WORST_TOKENS - 100, completion_tokens=4)
    assert (ledger.cut.calls, ledger.cut.tokens) == (1, ledger.spent_tokens)


def test_what_is_reckoned_is_never_more_than_the_worst_case():
    ledger = Ledger()
    hung_up_on(ledger, "much", lambda model, heard: 10**6)
    assert ledger.spent_tokens == WORST_TOKENS


def test_a_provider_that_may_write_on_is_paid_its_worst_case():
    ledger = Ledger()
    hung_up_on(ledger, "a little", lambda model, heard: None)
    assert ledger.spent_tokens == WORST_TOKENS
    assert ledger.totals["m"].cost_usd is None


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_no_call_may_last_longer_than_the_run():
    async def ask(at):
        clock.now = at
        await Metered(model, ledger, lambda name: PRICE).complete(replace(REQUEST, timeout_s=30))

    clock = Clock()
    ledger = Ledger(seconds=60, clock=clock)
    model = ScriptedModel({"m": ["a", "b", "c"]})
    asyncio.run(ask(100))
    asyncio.run(ask(150))
    assert [request.timeout_s for request in model.requests] == [30, 10]
    for late in (159.9, 160, 200):
        with pytest.raises(NotAsked, match="s of the run are left"):
            asyncio.run(ask(late))
    assert len(model.requests) == 2
    assert ledger.refused == 0  # the budget is not spent: the time is up, which the engine sees for itself
