"""Plain values of expressions, told by reading: literals, names bound to them, a little arithmetic. Nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

MOST_ITEMS = 2000  # of a value
MOST_DIGITS = 40
Names = dict[str, object]

_BUILDERS: dict[str, Callable[[Iterable[Any]], object]] = {
    "set": set,
    "frozenset": frozenset,
    "list": list,
    "tuple": tuple,
    "sorted": sorted,
}


class Unknown(Exception):
    """The expression has no plain value that can be told by reading."""


@dataclass(frozen=True, slots=True)
class Made:
    """A name that is bound to a new object of a class."""

    name: str
    module: str
    args: tuple[object, ...]


def value_of(node: ast.expr, scope: Names) -> object:
    """The plain value of an expression. Raises `Unknown`."""
    match node:
        case ast.Constant(value=value) if value is not Ellipsis:
            return value
        case ast.Name(id=name) if name in scope and not isinstance(scope[name], Made):
            return scope[name]
        case ast.List(elts=elts):
            return [value_of(item, scope) for item in _bounded(elts)]
        case ast.Tuple(elts=elts):
            return tuple(value_of(item, scope) for item in _bounded(elts))
        case ast.Set(elts=elts):
            return {_hashable(value_of(item, scope)) for item in _bounded(elts)}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip([k for k in keys if k is not None], values, strict=True)
            return {_hashable(value_of(key, scope)): value_of(value, scope) for key, value in pairs}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _computed("-", 0, value_of(operand, scope))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Pow() as op, right=right):
            sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Pow: "**"}[type(op)]
            return _computed(sign, value_of(left, scope), value_of(right, scope))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="copy"), attr="deepcopy" | "copy"), args=[arg], keywords=[]):
            return value_of(arg, scope)
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))], keywords=[]):
            try:
                return float(text)
            except ValueError:
                raise Unknown from None
        case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]) if args:
            bounds = [value_of(arg, scope) for arg in args]
            if not all(type(b) is int and abs(b) <= MOST_ITEMS for b in bounds) or len(bounds) > 2:
                raise Unknown
            return range(*[b for b in bounds if isinstance(b, int)])
        case ast.Call(func=ast.Name(id=name), args=[arg], keywords=[]) if name in _BUILDERS:
            items = value_of(arg, scope)
            if not isinstance(items, list | tuple | set | frozenset | str | range):
                raise Unknown
            try:
                return _BUILDERS[name](items)
            except TypeError:
                raise Unknown from None
        case ast.Call(func=ast.Name(id=("set" | "list" | "dict" | "tuple") as name), args=[], keywords=[]):
            return {} if name == "dict" else _BUILDERS[name](())
        case _:
            raise Unknown


def _bounded(items: list[ast.expr]) -> list[ast.expr]:
    if len(items) > MOST_ITEMS:
        raise Unknown
    return items


def _hashable(value: object) -> object:
    try:
        hash(value)
    except TypeError:
        raise Unknown from None
    return value


def _computed(sign: str, left: Any, right: Any) -> object:
    """Arithmetic of literals, within bounds: numbers, joined sequences, repeated ones."""
    numbers = [v for v in (left, right) if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == 2:
        if any(abs(n) > 10.0**MOST_DIGITS for n in numbers) or (sign == "**" and not 0 <= right <= 64):
            raise Unknown
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
    raise Unknown
