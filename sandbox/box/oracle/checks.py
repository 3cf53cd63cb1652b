"""Checks judged across the border: Python functions and scripts, tables of calls, programs with input and output.

Loaded in the judging process from files that the candidate never gets. A `.py` file's `test_…` functions are a check
each; one without any is a check itself. A `.json` file holds a list of cases, a `.jsonl` file one a line:

    {"call": "module.function", "args": […], "kwargs": {…}, "returns": V}    or "raises": "ValueError", "match": regex
    {… "compare": "equal", "tolerance": 1e-6, "after": [the arguments afterwards], "take": N items of an iterator}
    {"steps": [{"new": "module.Class", "args": […], "as": "s"}, {"on": "s", "call": "push", "args": […], …}, …]}
    {"program": "main.py", "argv": […], "stdin": "…", "stdout": "…", "exit": 0, "lines": "trimmed"}

Values are JSON; what JSON has not is written {"$tuple": […]}, {"$set": […]}, {"$bytes": base64}, {"$float": "nan"},
{"$complex": [re, im]}, {"$decimal": "1.5"}, {"$dict": [[key, value], …]}; {"$ref": "s"} is what a step has named.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import copy
import functools
import json
import os
import re
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from box.oracle.compare import KINDS, Rule, difference
from box.oracle.far import Far
from box.oracle.imports import far_attribute
from box.oracle.values import EXCEPTIONS

MOST_TAKEN = 100_000
CASE_KEYS = frozenset({
    "name", "call", "args", "kwargs", "returns", "raises", "match", "compare", "tolerance", "relative", "after", "take",
    "iterates", "steps", "new", "on", "get", "as", "program", "argv", "stdin", "stdout", "exit", "lines",
})  # fmt: skip
SILENT_STATEMENTS = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Pass
)  # fmt: skip


class BadCheck(Exception):
    """A file of checks that says nothing we understand."""


@dataclass(frozen=True)
class Check:
    """One check: `run` raises when it fails, and `explain` says more of an assert that says nothing itself."""

    name: str
    run: Callable[[], None]
    explain: Callable[[], str] = str


def load(target: str, far: Far) -> Iterator[Check]:
    """The checks of one file, in order. Raises `BadCheck`; a script runs only when its check does."""
    path, _, wanted = target.partition("::")
    if path.endswith(".py"):
        found = list(_python(path, far))
    elif path.endswith((".json", ".jsonl")):
        found = list(_cases(path, far))
    else:
        raise BadCheck(f"{path}: checks are .py, .json or .jsonl files")
    return (check for check in found if not wanted or check.name == target)


def _python(path: str, far: Far) -> Iterator[Check]:
    with open(path, "rb") as stream:
        source = stream.read()
    tree = ast.parse(source)
    names = _test_names(path, tree)
    script = _Script(path, compile(tree, path, "exec", dont_inherit=True))
    sys.modules.setdefault(script.module.__name__, script.module)
    for name in names or [""]:
        yield Check(
            f"{path}::{name}" if name else path,
            functools.partial(script.run, name),
            functools.partial(_explained, path, source, name),
        )


class _Script:
    """A module of checks, executed when the first of them runs."""

    def __init__(self, path: str, code: types.CodeType) -> None:
        self.module = types.ModuleType(os.path.basename(path)[:-3])
        self.module.__file__ = os.path.abspath(path)
        self._code: types.CodeType | None = code

    def run(self, name: str) -> None:
        """One check of it, by name; the module itself for none."""
        if self._code is not None:
            exec(self._code, self.module.__dict__)  # noqa: S102  the task's own checks
            self._code = None
        if not name:
            return
        answer = self.module.__dict__[name]()
        if asyncio.iscoroutine(answer):
            asyncio.run(answer)


def _explained(path: str, source: bytes, name: str) -> str:
    """What a check that has failed says when it is run once more with its asserts taken apart, as pytest does.

    Taking them apart costs more than most checks, so it is done for those alone that fail. Empty when it says nothing.
    """
    try:
        from _pytest.assertion.rewrite import rewrite_asserts

        tree = ast.parse(source)
        rewrite_asserts(tree, source)
        _Script(path, compile(tree, path, "exec", dont_inherit=True)).run(name)
    except AssertionError as error:
        return str(error)
    except BaseException:
        return ""
    return ""


def _test_names(path: str, tree: ast.Module) -> list[str]:
    """The checks in a Python file; none when it is one itself. Raises `BadCheck` for what would never be run."""
    names = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or "TestCase" in ast.unparse(node)):
            raise BadCheck(f"{path}: the class {node.name}: checks are functions, or use pytest")
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test"):
            continue
        decorated = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
        wanted = len(node.args.posonlyargs + node.args.args) - len(node.args.defaults)
        if (wanted and "given" not in decorated) or "parametrize" in decorated:
            raise BadCheck(f"{path}: {node.name} takes arguments: checks take none, or use pytest")
        names.append(node.name)
    if not names and all(isinstance(node, SILENT_STATEMENTS) for node in tree.body[_docstring(tree) :]):
        raise BadCheck(f"{path} checks nothing: it has no function test_…, and nothing that runs by itself")
    return names


def _docstring(tree: ast.Module) -> int:
    return int(ast.get_docstring(tree, clean=False) is not None)


def _cases(path: str, far: Far) -> Iterator[Check]:
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    try:
        if path.endswith(".jsonl"):
            entries = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            entries = json.loads(text)
    except ValueError as error:
        raise BadCheck(f"{path}: {error}") from error
    if not isinstance(entries, list):
        raise BadCheck(f"{path}: a list of cases is expected")
    names = set()
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise BadCheck(f"{path}: case {number} is no object")
        if str(entry.get("name", number)) in names:
            raise BadCheck(f"{path}: two cases are called {entry.get('name', number)!r}")
        names.add(str(entry.get("name", number)))
        _known_keys(entry, f"{path}: case {number}")
        yield Check(f"{path}::{entry.get('name', number)}", _case(entry, far, f"{path}::{number}"))


def _known_keys(entry: dict[str, Any], where: str) -> None:
    """Raises `BadCheck` for a key that a misspelling would make us overlook."""
    for key in entry:
        if key not in CASE_KEYS:
            raise BadCheck(f"{where}: unknown key {key!r}; known are {', '.join(sorted(CASE_KEYS))}")
    compare = entry.get("compare", "equal")
    if compare not in KINDS:
        raise BadCheck(f"{where}: compare {compare!r}; known are {', '.join(sorted(KINDS))}")
    for number, step in enumerate(entry.get("steps", ())):
        if not isinstance(step, dict):
            raise BadCheck(f"{where}: step {number} is no object")
        _known_keys(step, f"{where}, step {number}")


def _case(entry: dict[str, Any], far: Far, name: str) -> Callable[[], None]:
    if "program" in entry:
        return lambda: _program(entry, far)
    if "steps" in entry:
        return lambda: _steps(entry["steps"], far)
    if "call" in entry:
        return lambda: _call(entry, _function(far, entry["call"]), {})
    raise BadCheck(f"{name}: neither call, steps nor program")


def _function(far: Far, name: str) -> Any:
    module, _, attribute = name.partition(":") if ":" in name else name.rpartition(".")
    if not module:
        raise BadCheck(f"{name!r}: a module and a name are expected, as in module.function")
    return far_attribute(far, module, attribute)


def _call(entry: dict[str, Any], function: Any, names: dict[str, Any]) -> Any:
    args = [value_of(argument, names) for argument in entry.get("args", ())]
    named = {key: value_of(argument, names) for key, argument in entry.get("kwargs", {}).items()}
    shown = _shown(entry, args)
    if "raises" in entry:
        _expect_raise(entry, lambda: _taken(function(*args, **named), entry), shown)
        return None
    got = _taken(function(*args, **named), entry)
    if "returns" in entry:
        wrong = difference(got, value_of(entry["returns"], names), _rule(entry))
        assert not wrong, f"{shown}: {wrong}"
    if "after" in entry:
        wrong = difference(args, [value_of(argument, names) for argument in entry["after"]], _rule(entry))
        assert not wrong, f"{shown}: the arguments afterwards: {wrong}"
    return got


def _taken(value: Any, entry: dict[str, Any]) -> Any:
    """An iterator's items, where the case says that one is expected."""
    if "take" in entry:
        return list(islice(value, min(int(entry["take"]), MOST_TAKEN)))
    if entry.get("iterates"):
        return list(islice(value, MOST_TAKEN))
    return value


