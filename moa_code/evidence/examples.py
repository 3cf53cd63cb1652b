"""Calls with plain values, as tests, tables, docstrings and instructions show them. Pure: nothing is run.

What a call's arguments are is worked out from literals, from names bound to literals, from the rows of a loop or of
`pytest.mark.parametrize`. A call with anything else in it is no example.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from moa_code.evidence.literals import Made, Names, Unknown, value_of

MOST_EXAMPLES = 400
MOST_ROWS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One call of `name`, a qualified name as far as the text shows it (`f`, `Class.method`).

    `module` is what it was imported from, as far as that is known. `made_with` are the arguments of the constructor,
    for a method called on a new object.
    """

    name: str
    args: tuple[object, ...]
    kwargs: Mapping[str, object] = field(default_factory=dict)
    module: str = ""
    made_with: tuple[object, ...] | None = None


def examples_in_source(text: str, *, stands_for: Mapping[str, str] | None = None) -> tuple[Example, ...]:
    """Calls in Python source, tests for the most part. `stands_for`: names that mean another function here."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    reader = _Reader(tree, dict(stands_for or {}))
    try:
        reader.visit(tree.body, [{}])
    except RecursionError:
        return ()
    return tuple(reader.found[:MOST_EXAMPLES])


def examples_in_words(text: str, names: Iterable[str]) -> tuple[Example, ...]:
    """Calls of `names` anywhere in prose: after `>>>`, in an assert, or as `f(1, 2) ➞ 3`."""
    found: list[Example] = []
    for name in names:
        for match in islice(re.finditer(rf"(?<![\w.]){re.escape(name)}\s*\(", text), MOST_ROWS):
            end = _closing(text, match.end() - 1)
            if end:
                found += examples_in_source(re.sub(r"\n\s*(\.\.\.)?", " ", text[match.start() : end]))
    return tuple(found)


def examples_in_table(text: str, *, lines: bool) -> tuple[Example, ...]:
    """The cases of an oracle's table: a JSON list, or with `lines` one case a line."""
    try:
        cases = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
    except (ValueError, RecursionError):
        return ()
    found = []
    for case in cases if isinstance(cases, list) else []:
        if isinstance(case, dict) and isinstance(case.get("call"), str) and "on" not in case:
            module, _, name = case["call"].rpartition(".")
            try:
                args = tuple(_decoded(value) for value in case.get("args", []))
                kwargs = {str(key): _decoded(value) for key, value in case.get("kwargs", {}).items()}
            except (Unknown, AttributeError, TypeError, ValueError):
                continue
            found.append(Example(name=name, module=module, args=args, kwargs=kwargs))
    return tuple(found[:MOST_EXAMPLES])


def _decoded(value: Any) -> object:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"$tuple": list(items)}:
            return tuple(_decoded(item) for item in items)
        case {"$set": list(items)}:
            return {_decoded(item) for item in items}
        case {"$dict": list(pairs)}:
            return {_decoded(key): _decoded(item) for key, item in pairs}
        case _ if any(key.startswith("$") for key in value):
            raise Unknown
        case _:
            return {key: _decoded(item) for key, item in value.items()}


