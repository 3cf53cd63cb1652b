"""Random expressions are computed by the interpreter as well, whose rules for these signs are the same."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from calc.errors import SyntaxFault
from calc.evaluate import evaluate

leaves = st.integers(0, 9).map(str)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-{text}"),
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(expressions)
def test_random_expressions(text):
    assert evaluate(text) == eval(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 ^ -1", 0.5),
        ("--1", 1),
        ("-(2 + 3) * 2", -10),
        ("2 ^ 3 * 2", 16),
        ("2 * 3 ^ 2", 18),
        ("-2 ^ -2", -0.25),
        ("8 / 2 * 4", 16),
        ("1 - 2 + 3", 2),
        ("2 - -x", 5),
        ("12 / 2 ^ 2", 3),
    ],
)
def test_values(text, expected):
    assert evaluate(text, {"x": 3}) == expected


@pytest.mark.parametrize(
    ("text", "position"),
    [("(1", 2), ("1)", 1), ("()", 1), ("* 2", 0), ("2 * / 3", 4), ("-", 1), ("(2 3)", 3), ("  ", 2), ("1 +  ?", 5)],
)
def test_faults_tell_their_position(text, position):
    with pytest.raises(SyntaxFault) as caught:
        evaluate(text)
    assert caught.value.position == position
