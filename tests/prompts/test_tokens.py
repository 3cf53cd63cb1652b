from hypothesis import given
from hypothesis import strategies as st

from moa_code.prompts.tokens import clip, estimate_tokens


def test_estimates_are_on_the_high_side():
    assert estimate_tokens("") == 0
    assert estimate_tokens("x" * 35) == 10
    assert estimate_tokens("日本語") == 5
    assert estimate_tokens("a" * 7 + "é") == 3


@given(st.text(st.characters(), max_size=600), st.integers(0, 200))
def test_a_clip_fits_and_keeps_what_fits(text, limit):
    short = clip(text, limit)
    assert estimate_tokens(short) <= limit
    assert short == text or estimate_tokens(text) > limit


def test_a_clip_says_how_much_is_missing_and_keeps_both_ends():
    short = clip("a" * 5000 + "b" * 5000, 200)
    assert short.startswith("aaa")
    assert short.endswith("bbb")
    assert "characters left out" in short
