import asyncio

import pytest

from moa_code.context.pack import pack
from moa_code.core.brief import Baseline, Brief, Judged, Suspect
from moa_code.core.calls import SpentError, prompt_sha256
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, Finish, Role, Usage
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.edits.reply import EditFormat
from moa_code.engine.budget import Ledger
from moa_code.models.metered import Metered
from moa_code.models.scripted import ScriptedModel
from moa_code.prompts.render import prompt_hash
from moa_code.prompts.tokens import estimate_tokens
from moa_code.propose.llm import LlmProposer, Style
from moa_code.propose.writer import LlmWriter, WriterSettings, target_of

CALC = b"def add(a, b):\n    return a - b\n\n\ndef sub(a, b):\n    return a - b\n"
FILES = {
    "calc.py": CALC,
    "tests/test_calc.py": b"from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
}
FIXED = CALC.replace(b"return a - b", b"return a + b", 1)

FUNCTION = "The sign is wrong.\n\ncalc.py\n```python\ndef add(a, b):\n    return a + b\n```\n"
BLOCK = (
    "calc.py\n```python\n<<<<<<< SEARCH\ndef add(a, b):\n    return a - b\n=======\n"
    "def add(a, b):\n    return a + b\n>>>>>>> REPLACE\n```\n"
)
WHOLE = f"calc.py\n```python\n{FIXED.decode()}```\n"
UDIFF = (
    "```diff\n--- a/calc.py\n+++ b/calc.py\n@@ -1,2 +1,2 @@\n"
    " def add(a, b):\n-    return a - b\n+    return a + b\n```\n"
)
MISSED = BLOCK.replace("    return a - b\n=======", "    return a * c - b  # the difference\n=======")


def brief(**changes):
    task = Task(
        task_id="t1",
        mode=Mode.FIX,
        instruction="add() must add",
        tree=MemorySnapshot(files=changes.pop("files", FILES)),
        checks=Checks(kind=CheckKind.PYTEST),
        rules=EditRules(protected=("tests/**",)),
        entry_point=changes.pop("entry_point", ""),
    )
    failing = CheckResult(check_id="tests/test_calc.py::test_add", outcome=CheckOutcome.FAILED, detail="assert -1 == 3")
    suspect = Suspect(path="calc.py", first_line=2, last_line=2, score=1.0, reason="only failing checks run it")
    return Brief(task=task, baseline=Baseline(results=(failing,), suspects=(suspect,)), **changes)


class Desk:
    """A proposer over scripted answers, and what it left in the journal."""

    def __init__(self, *steps, edit_format=EditFormat.FUNCTION, model=None, style=Style.DIRECT, **settings):
        self.model = model or ScriptedModel({"m": steps})
        self.records = []
        writer = LlmWriter(
            "m",
            self.model,
            record=self.records.append,
            settings=WriterSettings(**settings),
            clock=iter(range(99)).__next__,
        )
        self.proposer = LlmProposer(writer, pack, edit_format=edit_format, style=style)

    def drafts(self, wanted=None):
        async def collect():
            return [draft async for draft in self.proposer.drafts(wanted or brief())]

        return asyncio.run(collect())

    def draft(self, wanted=None):
        (only,) = self.drafts(wanted)
        return only


@pytest.mark.parametrize(
    ("edit_format", "reply"),
    [
        (EditFormat.FUNCTION, FUNCTION),
        (EditFormat.BLOCKS, BLOCK),
        (EditFormat.WHOLE_FILE, WHOLE),
        (EditFormat.UDIFF, UDIFF),
        (EditFormat.FUNCTION, BLOCK),  # asked for one, got another
        (EditFormat.BLOCKS, FUNCTION),
        (EditFormat.BLOCKS, WHOLE),
    ],
)
def test_a_reply_becomes_a_patch(edit_format, reply):
    desk = Desk(reply, edit_format=edit_format)
    draft = desk.draft()
    assert draft.patch.changes[0].after == FIXED
    assert (draft.author, draft.text) == ("m", reply)
    assert draft.note.startswith("applied: ")
    assert len(desk.model.requests) == 1


