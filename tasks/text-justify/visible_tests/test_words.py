import pytest

from typeset.words import cut, width_of


@pytest.mark.parametrize(("words", "expected"), [([], 0), (["ab"], 2), (["ab", "c"], 4)])
def test_width(words, expected):
    assert width_of(words) == expected


@pytest.mark.parametrize(
    ("word", "expected"), [("abc", ["abc"]), ("abcd", ["abcd"]), ("abcdefgh", ["abc-", "def-", "gh"])]
)
def test_cut(word, expected):
    assert cut(word, 4) == expected
