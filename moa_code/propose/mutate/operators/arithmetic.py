"""Operators, operands and sizes of numbers; concatenation; augmented assignment."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from moa_code.propose.mutate.kinds import SEQUENCES, Kind
from moa_code.propose.mutate.site import Edit, Operator, Site

_SYMBOL: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@",
}  # fmt: skip
_LEVEL = {
    "|": 6, "^": 7, "&": 8, "<<": 9, ">>": 9, "+": 10, "-": 10, "*": 11, "/": 11, "//": 11, "%": 11, "@": 11,
    "**": 13,
}  # fmt: skip
_INSTEAD = {
    "+": {"-": 1.0, "*": 0.6, "|": 0.1},
    "-": {"+": 1.0, "*": 0.2, "//": 0.1, "%": 0.1, "/": 0.1},
    "*": {"+": 0.6, "**": 0.6, "//": 0.3, "/": 0.4, "-": 0.2},
    "/": {"//": 1.0, "*": 0.5, "%": 0.3, "-": 0.1},
    "//": {"/": 0.9, "%": 0.7, "*": 0.3},
    "%": {"//": 0.9, "/": 0.4, "*": 0.15},
    "**": {"*": 0.9, "+": 0.1, "^": 0.1},
    "&": {"|": 1.0, "^": 0.6},
    "|": {"&": 1.0, "^": 0.6, "+": 0.2},
    "^": {"&": 1.0, "|": 0.8, "**": 0.5},
    "<<": {">>": 1.0, "*": 0.1},
    ">>": {"<<": 1.0, "//": 0.1},
    "@": {"*": 1.0},
}
_COMMUTES = frozenset({"*", "&", "|", "^"})


def join(site: Site, left: ast.expr, symbol: str, right: ast.expr) -> str:
    """`left symbol right`, with the parentheses it needs."""
    bind = _LEVEL[symbol]
    if symbol == "**":
        return f"{site.at(left, 14)} ** {site.at(right, 12)}"
    return f"{site.at(left, bind)} {symbol} {site.at(right, bind + 1)}"


def arithmetic(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if isinstance(node, ast.BinOp):
            here = _SYMBOL[type(node.op)]
            text_like = Kind.STR in (site.kind(node.left), site.kind(node.right)) or Kind.LIST in (
                site.kind(node.left), site.kind(node.right))  # fmt: skip
            for symbol, weight in _INSTEAD[here].items():
                share = weight * (0.15 if text_like else 1.0)
                yield site.swap(node, join(site, node.left, symbol, node.right), share, f"{here} -> {symbol}")


def swap_operands(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if isinstance(node, ast.BinOp):
            here = _SYMBOL[type(node.op)]
            if here in _COMMUTES or (here == "+" and Kind.NUM in (site.kind(node.left), site.kind(node.right))):
                continue
            yield site.swap(node, join(site, node.right, here, node.left), 1.0, "swap the operands")
            # a + b + c parses as (a + b) + c: the last operand may belong first.
            left = node.left
            if isinstance(left, ast.BinOp) and type(left.op) is type(node.op):
                rest = (join(site, left.left, here, node.right), join(site, left.right, here, left.left))
                yield site.swap(node, f"{rest[0]} {here} {site.at(left.right, _LEVEL[here] + 1)}", 0.3)
                yield site.swap(node, f"{rest[1]} {here} {site.at(node.right, _LEVEL[here] + 1)}", 0.3)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In) and len(node.ops) == 1:
            yield site.swap(node, f"{site.at(node.comparators[0], 6)} in {site.at(node.left, 6)}", 0.2)


def regroup(site: Site) -> Iterator[Edit]:
    """Parentheses that are missing or too many: `a + b * c` for `(a + b) * c`."""
    for node in site.unit.nodes:
        if not isinstance(node, ast.BinOp):
            continue
        here = _SYMBOL[type(node.op)]
        for side, inner in (("right", node.right), ("left", node.left)):
            if not isinstance(inner, ast.BinOp):
                continue
            other = _SYMBOL[type(inner.op)]
            if side == "right":
                left = join(site, node.left, here, inner.left)
                yield site.swap(node, f"({left}) {other} {site.at(inner.right, _LEVEL[other] + 1)}", 1.0)
            else:
                right = join(site, inner.right, here, node.right)
                yield site.swap(node, f"{site.at(inner.left, _LEVEL[other])} {other} ({right})", 1.0)


def drop_operand(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if isinstance(node, ast.BinOp):
            for kept, lost in ((node.left, node.right), (node.right, node.left)):
                weight = 1.0 if isinstance(lost, ast.Constant) else 0.6
                yield site.swap(node, site.text(kept), weight, f"drop {site.text(lost)}")
        elif (
            isinstance(node, ast.UnaryOp)
            and isinstance(node.op, ast.USub | ast.Invert)
            and not isinstance(node.operand, ast.Constant)
        ):
            yield site.swap(node, site.text(node.operand), 0.8, "drop the sign")


def _numeric_places(site: Site) -> Iterator[tuple[ast.expr, float]]:
    """Expressions that hold a number, with the chance that an amount is missing there."""
    for node in site.loads():
        kind = site.kind(node)
        parent, field = site.parent(node)
        in_index = isinstance(parent, ast.Slice) or (isinstance(parent, ast.Subscript) and field == "slice")
        if isinstance(node, ast.Constant) or (kind is not Kind.NUM and not (in_index and kind is Kind.ANY)):
            if not (kind is Kind.ANY and isinstance(parent, ast.Call | ast.Return | ast.Assign)):
                continue
            if isinstance(node, ast.Constant):
                continue
            yield node, 0.12
            continue
        match parent:
            case ast.Slice():
                weight = 1.0
            case ast.Subscript() if field == "slice":
                weight = 0.9
            case ast.Call(func=ast.Name(id="range")):
                weight = 1.0
            case ast.Call(func=ast.Name(id=name)) if site.scope.function and name == site.scope.function.name:
                weight = 1.0  # a recursive call: what it is given must shrink
            case ast.Tuple() if isinstance(site.parent(parent)[0], ast.Subscript):
                weight = 0.7
            case ast.Call():
                weight = 0.6
            case ast.Return() | ast.Assign() | ast.AugAssign():
                weight = 0.6
            case ast.Compare():
                weight = 0.45
            case ast.BinOp():
                weight = 0.4
            case _:
                weight = 0.35
        yield node, weight


def off_by_one(site: Site) -> Iterator[Edit]:
    for node, weight in _numeric_places(site):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            value = node.right
            if isinstance(value, ast.Constant) and type(value.value) is int:
                continue  # the constant itself is what would change
        text = site.at(node, 10)
        yield site.swap(node, f"{text} + 1", weight)
        yield site.swap(node, f"{text} - 1", weight)


def missing_amount(site: Site) -> Iterator[Edit]:
    """An amount left out: `n` for `n - k`, `x` for `x * y`, for every number in scope."""
    for node, weight in _numeric_places(site):
        inside = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        for name in site.names(node):
            if site.scope.kind(name) is not Kind.NUM or name in inside:
                continue
            near = 0.6 + 0.4 * (name in site.scope.unread)
            yield site.swap(node, f"{site.at(node, 10)} - {name}", weight * near * 0.8)
            yield site.swap(node, f"{site.at(node, 10)} + {name}", weight * near * 0.8)
            yield site.swap(node, f"{site.at(node, 11)} * {name}", weight * near * 0.35)
            yield site.swap(node, f"{name} - {site.at(node, 11)}", weight * near * 0.35)
            yield site.swap(node, f"{name} / {site.at(node, 12)}", weight * near * 0.2)
            yield site.swap(node, f"{name} // {site.at(node, 12)}", weight * near * 0.2)
            yield site.swap(node, f"{site.at(node, 11)} % {name}", weight * near * 0.2)
            yield site.swap(node, f"{site.at(node, 11)} // {name}", weight * near * 0.15)
        own = site.text(node)
        for piece in site.pool.pieces:
            if isinstance(piece.node, ast.Subscript | ast.Call) and piece.kind in (Kind.NUM, Kind.ANY):
                if piece.text in own or own in piece.text or not site.usable(piece.names, node):
                    continue
                yield site.swap(node, f"{site.at(node, 10)} + {piece.text}", weight * 0.25)
                yield site.swap(node, f"{site.at(node, 10)} - {piece.text}", weight * 0.2)
        for number in site.pool.numbers:
            if number not in ("0", "1"):
                yield site.swap(node, f"{site.at(node, 10)} - {number}", weight * 0.4)
                yield site.swap(node, f"{site.at(node, 10)} + {number}", weight * 0.4)
                yield site.swap(node, f"{site.at(node, 11)} * {number}", weight * 0.2)


def power(site: Site) -> Iterator[Edit]:
    """A factor that is missing: squares, doubles, halves, signs."""
    for node, weight in _numeric_places(site):
        yield site.swap(node, f"{site.at(node, 14)} ** 2", weight * (1.3 if isinstance(node, ast.Name) else 0.5))
        yield site.swap(node, f"{site.at(node, 11)} * 2", weight * 0.5)
        yield site.swap(node, f"{site.at(node, 11)} // 2", weight * 0.5)
        yield site.swap(node, f"{site.at(node, 11)} / 2", weight * 0.3)
        yield site.swap(node, f"-{site.at(node, 12)}", weight * 0.6)
        yield site.swap(node, f"{site.at(node, 11)} % 2", weight * 0.3)
        yield site.swap(node, f"{site.at(node, 11)} % 10", weight * 0.1)
    for node in site.loads():
        # What is ordered by: the entry of a heap, the key of a sort.
        parent, field = site.parent(node)
        ordered = isinstance(parent, ast.Tuple) or (isinstance(parent, ast.Lambda) and field == "body")
        if ordered and isinstance(node, ast.Attribute | ast.Subscript | ast.Call) and site.kind(node) is Kind.ANY:
            yield site.swap(node, f"-{site.at(node, 12)}", 1.0)


def concatenate(site: Site) -> Iterator[Edit]:
    """A part left out of a sequence: `e` for `rest + e`, `[x] + e`, `e + [x]`."""
    for node in site.loads():
        parent, _ = site.parent(node)
        kind = site.kind(node)
        top = isinstance(parent, ast.Return | ast.Assign | ast.Call | ast.Yield | ast.AugAssign)
        if kind not in (Kind.LIST, Kind.STR, Kind.TUPLE, Kind.ANY) or not (top or kind is not Kind.ANY):
            continue
        if isinstance(node, ast.Constant) or isinstance(parent, ast.Subscript | ast.Attribute | ast.For):
            continue
        share = (1.0 if top else 0.3) * (0.4 if kind is Kind.ANY else 1.0)
        text = site.at(node, 10)
        inside = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(node, ast.Name)}
        if kind is Kind.LIST:
            for longer, weight in _element(site, node, text):
                yield site.swap(node, longer, share * weight * (1.0 if top else 2.0))
        for name in site.names(node):
            other = site.scope.kind(name)
            if name in inside:
                continue
            if other in (kind, Kind.ANY, Kind.ITER) or kind is Kind.ANY:
                weight = share * (1.0 if other is kind else 0.4)
                yield site.swap(node, f"{name} + {text}", weight)
                yield site.swap(node, f"{text} + {name}", weight)
            if name in site.scope.outer:
                continue
            if kind is Kind.LIST or (kind is Kind.ANY and Kind.LIST in site.scope.kinds.values()):
                yield site.swap(node, f"[{name}] + {text}", share * 0.4)
                yield site.swap(node, f"{text} + [{name}]", share * 0.4)


def _element(site: Site, node: ast.expr, text: str) -> Iterator[tuple[str, float]]:
    """The sequence with one more element: a value that the function reads elsewhere."""
    for piece in site.pool.pieces:
        single = isinstance(piece.node, ast.Attribute | ast.Subscript) and piece.kind not in (Kind.LIST, Kind.STR)
        if single and piece.text not in text and site.usable(piece.names, node):
            yield f"{text} + [{piece.text}]", 0.25
            yield f"[{piece.text}] + {text}", 0.25


def augmented(site: Site) -> Iterator[Edit]:
    stmt = site.stmt
    if isinstance(stmt, ast.AugAssign):
        target, value = site.text(stmt.target), site.text(stmt.value)
        here = _SYMBOL[type(stmt.op)]
        for symbol, weight in _INSTEAD[here].items():
            yield site.rewrite(f"{target} {symbol}= {value}", weight, f"{here}= -> {symbol}=")
        yield site.rewrite(f"{target} = {value}", 0.5, f"{here}= -> =")
        if here not in _COMMUTES and site.kind(stmt.value) is not Kind.NUM:
            yield site.rewrite(f"{target} = {site.at(stmt.value, 10)} {here} {target}", 0.5, "prepend")
        if here in ("-", "/", "//"):
            yield site.rewrite(f"{target} = {join(site, stmt.value, here, stmt.target)}", 0.3, "swap the operands")
        if here == "+" and site.kind(stmt.target) in SEQUENCES and site.kind(stmt.value) is Kind.ANY:
            yield site.rewrite(f"{target} += [{value}]", 0.3)
    elif isinstance(stmt, ast.Assign) and len(stmt.targets) == 1:
        if isinstance(stmt.targets[0], ast.Tuple | ast.List):
            return
        target, value = site.text(stmt.targets[0]), site.text(stmt.value)
        numeric = site.kind(stmt.value) in (Kind.NUM, Kind.ANY)
        inside = 1.0 if site.unit.loops else 0.2
        yield site.rewrite(f"{target} += {value}", 0.6 * inside, "= -> +=")
        if numeric:
            yield site.rewrite(f"{target} -= {value}", 0.25 * inside, "= -> -=")
            yield site.rewrite(f"{target} *= {value}", 0.2 * inside, "= -> *=")


OPERATORS = (
    Operator(name="arithmetic", prior=0.08, operate=arithmetic),
    Operator(name="swap-operands", prior=0.05, operate=swap_operands),
    Operator(name="regroup", prior=0.03, operate=regroup),
    Operator(name="drop-operand", prior=0.04, operate=drop_operand),
    Operator(name="off-by-one", prior=0.075, operate=off_by_one),
    Operator(name="missing-amount", prior=0.022, operate=missing_amount),
    Operator(name="power", prior=0.02, operate=power),
    Operator(name="concatenate", prior=0.022, operate=concatenate),
    Operator(name="augmented-assignment", prior=0.08, operate=augmented),
)