@pytest.mark.parametrize("edit_format", EditFormat)
def test_the_prompt_holds_task_code_failure_and_the_format(edit_format):
    desk = Desk(WHOLE, edit_format=edit_format)
    desk.draft()
    system, user = desk.model.requests[0].messages
    assert (system.role, user.role) == (Role.SYSTEM, Role.USER)
    for text in ["add() must add", "def add(a, b):", "assert -1 == 3", "tests/test_calc.py (read only)"]:
        assert text in user.text
    marks = {
        "function": "whole new body",
        "blocks": "<<<<<<< SEARCH",
        "whole_file": "whole new file",
        "udiff": "--- a/path",
    }
    assert marks[edit_format.value] in system.text
    assert "What happened since" not in user.text


def test_the_example_in_the_function_prompt_is_read_as_one():
    """A method below its class line, as the prompt asks for it."""
    files = {"m.py": b"class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"}
    draft = Desk("m.py\n```python\nclass A:\n    def g(self):\n        return 3\n```\n").draft(brief(files=files))
    assert draft.patch.changes[0].after == files["m.py"].replace(b"return 2", b"return 3")


@pytest.mark.parametrize(
    ("style", "words"),
    [
        (Style.DIRECT, "Find the cause"),
        (Style.PLAN, "First a plan"),
        (Style.TESTS, "what right code gives"),
        (Style.MINIMAL, "smallest edit"),
        (Style.REWRITE, "write it anew"),
    ],
)
def test_styles_differ_in_the_prompt_and_the_name(style, words):
    desk = Desk(FUNCTION, style=style)
    draft = desk.draft()
    assert words in desk.model.requests[0].messages[1].text
    name = "m" if style is Style.DIRECT else f"m#{style.value}"
    assert (desk.proposer.name, draft.author, desk.records[0].model) == (name, name, "m")
    assert f"style_{style.value}" in dict(desk.records[0].templates)


def test_a_style_reads_its_own_slice():
    files = {**FILES, "far.py": b"def far(x):\n    return 'far away'\n"}
    texts = {}
    for style in Style:
        desk = Desk(FUNCTION, style=style)
        desk.draft(brief(files=files))
        texts[style] = desk.model.requests[0].messages[1].text
    assert {style for style, text in texts.items() if "far away" not in text} == {Style.MINIMAL}
    first = {style for style, text in texts.items() if text.index("def test_add") < text.index("def add(a, b):")}
    assert first == {Style.TESTS}


def test_who_gives_whole_files_sees_whole_files():
    files = {**FILES, "far.py": b"def far(x):\n    return 'far away'\n"}
    desk = Desk(WHOLE, style=Style.MINIMAL, edit_format=EditFormat.WHOLE_FILE)
    desk.draft(brief(files=files))
    assert "far away" in desk.model.requests[0].messages[1].text


@pytest.mark.parametrize("edit", [FUNCTION, BLOCK, WHOLE, UDIFF])
def test_notes_before_the_edit_are_not_read_as_edits(edit):
    notes = "1. add(1, 2) -> 3\n\n```python\ndef test_add():\n    assert add(0, 0) == 0\n```\n\nEDIT\n\n"
    assert Desk(notes + edit, style=Style.TESTS).draft().patch.changes[0].after == FIXED


@pytest.mark.parametrize(
    "reply", ["NO PATCH: the check asks for both 3 and 4", "I see.\n\nNO PATCH: the check asks for both 3 and 4"]
)
def test_who_says_that_there_is_no_patch_is_not_asked_again(reply):
    desk = Desk(reply, BLOCK)
    draft = desk.draft()
    assert draft.lost == "no patch: the check asks for both 3 and 4"
    assert len(desk.model.requests) == 1
    assert "NO PATCH:" in desk.model.requests[0].messages[0].text


def test_feedback_is_told():
    desk = Desk(FUNCTION)
    desk.draft(brief(feedback="your last edit broke test_sub"))
    assert "your last edit broke test_sub" in desk.model.requests[0].messages[1].text
    assert "feedback_round" in dict(desk.records[0].templates)


