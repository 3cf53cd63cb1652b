import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.context.outline import outline

SOURCE = '''"""Module words."""
import os
from a import (
    b,
)

LIMIT = 3
TABLE = {
    1: 1,
    2: 2,
    3: 3,
    4: 4,
}


@decorated
def first(
    x,
):
    """What first does.

    More.
    """
    y = x + 1
    return y


class Box(Base):
    """A box."""

    size = 1

    def put(self, x):
        def inner():
            return x
        return inner()

    async def get(self): return 1
'''


def test_definitions_and_their_lines():
    found = {d.name: (d.first, d.last) for d in outline(SOURCE).definitions}
    assert found == {"first": (16, 25), "Box.put": (33, 36), "Box.get": (38, 38)}


def test_the_skeleton_shows_what_there_is():
    seen = outline(SOURCE)
    text = seen.text(seen.skeleton)
    for kept in [
        "import os",
        "    b,",
        "LIMIT = 3",
        "@decorated",
        "def first(",
        "    x,",
        '"""What first does.',
        "class Box(Base):",
    ]:
        assert kept in text
    assert "    def put(self, x):" in text
    for gone in ["y = x + 1", "return inner()", "4: 4", "More."]:
        assert gone not in text


def test_gaps_say_how_many_lines_are_missing():
    assert outline("a = 1\nb = 2\nc = 3\nd = 4\n").text({1, 4}) == "a = 1\n# 2 lines hidden\nd = 4"
    assert outline("a = 1\nb = 2\n").text({1}) == "a = 1\n# 1 line hidden"


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n", "\r\n\r\n"])
def test_line_ends_do_not_matter(end):
    assert [d.name for d in outline("def f():\r\n    return 1" + end).definitions] == ["f"]


def test_blank_lines_are_no_gap():
    assert outline("a = 1\n\n\nd = 4\n").text({1, 4}) == "a = 1\n\n\nd = 4"


def test_a_suspect_brings_its_whole_function():
    seen = outline(SOURCE)
    assert seen.around(24, 24) == frozenset(range(16, 26))
    assert seen.around(35, 35) == frozenset(range(33, 37))


def test_a_suspect_outside_functions_brings_its_surroundings():
    assert outline(SOURCE).around(7, 7) == frozenset(range(4, 11))


@pytest.mark.parametrize("source", ["def f(:\n    pass\n", "x = 1\0", "(" * 5000, "-" * 100_000 + "1", "\ud800"])
def test_what_does_not_parse_is_still_lines(source):
    seen = outline(source)
    assert not seen.parsed
    assert seen.around(1, 1) <= set(range(1, len(seen.lines) + 1))


def test_a_form_feed_does_not_shift_lines():
    """`splitlines` breaks at it, the parser does not."""
    source = "x = 1\n\x0c\ndef f():\n    return 1\n"
    seen = outline(source)
    assert not seen.parsed or seen.text(seen.named("f")).startswith(("def f", "# 2 lines hidden\ndef f"))


@given(st.text(max_size=300), st.integers(1, 50), st.integers(0, 50))
def test_any_text_has_an_outline(source, first, more):
    seen = outline(source)
    assert seen.around(first, first + more) is not None
    assert seen.text(range(1, len(seen.lines) + 1)) == "\n".join(seen.lines)
