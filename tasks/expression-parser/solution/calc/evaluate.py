"""Computing the value of a tree."""

from __future__ import annotations

from collections.abc import Mapping

from calc.errors import UnknownName
from calc.parser import parse
from calc.tree import Expression, Name, Negation, Number


def value_of(tree: Expression, names: Mapping[str, float]) -> float:
    """The number a tree stands for. Raises `UnknownName` and `ZeroDivisionError`."""
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Name):
        if tree.name not in names:
            raise UnknownName(f"{tree.name} has no value")
        return names[tree.name]
    if isinstance(tree, Negation):
        return -value_of(tree.operand, names)
    left, right = value_of(tree.left, names), value_of(tree.right, names)
    if tree.sign == "+":
        return left + right
    if tree.sign == "-":
        return left - right
    if tree.sign == "*":
        return left * right
    if tree.sign == "/":
        return left / right
    power: float = left**right
    return power


def evaluate(text: str, names: Mapping[str, float] | None = None) -> float:
    """The value of an expression, with `names` standing for numbers."""
    return value_of(parse(text), names or {})
