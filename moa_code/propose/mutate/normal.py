"""Normal forms: two texts with the same one mean the same program, so only one of them is tried."""

from __future__ import annotations

import ast
import types
import warnings
from collections.abc import Hashable

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_UNSEEN = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


def tree_key(node: object) -> Hashable:
    """Key of a syntax tree without positions; `b > a` equals `a < b`, `not a == b` equals `a != b`.

    Sides of a comparison change places only where none of them calls anything, so that no order of effects is lost.
    """
    if isinstance(node, ast.AST):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            op = type(node.ops[0])
            if op in _FLIPPED and not any(isinstance(n, ast.Call | ast.Await | ast.NamedExpr) for n in ast.walk(node)):
                return ("Compare", _FLIPPED[op], tree_key(node.comparators[0]), tree_key(node.left))
            return ("Compare", op, tree_key(node.left), tree_key(node.comparators[0]))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Compare):
            inner = node.operand
            if len(inner.ops) == 1 and type(inner.ops[0]) in _NEGATED:
                op = _NEGATED[type(inner.ops[0])]
                return ("Compare", op, tree_key(inner.left), tree_key(inner.comparators[0]))
        if isinstance(node, ast.Constant):
            return (type(node.value), node.value)
        fields = [tree_key(getattr(node, name)) for name in node._fields if name not in _UNSEEN]
        return (type(node), *fields)
    if isinstance(node, list):
        return tuple(tree_key(item) for item in node)
    return node if isinstance(node, Hashable) else repr(node)


def code_key(code: types.CodeType) -> Hashable:
    """Key of compiled code without positions: equal keys run the same instructions."""
    constants = tuple(
        code_key(c) if isinstance(c, types.CodeType) else (type(c), repr(c) if isinstance(c, float | tuple) else c)
        for c in code.co_consts
    )
    return (code.co_code, code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars, constants)


def compiled(text: str) -> types.CodeType | None:
    """Code of `text`, None where it does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(text, "<mutant>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None


def parsed(text: str) -> ast.Module | None:
    """Tree of `text`, None where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError):
        return None
