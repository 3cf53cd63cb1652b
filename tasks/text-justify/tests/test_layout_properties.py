import re

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from typeset.layout import break_lines, fill, justify
from typeset.words import cut, width_of

quick = settings(max_examples=120, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
texts = st.lists(st.text(alphabet="abc", min_size=1, max_size=12), max_size=12).map(" ".join)
widths = st.integers(2, 12)


@quick
@given(texts, widths)
def test_lines_hold_all_pieces_and_are_full(text, width):
    lines = break_lines(text, width)
    assert [piece for line in lines for piece in line] == [piece for word in text.split() for piece in cut(word, width)]
    assert all(0 < width_of(line) <= width for line in lines)
    assert all(width_of([*one, two[0]]) > width for one, two in zip(lines, lines[1:]))


@quick
@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=4), min_size=1, max_size=6), st.integers(0, 15))
def test_a_filled_line(words, extra):
    line = fill(words, width_of(words) + extra)
    assert len(line) == width_of(words) + extra
    assert line.split() == words
    gaps = [len(gap) for gap in re.findall(" +", line.rstrip())]
    if len(words) > 1:
        assert not line.endswith(" ")
        assert gaps == sorted(gaps)
        assert gaps[-1] - gaps[0] <= 1


@quick
@given(texts, widths)
def test_a_paragraph(text, width):
    lines = justify(text, width)
    broken = break_lines(text, width)
    assert [line.split() for line in lines] == broken
    assert all(len(line) == width for line in lines[:-1])
    assert lines[-1:] == [" ".join(words) for words in broken[-1:]]


@pytest.mark.parametrize(("words", "width"), [([], 4), (["abcde"], 4), (["ab", "cd"], 4)])
def test_what_cannot_be_filled(words, width):
    with pytest.raises(ValueError):
        fill(words, width)


def test_the_wider_gaps_stand_right():
    assert fill(["a", "b", "c", "d"], 9) == "a b  c  d"


def test_line_breaks_inside_a_paragraph_are_blanks():
    assert justify("aa bb\ncc", 5) == ["aa bb", "cc"]
