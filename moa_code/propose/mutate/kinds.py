"""Guesses at what kind of value an expression or a name holds, from how the code uses it."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum


class Kind(StrEnum):
    NUM = "num"
    STR = "str"
    BOOL = "bool"
    LIST = "list"
    TUPLE = "tuple"
    SET = "set"
    DICT = "dict"
    NONE = "none"
    FUNC = "func"
    OBJ = "obj"  # something with attributes of its own
    ITER = "iter"  # can be looped over, nothing else is known
    ANY = "any"


SIZED = frozenset({Kind.LIST, Kind.STR, Kind.TUPLE, Kind.SET, Kind.DICT, Kind.ITER})
SEQUENCES = frozenset({Kind.LIST, Kind.STR, Kind.TUPLE, Kind.ITER})

_CALLS = {
    "len": Kind.NUM, "abs": Kind.NUM, "int": Kind.NUM, "float": Kind.NUM, "round": Kind.NUM, "sum": Kind.NUM,
    "ord": Kind.NUM, "pow": Kind.NUM, "divmod": Kind.TUPLE, "sqrt": Kind.NUM, "floor": Kind.NUM, "ceil": Kind.NUM,
    "gcd": Kind.NUM, "str": Kind.STR, "chr": Kind.STR, "repr": Kind.STR, "input": Kind.STR, "bin": Kind.STR,
    "hex": Kind.STR, "format": Kind.STR, "list": Kind.LIST, "sorted": Kind.LIST, "tuple": Kind.TUPLE,
    "set": Kind.SET, "frozenset": Kind.SET, "dict": Kind.DICT, "defaultdict": Kind.DICT, "Counter": Kind.DICT,
    "OrderedDict": Kind.DICT, "deque": Kind.LIST, "range": Kind.ITER, "enumerate": Kind.ITER, "zip": Kind.ITER,
    "map": Kind.ITER, "filter": Kind.ITER, "reversed": Kind.ITER, "any": Kind.BOOL, "all": Kind.BOOL,
    "isinstance": Kind.BOOL, "bool": Kind.BOOL, "callable": Kind.BOOL, "hasattr": Kind.BOOL,
}  # fmt: skip
_METHOD_RETURNS = {
    "split": Kind.LIST, "splitlines": Kind.LIST, "rsplit": Kind.LIST, "join": Kind.STR, "strip": Kind.STR,
    "lstrip": Kind.STR, "rstrip": Kind.STR, "lower": Kind.STR, "upper": Kind.STR, "replace": Kind.STR,
    "title": Kind.STR, "capitalize": Kind.STR, "format": Kind.STR, "zfill": Kind.STR, "find": Kind.NUM,
    "rfind": Kind.NUM, "index": Kind.NUM, "rindex": Kind.NUM, "count": Kind.NUM, "startswith": Kind.BOOL,
    "endswith": Kind.BOOL, "isdigit": Kind.BOOL, "isalpha": Kind.BOOL, "isalnum": Kind.BOOL, "isupper": Kind.BOOL,
    "islower": Kind.BOOL, "isspace": Kind.BOOL, "keys": Kind.ITER, "values": Kind.ITER, "items": Kind.ITER,
    "union": Kind.SET, "intersection": Kind.SET, "difference": Kind.SET, "append": Kind.NONE, "extend": Kind.NONE,
    "add": Kind.NONE, "update": Kind.NONE, "sort": Kind.NONE, "reverse": Kind.NONE, "remove": Kind.NONE,
}  # fmt: skip
_METHOD_OWNERS = {
    **dict.fromkeys(("append", "extend", "insert", "sort", "reverse", "popleft", "appendleft"), Kind.LIST),
    **dict.fromkeys(("add", "discard", "union", "intersection", "difference", "issubset", "issuperset"), Kind.SET),
    **dict.fromkeys(("items", "keys", "values", "get", "setdefault"), Kind.DICT),
    **dict.fromkeys(
        ("split", "strip", "lstrip", "rstrip", "lower", "upper", "replace", "startswith", "endswith", "join",
         "find", "rfind", "isdigit", "isalpha", "isalnum", "title", "splitlines", "isupper", "islower", "zfill"),
        Kind.STR,
    ),
}  # fmt: skip
_LITERALS: tuple[tuple[type[ast.expr], Kind], ...] = (
    (ast.List, Kind.LIST),
    (ast.ListComp, Kind.LIST),
    (ast.Tuple, Kind.TUPLE),
    (ast.Set, Kind.SET),
    (ast.SetComp, Kind.SET),
    (ast.Dict, Kind.DICT),
    (ast.DictComp, Kind.DICT),
    (ast.JoinedStr, Kind.STR),
    (ast.Compare, Kind.BOOL),
    (ast.Lambda, Kind.FUNC),
    (ast.GeneratorExp, Kind.ITER),
)


def constant_kind(value: object) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOL
    if isinstance(value, int | float | complex):
        return Kind.NUM
    if isinstance(value, str | bytes):
        return Kind.STR
    return Kind.NONE if value is None else Kind.ANY


def kind_of(node: ast.expr, names: Mapping[str, Kind]) -> Kind:
    """What the expression probably holds, given what names hold."""
    for form, kind in _LITERALS:
        if isinstance(node, form):
            return kind
    match node:
        case ast.Constant():
            return constant_kind(node.value)
        case ast.Name():
            return names.get(node.id, Kind.ANY)
        case ast.BinOp():
            left, right = kind_of(node.left, names), kind_of(node.right, names)
            if isinstance(node.op, ast.Add | ast.Mult):
                for side in (left, right):
                    if side in (Kind.LIST, Kind.STR, Kind.TUPLE):
                        return side
            if isinstance(node.op, ast.Mod) and left is Kind.STR:
                return Kind.STR
            if isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub) and Kind.SET in (left, right):
                return Kind.SET
            return Kind.NUM if Kind.NUM in (left, right) or not isinstance(node.op, ast.Add) else Kind.ANY
        case ast.UnaryOp():
            return Kind.BOOL if isinstance(node.op, ast.Not) else Kind.NUM
        case ast.BoolOp():
            return kind_of(node.values[-1], names)
        case ast.IfExp():
            return kind_of(node.body, names)
        case ast.Call(func=ast.Name(id=name)):
            if name in ("min", "max") and len(node.args) > 1:
                return kind_of(node.args[0], names)
            return _CALLS.get(name, names.get(f"{name}()", Kind.ANY))
        case ast.Call(func=ast.Attribute(attr=name)):
            return _METHOD_RETURNS.get(name, _CALLS.get(name, Kind.ANY))
        case ast.Subscript(slice=ast.Slice()):
            return kind_of(node.value, names)
        case ast.Subscript() if kind_of(node.value, names) is Kind.STR:
            return Kind.STR
        case _:
            return Kind.ANY


def infer(body: Iterable[ast.AST], known: Mapping[str, Kind]) -> dict[str, Kind]:
    """Kinds of the names that a function's nodes use; two passes, so that one guess can lean on another."""
    nodes = list(body)
    found: dict[str, Kind] = dict(known)
    for _ in range(2):
        votes: dict[str, Counter[Kind]] = defaultdict(Counter)
        for node in nodes:
            _vote(node, votes, found)
        for name, counter in votes.items():
            counter[Kind.ANY] = 0
            best, weight = max(counter.items(), key=lambda item: item[1])
            if weight > 0:
                found[name] = best
    return found


