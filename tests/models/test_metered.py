import asyncio
from random import Random

import pytest

from moa_code.core.calls import Price, SpentError
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
