import asyncio
from random import Random

import pytest

from moa_code.config.sections import ProviderLimits
from moa_code.core.errors import ModelError
from moa_code.core.model import CompletionRequest, Message, Role
from moa_code.models.limits import Gates
from moa_code.models.retry import Retrying, RetryPolicy
from moa_code.models.scripted import ScriptedModel

BUSY = ModelError("busy", retryable=True)


def request(model="m"):
    return CompletionRequest(model=model, messages=(Message(role=Role.USER, text="x"),), max_tokens=5)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def asked(steps, *, seconds_left=lambda: None, **policy):
    """The answer or the error, the pauses taken, and the number of calls."""
    pauses = []
    clock = Clock()

    async def sleep(seconds):
        pauses.append(seconds)
        await clock.sleep(seconds)

    model = ScriptedModel({"m": steps})
    gates = Gates(clock=clock, sleep=clock.sleep)
    retrying = Retrying(
        model, RetryPolicy(**policy), rng=Random(1), sleep=sleep, gates=gates, seconds_left=seconds_left
    )
    try:
        result = asyncio.run(retrying.complete(request())).text
    except ModelError as error:
        result = error
    return result, pauses, len(model.requests)


def test_an_answer_needs_no_second_call():
    assert asked(["yes"]) == ("yes", [], 1)


def test_what_may_help_is_tried_again():
    result, pauses, calls = asked([BUSY, BUSY, "yes"], base_s=1.0)
    assert (result, calls) == ("yes", 3)
    assert 0 <= pauses[0] <= 1
    assert 0 <= pauses[1] <= 2


def test_attempts_are_bounded_and_the_last_error_is_told():
    result, _, calls = asked([BUSY] * 9, attempts=4)
    assert (result.message, result.__notes__, calls) == ("busy", ["asked 4 times"], 4)


def test_what_cannot_help_is_not_tried_again():
    result, pauses, calls = asked([ModelError("wrong key")])
    assert (result.message, pauses, calls) == ("wrong key", [], 1)


def test_retry_after_is_waited_for_in_full():
    _, pauses, _ = asked([ModelError("busy", retryable=True, retry_after_s=7.0), "yes"], base_s=0.5)
    assert 7 <= pauses[0] <= 7.5


def test_a_retry_after_beyond_the_cap_ends_the_call():
    error = ModelError("come back tomorrow", retryable=True, retry_after_s=86400.0)
    assert asked([error, "yes"], retry_after_cap_s=60) == (error, [], 1)


def test_pauses_are_capped_and_jittered_by_the_seed():
    _, pauses, _ = asked([BUSY] * 8, attempts=8, base_s=1.0, cap_s=4.0)
    assert max(pauses) <= 4
    assert len(set(pauses)) == len(pauses)
    assert pauses == asked([BUSY] * 8, attempts=8, base_s=1.0, cap_s=4.0)[1]


def test_no_attempt_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one attempt, got 0"):
        RetryPolicy(attempts=0)


class Counting:
    """Notes how many calls are in flight at the same time, by model."""

    def __init__(self):
        self.now, self.most = {}, {}

    async def complete(self, request, heard=None):
        name = request.model
        self.now[name] = self.now.get(name, 0) + 1
        self.most[name] = max(self.most.get(name, 0), self.now[name])
        for _ in range(3):
            await asyncio.sleep(0)
        self.now[name] -= 1
        raise BUSY

    async def aclose(self):
        pass


def test_a_provider_gets_its_share_of_calls_at_once():
    async def run(retrying):
        calls = [retrying.complete(request(name)) for name in ["a", "b"] * 10]
        return await asyncio.gather(*calls, return_exceptions=True)

    async def sleep(seconds):
        await asyncio.sleep(0)

    model = Counting()
    gates = Gates(default=ProviderLimits(at_once=5))
    gates.know("a", "a", ProviderLimits(at_once=2))
    retrying = Retrying(model, rng=Random(0), sleep=sleep, gates=gates)
    results = asyncio.run(run(retrying))
    assert model.most == {"a": 2, "b": 5}
    assert len(results) == 20


def test_models_of_one_provider_share_its_places():
    async def run(retrying):
        await asyncio.gather(*(retrying.complete(request(n)) for n in ["a", "b"] * 5), return_exceptions=True)

    model = Counting()
    gates = Gates()
    for name in ("a", "b"):
        gates.know(name, "p", ProviderLimits(at_once=1))
    retrying = Retrying(model, RetryPolicy(attempts=1), rng=Random(0), gates=gates)
    asyncio.run(run(retrying))
    assert model.most == {"a": 1, "b": 1}


def test_a_pause_that_outlasts_the_run_is_not_taken():
    busy = ModelError("busy", retryable=True, retry_after_s=7.0)
    assert asked([busy, "yes"], seconds_left=lambda: 6.0) == (busy, [], 1)
    assert asked([busy, "yes"], seconds_left=lambda: 60.0)[0] == "yes"


def test_retry_after_holds_up_every_call_to_that_provider_and_no_other():
    clock, begun = Clock(), []

    class Busy:
        async def complete(self, request, heard=None):
            begun.append((request.model, clock.now))
            if len(begun) == 1:
                raise ModelError("busy", retryable=True, retry_after_s=7.0)
            return "yes"

    async def run():
        gates = Gates(clock=clock, sleep=clock.sleep)
        for model, provider in (("a", "p"), ("b", "p"), ("c", "q")):
            gates.know(model, provider, ProviderLimits(at_once=1))
        retrying = Retrying(Busy(), rng=Random(0), sleep=clock.sleep, gates=gates)
        await asyncio.gather(*(retrying.complete(request(name)) for name in "abc"))

    asyncio.run(run())
    assert begun[:2] == [("a", 0.0), ("c", 0.0)]
    assert {model for model, at in begun[2:] if at >= 7} == {"a", "b"}
