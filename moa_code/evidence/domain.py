"""The domain of a function: which inputs it is for, as far as examples, type hints and words tell. Pure.

It is described twice: inside everything that the examples have in common, and with borders that the types allow. At the
edge right programs may differ.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from moa_code.evidence.examples import Example
from moa_code.evidence.infer import shape_of
from moa_code.evidence.shapes import (
    Brackets,
    Choice,
    Letters,
    OneOf,
    Phrase,
    Real,
    Record,
    Rows,
    Shape,
    Table,
    Whole,
    widened,
)

SURE_PAIRS = 2  # examples that one must have before an order of two numbers is believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter as a signature names it. `star`: takes what is left of the positional arguments."""

    name: str
    hint: ast.expr | None = None
    default: ast.expr | None = None
    star: bool = False
    keyword_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What two parameters have to do with each other, in every example.

    `kind`: length (the first is longer by `by`) · size (first = len(second)) · index (0 ≤ first < len(second)) ·
    count (first ≤ len(second)) · at_most, below (first ≤, < second) · member (first is in second), or `may_be_member`
    where it sometimes is.
    """

    kind: str
    first: str
    second: str
    by: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Shapes by parameter, in order; `optional` are left out now and then. `star` is the name of the starred one.

    `shown`: examples say so; without, the type hints alone do, and every input is an edge. `examples` are the values by
    parameter that were seen, `borders` the shapes with what the types allow besides.
    """

    shapes: Mapping[str, Shape]
    relations: tuple[Relation, ...] = ()
    optional: frozenset[str] = frozenset()
    keyword_only: frozenset[str] = frozenset()
    star: str = ""
    shown: bool = True
    borders: Mapping[str, Shape] = field(default_factory=dict)
    examples: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDomain:
    """Why no inputs can be made, for a person."""

    reason: str


def domain_of(
    parameters: Sequence[Parameter], calls: Sequence[tuple[Sequence[object], Mapping[str, object]]], words: str = ""
) -> Domain | NoDomain:
    """The domain of a function with these parameters that was called so. `words`: what the task says of it."""
    fitting = [b for args, kwargs in calls if (b := bind(parameters, args, kwargs)) is not None]
    bound = list({repr(values): values for values in fitting}.values())  # tests and docstrings show the same
    shapes: dict[str, Shape] = {}
    borders: dict[str, Shape] = {}
    optional = set()
    words = words.lower()
    star = next((p.name for p in parameters if p.star), "")
    for parameter in parameters:
        seen = [values[parameter.name] for values in bound if parameter.name in values]
        hinted = hint_shape(parameter.hint)
        shape = shape_of(seen, words) if seen else None
        if seen and shape is None:
            return NoDomain(reason=f"{parameter.name} is no plain value in the examples")
        if shape is None and parameter.star:
            star = ""
            continue
        if shape is None and parameter.default is not None:
            continue  # nobody passes it
        if shape is None and bound:
            continue
        shape = shape or hinted
        if shape is None:
            why = "no example calls it with plain values" if not calls else "its examples do not fit its signature"
            return NoDomain(reason=f"{why}, and {parameter.name} has no type hint of a plain type")
        if isinstance(shape, Whole) and len(parameters) == 1 and shape.high > 1:  # a count or a size, seldom bounded
            shape = replace(shape, high=max(shape.high, 2 * max(shape.seen, default=0) + 10))
        if isinstance(shape, Letters | Phrase | Brackets) and len(parameters) > 1 and "" not in seen:
            shape = replace(shape, low=max(1, shape.low))  # beside other values an empty one may mean nothing
        borders[parameter.name] = _with_hint(widened(shape), hinted)
        shapes[parameter.name] = Choice(values=(seen[0],)) if _constant(seen) else shape
        if parameter.default is not None and len(seen) < max(1, len(bound)):
            optional.add(parameter.name)
    names = [p.name for p in parameters if p.name in shapes and not p.star]
    return Domain(
        shapes=shapes,
        relations=_relations(names, bound),
        optional=frozenset(optional),
        keyword_only=frozenset(p.name for p in parameters if p.keyword_only),
        star=star,
        shown=bool(bound) or not parameters,
        borders=borders,
        examples=tuple(bound),
    )


