"""All that stands between a run and its models, put together."""

import asyncio
import time

import pytest
from openai_server import Hang, Say, Status, serving

from moa_code.config.sections import ProviderLimits
from moa_code.core.model import CompletionRequest, Message, Role
from moa_code.edits.reply import EditFormat
from moa_code.engine.budget import Ledger
from moa_code.models.connection import Connection, Traffic, limits_of
from moa_code.models.hedged import Hedging
from moa_code.models.spec import ModelSpec


def spec(name, base_url=None, litellm_id=""):
    return ModelSpec(
        name=name,
        litellm_id=litellm_id or f"openai/{name.rpartition('/')[2]}",
        family="test",
        edit_format=EditFormat.FUNCTION,
        base_url=base_url,
    )


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (spec("gpt-x"), "openai"),
        (spec("groq/x", litellm_id="groq/x"), "groq"),
        (spec("house/tiny", "http://house/v1"), "house"),
        (spec("house/tiny#plan@0.7~2", "http://house/v1"), "house"),
        (spec("house/tiny", "http://house/v1"), "http://house/v1"),
        (spec("openai/tiny@http://house/v1", "http://house/v1"), "http://house/v1"),
    ],
)
def test_limits_go_by_provider_server_and_address(model, key):
    mine = ProviderLimits(at_once=3)
    assert limits_of(model, {key: mine}) is mine
    assert limits_of(model, {"other": mine}) is None


def test_a_server_of_ones_own_is_not_held_to_the_limits_of_the_provider_it_speaks_like():
    assert limits_of(spec("openai/tiny@http://house/v1", "http://house/v1"), {"openai": ProviderLimits()}) is None


def request(model, **changes):
    message = Message(role=Role.USER, text="x")
    return CompletionRequest(**({"model": model, "messages": (message,), "max_tokens": 50, "timeout_s": 30} | changes))


def test_two_connections_share_places_and_what_was_learnt():
    """As the runs of one session do."""
    pytest.importorskip("litellm")

    async def run(server):
        traffic = Traffic()
        pair = [
            Connection([spec("house/m", server.base_url)], {}, Ledger(), limits={"house": limits}, traffic=traffic)
            for _ in range(2)
        ]
        calls = [model.complete(request("house/m")) for model in pair for _ in range(3)]
        await asyncio.gather(*calls)
        for model in pair:
            await model.aclose()
        return traffic

    limits = ProviderLimits(at_once=1)
    started = time.monotonic()
    with serving({"m": Say("yes", delay_s=0.1)}) as server:
        traffic = asyncio.run(run(server))
    assert time.monotonic() - started >= 0.6  # one after the other
    assert traffic.hedges.calls == 6


def test_one_that_hangs_is_answered_by_its_hedge_and_one_that_is_busy_by_asking_again():
    pytest.importorskip("litellm")

    async def run(server):
        specs = [spec("house/hang", server.base_url), spec("house/busy", server.base_url)]
        model = Connection(specs, {}, ledger, hedging=Hedging(floor_s=0.2))
        await model.warm()
        await model.warm()
        texts = [(await model.complete(request(s.name))).text for s in specs]
        await model.aclose()
        return texts, model.traffic.hedges

    ledger = Ledger()
    behaviours = {
        "hang": [Hang(), Say("after all")],
        "busy": [Status(429, "slow down", {"retry-after": "0.1"}), Say("now")],
    }
    with serving(behaviours) as server:
        texts, hedges = asyncio.run(asyncio.wait_for(run(server), 60))
    assert texts == ["after all", "now"]
    assert (hedges.asked, hedges.won) == (1, 1)
    assert ledger.cut.calls == ledger.hedges.calls == 1
    assert ledger.totals["house/busy"].calls == 1  # a 429 was never taken up
    assert ledger.reserved_tokens == 0
