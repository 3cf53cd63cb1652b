import ast
import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moa_code.context.pack import pack
from moa_code.core.brief import Baseline, Brief, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.errors import ModelError
from moa_code.core.model import Role
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import Counts, Integrity, Level, Outcome, Verdict
from moa_code.models.scripted import ScriptedModel
from moa_code.prompts.render import prompt_hash
from moa_code.propose.check_reader import MOST_EXAMPLES, MOST_PROPERTIES, Subject, quoted_above, read_checks
from moa_code.propose.checks import LlmCheckWriter, subject_of
from moa_code.propose.writer import LlmWriter

SPEC = """Return the second smallest number of `numbers`.
    Equal numbers count once.  If there is no such
    number, return None."""
SUBJECT = Subject(text=SPEC, modules=frozenset({"lib.numbers"}), function="second")
STUB = f'def second(numbers):\n    """{SPEC}"""\n'.encode()

GOOD = """Equal ones first.

> Equal numbers count once.
```python
from lib.numbers import second


def test_equal():
    assert second([1, 1, 2]) == 2
```
"""
PROPERTY = """
> Return the second smallest number of `numbers`.

```python
from hypothesis import given, settings, strategies as st
from lib.numbers import second

@settings(max_examples=100000)
@given(st.lists(st.integers(), min_size=2, unique=True))
def test_sorted(numbers):
    '''As sorting says.'''
    assert second(numbers) == sorted(numbers)[1]
```
"""


def block(body, quote="> Equal numbers count once.", language="python", imports="from lib.numbers import second\n"):
    return f"{quote}\n```{language}\n{imports}{body}\n```\n"


def test_an_example_and_a_property_are_taken():
    read = read_checks(GOOD + PROPERTY, "m", SUBJECT)
    assert read.rejected == ()
    first, second = read.checks
    assert (first.author, first.name, first.is_property) == ("m", "test_equal", False)
    assert first.sentence == "Equal numbers count once."
    assert "assert second([1, 1, 2]) == 2" in first.code
    assert (second.name, second.is_property) == ("test_sorted", True)
    assert second.sentence == "Return the second smallest number of `numbers`."


def test_a_property_runs_with_our_settings_and_not_its_authors():
    code = read_checks(PROPERTY, "m", SUBJECT).checks[0].code
    assert "100000" not in code
    test = ast.parse(code).body[-1]
    assert [ast.unparse(d).partition("(")[0] for d in test.decorator_list] == ["settings", "given"]
    assert "max_examples=50" in code
    assert "derandomize=True" in code


def test_a_sentence_may_go_over_lines_and_differ_in_white_space():
    quote = "> If there is no such number,\n>   return None."
    (check,) = read_checks(block("def test_none():\n    assert second([1]) is None", quote), "m", SUBJECT).checks
    assert check.sentence == "If there is no such number, return None."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            block("def test_a():\n    assert second([]) == 0", "> An empty list gives 0."),
            "the specification does not say",
        ),
        (block("def test_a():\n    assert second([]) == 0", "Equal numbers count once."), "it quotes no sentence"),
        (block("def test_a():\n    assert second([]) == 0", "> Equal"), "the specification does not say"),
        (block("def test_a(:\n    pass"), "it is no Python"),
        (block("x = second([1])"), "it holds 0 tests"),
        (block("def test_a():\n    assert second([1])\ndef test_b():\n    assert second([1])"), "it holds 2 tests"),
        (block("import os\ndef test_a():\n    assert second([1])"), "it imports os"),
        (block("def test_a():\n    import subprocess\n    assert second([1])"), "it imports subprocess"),
        (
            block("from .numbers import second\ndef test_a():\n    assert second([1])", imports=""),
            "it imports .numbers",
        ),
        (block("from lib.numbers import *\ndef test_a():\n    assert second([1])", imports=""), "it imports *"),
        (
            block("from lib.other import second\ndef test_a():\n    assert second([1])", imports=""),
            "it imports lib.other",
        ),
        (block("def test_a():\n    second([1])"), "it asserts nothing"),
        (block("def test_a():\n    assert True"), "it asserts nothing"),
        (block("def test_a():\n    assert len([1]) == 1"), "it does not call second"),
        (block("def test_a():\n    def second(x): return 1\n    assert second([1]) == 1"), "it defines second itself"),
        (block("def test_a():\n    assert second([1]) == eval('1')"), "it uses eval"),
        (block("def test_a():\n    assert second.__globals__ and second([1])"), "it uses __globals__"),
        (block("def test_a(tmp_path):\n    assert second([1]) is None"), "it takes fixtures"),
        (block("async def test_a():\n    assert second([1]) is None"), "it holds 0 tests and 1 other"),
        (block("class TestA:\n    def test_a(self):\n        assert second([1]) is None"), "it holds 0 tests and 1"),
        (block("def test_a():\n    assert second([" + "1, " * 3000 + "])"), "more than 6000"),
        ("> Equal numbers count once.\n```python\nfrom lib.numbers import second\n", "the answer ended in the middle"),
    ],
)
def test_what_is_no_check_is_named_with_its_reason(text, reason):
    read = read_checks(GOOD + text, "m", SUBJECT)
    assert [check.name for check in read.checks] == ["test_equal"]
    (rejected,) = read.rejected
    assert reason in rejected.reason


def test_the_same_check_twice_is_one():
    again = GOOD.replace("test_equal", "test_other").replace("== 2", "== 2, 'why'")
    read = read_checks(GOOD + again, "m", SUBJECT)
    assert len(read.checks) == 1
    assert read.rejected[0].reason == "it says the same as an earlier one"


