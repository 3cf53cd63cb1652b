"""However 200 calls go at once, with hedges, 429s, cuts and cancellations: what is billed stays within the budget."""

import asyncio
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_server import Cut, Say, Status, serving

from moa_code.config.sections import ProviderLimits
from moa_code.core.calls import NotAsked, Price, SpentError
from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, CompletionRequest, Finish, Message, Role, Usage
from moa_code.edits.reply import EditFormat
from moa_code.engine.budget import Ledger
from moa_code.models.connection import Connection, Traffic
from moa_code.models.hedged import Hedged, Hedging, Latencies
from moa_code.models.limits import Gates
from moa_code.models.metered import Metered, worst_prompt_tokens
from moa_code.models.retry import Retrying, RetryPolicy
from moa_code.models.spec import ModelSpec

CALLS = 200
PRICE = Price(prompt_usd=0.25, completion_usd=0.5)  # exact in binary, so that sums are
REQUEST = CompletionRequest(model="m", messages=(Message(role=Role.USER, text="x" * 350),), max_tokens=100)
WORST_PROMPT = worst_prompt_tokens(REQUEST)
WORST_TOKENS = WORST_PROMPT + REQUEST.max_tokens
WORST_USD = PRICE.cost(prompt_tokens=WORST_PROMPT, completion_tokens=REQUEST.max_tokens)


def cost(prompt, completion):
    return PRICE.cost(prompt_tokens=prompt, completion_tokens=completion)


class Watched(Ledger):
    """A ledger that compares what it books for a call with what the provider bills for it."""

    def __init__(self, *limits):
        super().__init__(*limits)
        self.bills = {}  # task → (tokens, dollars) of its latest call
        self.wrong = []

    def settle(self, reservation, actual, *, cut=False):
        tokens, usd = self.spent_tokens, self.spent_usd
        super().settle(reservation, actual, cut=cut)
        self.compare(self.spent_tokens - tokens, self.spent_usd - usd)

    def release(self, reservation):
        super().release(reservation)
        self.compare(0, 0)

    def compare(self, *booked):
        billed = self.bills.pop(asyncio.current_task(), (0, 0))
        if booked[0] < billed[0] or booked[1] < billed[1]:
            self.wrong.append((booked, billed))


