"""Whether an answer is the expected one, as tables."""

import math
from collections import OrderedDict

import pytest
from box.oracle.compare import Rule, difference

NAN = math.nan


@pytest.mark.parametrize(
    ("got", "want", "rule", "same"),
    [
        (1, 1, Rule(), True),
        (1, 2, Rule(), False),
        (1, True, Rule(), True),
        (1, 1.0, Rule(), True),
        ([1], (1,), Rule(), False),
        ([1, [2]], [1, [2]], Rule(), True),
        ({1: 2}, OrderedDict({1: 2}), Rule(), True),
        (0.1 + 0.2, 0.3, Rule(), False),
        (float("nan"), NAN, Rule(), True),
        ([1, {"a": (float("nan"),)}], [1, {"a": (NAN,)}], Rule(), True),
        (float("nan"), NAN, Rule(absolute=1e-6), True),
        (1.0, NAN, Rule(), False),
        (NAN, 1.0, Rule(), False),
        (NAN, None, Rule(), False),
        (10**400, 1.5, Rule(absolute=1e-6), False),
        (None, 0, Rule(), False),
        ("1", 1, Rule(), False),
        # types as well
        (1, 1.0, Rule(kind="exact"), False),
        (True, 1, Rule(kind="exact"), False),
        ([1, 2.0], [1, 2], Rule(kind="exact"), False),
        ({"a": 1}, {"a": 1}, Rule(kind="exact"), True),
        ({"a": True}, {"a": 1}, Rule(kind="exact"), False),
        # tolerance
        (0.1 + 0.2, 0.3, Rule(absolute=1e-9), True),
        (1.1, 1, Rule(absolute=0.2), True),
        (1.3, 1, Rule(absolute=0.2), False),
        ([1.0, [2.1]], [1, [2]], Rule(absolute=0.2), True),
        ({"a": 1.1}, {"a": 1}, Rule(absolute=0.2), True),
        ((1.0,), [1.0], Rule(absolute=0.2), False),
        ([1.0, 2.0], [1.0], Rule(absolute=0.2), False),
        ("1.0", 1.0, Rule(absolute=0.2), False),
        (1e9, 1e9 + 1, Rule(absolute=1e-6), True),  # relative 1e-7
        (1e9, 1e9 + 1, Rule(absolute=1e-6, relative=0), False),
        (math.inf, math.inf, Rule(absolute=1e-6), True),
        (math.inf, 1e308, Rule(absolute=1e-6), False),
        (-math.inf, math.inf, Rule(absolute=1e-6), False),
        (float("nan"), 1.0, Rule(absolute=1e-6), False),
        (True, 1.0, Rule(absolute=1e-6), True),  # equal already
        (True, 1.0000001, Rule(absolute=1e-6), False),
        # tolerance 0: for floats and sequences of floats alone
        (0.1 + 0.2, 0.3, Rule(absolute=0), True),
        ([0.1 + 0.2], [0.3], Rule(absolute=0), True),
        ([0.1 + 0.2, 1], [0.3, 1], Rule(absolute=0), False),
        (3, 3.0000001, Rule(absolute=0), True),
        (3, 4, Rule(absolute=0), False),
        # order and multiplicity
        ([2, 1], [1, 2], Rule(kind="unordered"), True),
        ([2, 1, 1], [1, 2], Rule(kind="unordered"), False),
        ([[2], [1]], [[1], [2]], Rule(kind="unordered"), True),
        ((2, 1), [1, 2], Rule(kind="unordered"), True),
        ([2, 1, 1], [1, 2], Rule(kind="set"), True),
        ([3], [1], Rule(kind="set"), False),
        ([2, 1], [1, 2], Rule(kind="sorted"), True),
        ([[1]], [[1]], Rule(kind="set"), False),  # no set of lists
        (5, [5], Rule(kind="unordered"), False),
        (5, True, Rule(kind="truthy"), True),
        ([], False, Rule(kind="truthy"), True),
        ([], True, Rule(kind="truthy"), False),
        (object(), 1, Rule(kind="any"), True),
    ],
)
def test_table(got, want, rule, same):
    assert (difference(got, want, rule) == "") is same


@pytest.mark.parametrize(
    ("got", "want", "words"),
    [
        ([1, [2, 3]], [1, [2, 4]], "at [1][1]: expected 4, got 3"),
        ({"a": [1]}, {"a": [2]}, "at ['a'][0]: expected 2, got 1"),
        ([1], [1, 2], "has 1 items where 2 are expected"),
        ({}, {"k": 1}, "lacks the key 'k'"),
        ({"k": 1}, {}, "has the key 'k' too many"),
        ("1", 1, "(str for int)"),
        (3, 4, "expected 4, got 3"),
    ],
)
def test_words(got, want, words):
    assert words in difference(got, want, Rule())


class Sly:
    """Says yes to everything."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


@pytest.mark.parametrize("kind", ["exact"])
def test_exact_asks_for_the_type(kind):
    assert difference(Sly(), 3, Rule(kind=kind))


def test_an_unknown_kind_is_no_way_to_pass():
    assert difference(1, 2, Rule(kind="similar"))


def test_huge_numbers_are_told_without_digits():
    assert "int" in difference(10**5000, 10**5001, Rule())


def test_endless_values():
    left, right = [], []
    left.append(left)
    right.append(right)
    assert difference(left, right, Rule())
    assert difference(left, left, Rule()) == ""