def test_two_checks_of_one_name_get_two():
    read = read_checks(GOOD + GOOD.replace("[1, 1, 2]", "[3, 3, 2]"), "m", SUBJECT)
    assert [check.name for check in read.checks] == ["test_equal", "test_equal_2"]
    assert "def test_equal_2():" in read.checks[1].code


def test_no_author_has_more_than_its_share():
    examples = "".join(GOOD.replace("[1, 1, 2]", f"[1, 1, 2, {n}]") for n in range(20))
    properties = "".join(PROPERTY.replace("min_size=2", f"min_size={n}") for n in range(2, 9))
    read = read_checks(examples + properties, "m", SUBJECT)
    kinds = [check.is_property for check in read.checks]
    assert (kinds.count(False), kinds.count(True)) == (MOST_EXAMPLES, MOST_PROPERTIES)
    assert len({check.name for check in read.checks}) == len(kinds)
    assert all("of an author count" in rejected.reason for rejected in read.rejected)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["> Equal numbers count once.\n", "```python\n", "```\n", "def test_a():\n", "    assert second(1)\n"]
        )
        | st.text(max_size=30),
        max_size=12,
    ).map("".join)
)
@example("> Equal numbers count once.\n```python\ndef test_a():\n    assert second(" + "(" * 5000 + "\n```")
@example("> Equal numbers count once.\n```python\n" + "-" * 5999 + "\n```")
@example("```\n\x00\n```")
def test_any_reply_is_read_without_a_fault(reply):
    read = read_checks(reply, "m", SUBJECT)
    for check in read.checks:
        compile(check.code, "check", "exec")
        assert f"def {check.name}(" in check.code


def test_only_the_lines_right_above_are_the_quotation():
    assert quoted_above(["> one", "", "prose", "> two", "> three", "", "```"], 6) == "two three"
    assert quoted_above(["```"], 0) == ""


class Desk:
    def __init__(self, *steps):
        self.model = ScriptedModel({"strong": steps})
        self.records, self.heard = [], []
        asker = LlmWriter("strong", self.model, record=self.records.append)
        self.writer = LlmCheckWriter(asker, pack, told=self.heard.append)

    def checks(self, wanted):
        return asyncio.run(self.writer.checks(wanted))


def brief(**changes):
    task = Task(
        task_id="t",
        mode=Mode.IMPLEMENT,
        instruction="Write `second` in lib/numbers.py.",
        tree=MemorySnapshot(
            files={"lib/numbers.py": STUB, "visible_tests/test_x.py": b"from lib.numbers import second\n"}
        ),
        checks=Checks(kind=CheckKind.ORACLE, targets=("visible_tests/test_x.py",)),
        rules=EditRules(editable=("lib/numbers.py",)),
        entry_point=changes.pop("entry_point", "lib/numbers.py::second"),
    )
    return Brief(task=task, baseline=Baseline(results=()), **changes)


def test_the_writer_asks_once_and_the_call_is_recorded():
    desk = Desk(GOOD + PROPERTY + block("def test_a():\n    assert True"))
    checks = desk.checks(brief())
    assert [check.name for check in checks] == ["test_equal", "test_sorted"]
    assert desk.writer.name == checks[0].author == "strong"
    assert len(desk.heard[0].rejected) == 1
    (record,) = desk.records
    assert record.role == "check_writer"
    assert dict(record.templates) == {name: prompt_hash(name) for name in ("checks_system", "checks_user")}


def test_the_prompt_holds_the_specification_and_how_to_import_it():
    desk = Desk(GOOD)
    desk.checks(brief())
    system, user = desk.model.requests[0].messages
    assert (system.role, user.role) == (Role.SYSTEM, Role.USER)
    assert "at most 8 example tests and 3 property tests" in system.text
    for text in ("Write `second`", "from lib.numbers import second", "Equal numbers count once."):
        assert text in user.text


def test_no_candidate_and_no_feedback_reaches_the_writer():
    """It writes from the specification alone; a test written after a wrong answer repeats it."""
    change = FileChange(path="lib/numbers.py", before=STUB, after=b"def second(n):\n    return 'SECRET'\n")
    candidate = Candidate(candidate_id="c1", patch=patch_of(change), origin=Origin(author="x", role="proposer"))
    verdict = Verdict(
        candidate_id="c1",
        patch_sha256="",
        outcome=Outcome.FAILED,
        integrity=Integrity.NONE,
        level=Level.NONE,
        counts=Counts(),
    )
    desk = Desk(GOOD)
    seen = brief(judged=(Judged(candidate=candidate, verdict=verdict),), feedback="SECRET failed")
    assert desk.writer.letter(seen) == desk.writer.letter(brief())
    desk.checks(seen)
    assert "SECRET" not in str(desk.model.requests)


def test_a_failed_call_brings_no_checks_and_no_fault():
    desk = Desk(ModelError("no answer"))
    assert desk.checks(brief()) == ()
    assert desk.records[0].error == "no answer"


def test_a_docstring_is_part_of_the_specification():
    assert "Equal numbers count once." in subject_of(brief().task).text
    assert subject_of(brief(entry_point="second").task).function == "second"
    assert subject_of(brief(entry_point="nowhere").task).function == ""
    assert "Equal numbers" not in subject_of(brief(entry_point="").task).text


def test_checks_import_what_may_be_edited_and_not_other_checks():
    assert subject_of(brief().task).modules == {"lib.numbers"}
