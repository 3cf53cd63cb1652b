"""Control flow: branches, loops, exits, guards, defaults, exception types."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from moa_code.propose.mutate.kinds import SIZED, Kind
from moa_code.propose.mutate.operators.statements import _shift
from moa_code.propose.mutate.site import Edit, Operator, Site
from moa_code.propose.mutate.source import Function


def header(site: Site) -> Iterator[Edit]:
    """`if` for `while`, `elif` for `if` and back; a condition or a loop dropped from around its body."""
    source, stmt, unit = site.source, site.stmt, site.unit
    text = source.text
    if isinstance(stmt, ast.If):
        elif_ = text.startswith("elif", unit.start)
        if elif_:
            yield Edit(unit.start, unit.start + 4, "if", 0.7, "elif -> if")
            yield Edit(unit.start, unit.end, f"else:{source.newline}", 0.25, "elif -> else")
        else:
            if not stmt.orelse:
                yield Edit(unit.start, unit.start + 2, "while", 0.6, "if -> while")
            above = unit.block[unit.index - 1] if unit.index else None
            if isinstance(above, ast.If) and not _has_else(above):
                yield Edit(unit.start, unit.start + 2, "elif", 0.8, "if -> elif")
    elif isinstance(stmt, ast.While) and not stmt.orelse:
        yield Edit(unit.start, unit.start + 5, "if", 0.5, "while -> if")
    if isinstance(stmt, ast.If | ast.While) and not getattr(stmt, "orelse", None):
        first = stmt.body[0]
        if not text.startswith("elif", unit.start) and first.lineno > unit.last_line and source.alone(first):
            begin = source.line_start(stmt.lineno)
            body = source.line_start(first.lineno)
            assert stmt.end_lineno is not None
            stop = source.line_start(stmt.end_lineno + 1)
            inner = _shift(text[body:stop], source.indent(first), source.indent(stmt))
            yield Edit(begin, stop, inner, 0.3, "run the body without the condition")


def _has_else(stmt: ast.If) -> bool:
    while len(stmt.orelse) == 1 and isinstance(stmt.orelse[0], ast.If):
        stmt = stmt.orelse[0]
    return bool(stmt.orelse)


def branches(site: Site) -> Iterator[Edit]:
    """The two branches in each other's place; one of them gone; what follows an `if` as its `else` and back."""
    source, stmt = site.source, site.stmt
    if not isinstance(stmt, ast.If):
        return
    text = source.text
    first, last = stmt.body[0], stmt.body[-1]
    assert last.end_lineno is not None
    if first.lineno == stmt.lineno:
        return
    a, b = source.line_start(first.lineno), source.line_start(last.end_lineno + 1)
    if stmt.orelse and not (
        isinstance(stmt.orelse[0], ast.If) and text.startswith("elif", source.span(stmt.orelse[0])[0])
    ):
        low, high = stmt.orelse[0], stmt.orelse[-1]
        assert high.end_lineno is not None
        if low.lineno > last.end_lineno + 1:
            c, d = source.line_start(low.lineno), source.line_start(high.end_lineno + 1)
            upper, lower = text[a:b], text[c:d]
            if lower and not lower.endswith(("\n", "\r")):
                lower += source.newline
            yield Edit(a, d, lower + text[b:c] + upper, 1.0, "swap the branches")
            outer = source.indent(stmt)
            yield Edit(b, d, _shift(lower, source.indent(low), outer), 0.5, "else branch runs always")
            yield Edit(b, d, "", 0.2, "drop the else branch")
    elif not stmt.orelse and site.unit.index + 1 < len(site.unit.block):
        following = site.unit.block[site.unit.index + 1]
        if source.alone(following):
            assert following.end_lineno is not None
            c, d = source.line_start(following.lineno), source.line_start(following.end_lineno + 1)
            lead = source.indent(stmt)
            moved = _shift(text[c:d], lead, source.indent(first))
            # An empty line between would belong to neither branch.
            yield Edit(c, d, f"{lead}else:{source.newline}{moved}", 0.6, "what follows becomes the else branch")


def exits(site: Site) -> Iterator[Edit]:
    stmt = site.stmt
    if isinstance(stmt, ast.Break | ast.Continue | ast.Pass):
        own = type(stmt).__name__.lower()
        for word in ("break", "continue", "pass"):
            if word != own and (site.unit.loops or word == "pass"):
                yield site.rewrite(word, 1.0 if word != "pass" else 0.4)
        for piece in site.pool.returns:
            if site.usable(piece.names):
                yield site.rewrite(f"return {piece.text}", 0.3)
    elif isinstance(stmt, ast.Return):
        if site.unit.loops:
            yield site.rewrite("continue", 0.4)
            yield site.rewrite("break", 0.4)
        for piece in site.pool.returns:
            if stmt.value is not None and piece.text != site.text(stmt.value) and site.usable(piece.names):
                yield site.rewrite(f"return {piece.text}", 0.3)