def test_who_is_asked_again_is_shown_its_last_edit_and_nobody_elses():
    """A model does not remember what it wrote."""

    def judged(name, author, round_, text):
        change = FileChange(path="calc.py", before=CALC, after=CALC.replace(b"a - b", text, 1))
        candidate = Candidate(
            candidate_id=name, patch=patch_of(change), origin=Origin(author=author, role="proposer", round=round_)
        )
        counts = Counts()
        return Judged(
            candidate=candidate,
            verdict=Verdict(
                candidate_id=name, patch_sha256="", outcome=Outcome.FAILED, integrity=Integrity.NONE, level=Level.NONE,
                counts=counts,
            ),
        )  # fmt: skip

    found = (judged("c1", "m", 0, b"a * b"), judged("c2", "n", 0, b"a / b"), judged("c3", "m", 1, b"b - a"))
    desk = Desk(FUNCTION)
    desk.draft(brief(judged=found, feedback="Your candidate c3: failed."))
    text = desk.model.requests[0].messages[1].text
    assert "Your candidate c3, as a change to the original code:\n\n```diff" in text
    assert "+    return b - a" in text
    assert "a * b" not in text
    assert "a / b" not in text


def test_the_request_carries_the_settings():
    desk = Desk(FUNCTION, temperature=0.7, max_answer_tokens=900, thinking_tokens=100, timeout_s=3, sample=4)
    desk.draft(brief(seed=11))
    request = desk.model.requests[0]
    assert (request.temperature, request.max_tokens, request.timeout_s, request.sample) == (0.7, 1000, 3, 4)
    assert (request.model, request.task_id, request.seed) == ("m", "t1", 11)


def test_a_near_miss_is_asked_once_more_with_the_nearest_text():
    desk = Desk(MISSED, BLOCK, edit_format=EditFormat.BLOCKS)
    draft = desk.draft()
    assert draft.patch.changes[0].after == FIXED
    assert "asked again" in draft.note
    first, second = desk.model.requests
    assert second.messages[:2] == first.messages
    assert [m.role for m in second.messages[2:]] == [Role.ASSISTANT, Role.USER]
    assert second.messages[2].text == MISSED.strip("\n")
    assert "def add(a, b):\n    return a - b" in second.messages[3].text
    assert "nearest text" in second.messages[3].text


def test_what_already_fitted_is_said():
    both = BLOCK + "\n" + MISSED
    desk = Desk(both, BLOCK, edit_format=EditFormat.BLOCKS)
    desk.draft()
    assert "These parts fitted" in desk.model.requests[1].messages[3].text


def test_it_is_asked_once_more_and_no_oftener():
    desk = Desk(MISSED, MISSED, BLOCK, edit_format=EditFormat.BLOCKS)
    draft = desk.draft()
    assert draft.patch is None
    assert draft.lost.count("no edit could be read") == 2
    assert (draft.text, len(desk.model.requests)) == (MISSED, 2)


def test_a_recording_is_not_asked_again():
    desk = Desk("no code at all", asks_again=False)
    assert "no edit" in desk.draft().lost
    assert len(desk.model.requests) == 1


def test_an_answer_cut_at_its_limit_says_so():
    cut = Completion(text="calc.py\n```python\ndef add(a,", finish=Finish.LENGTH)
    assert "cut off at its token limit" in Desk(cut, asks_again=False).draft().lost


def test_a_forbidden_file_is_a_loss():
    reply = "tests/test_calc.py\n```python\ndef test_add():\n    pass\n```\n"
    draft = Desk(reply, asks_again=False).draft()
    assert draft.patch is None
    assert "tests/test_calc.py" in draft.lost


@pytest.mark.parametrize("error", [ModelError("no such model"), SpentError("cut off", retryable=True)])
def test_a_model_that_fails_is_a_lost_draft(error):
    desk = Desk(error)
    draft = desk.draft()
    assert (draft.author, draft.patch, draft.lost) == ("m", None, error.message)
    assert desk.records[0].error == error.message
    assert desk.records[0].completion is None


