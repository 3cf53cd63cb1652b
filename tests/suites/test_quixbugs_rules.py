import pytest

from moa_code.suites.quixbugs_inputs import PROGRAMS
from moa_code.suites.quixbugs_rules import call_source, judge_source, slow


def right(name, args, result, expected):
    names = {}
    exec(judge_source(name), names)
    return names["right"](args, result, expected)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_can_be_called_and_judged(name):
    names = {}
    exec(call_source(name) + judge_source(name), names)
    assert callable(names["run"])
    assert callable(names["right"])


@pytest.mark.parametrize(
    ("name", "args", "result", "expected", "verdict"),
    [
        ("gcd", [4, 6], 2, 2, True),
        ("gcd", [4, 6], 3, 2, False),
        ("find_in_sorted", [[1, 5, 5], 5], 1, 2, True),
        ("find_in_sorted", [[1, 5, 5], 5], 0, 2, False),
        ("find_in_sorted", [[1, 5, 5], 5], -1, 2, False),
        ("find_in_sorted", [[1, 5], 3], -1, -1, True),
        ("longest_common_subsequence", ["ab", "ba"], "b", "a", True),
        ("longest_common_subsequence", ["ab", "ba"], "", "a", False),
        ("longest_common_subsequence", ["ab", "ba"], "c", "a", False),
        ("powerset", [[1, 2]], [[2, 1], [], [1], [2]], [[], [2], [1], [1, 2]], True),
        ("powerset", [[1, 2]], [[], [1], [1], [1, 2]], [[], [2], [1], [1, 2]], False),
        ("sqrt", [4, 0.1], 2.09, 2.0, True),
        ("sqrt", [4, 0.1], 2.11, 2.0, False),
        ("subsequences", [1, 3, 1], [[2], [1]], [[1], [2]], True),
        ("topological_ordering", [3, [[0, 1]]], [2, 0, 1], [0, 1, 2], True),
        ("topological_ordering", [3, [[0, 1]]], [2, 1, 0], [0, 1, 2], False),
        ("topological_ordering", [3, [[0, 1]]], [0, 1], [0, 1, 2], False),
    ],
)
def test_judges(name, args, result, expected, verdict):
    assert right(name, args, result, expected) is verdict


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("knapsack", [750, [[1, 1]] * 15], (False, False)),
        ("knapsack", [6_404_180, [[1, 1]] * 24], (True, True)),
        ("levenshtein", ["kitten", "sitting"], (False, False)),
        ("levenshtein", ["a" * 11, "b" * 13], (True, False)),
        ("levenshtein", ["a" * 21, "b" * 51], (True, True)),
        ("gcd", [10**9, 1], (False, False)),
    ],
)
def test_slow_cases(name, args, expected):
    assert slow(name, args) == expected
