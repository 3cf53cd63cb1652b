import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.core.task import EditRules
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.reply import Edited, EditFormat, read_reply
from moa_code.edits.spoken import declined, spoken

CALC = b"def add(a, b):\n    return a - b\n"
FUNCTION = "calc.py\n```python\ndef add(a, b):\n    return a + b\n```\n"
BLOCK = "calc.py\n<<<<<<< SEARCH\n    return a - b\n=======\n    return a + b\n>>>>>>> REPLACE\n"
TESTS = "First the tests:\n\n```python\ndef test_add():\n    assert add(1, 2) == 3\n```\n\n"


@pytest.mark.parametrize("mark", ["EDIT", "**EDIT**", "## EDIT", "EDIT:", "`EDIT`"])
@pytest.mark.parametrize("edit", [FUNCTION, BLOCK])
def test_notes_with_code_in_them_are_passed_over(mark, edit):
    found = read_reply(
        f"{TESTS}{mark}\n\n{edit}",
        tree=MemorySnapshot(files={"calc.py": CALC}),
        shown=("calc.py",),
        preferred=EditFormat.FUNCTION,
        target="calc.py",
        rules=EditRules(),
    )
    assert isinstance(found, Edited)
    assert found.patch.changes[0].after == CALC.replace(b"-", b"+")


@pytest.mark.parametrize(
    "text",
    [
        "calc.py\n```python\n# EDIT\nx = 1\n```",
        "calc.py\n<<<<<<< SEARCH\nEDIT\n=======\nx\n>>>>>>> REPLACE",
        "EDIT",
        "Please EDIT the file\n" + FUNCTION,
        FUNCTION,
    ],
)
def test_without_a_mark_the_whole_reply_counts(text):
    assert spoken(text) == text


def test_the_last_mark_counts_and_thoughts_do_not():
    assert spoken("<think>EDIT\nno</think>notes\nEDIT\nolder\nEDIT\nnewer") == "newer"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NO PATCH: the checks contradict each other", "the checks contradict each other"),
        ("**NO PATCH:** it is right as it is.", "it is right as it is."),
        ("I looked.\n\nNO PATCH - the checks\n", "the checks"),
        ("NO PATCH\nIt is done already.", "It is done already."),
        ("NO PATCH", "no reason given"),
        ("<think>NO PATCH: no</think>NO PATCH: yes", "yes"),
        ("<think>NO PATCH: no</think>" + FUNCTION, ""),
        ("no patch is needed", ""),
        ("NO PATCHES: x", ""),
        ("Think.\nNO PATCH: never\n" + FUNCTION, ""),
        (FUNCTION, ""),
        ("", ""),
    ],
)
def test_who_brings_no_patch_says_so(text, why):
    assert declined(text) == why


@given(
    st.text() | st.lists(st.sampled_from(["EDIT", "NO PATCH", ":", "\n", "```", "<<<<<<< SEARCH", " "])).map("".join)
)
def test_any_text_can_be_read(text):
    assert text.replace("\r\n", "\n").endswith(spoken(text).replace("\r\n", "\n"))
    assert "\n" not in declined(text)
