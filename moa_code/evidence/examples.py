"""Calls with plain values, as tests, tables, docstrings and instructions show them. Pure: nothing is run.

What a call's arguments are is worked out from literals, from names bound to literals, from the rows of a loop or of
`pytest.mark.parametrize`. A call with anything else in it is no example.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

MOST_EXAMPLES = 400
MOST_ROWS = 60
MOST_ITEMS = 2000  # of a value
MOST_DIGITS = 40

_BUILDERS: dict[str, Callable[[Iterable[Any]], object]] = {
    "set": set,
    "frozenset": frozenset,
    "list": list,
    "tuple": tuple,
    "sorted": sorted,
}


class _Unknown(Exception):
    """The expression has no plain value that can be told by reading."""


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


@dataclass(frozen=True, slots=True)
class _Object:
    """A name that is bound to a new object of a class."""

    name: str
    module: str
    args: tuple[object, ...]


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
            except (_Unknown, AttributeError, TypeError, ValueError):
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
            raise _Unknown
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


Names = dict[str, object]


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
            scope[name] = _value(value, scope)
            return
        except _Unknown:
            scope.pop(name, None)
        made = self._made(value, scope)
        if made is not None:
            scope[name] = made

    def _made(self, node: ast.expr, scope: Names) -> _Object | None:
        """The object of a call that looks like a class's: its name begins with a capital letter."""
        if not isinstance(node, ast.Call):
            return None
        named = self._named(node.func)
        if named is None or not named[1].rpartition(".")[2][:1].isupper():
            return None
        try:
            args, kwargs = _arguments(node, scope)
        except _Unknown:
            return None
        return None if kwargs else _Object(named[1], named[0], args)

    def _calls(self, tree: ast.AST, scopes: list[Names]) -> None:
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for scope in scopes[:MOST_ROWS]:
            for call in calls:
                self._call(call, scope)

    def _call(self, node: ast.Call, scope: Names) -> None:
        try:
            args, kwargs = _arguments(node, scope)
        except _Unknown:
            return
        if isinstance(node.func, ast.Attribute):
            holder = node.func.value
            made = scope.get(holder.id) if isinstance(holder, ast.Name) else self._made(holder, scope)
            if isinstance(made, _Object):
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
            value = _value(arg.value, scope)
            if not isinstance(value, list | tuple):
                raise _Unknown
            args += value
        else:
            args.append(_value(arg, scope))
    kwargs = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise _Unknown
        kwargs[keyword.arg] = _value(keyword.value, scope)
    return tuple(args), kwargs


def _looped(target: ast.expr, rows: ast.expr, scopes: list[Names]) -> list[Names]:
    """The scopes of a loop's body: one a row where the rows can be told."""
    found: list[Names] = []
    for scope in scopes:
        try:
            items = _value(rows, scope)
        except _Unknown:
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
            names = _value(decorator.args[0], {})
        except _Unknown:
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
            items = _value(node, scope)
        except _Unknown:
            return
        if isinstance(items, list | tuple | set | range):
            yield from islice(items, MOST_ROWS)
        return
    for item in node.elts[:MOST_ROWS]:
        try:
            if isinstance(item, ast.Call) and ast.unparse(item.func).endswith("param"):
                values = tuple(_value(arg, scope) for arg in item.args)
                yield values if len(values) != 1 else values[0]
            else:
                yield _value(item, scope)
        except _Unknown:
            continue


def _value(node: ast.expr, scope: Names) -> object:
    """The plain value of an expression. Raises `_Unknown`."""
    match node:
        case ast.Constant(value=value) if value is not Ellipsis:
            return value
        case ast.Name(id=name) if name in scope and not isinstance(scope[name], _Object):
            return scope[name]
        case ast.List(elts=elts):
            return [_value(item, scope) for item in _bounded(elts)]
        case ast.Tuple(elts=elts):
            return tuple(_value(item, scope) for item in _bounded(elts))
        case ast.Set(elts=elts):
            return {_hashable(_value(item, scope)) for item in _bounded(elts)}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip([k for k in keys if k is not None], values, strict=True)
            return {_hashable(_value(key, scope)): _value(value, scope) for key, value in pairs}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _computed("-", 0, _value(operand, scope))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Pow() as op, right=right):
            sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Pow: "**"}[type(op)]
            return _computed(sign, _value(left, scope), _value(right, scope))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="copy"), attr="deepcopy" | "copy"), args=[arg], keywords=[]):
            return _value(arg, scope)
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))], keywords=[]):
            try:
                return float(text)
            except ValueError:
                raise _Unknown from None
        case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]) if args:
            bounds = [_value(arg, scope) for arg in args]
            if not all(type(b) is int and abs(b) <= MOST_ITEMS for b in bounds) or len(bounds) > 2:
                raise _Unknown
            return range(*[b for b in bounds if isinstance(b, int)])
        case ast.Call(func=ast.Name(id=name), args=[arg], keywords=[]) if name in _BUILDERS:
            items = _value(arg, scope)
            if not isinstance(items, list | tuple | set | frozenset | str | range):
                raise _Unknown
            try:
                return _BUILDERS[name](items)
            except TypeError:
                raise _Unknown from None
        case ast.Call(func=ast.Name(id=("set" | "list" | "dict" | "tuple") as name), args=[], keywords=[]):
            return {} if name == "dict" else _BUILDERS[name](())
        case _:
            raise _Unknown


def _bounded(items: list[ast.expr]) -> list[ast.expr]:
    if len(items) > MOST_ITEMS:
        raise _Unknown
    return items


def _hashable(value: object) -> object:
    try:
        hash(value)
    except TypeError:
        raise _Unknown from None
    return value


def _computed(sign: str, left: Any, right: Any) -> object:
    """Arithmetic of literals, within bounds: numbers, joined sequences, repeated ones."""
    numbers = [v for v in (left, right) if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == 2:
        if any(abs(n) > 10.0**MOST_DIGITS for n in numbers) or (sign == "**" and not 0 <= right <= 64):
            raise _Unknown
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case _:
                return left**right
    if sign == "+" and type(left) is type(right) and isinstance(left, list | tuple | str):
        return left + right
    if sign == "*" and len(numbers) == 1 and isinstance(numbers[0], int):
        items = left if numbers[0] is right else right
        if isinstance(items, list | tuple | str) and len(items) * numbers[0] <= MOST_ITEMS:
            return items * numbers[0]
    raise _Unknown