def _vote(node: ast.AST, votes: dict[str, Counter[Kind]], known: Mapping[str, Kind]) -> None:
    def vote(target: ast.AST | None, kind: Kind, weight: int = 2) -> None:
        if isinstance(target, ast.Name):
            votes[target.id][kind] += weight

    match node:
        case ast.Assign():
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for one, value in zip(target.elts, node.value.elts, strict=False):
                        vote(one, kind_of(value, known), 3)
                else:
                    vote(target, kind_of(node.value, known), 3)
        case ast.AugAssign():
            vote(node.target, kind_of(node.value, known))
            if isinstance(node.op, ast.Sub | ast.Mult | ast.Div | ast.FloorDiv):
                vote(node.target, Kind.NUM)
        case ast.For() | ast.comprehension():
            _vote_loop(node.target, node.iter, votes, known)
        case ast.BinOp():
            if isinstance(node.op, ast.Sub | ast.Mod | ast.FloorDiv | ast.Div | ast.Pow):
                if not (isinstance(node.op, ast.Mod) and kind_of(node.left, known) is Kind.STR):
                    vote(node.left, Kind.NUM, 1)
                    vote(node.right, Kind.NUM, 1)
            elif isinstance(node.op, ast.Add):
                vote(node.left, kind_of(node.right, known), 1)
                vote(node.right, kind_of(node.left, known), 1)
        case ast.Compare():
            if isinstance(node.ops[0], ast.In | ast.NotIn):
                vote(node.comparators[0], Kind.ITER, 1)
                if _holds_text(node.comparators[0]):
                    vote(node.left, Kind.STR)
            elif not isinstance(node.ops[0], ast.Is | ast.IsNot):
                vote(node.left, kind_of(node.comparators[0], known), 1)
                vote(node.comparators[0], kind_of(node.left, known), 1)
        case ast.Subscript():
            if isinstance(node.slice, ast.Slice):
                vote(node.value, Kind.LIST, 1)
                for bound in (node.slice.lower, node.slice.upper, node.slice.step):
                    vote(bound, Kind.NUM)
            elif kind_of(node.slice, known) is Kind.NUM:
                vote(node.value, Kind.LIST, 1)
            elif kind_of(node.slice, known) in (Kind.STR, Kind.TUPLE):
                vote(node.value, Kind.DICT)
            else:
                vote(node.value, Kind.ITER, 1)
        case ast.Attribute() if node.attr not in _METHOD_OWNERS:
            vote(node.value, Kind.OBJ, 1)
        case ast.Call():
            if isinstance(node.func, ast.Attribute):
                vote(node.func.value, _METHOD_OWNERS.get(node.func.attr, Kind.ANY))
            elif isinstance(node.func, ast.Name):
                vote(node.func, Kind.FUNC)
                if node.func.id in ("range", "abs", "chr", "sqrt"):
                    for arg in node.args:
                        vote(arg, Kind.NUM)
                elif node.func.id in ("len", "sorted", "enumerate", "sum", "reversed", "set", "list"):
                    for arg in node.args:
                        vote(arg, Kind.ITER, 1)