def _expect_raise(entry: dict[str, Any], run: Callable[[], Any], shown: str) -> None:
    wanted = str(entry["raises"])
    try:
        got = run()
    except (Exception, SystemExit) as error:
        if wanted in EXCEPTIONS:
            found = isinstance(error, EXCEPTIONS[wanted])
        else:
            found = wanted in {kind.__name__ for kind in type(error).__mro__}
        if not found:
            raise
        said = str(error)
    else:
        raise AssertionError(f"{shown}: expected {wanted}, got {str(repr(got))[:200]}")
    pattern = entry.get("match")
    assert pattern is None or re.search(pattern, said), (
        f"{shown}: raised {wanted} saying {said[:200]!r}, which does not match {pattern!r}"
    )


def _steps(steps: list[dict[str, Any]], far: Far) -> None:
    names: dict[str, Any] = {}
    for step in steps:
        if "new" in step:
            got = _call(step, _function(far, step["new"]), names)
        elif "on" in step and "call" in step:
            got = _call(step, getattr(names[step["on"]], step["call"]), names)
        elif "on" in step and "get" in step:
            got = getattr(names[step["on"]], step["get"])
            wrong = difference(got, value_of(step["returns"], names), _rule(step)) if "returns" in step else ""
            assert not wrong, f"{step['on']}.{step['get']}: {wrong}"
        elif "call" in step:
            got = _call(step, _function(far, step["call"]), names)
        else:
            raise BadCheck(f"a step with neither new, on nor call: {sorted(step)}")
        if "as" in step:
            names[step["as"]] = got


