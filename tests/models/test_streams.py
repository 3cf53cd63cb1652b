"""Streams over real sockets: heard as they come, closed when nobody listens any more, paid for what was heard."""

import asyncio
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest
from openai_server import Drip, Hang, Say, serving

from moa_code.core.errors import ModelError
from moa_code.core.model import CompletionRequest, Message, Role
from moa_code.edits.reply import EditFormat
from moa_code.engine.budget import Ledger
from moa_code.models import litellm_adapter
from moa_code.models.connection import Connection
from moa_code.models.cuts import SLACK_TOKENS, tokens_at_cut
from moa_code.models.hearing import Hearing
from moa_code.models.litellm_adapter import LitellmModel
from moa_code.models.metered import worst_prompt_tokens
from moa_code.models.spec import ModelSpec

BEHAVIOURS = {"ok": Say("one two three", pieces=13), "drip": Drip(), "stall": Hang(after_headers=True)}


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("litellm")
    with serving(BEHAVIOURS) as running:
        yield running


def spec(model="m", base_url="http://127.0.0.1:1/v1", **changes):
    values = {"name": model, "litellm_id": f"openai/{model}", "family": "t", "edit_format": EditFormat.FUNCTION}
    return ModelSpec(**(values | {"base_url": base_url} | changes))


def request(model, **changes):
    message = Message(role=Role.USER, text="write a long story about it")
    return CompletionRequest(**({"model": model, "messages": (message,), "max_tokens": 5000} | changes))


async def heard_of(model, name, enough):
    """The texts that were heard until `enough(text)`, and then the call is cancelled."""
    texts, there = [], asyncio.Event()

    def hear(text):
        texts.append(text)
        if enough(text):
            there.set()

    call = asyncio.create_task(model.complete(request(name), hear))
    await asyncio.wait_for(there.wait(), 30)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    return texts


def test_a_stream_is_heard_while_it_comes_and_hung_up_on_at_once(server):
    async def run():
        model = Connection([spec("drip", server.base_url)], {}, ledger)
        server.hung_up.clear()
        texts = await heard_of(model, "drip", lambda text: len(text) >= 20)
        noticed = await asyncio.to_thread(server.hung_up.wait, 10)
        await model.aclose()
        return texts, noticed

    ledger = Ledger()
    texts, noticed = asyncio.run(run())
    assert noticed
    assert len(texts) > 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert ledger.cut.calls == 1
    assert SLACK_TOKENS < ledger.cut.tokens < worst_prompt_tokens(request("drip")) + SLACK_TOKENS + 100
    assert ledger.totals["drip"].unknown_tokens == 0


def test_what_was_said_before_a_stall_is_heard(server):
    async def run():
        model = LitellmModel([spec("stall", server.base_url)], {})
        texts = await heard_of(model, "stall", bool)
        await model.aclose()
        return texts

    assert asyncio.run(run()) == ["a"]


def test_a_closed_adapter_leaves_the_others_their_connections_and_the_next_one_a_fresh_start(server):
    async def run():
        first, second = (LitellmModel([spec("ok", server.base_url), spec("drip", server.base_url)], {}) for _ in "ab")
        await first.complete(request("ok"))
        told = asyncio.Event()
        call = asyncio.create_task(second.complete(request("drip"), lambda text: told.set()))
        await asyncio.wait_for(told.wait(), 30)
        await first.aclose()
        await first.aclose()
        told.clear()
        await asyncio.wait_for(told.wait(), 30)  # it is still being told more
        call.cancel()
        await asyncio.wait({call})
        await second.aclose()
        third = LitellmModel([spec("ok", server.base_url)], {})
        answer = await third.complete(request("ok"))
        await third.aclose()
        return answer.text

    assert asyncio.run(run()) == "one two three"
    assert litellm_adapter._users == 0


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({}, SLACK_TOKENS + 3),
        ({"base_url": None}, SLACK_TOKENS + 3),
        ({"base_url": None, "litellm_id": "groq/m"}, None),
        ({"base_url": None, "litellm_id": "openrouter/openai/m"}, None),
        ({"streams": False}, None),
        ({"thinking_tokens": 9000}, 9000 + SLACK_TOKENS + 3),
    ],
)
def test_what_a_cut_answer_can_cost(changes, tokens):
    assert tokens_at_cut(spec(**changes), "x" * 7) == tokens


def test_not_every_piece_is_passed_on_and_the_last_one_is():
    async def run():
        told, text = [], []
        async with Hearing(told.append, lambda: "".join(text), every_s=0.1) as hearing:
            started = time.monotonic()
            for _ in range(1000):
                text.append("x")
                hearing.more()
                await asyncio.sleep(0)
            took = time.monotonic() - started
            while told[-1] != "x" * 1000:
                await asyncio.sleep(0.01)
            text.append("y")
            hearing.more()
        await asyncio.sleep(0.2)
        return told, took

    told, took = asyncio.run(asyncio.wait_for(run(), 30))
    assert len(told) <= took / 0.1 + 3
    assert told[0] == "x"
    assert "y" not in told[-1]  # who has gone is told nothing


def slow_load(monkeypatch, seconds=0.3):
    loads = []

    def load():
        loads.append(threading.current_thread())
        time.sleep(seconds)
        return "litellm"

    monkeypatch.setattr(litellm_adapter, "_load", load)
    monkeypatch.setattr(litellm_adapter, "_loaded", None)
    return loads


def test_warming_is_done_once_and_survives_who_is_cancelled(monkeypatch):
    async def run():
        adapters = [LitellmModel([], {}) for _ in range(3)]
        warming = [asyncio.create_task(adapter.warm()) for adapter in adapters for _ in range(2)]
        await asyncio.sleep(0.02)
        for task in warming[:3]:
            task.cancel()
        results = await asyncio.gather(*warming, return_exceptions=True)
        await adapters[0].warm()
        return results

    loads = slow_load(monkeypatch)
    results = asyncio.run(run())
    assert [type(r) for r in results] == [asyncio.CancelledError] * 3 + [type(None)] * 3
    assert len(loads) == 1


def test_a_load_that_fails_is_told_and_tried_again(monkeypatch):
    async def run():
        adapter = LitellmModel([], {})
        for _ in range(2):
            with pytest.raises(ModelError, match="cannot be imported"):
                await adapter.warm()

    tries = []

    def load():
        tries.append(1)
        raise ImportError("no module named litellm")

    monkeypatch.setattr(litellm_adapter, "_load", load)
    monkeypatch.setattr(litellm_adapter, "_loaded", None)
    asyncio.run(run())
    assert len(tries) == 2


def test_a_call_without_time_to_load_was_not_made(monkeypatch):
    slow_load(monkeypatch)
    with pytest.raises(ModelError, match="was not asked") as caught:
        asyncio.run(LitellmModel([spec()], {}).complete(request("m", timeout_s=0.05)))
    assert type(caught.value) is ModelError


def test_a_command_that_ends_while_litellm_is_loaded_does_not_wait_for_it():
    code = """
import asyncio, time
from moa_code.models import litellm_adapter
litellm_adapter._load = lambda: time.sleep(60)

async def main():
    warming = asyncio.create_task(litellm_adapter.LitellmModel([], {}).warm())
    await asyncio.sleep(0.05)
    warming.cancel()

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
