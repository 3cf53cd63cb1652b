"""Lines and statements that a change wrote."""

import ast

import pytest

from moa_code.core.patch import FileChange
from moa_code.edits.written import only_says, statements, written_lines


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (None, b"a\nb\n", {1, 2}),
        (b"a\nb\nc\n", b"a\nB\nc\n", {2}),
        (b"a\nc\n", b"a\nb\nb\nc\n", {2, 3}),
        (b"a\nb\nc\n", b"a\nc\n", {1, 2}),  # what stands beside a removal
        (b"a\nb\n", b"a\n", {1}),
        (b"a\nb\n", b"b\n", {1}),
        (b"a\nb\nc\nd\n", b"a\nc\nD", {1, 2, 3}),
        (b"a\n", b"", set()),
        (b"a\n", None, set()),
    ],
)
def test_written_lines(before, after, lines):
    assert written_lines(FileChange(path="a", before=before, after=after)) == lines


SOURCE = """\
@wrap(
    1)
def f(a,
      b):
    '''Text.'''
    try:
        x = [
            1]
    except KeyError:
        pass
    else:
        y = 1
    if a: z = 1
    match a:
        case 1:
            return z
"""


def test_statements_and_their_own_lines():
    found = [(type(p.stmt).__name__, sorted(p.lines)) for p in statements(ast.parse(SOURCE))]
    assert found == [
        ("FunctionDef", [1, 2, 3, 4]),
        ("Expr", [5]),
        ("Try", [6, 9, 11]),
        ("Assign", [7, 8]),
        ("Pass", [10]),
        ("Assign", [12]),
        ("If", [13]),
        ("Assign", [13]),
        ("Match", [14, 15]),
        ("Return", [16]),
    ]


def test_each_statement_knows_the_function_around_it():
    tree = ast.parse("x = 1\nclass A:\n    def f(self):\n        def g():\n            return 1\n        return g\n")
    names = {type(p.stmt).__name__ + str(p.stmt.lineno): p.function and p.function.name for p in statements(tree)}
    assert names == {
        "Assign1": None, "ClassDef2": None, "FunctionDef3": None, "FunctionDef4": "f", "Return5": "g", "Return6": "f",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("'words'", True), ("pass", True), ("x: int", True), ("global x", True), ("print(x)", True), ("...", True),
        ("log.info('x')", True), ("self._logger.debug('x')", True), ("logging.warning(x)", True),
        ("x: int = 1", False), ("f(x)", False), ("blog.info(x)", False), ("log.close()", False),
        ("y = print(x)", False),
        ("return print(x)", False),
    ],
)  # fmt: skip
def test_what_only_says_something(text, says):
    assert only_says(ast.parse(text).body[0]) is says
