import pytest

from moa_code.core.errors import TaskError
from moa_code.suites.quixbugs_checks import json_checks, made_checks, pytest_checks


def functions(text, **modules):
    """The module's names, after its imports were answered from `modules`."""
    lines = [line for line in text.split("\n") if not line.startswith("from ") or line.startswith("from math")]
    names = dict(modules)
    exec("\n".join(lines), names)
    return names


def test_cases_are_split_by_index_and_keep_it():
    text = "".join(f"[[{number}], {number + 1}]\n" for number in range(5))
    visible, hidden = json_checks("gcd", text)
    assert visible.names == ("test_gcd[case0]", "test_gcd[case2]", "test_gcd[case4]")
    assert hidden.names == ("test_gcd[case1]", "test_gcd[case3]")
    assert "([2], 3)" in visible.text
    assert "([2], 3)" not in hidden.text


def test_the_odd_half_is_visible_where_only_it_fails():
    visible, hidden = json_checks("quicksort", "[[[1]], [1]]\n[[[2]], [2]]\n[[[3]], [3]]\n")
    assert visible.names == ("test_quicksort[case1]",)
    assert hidden.names == ("test_quicksort[case0]", "test_quicksort[case2]")


def test_slow_cases_are_hidden_or_left_out():
    rows = [
        '["kitten", "sitting"], 3',
        '["", ""], 0',
        '["rosettacode", "raisethysword"], 8',
        f'["{"a" * 30}", "b"], 30',
    ]
    visible, hidden = json_checks("levenshtein", "".join(f"[{row}]\n" for row in rows))
    assert visible.names == ("test_levenshtein[case0]",)
    assert hidden.names == ("test_levenshtein[case1]", "test_levenshtein[case2]")


def test_a_lone_argument_may_stand_without_a_list():
    visible, _ = json_checks("pascal", "[3, [[1]]]\n")
    assert "([3], [[1]])" in visible.text


@pytest.mark.parametrize("line", ["[1, 2", "[1, 2, 3]", "{}"])
def test_a_broken_line_is_shown(line):
    with pytest.raises(TaskError, match="cases of gcd") as caught:
        json_checks("gcd", line + "\n")
    assert line in caught.value.message


@pytest.mark.parametrize(
    ("name", "line", "program"),
    [
        ("flatten", "[[[1, [2]]], [1, 2]]", lambda arr: iter([1, 2])),
        ("hanoi", "[[1, 1, 3], [[1, 3]]]", lambda height, start, end: [(1, 3)]),
        ("sqrt", "[[2, 0.5], 1.5]", lambda x, epsilon: 1.9),
        ("gcd", "[[4, 6], 2]", lambda a, b: 2),
    ],
)
def test_given_cases_are_compared_as_the_suite_does(name, line, program):
    visible, _ = json_checks(name, line)
    names = functions(visible.text, **{name: program})
    [(args, expected)] = names["CASES"]
    names[f"test_{name}"](args, expected)
    names = functions(visible.text, **{name: lambda *args: []})
    with pytest.raises((AssertionError, TypeError)):
        names[f"test_{name}"](args, expected)


PYTEST_FILE = '''
import pytest
from node import Node

if pytest.use_correct:
    from correct_python_programs.detect_cycle import detect_cycle
else:
    from python_programs.detect_cycle import detect_cycle


one = Node(1)
two = Node(2, one)


def test1():
    """Case 1"""
    assert not detect_cycle(two)


def test2():
    one.successor = two
    assert detect_cycle(two)


def test3():
    assert not detect_cycle(one)
'''


class Node:
    def __init__(self, value, successor=None):
        self.value, self.successor = value, successor


def cyclic(node):
    seen = []
    while node is not None and node not in seen:
        seen.append(node)
        node = node.successor
    return node is not None


def test_pytest_functions_are_split_and_import_from_the_tree():
    visible, hidden = pytest_checks("detect_cycle", PYTEST_FILE)
    assert (visible.names, hidden.names) == (("test2",), ("test1", "test3"))
    for half in (visible, hidden):
        assert half.text.startswith("from node import Node\nfrom detect_cycle import detect_cycle\n")
        assert "correct" not in half.text


def test_pytest_functions_do_not_depend_on_their_order():
    tests = {}
    for half in pytest_checks("detect_cycle", PYTEST_FILE):
        tests |= functions(half.text, Node=Node, detect_cycle=cyclic)
    for name in ("test3", "test2", "test1", "test2"):
        tests[name]()


def test_made_cases_are_judged_by_the_rule_of_the_program():
    made = made_checks("find_in_sorted", [("[[5, 5], 5]", "0"), ("[[], 1]", "-1")])
    assert made.names == ("test_find_in_sorted[made0]", "test_find_in_sorted[made1]")
    names = functions(made.text, find_in_sorted=lambda arr, x: 1 if arr else -1)
    for args, expected in names["CASES"]:
        names["test_find_in_sorted"](args, expected)
    names = functions(made.text, find_in_sorted=lambda arr, x: -1)
    with pytest.raises(AssertionError):
        names["test_find_in_sorted"](*names["CASES"][0])


def test_made_cases_may_hold_infinity():
    made = made_checks("shortest_path_length", [("[2, [], 0, 1]", "inf")])
    assert functions(made.text, Node=Node, shortest_path_length=None)["CASES"] == [([2, [], 0, 1], float("inf"))]