class Provider:
    """Does what its seed says and keeps its own bill: the prompt is due when it starts, then what it has written.

    It notices a closed connection late: then it has written `late` tokens more than were heard.
    """

    def __init__(self, seed, ledger, *, stops):
        self.random = Random(seed)
        self.ledger = ledger
        self.stops = stops
        self.tokens = 0
        self.usd = 0.0
        self.calls = 0
        self.open = 0
        self.most_open = 0

    def bill(self, prompt, completion):
        self.tokens += prompt + completion
        self.usd += cost(prompt, completion)
        self.ledger.bills[asyncio.current_task()] = (prompt + completion, cost(prompt, completion))

    def at_cut(self, name, heard):
        return len(heard) + 10 if self.stops else None

    async def complete(self, request, heard=None):
        random = self.random
        self.calls += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.check()
        try:
            for _ in range(random.randrange(3)):
                await asyncio.sleep(0)
            kind = random.choice(["answer", "answer", "full", "uncounted", "429", "401", "cut", "late"])
            if kind == "429":
                raise ModelError("busy", retryable=True, retry_after_s=random.choice([None, 0.0, 0.001]))
            if kind == "401":
                raise ModelError("wrong key")
            prompt = WORST_PROMPT if kind == "full" else random.randint(1, WORST_PROMPT)
            written = request.max_tokens if kind == "full" else random.randint(0, request.max_tokens)
            return await self.answer(kind, prompt, written, heard)
        finally:
            self.open -= 1

    async def answer(self, kind, prompt, written, heard):
        told = 0
        try:
            if kind == "late":
                await asyncio.sleep(0.003)
            for told in range(0, written, 25):
                if heard:
                    heard("x" * told)
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            late = min(told + self.random.randint(0, 10), REQUEST.max_tokens)
            self.bill(prompt, late if self.stops else self.random.randint(told, REQUEST.max_tokens))
            raise
        self.bill(prompt, written)
        if kind == "cut":
            raise SpentError("cut off", retryable=True)
        counted = Usage(prompt_tokens=prompt, completion_tokens=written, cost_usd=cost(prompt, written))
        return Completion(text="ok", finish=Finish.STOP, usage=Usage() if kind == "uncounted" else counted)

    def check(self):
        """What is spent and reserved fits, at the moment when most is open."""
        ledger = self.ledger
        assert ledger.spent_tokens + ledger.reserved_tokens <= ledger.limit_tokens
        assert ledger.spent_usd + ledger.reserved_usd <= ledger.limit_usd

    async def aclose(self):
        pass


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    fits_tokens=st.integers(0, 120),
    fits_usd=st.integers(0, 120),
    stops=st.booleans(),
    cancelled=st.sets(st.integers(0, CALLS - 1), max_size=60),
)
def test_200_calls_at_once_never_overrun(seed, fits_tokens, fits_usd, stops, cancelled):
    async def run():
        ledger = Watched(fits_usd * WORST_USD, fits_tokens * WORST_TOKENS)
        provider = Provider(seed, ledger, stops=stops)
        gates = Gates(default=ProviderLimits(at_once=50))
        paid = Metered(provider, ledger, lambda name: PRICE, at_cut=provider.at_cut)
        hedged = Hedged(paid, gates, Latencies(), Hedging(floor_s=0.001, most_share=0.5))
        model = Retrying(hedged, RetryPolicy(base_s=0.0005), rng=Random(seed), gates=gates)
        calls = [asyncio.create_task(model.complete(REQUEST)) for _ in range(CALLS)]
        for number in sorted(cancelled):
            await asyncio.sleep(0)
            calls[number].cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(r) for r in results} <= {Completion, ModelError, SpentError, NotAsked, asyncio.CancelledError}
        assert (ledger.reserved_tokens, ledger.reserved_usd, provider.open) == (0, 0, 0)
        assert provider.most_open <= 50
        assert ledger.wrong == []
        assert provider.tokens <= ledger.spent_tokens <= ledger.limit_tokens
        assert provider.usd <= ledger.spent_usd <= ledger.limit_usd
        if min(fits_tokens, fits_usd) == 0:
            assert provider.calls == 0

    asyncio.run(asyncio.wait_for(run(), 60))


def test_200_calls_over_sockets_never_overrun():
    """The server's own count against ours: some answer, some are busy, some break off, some are hung up on."""
    pytest.importorskip("litellm")
    usage = {"prompt_tokens": 40, "completion_tokens": 60, "total_tokens": 100}
    turns = [Say("fine", usage=usage), Status(429, "slow down", {"retry-after": "0.05"}), Cut()]
    behaviours = {
        "quick": turns * 200,
        "slow": [Say("late", usage=usage, delay_s=1.0), *[Say("fine", usage=usage)] * 400],
    }
    fits = 40

    async def run(server):
        specs = [
            ModelSpec(
                name=name,
                litellm_id=f"openai/{name}",
                family="test",
                edit_format=EditFormat.FUNCTION,
                base_url=server.base_url,
                price=Price(prompt_usd=0.001, completion_usd=0.002),
            )
            for name in behaviours
        ]
        request = CompletionRequest(
            model="quick", messages=(Message(role=Role.USER, text="x" * 100),), max_tokens=60, timeout_s=20
        )
        worst = worst_prompt_tokens(request) + 60
        ledger = Ledger(limit_tokens=fits * worst)
        traffic = Traffic(gates=Gates(default=ProviderLimits(at_once=24)))
        model = Connection(specs, {}, ledger, traffic=traffic, hedging=Hedging(floor_s=0.3))
        await model.warm()
        calls = [
            asyncio.create_task(model.complete(replace(request, model=("quick", "slow")[n % 2]))) for n in range(CALLS)
        ]
        while len(server.requests) < 10:
            await asyncio.sleep(0.01)
        for call in calls[::7]:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        await model.aclose()
        return ledger, results

    with serving(behaviours) as server:
        ledger, results = asyncio.run(asyncio.wait_for(run(server), 120))
    answered = sum(isinstance(result, Completion) for result in results)
    assert answered > 0
    assert ledger.refused > 0
    assert ledger.reserved_tokens == 0
    assert answered * 100 <= ledger.spent_tokens <= ledger.limit_tokens
