"""Comparisons, boolean connectives, negation, and terms of conditions: missing, extra, wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from moa_code.propose.mutate.kinds import SIZED, Kind
from moa_code.propose.mutate.site import Edit, Operator, Site

_SYMBOL: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip
# Weights follow how often one is mistaken for the other: boundary slips first, then direction, then the rest.
_COMPARE = {
    "<": {"<=": 1.0, ">": 0.7, ">=": 0.35, "!=": 0.2, "==": 0.15},
    "<=": {"<": 1.0, ">=": 0.6, ">": 0.35, "==": 0.2, "!=": 0.1},
    ">": {">=": 1.0, "<": 0.7, "<=": 0.35, "!=": 0.2, "==": 0.15},
    ">=": {">": 1.0, "<=": 0.6, "<": 0.35, "==": 0.2, "!=": 0.1},
    "==": {"!=": 0.8, "<=": 0.4, ">=": 0.4, "<": 0.2, ">": 0.2, "in": 0.15, "is": 0.05},
    "!=": {"==": 0.8, ">": 0.35, "<": 0.35, ">=": 0.15, "<=": 0.15, "not in": 0.15, "is not": 0.05},
    "in": {"not in": 1.0, "==": 0.2},
    "not in": {"in": 1.0, "!=": 0.2},
    "is": {"is not": 1.0, "==": 0.4},
    "is not": {"is": 1.0, "!=": 0.4},
}


def _compare_text(site: Site, node: ast.Compare, index: int, symbol: str) -> str:
    parts = [site.at(node.left, 6)]
    for i, (op, value) in enumerate(zip(node.ops, node.comparators, strict=True)):
        parts += [symbol if i == index else _SYMBOL[type(op)], site.at(value, 6)]
    return " ".join(parts)


def comparison(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if isinstance(node, ast.Compare):
            for index, op in enumerate(node.ops):
                here = _SYMBOL[type(op)]
                numeric = site.kind(node.comparators[index]) is Kind.NUM or site.kind(node.left) is Kind.NUM
                for symbol, weight in _COMPARE[here].items():
                    if symbol in ("in", "not in") and (numeric or isinstance(node.comparators[index], ast.Constant)):
                        continue
                    if here in ("==", "!=") and symbol[0] in "<>" and not numeric:
                        weight *= 0.4
                    yield site.swap(node, _compare_text(site, node, index, symbol), weight, f"{here} -> {symbol}")


def boundary(site: Site) -> Iterator[Edit]:
    """Comparison and constant slip together: `len(a) == 0` for `len(a) <= 1`."""
    for node in site.unit.nodes:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            value, here = node.comparators[0], _SYMBOL[type(node.ops[0])]
            if isinstance(value, ast.Constant) and type(value.value) is int and here not in ("in", "not in", "is"):
                left = site.at(node.left, 6)
                for symbol in ("<=", ">=", "==", "!=", "<", ">"):
                    if symbol == here:
                        continue
                    for number in (value.value + 1, value.value - 1):
                        # x < n+1 says what x <= n says, for integers; that one is left to `comparison`.
                        weight = 1.0 if (here in ("==", "!=")) and symbol in ("<=", ">=") else 0.25
                        yield site.swap(node, f"{left} {symbol} {number}", weight)


def connective(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if isinstance(node, ast.BoolOp):
            word = "and" if isinstance(node.op, ast.Or) else "or"
            parts = [site.at(v, 4) for v in node.values]
            yield site.swap(node, f" {word} ".join(parts), 1.0, f"all connectives become {word}")
            if len(parts) == 3:
                old = "or" if word == "and" else "and"
                yield site.swap(node, f"{parts[0]} {word} {parts[1]} {old} {parts[2]}", 0.25)
                yield site.swap(node, f"{parts[0]} {old} {parts[1]} {word} {parts[2]}", 0.25)
            old = "or" if word == "and" else "and"
            if len(parts) == 2 and isinstance(node.values[0], ast.BoolOp):
                first = node.values[0]
                if type(first.op) is not type(node.op) and len(first.values) == 2:
                    a, b = (site.at(v, 4) for v in first.values)
                    yield site.swap(node, f"{a} {word} ({b} {old} {parts[1]})", 0.3)


def is_condition(site: Site, node: ast.expr) -> bool:
    parent, field = site.parent(node)
    if isinstance(parent, ast.If | ast.While | ast.IfExp | ast.Assert):
        return field == "test"
    if isinstance(parent, ast.comprehension):
        return field == "ifs"
    return isinstance(parent, ast.BoolOp) or (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not))


def negation(site: Site) -> Iterator[Edit]:
    for node in site.loads():
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield site.swap(node, site.text(node.operand), 1.0, "drop not")
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            continue  # negating a comparison is another comparison
        elif is_condition(site, node) and not isinstance(node, ast.Constant):
            parent, _ = site.parent(node)
            if not (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)):
                yield site.swap(node, f"not {site.at(node, 4)}", 1.0 if not isinstance(parent, ast.BoolOp) else 0.5)
        elif (
            isinstance(site.stmt, ast.Return | ast.Assign)
            and site.parent(node)[0] is site.stmt
            and site.kind(node) is Kind.BOOL
            and not isinstance(node, ast.Constant | ast.Compare)
        ):
            yield site.swap(node, f"not {site.at(node, 4)}", 0.6)


def drop_term(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if isinstance(node, ast.BoolOp):
            word = " and " if isinstance(node.op, ast.And) else " or "
            for skip in range(len(node.values)):
                kept = [v for i, v in enumerate(node.values) if i != skip]
                text = word.join(site.at(v, 4) for v in kept) if len(kept) > 1 else site.text(kept[0])
                yield site.swap(node, text, 1.0, f"drop the term {site.text(node.values[skip])}")
        elif isinstance(node, ast.Compare) and len(node.ops) == 2:
            a, b, c = (site.at(v, 6) for v in (node.left, *node.comparators))
            first, second = (_SYMBOL[type(op)] for op in node.ops)
            yield site.swap(node, f"{a} {first} {b}", 0.4)
            yield site.swap(node, f"{b} {second} {c}", 0.4)


def _atoms(site: Site, node: ast.expr) -> Iterator[tuple[str, float]]:
    """Terms that a condition may lack, with weights: None guards, emptiness, signs, conditions used elsewhere."""
    inside = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    own = site.text(node)
    for name in site.names(node):
        kind = site.scope.kind(name)
        near = 1.0 if name in site.scope.params or name in inside else 0.6
        if kind in SIZED or kind is Kind.ANY:
            filled = 0.7 if name in site.scope.locals else 1.0  # a local container grows while the code runs
            yield f"not {name}", near * filled * (0.8 if kind in SIZED else 0.4)
            yield name, near * filled * 0.5
        if kind is Kind.NUM:
            for test, weight in (("== 0", 0.4), ("< 0", 0.4), ("> 0", 0.4), ("!= 0", 0.25), ("<= 0", 0.25)):
                yield f"{name} {test}", near * weight * 0.7
        if kind is Kind.BOOL:
            yield name, 1.0
            yield f"not {name}", 1.0
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn):
        # The first value for a key, or one that is better than the one it has.
        held = f"{site.at(node.comparators[0], 15)}[{site.text(node.left)}]"
        body = site.stmt.body if isinstance(site.stmt, ast.If) else []
        for name in site.names(node):
            if site.scope.kind(name) in (Kind.NUM, Kind.ANY) and name not in inside and name in site.scope.locals:
                share = 1.0 if any(site.source.segment(s) == f"{held} = {name}" for s in body) else 0.15
                yield f"{name} < {held}", share
                yield f"{name} > {held}", share * 0.8
    for piece in site.pool.conditions:
        if piece.text != own and piece.text not in own:
            yield piece.text if not isinstance(piece.node, ast.BoolOp) else f"({piece.text})", 0.6
    nums = [n for n in site.names(node) if site.scope.kind(n) is Kind.NUM][:8]
    for i, one in enumerate(nums):
        for other in nums[i + 1 :]:
            for symbol, weight in (("==", 0.2), ("<", 0.2), (">", 0.2), ("!=", 0.12), ("<=", 0.12), (">=", 0.12)):
                yield f"{one} {symbol} {other}", weight
    for piece in site.pool.pieces:
        if (
            isinstance(piece.node, ast.Compare | ast.Call)
            and piece.kind is Kind.BOOL
            and piece.text not in own
            and piece not in site.pool.conditions
            and site.usable(piece.names, node)
        ):
            yield piece.text, 0.3


def extend_condition(site: Site) -> Iterator[Edit]:
    for node in site.loads():
        parent, _ = site.parent(node)
        if not is_condition(site, node) or isinstance(parent, ast.BoolOp | ast.UnaryOp):
            continue
        if isinstance(node, ast.Constant):
            continue
        test = site.at(node, 4)
        share = 1.0 if isinstance(parent, ast.If | ast.While) else 0.5
        for atom, weight in _atoms(site, node):
            atom_test = f"({atom})" if " or " in atom or " and " in atom else atom
            yield site.swap(node, f"{test} or {atom_test}", share * weight, f"or {atom}")
            yield site.swap(node, f"{test} and {atom_test}", share * weight, f"and {atom}")


def none_guard(site: Site) -> Iterator[Edit]:
    """`x is None or …` before a condition that reads attributes or items of `x`; bounds before an index."""
    for node in site.loads():
        parent, _ = site.parent(node)
        if not is_condition(site, node) or isinstance(parent, ast.UnaryOp):
            continue
        test = site.at(node, 4)
        bases: dict[str, bool] = {}
        for inner in ast.walk(node):
            if isinstance(inner, ast.Attribute | ast.Subscript) and isinstance(inner.value, ast.Name | ast.Attribute):
                bases.setdefault(site.text(inner.value), isinstance(inner, ast.Attribute))
            if isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Name | ast.BinOp):
                base, index = site.text(inner.value), site.text(inner.slice)
                yield site.swap(node, f"{index} < len({base}) and {test}", 0.6)
                yield site.swap(node, f"{index} >= 0 and {test}", 0.4)
                yield site.swap(node, f"{index} >= len({base}) or {test}", 0.3)
                yield site.swap(node, f"{index} in {base} and {test}", 0.3)
        for base, is_attribute in bases.items():
            weight = 1.0 if is_attribute else 0.4
            yield site.swap(node, f"{base} is None or {test}", weight)
            yield site.swap(node, f"{base} is not None and {test}", weight)
            yield site.swap(node, f"{base} and {test}", weight * 0.5)
            yield site.swap(node, f"not {base} or {test}", weight * 0.5)


def whole_condition(site: Site) -> Iterator[Edit]:
    """Another condition altogether: `while True` for `while queue`, a truth test for a comparison and back."""
    stmt = site.stmt
    if not isinstance(stmt, ast.If | ast.While):
        return
    test, own = stmt.test, site.text(stmt.test)
    loop = isinstance(stmt, ast.While)
    fixed = isinstance(test, ast.Constant)
    for name in site.names(test):
        kind = site.scope.kind(name)
        sized = 1.0 if kind in SIZED else 0.6 if kind in (Kind.BOOL, Kind.ANY, Kind.OBJ) else 0.4
        read = any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(stmt))
        weight = sized * (1.0 if fixed else 0.25) * (1.0 if read else 0.4)
        if own != name:
            yield site.swap(test, name, weight)
            yield site.swap(test, f"not {name}", weight * (0.3 if loop else 0.8))
        if kind is Kind.NUM:
            yield site.swap(test, f"{name} > 0", weight * 0.7)
        yield site.swap(test, f"{name} is not None", weight * 0.4)
        if not loop:
            yield site.swap(test, f"{name} is None", weight * 0.4)
    for piece in site.pool.conditions:
        if piece.text != own and site.usable(piece.names, test):
            yield site.swap(test, piece.text, 0.15)
    if isinstance(test, ast.Name):
        yield site.swap(test, f"{own} is not None", 0.7)
        yield site.swap(test, f"{own} is None", 0.4)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield site.swap(test, f"{site.at(test.operand, 6)} is None", 0.7)
    if not fixed:
        yield site.swap(test, "True", 0.12)
        if not loop:
            yield site.swap(test, "False", 0.08)


OPERATORS = (
    Operator(name="comparison", prior=0.10, operate=comparison),
    Operator(name="boundary", prior=0.03, operate=boundary),
    Operator(name="connective", prior=0.08, operate=connective),
    Operator(name="negation", prior=0.06, operate=negation),
    Operator(name="drop-term", prior=0.05, operate=drop_term),
    Operator(name="extend-condition", prior=0.02, operate=extend_condition),
    Operator(name="none-guard", prior=0.045, operate=none_guard),
    Operator(name="whole-condition", prior=0.045, operate=whole_condition),
)