def _program(entry: dict[str, Any], far: Far) -> None:
    path, argv, stdin = entry["program"], list(entry.get("argv", ())), str(entry.get("stdin", ""))
    seen = far.ask("program", path, argv, stdin.encode(), far.seconds_left)
    if type(seen) is not dict or type(seen.get("stdout")) is not bytes:
        raise AssertionError(f"{path}: no output was seen")
    if seen.get("late"):
        far.timed_out = True
    said = seen["stdout"].decode("utf-8", "replace")
    problem = _bytes_text(seen.get("stderr"))
    status = entry.get("exit", 0)
    if status is not None:
        assert seen.get("exit") == status, f"{path}: exit status {seen.get('exit')} where {status} is expected{problem}"
    if "stdout" in entry:
        wrong = _lines_differ(said, str(entry["stdout"]), str(entry.get("lines", "trimmed")), entry)
        assert not wrong, f"{path}: {wrong}{problem}"


def _lines_differ(said: str, want: str, how: str, entry: dict[str, Any]) -> str:
    """Where the output first differs. `how`: exact, trimmed (white space at line ends), tokens, numbers (tolerance)."""
    if how == "exact":
        return "" if said == want else difference(said.split("\n"), want.split("\n"), Rule())
    if how in ("tokens", "numbers"):
        got, expected = said.split(), want.split()
        if how == "numbers":
            rule = Rule(absolute=float(entry.get("tolerance", 1e-6)))
            return difference([_number(t) for t in got], [_number(t) for t in expected], rule)
        return difference(got, expected, Rule())
    lines = [[line.rstrip() for line in text.rstrip().split("\n")] for text in (said, want)]
    return difference(lines[0], lines[1], Rule())


def _number(token: str) -> Any:
    try:
        return float(token)
    except ValueError:
        return token


def _bytes_text(value: Any) -> str:
    text = value.decode("utf-8", "replace").strip() if type(value) is bytes else ""
    return f"\n{text[-1500:]}" if text else ""


def _rule(entry: dict[str, Any]) -> Rule:
    tolerance = entry.get("tolerance")
    return Rule(
        kind=str(entry.get("compare", "equal")),
        absolute=None if tolerance is None else float(tolerance),
        relative=float(entry.get("relative", 1e-7)),
    )


def _shown(entry: dict[str, Any], args: list[Any]) -> str:
    name = str(entry.get("call") or entry.get("new") or "").rpartition(".")[2]
    words = ", ".join(str(repr(argument))[:80] for argument in copy.copy(args))
    return f"{name}({words[:300]})"


def value_of(data: Any, names: dict[str, Any]) -> Any:
    """A value as a case writes it."""
    if isinstance(data, list):
        return [value_of(item, names) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) == 1:
        ((key, inner),) = data.items()
        special = SPECIAL.get(key)
        if special is not None:
            return special(inner, names)
        if key == "$ref":
            return names[inner]
    return {key: value_of(item, names) for key, item in data.items()}


SPECIAL: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "$tuple": lambda inner, names: tuple(value_of(item, names) for item in inner),
    "$set": lambda inner, names: {value_of(item, names) for item in inner},
    "$frozenset": lambda inner, names: frozenset(value_of(item, names) for item in inner),
    "$bytes": lambda inner, names: base64.b64decode(inner),
    "$float": lambda inner, names: float(inner),
    "$complex": lambda inner, names: complex(*inner),
    "$decimal": lambda inner, names: Decimal(inner),
    "$dict": lambda inner, names: {value_of(key, names): value_of(value, names) for key, value in inner},
    "$exception": lambda inner, names: EXCEPTIONS[inner],
}