def _closing(text: str, start: int) -> int:
    """The position behind the bracket that closes the one at `start`; 0 where there is none within reach."""
    depth, quote = 0, ""
    for at in range(start, min(len(text), start + 2000)):
        char = text[at]
        if quote:
            quote = "" if char == quote and text[at - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        else:
            depth += (char in "([{") - (char in ")]}")
            if depth == 0:
                return at + 1
    return 0


class _Reader:
    """Walks statements with what names are bound to; where a loop has rows, with several such bindings."""

    def __init__(self, tree: ast.Module, stands_for: dict[str, str]) -> None:
        self.found: list[Example] = []
        self._stands_for = stands_for
        self._imported: dict[str, tuple[str, str]] = {}
        self._modules: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = (node.module or "", alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    self._modules[alias.asname or alias.name] = alias.name

    def visit(self, body: Iterable[ast.stmt], scopes: list[Names]) -> None:
        for statement in body:
            if len(self.found) >= MOST_EXAMPLES:
                return
            self._statement(statement, scopes)

    def _statement(self, node: ast.stmt, scopes: list[Names]) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.visit(node.body, _parametrized(node, [dict(scope) for scope in scopes]))
            case ast.ClassDef():
                self.visit(node.body, [dict(scope) for scope in scopes])
            case ast.For(target=target, iter=rows, body=body):
                self._calls(rows, scopes)
                self.visit(body, _looped(target, rows, scopes))
            case ast.If() | ast.While():
                self._calls(node.test, scopes)
                self.visit([*node.body, *node.orelse], scopes)
            case ast.With() | ast.AsyncWith():
                self.visit(node.body, scopes)
            case ast.Try():
                self.visit([*node.body, *node.orelse, *node.finalbody], scopes)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._calls(value, scopes)
                for scope in scopes:
                    self._bind(scope, name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._calls(value, scopes)
                for scope in scopes:
                    self._bind(scope, name, value)
            case _:
                self._calls(node, scopes)

    def _bind(self, scope: Names, name: str, value: ast.expr) -> None:
        try:
            scope[name] = value_of(value, scope)
            return
        except Unknown:
            scope.pop(name, None)
        made = self._made(value, scope)
        if made is not None:
            scope[name] = made

    def _made(self, node: ast.expr, scope: Names) -> Made | None:
        """The object of a call that looks like a class's: its name begins with a capital letter."""
        if not isinstance(node, ast.Call):
            return None
        named = self._named(node.func)
        if named is None or not named[1].rpartition(".")[2][:1].isupper():
            return None
        try:
            args, kwargs = _arguments(node, scope)
        except Unknown:
            return None
        return None if kwargs else Made(named[1], named[0], args)

    def _calls(self, tree: ast.AST, scopes: list[Names]) -> None:
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for scope in scopes[:MOST_ROWS]:
            for call in calls:
                self._call(call, scope)

    def _call(self, node: ast.Call, scope: Names) -> None:
        try:
            args, kwargs = _arguments(node, scope)
        except Unknown:
            return
        if isinstance(node.func, ast.Attribute):
            holder = node.func.value
            made = scope.get(holder.id) if isinstance(holder, ast.Name) else self._made(holder, scope)
            if isinstance(made, Made):
                name = f"{made.name}.{node.func.attr}"
                self._add(Example(name=name, module=made.module, args=args, kwargs=kwargs, made_with=made.args))
                return
        named = self._named(node.func)
        if named is not None:
            self._add(Example(name=named[1], module=named[0], args=args, kwargs=kwargs))

    def _named(self, node: ast.expr) -> tuple[str, str] | None:
        """Module, as far as it is known, and qualified name of what is called."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        first = self._stands_for.get(node.id, node.id)
        if first in self._imported:
            module, name = self._imported[first]
            return module, ".".join([name, *parts])
        dotted = [first, *parts]
        for size in range(len(dotted) - 1, 0, -1):
            if ".".join(dotted[:size]) in self._modules:
                return self._modules[".".join(dotted[:size])], ".".join(dotted[size:])
        return "", ".".join(dotted)

    def _add(self, example: Example) -> None:
        if len(self.found) < MOST_EXAMPLES:
            self.found.append(example)


def _arguments(node: ast.Call, scope: Names) -> tuple[tuple[object, ...], dict[str, object]]:
    args: list[object] = []
    for arg in node.args:
        if isinstance(arg, ast.Starred):
            value = value_of(arg.value, scope)
            if not isinstance(value, list | tuple):
                raise Unknown
            args += value
        else:
            args.append(value_of(arg, scope))
    kwargs = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise Unknown
        kwargs[keyword.arg] = value_of(keyword.value, scope)
    return tuple(args), kwargs


def _looped(target: ast.expr, rows: ast.expr, scopes: list[Names]) -> list[Names]:
    """The scopes of a loop's body: one a row where the rows can be told."""
    found: list[Names] = []
    for scope in scopes:
        try:
            items = value_of(rows, scope)
        except Unknown:
            continue
        if isinstance(items, dict | str) or not isinstance(items, list | tuple | set | frozenset | range):
            continue
        for item in islice(items, MOST_ROWS):
            bound = dict(scope)
            if _unpack(target, item, bound):
                found.append(bound)
    return found[:MOST_ROWS] or [dict(scope) for scope in scopes]


def _unpack(target: ast.expr, value: object, scope: Names) -> bool:
    if isinstance(target, ast.Name):
        scope[target.id] = value
        return True
    if not isinstance(target, ast.Tuple | ast.List) or not isinstance(value, list | tuple):
        return False
    if len(target.elts) == len(value):
        return all(_unpack(part, item, scope) for part, item in zip(target.elts, value, strict=True))
    match target.elts:
        case [*parts, ast.Starred(value=ast.Name(id=rest))] if len(value) >= len(parts):
            scope[rest] = list(value[len(parts) :])
            return all(_unpack(part, item, scope) for part, item in zip(parts, value, strict=False))
        case [ast.Starred(value=ast.Name(id=rest)), *parts] if len(value) >= len(parts):
            scope[rest] = list(value[: len(value) - len(parts)])
            tail = value[len(value) - len(parts) :]
            return all(_unpack(part, item, scope) for part, item in zip(parts, tail, strict=True))
    return False


def _parametrized(node: ast.FunctionDef | ast.AsyncFunctionDef, scopes: list[Names]) -> list[Names]:
    """One scope a row of each `parametrize` that can be read."""
    own = {arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    for scope in scopes:
        for name in own:
            scope.pop(name, None)
    for decorator in node.decorator_list:
        if not (isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("parametrize")):
            continue
        if len(decorator.args) < 2:
            continue
        try:
            names = value_of(decorator.args[0], {})
        except Unknown:
            continue
        listed = [n.strip() for n in names.split(",")] if isinstance(names, str) else names
        if not isinstance(listed, list | tuple):
            continue
        found: list[Names] = []
        for scope in scopes:
            for row in _rows(decorator.args[1], scope):
                values = row if len(listed) > 1 else (row,)
                if isinstance(values, list | tuple) and len(values) == len(listed):
                    found.append({**scope, **dict(zip(map(str, listed), values, strict=True))})
        scopes = found[:MOST_ROWS] or scopes
    return scopes


def _rows(node: ast.expr, scope: Names) -> Iterator[object]:
    """The rows of a table, also those in `pytest.param`; rows that cannot be read are left out."""
    if not isinstance(node, ast.List | ast.Tuple):
        try:
            items = value_of(node, scope)
        except Unknown:
            return
        if isinstance(items, list | tuple | set | range):
            yield from islice(items, MOST_ROWS)
        return
    for item in node.elts[:MOST_ROWS]:
        try:
            if isinstance(item, ast.Call) and ast.unparse(item.func).endswith("param"):
                values = tuple(value_of(arg, scope) for arg in item.args)
                yield values if len(values) != 1 else values[0]
            else:
                yield value_of(item, scope)
        except Unknown:
            continue