def _constant(seen: Sequence[object]) -> bool:
    """Whether one value was passed in several examples, and no other: a name, a base, a mode."""
    few = 2 if seen and isinstance(seen[0], str) else 3
    plain = bool(seen) and isinstance(seen[0], str | int | float)
    return plain and len(seen) >= few and len({repr(value) for value in seen}) == 1


def bind(
    parameters: Sequence[Parameter], args: Sequence[object], kwargs: Mapping[str, object]
) -> dict[str, object] | None:
    """Values by parameter; None where the call does not fit."""
    found: dict[str, object] = {}
    rest = list(args)
    for parameter in parameters:
        if parameter.star:
            found[parameter.name], rest = list(rest), []
        elif rest and not parameter.keyword_only:
            found[parameter.name] = rest.pop(0)
        elif parameter.name in kwargs:
            found[parameter.name] = kwargs[parameter.name]
        elif parameter.default is None:
            return None
    return None if rest or not kwargs.keys() <= found.keys() else found


def parameters_of(node: ast.FunctionDef | ast.AsyncFunctionDef, *, skip_first: bool = False) -> tuple[Parameter, ...]:
    """The parameters of a definition, without `self` or `cls` where `skip_first`; `**names` are left out."""
    positional = [*node.args.posonlyargs, *node.args.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults))
    found = [
        Parameter(name=arg.arg, hint=arg.annotation, default=default)
        for arg, default in zip(positional, [*missing, *node.args.defaults], strict=True)
    ]
    if skip_first:
        found = found[1:]
    if node.args.vararg:
        found.append(Parameter(name=node.args.vararg.arg, star=True))
    found += [
        Parameter(name=arg.arg, hint=arg.annotation, default=default, keyword_only=True)
        for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    return tuple(found)


_PLAIN: dict[str, Shape] = {
    "int": Whole(low=0, high=12, seen=(0, 1, 2)),
    "float": Real(low=0.0, high=10.0, seen=(0.0, 0.5, 1.0)),
    "bool": Choice(values=(False, True)),
    "str": Letters(alphabet="abcdeABC012 ", low=0, high=10),
    "None": Choice(values=(None,)),
}
_ROWS = {
    "list": "list",
    "List": "list",
    "Sequence": "list",
    "Iterable": "list",
    "Collection": "list",
    "set": "set",
    "Set": "set",
    "frozenset": "frozenset",
    "tuple": "tuple",
    "Tuple": "tuple",
}


def hint_shape(hint: ast.expr | None) -> Shape | None:
    """Small values of a plain type hint; None for any other."""
    match hint:
        case ast.Constant(value=str(text)):
            try:
                return hint_shape(ast.parse(text, mode="eval").body)
            except SyntaxError:
                return None
        case ast.Constant(value=None):
            return _PLAIN["None"]
        case ast.Name(id=name) | ast.Attribute(attr=name):
            if name in _ROWS:
                return Rows(container=_ROWS[name], element=_PLAIN["int"], low=0, high=6, unique="set" in name)
            return _PLAIN.get(name)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _either([hint_shape(left), hint_shape(right)])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inside):
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            return _generic(name, parts)
        case _:
            return None


