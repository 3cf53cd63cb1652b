"""The pytest files of a QuixBugs task: the given cases in two halves, and the cases we made."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass

from moa_code.core.errors import TaskError
from moa_code.suites.quixbugs_inputs import Args
from moa_code.suites.quixbugs_rules import (
    GIVEN_JUDGES,
    NODE_PROGRAMS,
    ODD_HALF_VISIBLE,
    call_source,
    judge_source,
    slow,
)

_REMEDY = "fetch the data set again"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFile:
    """A pytest file and the names of its tests, as they stand behind `::` in an id."""

    text: str
    names: tuple[str, ...]


def json_checks(name: str, text: str) -> tuple[CheckFile, CheckFile]:
    """Visible and hidden half of the cases in `text`, one JSON array a line. A case keeps its line's index in its name.

    Raises `TaskError` for a line that is not `[arguments, expected]`.
    """
    left, right = GIVEN_JUDGES.get(name, (f"{name}(*args)", "expected"))
    halves: tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]] = ({}, {})
    for index, line in enumerate(line for line in text.splitlines() if line.strip()):
        args, expected = _case(name, line)
        too_slow, hopeless = slow(name, args)
        if not hopeless:
            visible = index % 2 == int(name in ODD_HALF_VISIBLE) and not too_slow
            halves[0 if visible else 1][f"case{index}"] = (repr(args), repr(expected))
    return _json_file(name, halves[0], left, right), _json_file(name, halves[1], left, right)


def _json_file(name: str, cases: dict[str, tuple[str, str]], left: str, right: str) -> CheckFile:
    text = (
        f"import copy\n\nimport pytest\n\nfrom {name} import {name}\n\n"
        f"{_table(list(cases.values()), list(cases))}\n"
        f"def test_{name}(args, expected):\n"
        f"    args = copy.deepcopy(args)\n"
        f"    assert {left} == {right}\n"
    )
    return CheckFile(text=text, names=tuple(f"test_{name}[{label}]" for label in cases))


def _case(name: str, line: str) -> tuple[Args, object]:
    """One line: `[arguments, expected]`; a lone argument may stand without its list."""
    try:
        case = json.loads(line)
    except json.JSONDecodeError as error:
        raise TaskError(f"QuixBugs, cases of {name}: not JSON: {line[:80]!r}", remedy=_REMEDY) from error
    if not isinstance(case, list) or len(case) != 2:
        raise TaskError(f"QuixBugs, cases of {name}: not [arguments, expected]: {line[:80]!r}", remedy=_REMEDY)
    args, expected = case
    return (args if isinstance(args, list) else [args]), expected


def pytest_checks(name: str, text: str) -> tuple[CheckFile, CheckFile]:
    """The suite's own test functions in two halves, importing from the tree.

    What stands at the top of the file moves into each function: some tests change the objects made there, and checks
    must not depend on their order.
    """
    body = ast.parse(text).body
    shared = [node for node in body if isinstance(node, ast.Assign)]
    tests = [node for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test")]
    for test in tests:
        test.body = [*shared, *(node for node in test.body if not _is_docstring(node))]
    imports = (
        f"from node import Node\nfrom {name} import {name}\n"
        if name in NODE_PROGRAMS
        else f"from {name} import {name}\n"
    )
    first = int(name in ODD_HALF_VISIBLE)
    return _pytest_file(imports, tests[first::2]), _pytest_file(imports, tests[1 - first :: 2])


def _pytest_file(imports: str, tests: list[ast.FunctionDef]) -> CheckFile:
    text = "\n\n".join([imports, *(ast.unparse(test) + "\n" for test in tests)])
    return CheckFile(text=text, names=tuple(test.name for test in tests))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def made_checks(name: str, cases: list[tuple[str, str]]) -> CheckFile:
    """Tests of (arguments, answer) pairs, both given as text, under the program's own way of judging."""
    node = "from node import Node\n" if name in NODE_PROGRAMS else ""
    labels = [f"made{number}" for number in range(len(cases))]
    text = (
        f"import copy\nfrom math import inf\n\nimport pytest\n\n{node}from {name} import {name}\n\n\n"
        f"{call_source(name)}\n\n{judge_source(name)}\n\n"
        f"{_table(cases, labels)}\n"
        f"def test_{name}(args, expected):\n"
        f"    result = run(*copy.deepcopy(args))\n"
        f"    assert right(args, result, expected), (result, expected)\n"
    )
    return CheckFile(text=text, names=tuple(f"test_{name}[{label}]" for label in labels))


def _table(cases: list[tuple[str, str]], labels: list[str]) -> str:
    """A list of cases and the decorator that runs a test on each."""
    rows = "".join(f"    ({args}, {expected}),\n" for args, expected in cases)
    return f'CASES = [\n{rows}]\n\n\n@pytest.mark.parametrize(("args", "expected"), CASES, ids={labels!r})'
