"""A reply is read while it comes: what is complete in it, and what the writer makes of that."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.core.brief import Baseline, Brief
from moa_code.core.calls import Letter
from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, Finish, Message, Role
from moa_code.core.task import CheckKind, Checks, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.models.scripted import ScriptedModel, Streamed
from moa_code.propose import early
from moa_code.propose.early import Ear, complete_part
from moa_code.propose.writer import LlmWriter, WriterSettings

CODE = b"def add(a, b):\n    return a - b\n\n\ndef sub(a, b):\n    return a + b\n"
FENCE = "calc.py\n```python\ndef add(a, b):\n    return a + b\n```\n"
BLOCK = "calc.py\n<<<<<<< SEARCH\ndef {0}(a, b):\n    {1}\n=======\ndef {0}(a, b):\n    {2}\n>>>>>>> REPLACE\n"
ADD = BLOCK.format("add", "return a - b", "return a + b")
SUB = BLOCK.format("sub", "return a + b", "return a - b")
PROSE = "The sign was wrong, as the failing check says.\n"
MISSED = ADD.replace("return a - b", "return a * c")


@pytest.mark.parametrize(
    ("text", "complete", "prose"),
    [
        ("", "", False),
        ("I would change the sign of the result.\n", "", False),
        ("```python\nx = 1\n", "", False),
        ("```python\nx = 1\n```", "", False),  # the line may go on: ```` or ```python
        ("```python\nx = 1\n```\n", "```python\nx = 1\n```\n", False),
        ("```python\nx = 1\n```\nThat was all", "```python\nx = 1\n```\n", True),
        ("```python\nx = 1\n```\n**File: b.py**", "```python\nx = 1\n```\n", False),  # a second one is to come
        ("```python\nx = 1\n```\nb.py\n```python\ny", "", False),
        (ADD, ADD, False),
        (ADD + "\nNow the other one:\n", ADD, True),
        (ADD + "calc.py\n<<<<<<< SEARCH\n", "", False),
        (ADD + SUB[:-20], "", False),
        (ADD + SUB + "Both are done.", ADD + SUB, True),
        (f"```\n{ADD}", "", False),
        (f"```\n{ADD}```\n", f"```\n{ADD}```\n", False),
        ("a.py\n<<<<<<< DELETE\n>>>>>>> DELETE\n", "a.py\n<<<<<<< DELETE\n>>>>>>> DELETE\n", False),
        (f"<think>\nperhaps\n{FENCE}{PROSE}", "", False),
        (f"<think>\nperhaps\n{FENCE}{PROSE}</think>\nThat is it, I am sure.", "", False),
        (f"<think>\n{FENCE}</think>\n{FENCE}{PROSE}", f"<think>\n{FENCE}</think>\n{FENCE}", True),
    ],
)
def test_what_is_complete_of_a_reply(text, complete, prose):
    assert complete_part(text) == (complete, prose)


@given(st.lists(st.sampled_from([FENCE, ADD, SUB, PROSE, "```\n", "<<<<<<< SEARCH\n", "b.py\n", "\n"]), max_size=6))
def test_what_is_complete_is_a_beginning_of_the_reply_and_stays_so(parts):
    text = "".join(parts)
    complete, _ = complete_part(text)
    assert text.startswith(complete)
    if complete:
        assert complete_part(complete)[0] == complete


class Desk:
    def __init__(self, *steps, **settings):
        self.model = ScriptedModel({"m": steps})
        self.records = []
        self.writer = LlmWriter("m", self.model, record=self.records.append, settings=WriterSettings(**settings))
        task = Task(
            task_id="t",
            mode=Mode.FIX,
            instruction="",
            tree=MemorySnapshot(files={"calc.py": CODE}),
            checks=Checks(kind=CheckKind.PYTEST),
        )
        self.brief = Brief(task=task, baseline=Baseline(results=()))
        self.letter = Letter(
            role="proposer",
            edit_format="blocks",
            messages=(Message(role=Role.USER, text="fix it"),),
            templates=(),
            shown=("calc.py",),
        )

    def drafts(self, most=None):
        """What is written until the writer ends, or until `most` were read and the rest is not wanted."""

        async def read():
            found = []
            drafts = self.writer.write(self.letter, self.brief)
            async for draft in drafts:
                found.append(draft)
                if len(found) == most:
                    break
            await drafts.aclose()
            return found

        return asyncio.run(asyncio.wait_for(read(), 30))


def stream(*pieces, end=None):
    """A whole reply in pieces; `end` for one that ends otherwise. It never ends when `end` is `...`."""
    whole = Completion(text="".join(pieces), finish=Finish.STOP)
    return Streamed(pieces=pieces, pause_s=0.01, end=None if end is ... else end or whole)


def after(draft):
    return draft.patch.changes[0].after


def test_a_draft_is_there_before_the_model_stops_talking():
    """This one never does."""
    desk = Desk(stream(FENCE[:30], FENCE[30:], PROSE, end=...))
    (draft,) = desk.drafts(most=1)
    assert b"def add(a, b):\n    return a + b" in after(draft)
    assert "read before the reply had ended" in draft.note
    assert draft.text == FENCE
    assert desk.model.cut == 1
    (record,) = desk.records
    assert record.error.startswith("cancelled after ")
    assert record.completion is None


def test_whoever_hangs_after_the_edit_is_read_too():
    desk = Desk(stream(FENCE, end=...))
    assert len(desk.drafts(most=1)) == 1
    assert desk.model.cut == 1


def test_the_same_patch_is_not_written_twice():
    desk = Desk(stream(FENCE, PROSE, PROSE))
    (draft,) = desk.drafts()
    assert draft.text == FENCE
    assert (desk.model.cut, desk.records[0].error) == (0, "")


def test_a_later_edit_is_another_draft():
    desk = Desk(stream(ADD, PROSE, SUB, PROSE))
    first, second = desk.drafts()
    assert after(first) == CODE.replace(b"return a - b", b"return a + b", 1)
    assert after(second).count(b"return a + b") == 1
    assert after(second) != after(first)


def test_an_edit_that_does_not_fit_is_no_early_draft_and_is_asked_about_in_the_end():
    desk = Desk(stream(MISSED, PROSE), stream(ADD, PROSE, end=...))
    (draft,) = desk.drafts(most=1)
    assert "asked again" in draft.note
    assert len(desk.model.requests) == 2
    assert desk.model.cut == 1


def test_a_reply_that_breaks_off_after_its_edit_leaves_the_draft_and_says_what_was_lost():
    desk = Desk(stream(FENCE, PROSE, end=ModelError("cut off")))
    draft, lost = desk.drafts()
    assert draft.patch is not None
    assert lost.lost == "cut off"


def test_a_model_that_does_not_stream_is_read_at_the_end():
    (draft,) = Desk(FENCE + PROSE).drafts()
    assert draft.note == "applied: function"


def test_while_a_draft_is_verified_the_reply_goes_on():
    """Reading stands still at each draft, and only the latest text is read afterwards."""

    async def read():
        found = []
        drafts = desk.writer.write(desk.letter, desk.brief)
        async for draft in drafts:
            found.append(draft)
            await asyncio.sleep(0.3)
        return found

    desk = Desk(stream(ADD, PROSE, *[PROSE] * 3, SUB, PROSE))
    first, second = asyncio.run(asyncio.wait_for(read(), 30))
    assert "read before" in first.note
    assert "read before" not in second.note  # it had ended by then


def test_a_cancelled_reader_ends_the_call():
    async def cancel():
        desk = Desk(stream("Let me think", end=...))
        reading = asyncio.create_task(anext(desk.writer.write(desk.letter, desk.brief)))
        while not desk.model.requests:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        return desk

    desk = asyncio.run(cancel())
    assert desk.model.cut == 1
    assert desk.records[0].error == "cancelled after 12 characters"


def test_a_long_text_is_not_taken_apart_for_every_word_of_it(monkeypatch):
    looked = []

    def counting(text):
        looked.append(len(text))
        return complete_part(text)

    async def listen():
        ear, heard = Ear(), []
        text = ""
        waiting = asyncio.create_task(ear.next(lambda: False))
        for word in [*["It ", "is ", "the ", "sign. "] * 40, "\n", *FENCE, *["So ", "it ", "is. "] * 40]:
            text += word
            ear.hear(text)
            await asyncio.sleep(0)
            if waiting.done():
                heard.append(waiting.result())
                waiting = asyncio.create_task(ear.next(lambda: False))
        waiting.cancel()
        return heard

    monkeypatch.setattr(early, "complete_part", counting)
    assert asyncio.run(listen()) == ["It is the sign. " * 40 + "\n" + FENCE]
    assert len(looked) < 30


def test_of_two_answers_heard_at_once_both_are_read():
    """As when a call was hedged."""

    async def read():
        ear = Ear()
        over = False
        ear.hear(FENCE + PROSE)
        first = await ear.next(lambda: over)
        ear.hear("something else")
        ear.hear(ADD + PROSE)
        second = await ear.next(lambda: over)
        over = True
        ear.end()
        return first, second, await ear.next(lambda: over)

    assert asyncio.run(asyncio.wait_for(read(), 30)) == (FENCE, ADD, None)
