import ast

from moa_code.edits.merged_tests import merged_tests

ONE = "from m import f\n\n\ndef helper():\n    return 1\n\n\ndef test_a():\n    assert f(1) == helper()\n"
TWO = """from __future__ import annotations
import math
from m import f


def test_a():
    assert f(math.pi)  # why
"""
PROPERTY = "from hypothesis import given\nfrom m import f\n\n\n@given(...)\ndef test_p(x):\n    assert f(x)\n"


def test_one_file_of_all():
    text = merged_tests("Tests of f.", [("first", ONE), ("second\nline", TWO), ("", PROPERTY)])
    body = ast.parse(text)
    assert ast.get_docstring(body) == "Tests of f."
    names = [node.name for node in body.body if isinstance(node, ast.FunctionDef)]
    assert names == ["helper", "test_a", "test_a_2", "test_p"]
    assert text.count("from m import f\n") == 1
    assert text.index("__future__") < text.index("from hypothesis") < text.index("from m") < text.index("import math")
    assert "# second\n# line\ndef test_a_2():\n    assert f(math.pi)  # why\n" in text
    assert "@given(...)\ndef test_p(x):" in text


def test_a_helper_that_comes_twice_is_there_once():
    text = merged_tests("t", [("", ONE), ("", ONE)])
    assert text.count("def helper") == 1
    assert "def test_a_2" in text


def test_what_is_no_python_is_left_out():
    assert "def" not in merged_tests("t", [("", "def f(:")])
