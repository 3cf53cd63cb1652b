"""A layer of proposers over real sockets: whatever one provider does, the others' drafts come and the loss is told."""

import asyncio
from random import Random

import pytest
from openai_server import Cut, Hang, Raw, Say, Status, serving

from moa_code.context.pack import pack
from moa_code.core.brief import Baseline, Brief
from moa_code.core.task import CheckKind, Checks, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.reply import EditFormat
from moa_code.engine.budget import Ledger
from moa_code.models.litellm_adapter import LitellmModel
from moa_code.models.metered import Metered
from moa_code.models.retry import Retrying, RetryPolicy
from moa_code.models.spec import ModelSpec
from moa_code.propose.llm import LlmProposer
from moa_code.propose.writer import LlmWriter, WriterSettings

CALC = b"def add(a, b):\n    return a - b\n"
GOOD = "calc.py\n```python\ndef add(a, b):\n    return a + b\n```\n"
BLOCK = "calc.py\n<<<<<<< SEARCH\n    return a - b\n=======\n    return a + b\n>>>>>>> REPLACE\n"

BEHAVIOURS = {
    "good": Say(GOOD),
    "other_format": Say(BLOCK),
    "busy_once": [Status(429, "slow down", {"retry-after": "1"}), Say(GOOD)],
    "cut_once": [Cut(), Say(GOOD)],
    "always_busy": Status(429, "slow down", {"retry-after": "1"}),
    "broken": Status(500, "oops"),
    "hang": Hang(),
    "cut": Cut(),
    "malformed": Raw(b'{"id": nope'),
    "empty": Say(""),
    "refusal": Say(None, refusal="I will not"),
    "filtered": Say("He", finish="content_filter"),
    "chatter": Say("I would change the sign."),
    "megabyte": Say("x" * 1_000_000),
}
LOST = {
    "always_busy": "is rate limited (HTTP 429): slow down; asked 2 times",
    "broken": "HTTP 500",
    "hang": "did not answer",
    "cut": "cut_off_or_unusable",
    "malformed": "cut_off_or_unusable",
    "empty": "empty answer",
    "refusal": "refused to answer: 'I will not'",
    "filtered": "content filter",
    "chatter": "no edit could be read",
    "megabyte": "no edit could be read",
}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_a_lost_proposer_is_a_lost_draft_and_the_layer_goes_on(streams):
    pytest.importorskip("litellm")
    pauses, records, ledger = [], [], Ledger()

    async def sleep(seconds):
        pauses.append(seconds)

    async def layer(server):
        specs = [
            ModelSpec(
                name=name,
                litellm_id=f"openai/{name}",
                family="test",
                edit_format=EditFormat.FUNCTION,
                base_url=server.base_url,
                streams=streams,
            )
            for name in BEHAVIOURS
        ]
        adapter = LitellmModel(specs, {})
        await adapter.warm()
        policy = RetryPolicy(attempts=2)
        model = Retrying(Metered(adapter, ledger, adapter.price), policy, rng=Random(0), sleep=sleep)

        async def one(name):
            # The hanging one alone is given little time, so that a slow machine changes nothing for the others.
            settings = WriterSettings(timeout_s=0.5 if name == "hang" else 20)
            writer = LlmWriter(name, model, record=records.append, settings=settings)
            return [d async for d in LlmProposer(writer, pack, edit_format=EditFormat.FUNCTION).drafts(brief)]

        task = Task(
            task_id="t",
            mode=Mode.FIX,
            instruction="add() must add",
            tree=MemorySnapshot(files={"calc.py": CALC}),
            checks=Checks(kind=CheckKind.PYTEST),
        )
        brief = Brief(task=task, baseline=Baseline(results=()))
        drafts = await asyncio.gather(*(one(name) for name in BEHAVIOURS))
        await model.aclose()
        return dict(zip(BEHAVIOURS, drafts, strict=True))

    with serving(BEHAVIOURS) as server:
        drafts = asyncio.run(layer(server))

    assert all(len(given) == 1 for given in drafts.values())
    fixed = {name for name, (draft,) in drafts.items() if draft.patch}
    assert fixed == BEHAVIOURS.keys() - LOST.keys()
    assert {drafts[name][0].patch.sha256 for name in fixed} == {drafts["good"][0].patch.sha256}
    for name, words in LOST.items():
        reason = drafts[name][0].lost
        assert reason
        assert words == "cut_off_or_unusable" or words in reason, (name, reason)
    assert {record.model for record in records} == set(BEHAVIOURS)
    assert all(bool(record.error) is (record.completion is None) for record in records)
    assert any(pause >= 1 for pause in pauses)  # Retry-After was waited for
    assert ledger.reserved_tokens == 0
    assert "broken" not in ledger.totals  # a 500 was never taken up
    assert ledger.totals["hang"].unknown_tokens > 0
    assert ledger.totals["good"].cost_usd is None
