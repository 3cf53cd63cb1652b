"""A failing property in few words: its counterexample first."""

import pytest

from moa_code.prompts.failure import MOST_COUNTEREXAMPLES, counterexamples, failure_text
from moa_code.prompts.tokens import estimate_tokens

ONE = """test_p.py:5: in test_x
    assert f(a, 1) == a+1
E   assert 49 == (50 + 1)
E    +  where 49 = f(50, 1)
E   Failing test case: test_x(
E       a=50,
E       b=[],  # or any other generated value
E   )"""
DRAWN = """E   assert 49 == (50 + 1)
E   Failing test case: test_d(
E       data=data(...),
E   )
E   Draw 1: 50
E   Draw 2 (name): 'x'
E
E   You can reproduce this"""
GROUP = """+ Exception Group Traceback (most recent call last):
  |   File "test_p.py", line 7, in test_two
  | ExceptionGroup: Hypothesis found 2 distinct failures. (2 sub-exceptions)
  +-+---------------- 1 ----------------
    |     if a > 1000: raise ValueError("big")
    | ValueError: big
    | Failing test case: test_two(
    |     a=1001,
    | )
    +---------------- 2 ----------------
    | AssertionError: assert 100 < 100
    | Failing test case: test_two(
    |     a=100,
    | )
    +------------------------------------"""


@pytest.mark.parametrize(
    ("detail", "calls"),
    [
        (ONE, ("test_x(a=50, b=[])",)),
        (DRAWN, ("test_d(data=data(...)) Draw 1: 50 Draw 2 (name): 'x'",)),
        (GROUP, ("test_two(a=1001)", "test_two(a=100)")),
        ("E   Falsifying example: test_x(a=0)", ("test_x(a=0)",)),
        ("E   Falsifying explicit example: test_x(\nE       a='| b',\nE   )", ("test_x(a='| b')",)),
        ("assert 1 == 2", ()),
        ("E   Failing test case: test_x(\nE       a=5,", ()),  # cut off: no call is better than a wrong one
        ("", ()),
    ],
)
def test_counterexamples(detail, calls):
    assert counterexamples(detail) == calls


def test_many_are_too_many():
    detail = "\n".join(f"E   Failing test case: test_x(a={n})" for n in range(20))
    assert len(counterexamples(detail)) == MOST_COUNTEREXAMPLES


@pytest.mark.parametrize(
    "detail", [ONE, "x = 1\n" * 3000 + ONE, ONE.replace("a=50", f"a={[7] * 5000}"), "y" * 9000, ""]
)
@pytest.mark.parametrize("room", [40, 250, 1000])
def test_it_fits_and_begins_with_what_says_most(detail, room):
    text = failure_text(detail, room)
    assert estimate_tokens(text) <= room
    if "Failing" in detail and "7, 7" not in detail:
        assert text.startswith("Counterexample: test_x(a=50, b=[])\n") or room == 40