def test_a_failure_on_the_second_question_keeps_both_reasons():
    draft = Desk(MISSED, ModelError("gone"), edit_format=EditFormat.BLOCKS).draft()
    assert "no edit could be read" in draft.lost
    assert draft.lost.endswith("asked again: gone")


def test_over_budget_is_a_lost_draft():
    model = Metered(ScriptedModel({"m": [FUNCTION]}), Ledger(limit_tokens=10), lambda name: None)
    assert "over budget" in Desk(model=model).draft().lost


def test_the_journal_gets_every_call_in_order():
    usage = Usage(prompt_tokens=5, completion_tokens=6)
    desk = Desk(Completion(text=MISSED, finish=Finish.STOP, usage=usage), BLOCK, edit_format=EditFormat.BLOCKS)
    desk.draft()
    first, second = desk.records
    assert (first.order, second.order) == (0, 1)
    assert (first.model, first.role, first.task_id) == ("m", "proposer", "t1")
    assert first.completion.text == MISSED
    assert (first.usage, first.error, first.latency_s) == (usage, "", 1)
    assert first.messages == desk.model.requests[0].messages
    assert first.prompt_sha256 == prompt_sha256(first.messages) != second.prompt_sha256
    assert dict(first.templates)["proposer_system"] == prompt_hash("proposer_system")
    assert "retry_near_miss" in dict(second.templates)


def test_a_cancelled_call_is_in_the_journal():
    class Never:
        async def complete(self, request, heard=None):
            await asyncio.sleep(3600)

    async def cancel():
        draft = asyncio.create_task(anext(desk.proposer.drafts(brief())))
        await asyncio.sleep(0.01)
        draft.cancel()
        with pytest.raises(asyncio.CancelledError):
            await draft

    desk = Desk(model=Never())
    asyncio.run(cancel())
    assert [record.error for record in desk.records] == ["cancelled"]


def test_secrets_in_the_tree_do_not_leave():
    files = {**FILES, "settings.py": b'API_KEY = "sk-abcdefghijklmnop0123456789"\n'}
    desk = Desk(FUNCTION)
    desk.draft(brief(files=files))
    assert "sk-abcdefghijklmnop" not in str(desk.model.requests)
    assert "settings.py" in desk.model.requests[0].messages[1].text


@pytest.mark.parametrize("limit", [1_000, 3_000])
def test_the_prompt_stays_within_its_limit(limit):
    files = {**FILES, **{f"m{i}.py": b"x = 1\n" * 2000 for i in range(5)}}
    desk = Desk(FUNCTION)
    desk.draft(brief(files=files, max_prompt_tokens=limit, feedback="again " * 5000))
    assert sum(estimate_tokens(m.text) for m in desk.model.requests[0].messages) <= limit


@pytest.mark.parametrize(
    ("entry_point", "files", "target"),
    [
        ("", {"a.py": b"", "tests/t.py": b""}, "a.py"),
        ("", {"a.py": b"", "calc.py": b""}, "calc.py"),  # the best suspect
        ("", {"a.py": b"", "b.py": b""}, ""),
        ("a.py", {"a.py": b"", "b.py": b""}, "a.py"),
        ("a.py::A.f", {"a.py": b"", "b.py": b""}, "a.py::A.f"),
        ("go", {"a.py": b"x = 1\ndef go(): pass\n", "b.py": b"gone = 1"}, "a.py"),
        ("A.go", {"a.py": b"class A:\n", "b.py": b""}, "a.py::A.go"),
        ("go", {"a.py": b"def go(): pass", "b.py": b"def go(): pass"}, ""),
    ],
)
def test_where_code_without_a_file_belongs(entry_point, files, target):
    assert target_of(brief(entry_point=entry_point, files=files)) == target


def test_a_reply_without_any_path_goes_to_the_target():
    draft = Desk("```python\ndef add(a, b):\n    return a + b\n```").draft(brief(entry_point="add"))
    assert draft.patch.changes[0].after == FIXED
