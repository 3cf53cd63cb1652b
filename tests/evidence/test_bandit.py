"""Thompson sampling: the better arm is drawn more often, an unknown one often enough."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.evidence.bandit import Arm, thompson


def drawn(arms, times=400):
    rng = Random(1)
    return Counter(thompson(arms, rng) for _ in range(times))


def test_what_scored_better_is_drawn_more_often():
    found = drawn([("good", Arm(scores=(0.9,) * 5)), ("bad", Arm(scores=(0.1,) * 5))])
    assert found["good"] > 380


def test_an_unknown_arm_gets_its_chance():
    found = drawn([("known", Arm(scores=(0.6, 0.6))), ("unknown", Arm())])
    assert 80 < found["unknown"] < 250


def test_an_expectation_counts_like_observations():
    assert Arm(expected=0.75).mean == pytest.approx(0.75)
    assert Arm(scores=(1.0, 1.0), expected=0.5).mean == pytest.approx(0.75)


@given(st.lists(st.floats(0, 1), max_size=20), st.floats(0, 1))
def test_the_mean_is_a_probability(scores, expected):
    assert 0 < Arm(scores=tuple(scores), expected=expected).mean < 1


def test_no_arm_is_no_choice():
    with pytest.raises(ValueError, match="no arm"):
        thompson([], Random(0))
