import ast

import pytest

from moa_code.propose.mutate.normal import code_key, compiled, parsed, tree_key

SAME = [
    ("a < b", "b > a"),
    ("a <= b", "b >= a"),
    ("not a == b", "a != b"),
    ("not a in b", "a not in b"),
    ("(a)", "a"),
    ("f( a,b )", "f(a, b)"),
]
DIFFERENT = [
    ("a < b", "b < a"),
    ("f() < b", "b > f()"),
    ("1", "True"),
    ("1", "1.0"),
    ("'a'", "b'a'"),
    ("a and b", "b and a"),
    ("a == b", "a is b"),
]


def key(text):
    return tree_key(ast.parse(text))


@pytest.mark.parametrize(("one", "other"), SAME)
def test_texts_that_mean_the_same_have_one_key(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_that_may_differ_have_two_keys(one, other):
    assert key(one) != key(other)


def test_code_keys_ignore_lines_and_comments_and_see_nested_code():
    one = compiled("def f():\n    return lambda: 1\n")
    moved = compiled("# here\n\ndef f():\n\n    return lambda: 1\n")
    other = compiled("def f():\n    return lambda: 2\n")
    assert code_key(one) == code_key(moved) != code_key(other)


def test_texts_that_are_no_program_have_neither_tree_nor_code():
    assert parsed("a +") is None
    assert compiled("return 1") is None
    assert parsed("return 1") is not None