def _generic(name: str, parts: Sequence[ast.expr]) -> Shape | None:
    if name == "Optional":
        return _either([hint_shape(parts[0]), _PLAIN["None"]])
    if name == "Union":
        return _either([hint_shape(part) for part in parts])
    if name == "Literal" and all(isinstance(part, ast.Constant) for part in parts):
        return Choice(values=tuple(part.value for part in parts if isinstance(part, ast.Constant)))
    if name in ("tuple", "Tuple") and not (len(parts) == 2 and _is_ellipsis(parts[1])):
        places = [hint_shape(part) for part in parts]
        known = tuple(place for place in places if place is not None)
        return Record(container="tuple", places=known) if len(known) == len(parts) else None
    inner = [hint_shape(part) for part in parts if not _is_ellipsis(part)]
    if name in ("dict", "Dict", "Mapping") and len(inner) == 2 and inner[0] and inner[1]:
        return Table(key=inner[0], value=inner[1], low=0, high=4)
    if name in _ROWS and inner[0]:
        return Rows(container=_ROWS[name], element=inner[0], low=0, high=6, unique="set" in _ROWS[name])
    return None


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _either(options: Sequence[Shape | None]) -> Shape | None:
    known = tuple(option for option in options if option is not None)
    return OneOf(options=known) if known and len(known) == len(options) else None


def _with_hint(shape: Shape, hinted: Shape | None) -> Shape:
    """The border, and what else the hint allows where the examples showed one kind of value only."""
    if hinted is None or type(hinted) is type(shape) or isinstance(shape, OneOf) or isinstance(hinted, Letters):
        return shape
    if isinstance(hinted, Real | OneOf) and not isinstance(shape, Rows | Record):
        return OneOf(options=(shape, hinted))
    return shape


def _relations(names: Sequence[str], bound: Sequence[Mapping[str, object]]) -> tuple[Relation, ...]:
    """Relations that hold in all examples; of two that one follows from, the stronger."""
    found = []
    for first in names:
        for second in names:
            pairs = [(b[first], b[second]) for b in bound if first in b and second in b]
            if first != second and pairs and len(pairs) * 2 > len(bound):
                kind = _relation(pairs, earlier=list(names).index(first) < list(names).index(second))
                if kind:
                    by = _length(pairs[0][0]) - _length(pairs[0][1]) if kind == "length" else 0
                    found.append(Relation(kind=kind, first=first, second=second, by=by))
    return tuple(sorted(found, key=lambda relation: relation.kind != "length"))  # an index depends on a length


def _length(value: object) -> int:
    return len(value) if isinstance(value, list | tuple | str) else 0


def _relation(pairs: Sequence[tuple[Any, Any]], *, earlier: bool) -> str:
    """How the first of each pair is bound to the second; empty for not at all."""
    sized = all(isinstance(b, list | tuple | str) for _, b in pairs)
    if sized and all(isinstance(a, list | tuple | str) for a, _ in pairs):
        apart = {len(a) - len(b) for a, b in pairs}
        return "length" if earlier and len(apart) == 1 and abs(min(apart)) <= 1 else ""
    if sized and all(type(a) is int for a, _ in pairs):
        if all(a == len(b) for a, b in pairs) and len(pairs) >= SURE_PAIRS:
            return "size"
        inside = [isinstance(b, list | tuple) and a in b for a, b in pairs]
        if all(isinstance(b, list | tuple) for _, b in pairs) and any(inside):
            if all(inside) and len(pairs) >= SURE_PAIRS and not all(0 <= a < len(b) for a, b in pairs):
                return "member"
            if not all(0 <= a <= len(b) for a, b in pairs):
                return "may_be_member"
        if all(0 <= a < len(b) for a, b in pairs):
            return "index"
        return "count" if all(0 <= a <= len(b) for a, b in pairs) else ""
    if all(isinstance(b, list | tuple) for _, b in pairs) and all(isinstance(a, str | float) for a, _ in pairs):
        return "may_be_member" if any(a in b for a, b in pairs) else ""
    numbers = all(type(v) in (int, float) for pair in pairs for v in pair)
    if numbers and len({tuple(pair) for pair in pairs}) >= SURE_PAIRS:
        if all(a < b for a, b in pairs):
            return "below"
        return "at_most" if all(a <= b for a, b in pairs) else ""
    return ""


def calls_of(examples: Sequence[Example]) -> list[tuple[tuple[object, ...], Mapping[str, object]]]:
    """Arguments alone."""
    return [(example.args, example.kwargs) for example in examples]
