"""Calls with plain values, found in tests, tables and prose."""

import pytest

from moa_code.evidence.examples import examples_in_source, examples_in_table, examples_in_words


def calls(text, name="f", **others):
    return [one.args for one in examples_in_source(text, **others) if one.name == name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("assert f(1, [2, 3]) == 4", [(1, [2, 3])]),
        ("assert f(-1.5, None, {'a': (1,)}) is None", [(-1.5, None, {"a": (1,)})]),
        ("x = [1, 2]\nassert f(x) == 3", [([1, 2],)]),
        ("x = [1]\nx = make()\nassert f(x) == 3", []),
        ("def test_a():\n    n = 3\n    assert f(n) == f(n + 1)", [(3,), (4,)]),
        ("for a, b in [(1, 2), (3, 4)]:\n    assert f(a) == b", [(1,), (3,)]),
        ("for a, *rest in [(1, 2, 3)]:\n    assert f(a, *rest)", [(1, 2, 3)]),
        ("TABLE = {1: 2}\nassert f(TABLE) == f(x)", [({1: 2},)]),
        ("assert f([0] * 3 + [1]) == 1", [([0, 0, 0, 1],)]),
        ("assert f(list(range(3)), set()) == 1", [([0, 1, 2], set())]),
        ("assert f(float('inf'), 2 ** 10)", [(float("inf"), 1024)]),
        ("with pytest.raises(ValueError):\n    f('')", [("",)]),
        ("assert f(copy.deepcopy([1]))", [([1],)]),
        ("assert f(open('x')) == 1", []),
        ("assert f(10 ** 10 ** 10) == 1", []),
        ("assert f([0] * 10 ** 9) == 1", []),
        ("def broken(:", []),
    ],
)
def test_arguments_are_worked_out_by_reading(text, expected):
    assert calls(text) == expected


def test_rows_of_parametrize_are_examples():
    text = """
import pytest
from m import f
@pytest.mark.parametrize(("a", "b"), [(1, 2), pytest.param(3, 4, id="x"), (make(), 5)])
def test_it(a, b):
    assert f(a) == b
@pytest.mark.parametrize("n", [7, 8])
def test_other(n):
    args = (n, [n])
    assert f(*args)
"""
    assert calls(text) == [(1,), (3,), (7, [7]), (8, [8])]


def test_a_fixture_hides_a_name_outside():
    assert calls("n = 3\ndef test_a(n):\n    assert f(n)\ndef test_b():\n    assert f(n)") == [(3,)]


def test_imported_names_keep_their_module():
    text = "from a.b import g as f\nimport a.c as m\nimport d\nf(1)\nm.h(2)\nd.e(3)\nplain(4)"
    assert [(one.module, one.name, one.args) for one in examples_in_source(text)] == [
        ("a.b", "g", (1,)),
        ("a.c", "h", (2,)),
        ("d", "e", (3,)),
        ("", "plain", (4,)),
    ]


def test_methods_tell_how_their_object_was_made():
    text = "from m import Stack\ndef test():\n    s = Stack(3)\n    s.push(1)\n    assert Stack(4).pop() is None"
    found = [(one.name, one.made_with, one.args) for one in examples_in_source(text) if "." in one.name]
    assert found == [("Stack.push", (3,), (1,)), ("Stack.pop", (4,), ())]


def test_a_parameter_can_stand_for_the_function():
    text = "def check(candidate):\n    assert candidate(1) == 2"
    assert calls(text, stands_for={"candidate": "f"}) == [(1,)]


@pytest.mark.parametrize(
    "text",
    [
        ">>> f([1, 2], 'a)')\n3",
        "f([1, 2], 'a)') == 3",
        "For `f([1, 2], 'a)')` the answer is 3.",
        "f([1, 2], 'a)') ➞ 3",
        ">>> f([1,\n...    2], 'a)')\n3",
    ],
)
def test_prose_shows_calls_too(text):
    assert [one.args for one in examples_in_words(text, ["f"])] == [([1, 2], "a)")]


def test_prose_that_is_no_call_shows_none():
    assert examples_in_words("def f(a: int) -> int: the f(x) of g.f(1), half(2) and f(1", ["f"]) == ()


def test_tables_are_read_case_by_case():
    text = '{"call": "m.f", "args": [1, {"$tuple": [2]}]}\n{"call": "m.f", "args": [{"$bytes": "x"}]}\n{"steps": []}\n'
    assert [(one.module, one.name, one.args) for one in examples_in_table(text, lines=True)] == [("m", "f", (1, (2,)))]
    assert [
        one.kwargs for one in examples_in_table('[{"call": "f", "kwargs": {"a": {"$set": [1]}}}]', lines=False)
    ] == [{"a": {1}}]
    assert examples_in_table("no json", lines=False) == ()
