import pytest

from typeset.layout import break_lines, fill, justify
from typeset.page import render


def test_as_many_words_as_fit():
    assert break_lines("the cat sat on a mat", 7) == [["the", "cat"], ["sat", "on"], ["a", "mat"]]
    assert break_lines("  \n ", 7) == []


def test_long_words_are_cut():
    assert break_lines("an elephant", 5) == [["an"], ["elep-"], ["hant"]]


@pytest.mark.parametrize(
    ("words", "width", "expected"),
    [
        (["a", "b", "c"], 5, "a b c"),
        (["a", "b", "c"], 6, "a b  c"),
        (["a", "b", "c"], 7, "a  b  c"),
        (["a", "b"], 6, "a    b"),
        (["word"], 6, "word  "),
    ],
)
def test_fill(words, width, expected):
    assert fill(words, width) == expected


def test_words_that_do_not_fit():
    with pytest.raises(ValueError):
        fill(["abc", "def"], 6)


def test_the_last_line_is_left_as_it_is():
    assert justify("the cat sat on a mat", 8) == ["the  cat", "sat on a", "mat"]


def test_a_page():
    assert render("one two three\n\nfour", 8, indent=2) == "  one  two\n  three\n\n  four"