def _holds_text(node: ast.expr) -> bool:
    """Whether a literal has text in it, and nothing else."""
    parts = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
    return bool(parts) and all(isinstance(p, ast.Constant) and isinstance(p.value, str) for p in parts)


def _vote_loop(
    target: ast.expr, over: ast.expr, votes: dict[str, Counter[Kind]], known: Mapping[str, Kind]
) -> None:  # fmt: skip
    call = over.func.id if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) else ""
    if isinstance(over, ast.Name):
        votes[over.id][Kind.ITER] += 1
    if call == "range" and isinstance(target, ast.Name):
        votes[target.id][Kind.NUM] += 3
    elif call == "enumerate" and isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
        votes[target.elts[0].id][Kind.NUM] += 3
    elif kind_of(over, known) is Kind.STR and isinstance(target, ast.Name):
        votes[target.id][Kind.STR] += 2


def compatible(one: Kind, other: Kind) -> float:
    """How likely a value of kind `other` can stand where one of kind `one` stands, in (0, 1]."""
    if one is other:
        return 1.0 if one is not Kind.ANY else 0.6
    if Kind.ANY in (one, other):
        return 0.5
    if one in SIZED and other in SIZED:
        return 0.6 if Kind.ITER in (one, other) else 0.15
    if {one, other} <= {Kind.NUM, Kind.BOOL}:
        return 0.3
    if Kind.NONE in (one, other) or Kind.OBJ in (one, other):
        return 0.25
    return 0.05