def guard(site: Site) -> Iterator[Edit]:
    """A case that is not looked at: an early exit before this statement, or a condition around it."""
    stmt, source, function = site.stmt, site.source, site.unit.function
    if (function is None or isinstance(stmt, Function | ast.ClassDef) or not source.alone(stmt)) and (
        not isinstance(stmt, ast.If | ast.For | ast.While) or function is None
    ):
        return
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant):
        return
    if source.text.startswith("elif", site.unit.start):
        return
    body = function.body
    documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    first = stmt is body[1 if documented and len(body) > 1 else 0]
    if first:
        for test, likely in _special_cases(site):
            for value, weight in _early_values(site):
                yield site.insert_before(
                    f"if {test}:\n{source.step()}return {value}", likely * weight, f"guard: if {test} return {value}"
                )
    if site.unit.loops and isinstance(stmt, ast.Assign | ast.AugAssign | ast.Expr | ast.If):
        loop = site.unit.loops[-1]
        own = site.unit.block is loop.body if isinstance(loop, ast.For | ast.While) else False
        for piece in site.pool.conditions:
            if own and site.unit.index == 0 and site.usable(piece.names):
                yield site.insert_before(f"if {piece.text}:\n{source.step()}continue", 0.15)
        if own and isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) and site.unit.index == 0:
            item = loop.target.id
            for name in site.names():
                if site.scope.kind(name) in (Kind.SET, Kind.LIST, Kind.DICT) and name != item:
                    yield site.insert_before(f"if {item} in {name}:\n{source.step()}continue", 0.3)
            yield site.insert_before(f"if not {item}:\n{source.step()}continue", 0.2)
    if isinstance(stmt, ast.Assign | ast.AugAssign | ast.Expr | ast.Return) and source.alone(stmt):
        assert stmt.end_lineno is not None
        lead = source.indent(stmt)
        start, end = source.line_start(stmt.lineno), source.line_start(stmt.end_lineno + 1)
        inner = _shift(source.text[start:end], lead, lead + source.step())
        tail = site.unit.block[-1]
        assert tail.end_lineno is not None
        stop = source.line_start(tail.end_lineno + 1)
        both = _shift(source.text[start:stop], lead, lead + source.step()) if tail is not stmt else ""
        for test, weight in _conditions_around(site):
            yield Edit(start, end, f"{lead}if {test}:{source.newline}{inner}", weight, f"only if {test}")
            if both and "\n\n" not in both:
                text = f"{lead}if {test}:{source.newline}{both}"
                yield Edit(start, stop, text, weight * 0.4, f"this and what follows only if {test}")


def _special_cases(site: Site) -> Iterator[tuple[str, float]]:
    for name in site.scope.params:
        if name in ("self", "cls"):
            continue
        kind = site.scope.kind(name)
        if kind in SIZED or kind in (Kind.ANY, Kind.OBJ):
            yield f"not {name}", 1.0
        if kind in (Kind.ANY, Kind.OBJ):
            yield f"{name} is None", 0.7
        if kind in (Kind.LIST, Kind.STR, Kind.ITER):
            yield f"len({name}) < 2", 0.3
            yield f"len({name}) == 1", 0.3
        if kind in (Kind.NUM, Kind.ANY):
            share = 1.0 if kind is Kind.NUM else 0.3
            for test, weight in (
                ("== 0", 0.6),
                ("< 0", 0.6),
                ("<= 0", 0.6),
                ("< 2", 0.4),
                ("== 1", 0.4),
                ("<= 1", 0.3),
            ):
                yield f"{name} {test}", share * weight
    numbers = [p for p in site.scope.params if site.scope.kind(p) is Kind.NUM]
    for i, one in enumerate(numbers):
        for other in numbers[i + 1 :]:
            for symbol in ("==", "<", ">"):
                yield f"{one} {symbol} {other}", 0.25


def _early_values(site: Site) -> Iterator[tuple[str, float]]:
    values: dict[str, float] = {}
    kinds: set[Kind] = set()
    for piece in site.pool.returns:
        kinds.add(piece.kind)
        if isinstance(piece.node, ast.Constant):
            values[piece.text] = 0.9
        if isinstance(piece.node, ast.UnaryOp):
            values[piece.text] = 0.7

    def offer(text: str, weight: float) -> None:
        values[text] = max(values.get(text, 0.0), weight)

    unknown = kinds <= {Kind.ANY} or not kinds
    if Kind.LIST in kinds or unknown:
        offer("[]", 0.9 if not unknown else 0.5)
        offer("[[]]", 0.15)
    if Kind.NUM in kinds or unknown:
        offer("0", 0.8 if not unknown else 0.5)
        offer("1", 0.35)
        offer("-1", 0.25)
    if Kind.BOOL in kinds or unknown:
        offer("False", 0.8 if not unknown else 0.35)
        offer("True", 0.6 if not unknown else 0.3)
    if Kind.STR in kinds or unknown:
        offer("''", 0.8 if not unknown else 0.3)
    if Kind.DICT in kinds or unknown:
        offer("{}", 0.5 if not unknown else 0.2)
    if Kind.SET in kinds:
        offer("set()", 0.8)
    if Kind.TUPLE in kinds:
        offer("()", 0.2)
    offer("None", 0.4)
    for name in site.scope.params:
        if name not in ("self", "cls"):
            offer(name, 0.35 if site.scope.kind(name) in kinds or unknown else 0.12)
    yield from values.items()


def _conditions_around(site: Site) -> Iterator[tuple[str, float]]:
    assigned: set[str] = set()
    if isinstance(site.stmt, ast.Assign):
        assigned = {site.text(t) for t in site.stmt.targets}
        value = site.text(site.stmt.value)
        for name in assigned:
            if site.kind(site.stmt.value) in (Kind.NUM, Kind.ANY) and site.unit.loops:
                yield f"{value} > {name}", 0.25
                yield f"{value} < {name}", 0.25
    share = 1.0 if not isinstance(site.stmt, ast.Return) else 0.5
    for name in site.names():
        kind = site.scope.kind(name)
        read = any(isinstance(n, ast.Name) and n.id == name for n in site.unit.nodes)
        if name in assigned or name in site.scope.outer:
            continue
        if kind in SIZED or kind in (Kind.ANY, Kind.OBJ, Kind.BOOL):
            yield name, share * (0.4 if read else 0.25)
            yield f"not {name}", share * 0.15
    for piece in site.pool.conditions:
        if site.usable(piece.names):
            yield piece.text, share * 0.15
    loop = site.unit.loops[-1] if site.unit.loops else None
    if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name):
        for name in site.names():
            if site.scope.kind(name) in SIZED and name != loop.target.id:
                yield f"{loop.target.id} not in {name}", 0.35
                yield f"{loop.target.id} in {name}", 0.2
    call = site.stmt.value if isinstance(site.stmt, ast.Expr) else None
    if (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and len(call.args) == 1
        and call.func.attr in ("append", "add")
    ):
        yield f"{site.text(call.args[0])} not in {site.text(call.func.value)}", 0.5


def definition(site: Site) -> Iterator[Edit]:
    """Defaults that are shared between calls, decorators, missing `nonlocal`, exception types."""
    stmt, source = site.stmt, site.source
    if isinstance(stmt, Function):
        args = [*stmt.args.posonlyargs, *stmt.args.args]
        body = stmt.body[1:] if ast.get_docstring(stmt, clean=False) is not None and stmt.body[1:] else stmt.body
        pairs = list(zip(args[len(args) - len(stmt.args.defaults) :], stmt.args.defaults, strict=True))
        pairs += [(a, d) for a, d in zip(stmt.args.kwonlyargs, stmt.args.kw_defaults, strict=True) if d is not None]
        for arg, default in pairs:
            if isinstance(default, ast.List | ast.Dict | ast.Set) or (
                isinstance(default, ast.Call) and source.segment(default) in ("set()", "list()", "dict()")
            ):
                a, b = source.span(default)
                where = source.line_start(body[0].lineno)
                if body[0].lineno == stmt.lineno:
                    continue
                lead, step = source.indent(body[0]), source.step()
                value, end = source.text[a:b], source.newline
                fresh = f"{lead}if {arg.arg} is None:{end}{lead}{step}{arg.arg} = {value}{end}"
                yield Edit(a, where, f"None{source.text[b:where]}{fresh}", 1.0, f"a fresh default for {arg.arg}")
    for node in site.unit.nodes:
        parent, field = site.parent(node)
        raised = isinstance(parent, ast.Raise) or (
            isinstance(parent, ast.Call) and field == "func" and isinstance(stmt, ast.Raise)
        )
        if isinstance(node, ast.Name) and (isinstance(parent, ast.ExceptHandler) or raised):
            common = ("ValueError", "TypeError", "KeyError", "IndexError", "AttributeError", "ZeroDivisionError",
                      "RuntimeError", "Exception", "StopIteration", "NotImplementedError", "OverflowError")  # fmt: skip
            for name in dict.fromkeys((*site.ingredients.exceptions, *common)):
                if name != node.id:
                    weight = 0.6 if name in site.ingredients.exceptions else 0.3
                    yield site.swap(node, name, weight)
    if isinstance(stmt, ast.AugAssign | ast.Assign) and site.unit.function is not None:
        target = stmt.target if isinstance(stmt, ast.AugAssign) else stmt.targets[0]
        if isinstance(target, ast.Name) and target.id in site.scope.locals:
            around = [a for a in source.within(site.unit.function) if isinstance(a, Function)]
            outer = {n.id for a in around for s in a.body for n in ast.walk(s) if isinstance(n, ast.Name)}
            modules = {
                t.id
                for s in source.tree.body
                if isinstance(s, ast.Assign)
                for t in s.targets
                if isinstance(t, ast.Name)
            }
            word = "nonlocal" if target.id in outer and around else "global" if target.id in modules else ""
            if word:
                yield site.insert_before(f"{word} {target.id}", 0.6)


OPERATORS = (
    Operator(name="header", prior=0.03, operate=header),
    Operator(name="branches", prior=0.04, operate=branches),
    Operator(name="exit", prior=0.035, operate=exits),
    Operator(name="guard", prior=0.022, operate=guard),
    Operator(name="definition", prior=0.05, operate=definition),
)
