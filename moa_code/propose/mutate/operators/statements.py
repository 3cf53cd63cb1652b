"""Whole statements: missing, superfluous, misplaced, or a call whose result is dropped or kept by mistake."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from moa_code.propose.mutate.kinds import Kind, compatible
from moa_code.propose.mutate.site import Edit, Operator, Site
from moa_code.propose.mutate.source import Function

_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.Break, ast.Continue, ast.Raise,
           ast.Delete, ast.Pass, ast.Assert)  # fmt: skip


def _removal(site: Site, note: str, weight: float) -> Edit:
    """Take the whole statement out; `pass` keeps its place where a block would be left empty."""
    source, stmt = site.source, site.stmt
    assert stmt.end_lineno is not None
    if len(site.unit.block) == 1 or not source.alone(stmt):
        start, end = source.span(stmt)
        return Edit(start, end, "pass", weight, note)
    return Edit(source.line_start(stmt.lineno), source.line_start(stmt.end_lineno + 1), "", weight, note)


def _text(site: Site, stmt: ast.stmt) -> str:
    """Whole lines of a statement, its line end included."""
    assert stmt.end_lineno is not None
    text = site.source.text[site.source.line_start(stmt.lineno) : site.source.line_start(stmt.end_lineno + 1)]
    return text if text.endswith(("\n", "\r")) else text + site.source.newline


def _shift(text: str, old: str, new: str) -> str:
    """Lines of `text` with indentation `old` exchanged for `new`."""
    lines = text.splitlines(keepends=True)
    return "".join(new + line[len(old) :] if line.startswith(old) and line.strip() else line for line in lines)


def delete(site: Site) -> Iterator[Edit]:
    stmt = site.stmt
    if isinstance(stmt, ast.Pass | Function | ast.ClassDef | ast.Import | ast.ImportFrom):
        return
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant):
        return
    if isinstance(stmt, ast.If) and site.source.text[site.unit.start :].startswith("elif"):
        return
    weight = 0.6 if isinstance(stmt, _SIMPLE) else 0.2
    if isinstance(stmt, ast.Break | ast.Continue):
        weight = 1.0
    yield _removal(site, f"delete {site.source.segment(stmt).splitlines()[0]}", weight)


def insert(site: Site) -> Iterator[Edit]:
    """A statement that was forgotten: before this one, and after the last one of a block."""
    stmt, source = site.stmt, site.source
    if (isinstance(stmt, Function | ast.ClassDef | ast.Import | ast.ImportFrom) or not source.alone(stmt)) and (
        isinstance(stmt, _SIMPLE) or site.unit.function is None
    ):
        return
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant):
        return
    if site.unit.function is None or source.text[site.unit.start :].startswith("elif"):
        return
    last = site.unit.index == len(site.unit.block) - 1
    ends = isinstance(stmt, ast.Return | ast.Break | ast.Continue | ast.Raise)
    here = source.segment(stmt)
    for text, weight in _forgotten(site):
        if text != here:
            yield site.insert_before(text, weight, f"insert {text} above")
            if last and not ends:
                yield site.insert_after(text, weight, f"insert {text} below")


def _forgotten(site: Site) -> Iterator[tuple[str, float]]:
    scope, loops = site.scope, site.unit.loops
    names = site.names()
    local = [n for n in names if n in scope.locals]
    seen: set[str] = set()
    inner = bool(loops)
    texts = {piece.text for piece in site.pool.calls}
    recent = _bound_nearby(site)
    for owner in names:
        kind = scope.kind(owner)
        if owner in scope.outer:
            continue
        around = owner in scope.enclosing
        # A container that is consulted and never filled, a variable never moved on: the likeliest omissions.
        idle = 1.0 if owner in scope.stale else 0.3
        for verb, kinds in (
            ("append", (Kind.LIST,)),
            ("add", (Kind.SET,)),
            ("append", (Kind.ITER,)),
            ("add", (Kind.ITER,)),
        ):
            if kind in kinds and (kind is not Kind.ITER or owner in scope.params or around):
                bulk = 0.4 if kind is Kind.ITER else 1.0
                for value in names:
                    if value == owner or value in scope.outer or value in ("self", "cls"):
                        continue
                    text = f"{owner}.{verb}({value})"
                    if text in seen:
                        continue
                    seen.add(text)
                    near = 1.0 if value in recent or value in scope.params else 0.5
                    yield (
                        text,
                        bulk * near * (0.35 if text in texts else max(idle, 0.55 if owner in local or around else 0.3)),
                    )
        if kind is Kind.NUM and owner in local and inner:
            yield f"{owner} += 1", max(idle, 0.5)
            yield f"{owner} -= 1", max(idle, 0.5) * 0.6
        if kind is Kind.NUM and inner and owner in scope.params:
            yield f"{owner} -= 1", 0.1
        if owner in local or owner in scope.params:
            for value in names:
                if value == owner or value in scope.outer or value in ("self", "cls"):
                    continue
                fit = compatible(kind, scope.kind(value))
                if owner in scope.stale and fit < 0.3:
                    fit = 0.3
                place = 1.0 if inner else 0.3
                moved = 1.0 if owner in scope.stale else 0.25 if owner in local else 0.12
                yield (
                    f"{owner} = {value}",
                    fit * place * moved * (1.0 if value in recent or value in scope.params else 0.6),
                )
    for piece in site.pool.calls:
        if site.usable(piece.names):
            yield piece.text, 0.3
        call = piece.node
        if isinstance(call, ast.Call) and len(call.args) == 1 and isinstance(call.args[0], ast.Name):
            for name in recent:
                if name != call.args[0].id:
                    yield f"{site.text(call.func)}({name})", 0.3
    for text, read in site.pool.assignments:
        # What starts a count or a part afresh is easily left out where the next one begins.
        if site.usable(read) and "\n" not in text:
            yield text, 0.5 if inner and not read else 0.3
    visible = {*names, *scope.callables}
    for piece in site.pool.elsewhere:
        if piece.names <= visible:
            yield piece.text, 0.3
    for piece in site.pool.returns:
        if site.usable(piece.names) and isinstance(piece.node, ast.Constant | ast.Name | ast.UnaryOp):
            yield f"return {piece.text}", 0.3
            if isinstance(piece.node, ast.Constant) and isinstance(piece.node.value, bool):
                yield f"return {not piece.node.value}", 0.5
    for field in scope.fields:
        for name in names:
            if name in scope.params and name != "self":
                yield f"self.{field} = {name}", 0.15 if field != name else 0.5
        yield f"self.{field} += 1", 0.12
        yield f"self.{field} -= 1", 0.08
    for piece in site.pool.targets:
        if isinstance(piece.node, ast.Subscript) and site.usable(piece.names):
            yield f"{piece.text} += 1", 0.1
            for name in recent:
                yield f"{piece.text} = {name}", 0.12
    if inner:
        yield "break", 0.3
        yield "continue", 0.12
    if site.unit.index == len(site.unit.block) - 1 and site.unit.owner is scope.function:
        # A function that returns values on some paths and ends without one on this.
        open_end = not isinstance(site.stmt, ast.Return | ast.Raise)
        for name in (*local, *(p for p in scope.params if p not in ("self", "cls"))):
            yield f"return {name}", (1.0 if name in local or site.pool.returns else 0.4) if open_end else 0.1
    for name in names:
        if scope.kind(name) is Kind.LIST:
            yield f"{name}.sort()", 0.12
            yield f"{name}.pop()", 0.1
            yield f"{name}.reverse()", 0.06


def _bound_nearby(site: Site) -> list[str]:
    """Names bound by the loops around and by the statements just above: what a forgotten statement would use."""
    found: list[str] = []
    for loop in reversed(site.unit.loops):
        if isinstance(loop, ast.For | ast.AsyncFor):
            found += [n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)]
    around = site.unit.block[max(0, site.unit.index - 3) : site.unit.index + 1]
    for stmt in around:
        found += [n.id for n in ast.walk(stmt) if isinstance(n, ast.Name) and n.id in site.scope.names]
    found += [p for p in site.scope.params if p not in ("self", "cls")][:3]
    return list(dict.fromkeys(found))


def move(site: Site) -> Iterator[Edit]:
    """Past a neighbour, out of its block, or into the block above."""
    source, stmt, unit = site.source, site.stmt, site.unit
    if isinstance(stmt, Function | ast.ClassDef) or unit.function is None or not source.alone(stmt):
        return
    if isinstance(stmt, ast.If) and source.text[unit.start :].startswith("elif"):
        return
    assert stmt.end_lineno is not None
    own = _text(site, stmt)
    start, end = source.line_start(stmt.lineno), source.line_start(stmt.end_lineno + 1)
    for distance in (1, 2, 3):
        if unit.index + distance < len(unit.block):
            other = unit.block[unit.index + distance]
            assert other.end_lineno is not None
            if source.alone(other):
                stop = source.line_start(other.end_lineno + 1)
                between = source.text[end:stop]
                between += "" if between.endswith(("\n", "\r")) else source.newline
                weight = 1.0 if distance == 1 else 0.3
                yield Edit(start, stop, between + own, weight, f"move below {source.segment(other).splitlines()[0]}")
        if distance > 1 and unit.index >= distance:
            other = unit.block[unit.index - distance]
            if source.alone(other):
                begin = source.line_start(other.lineno)
                between = source.text[begin:start]
                yield Edit(begin, end, own + between, 0.3, f"move above {source.segment(other).splitlines()[0]}")
    lead = source.indent(stmt)
    if len(unit.block) == 1 and not isinstance(stmt, ast.Return):
        pass
    owner = unit.owner
    if isinstance(owner, ast.If | ast.For | ast.While | ast.With) and unit.index == len(unit.block) - 1:
        outer = source.indent(owner)
        assert owner.end_lineno is not None
        stop = source.line_start(owner.end_lineno + 1)
        rest = source.text[end:stop]
        kept = f"{lead}pass{source.newline}" if len(unit.block) == 1 else ""
        yield Edit(start, stop, kept + rest + _shift(own, lead, outer), 1.0, "move out of the block, below it")
        grand = source.unit_of[owner].owner
        if isinstance(grand, ast.If | ast.For | ast.While):
            assert grand.end_lineno is not None
            stop = source.line_start(grand.end_lineno + 1)
            rest = source.text[end:stop]
            text = kept + rest + _shift(own, lead, source.indent(grand))
            yield Edit(start, stop, text, 0.4, "move two blocks out")
    if isinstance(owner, ast.If | ast.For | ast.While | ast.With) and unit.index == 0 and len(unit.block) > 1:
        begin = source.line_start(owner.lineno)
        if not source.text[source.span(owner)[0] :].startswith("elif"):
            text = _shift(own, lead, source.indent(owner)) + source.text[begin:start]
            yield Edit(begin, end, text, 0.5, "move out of the block, above it")
    if unit.index > 0:
        above = unit.block[unit.index - 1]
        inner = getattr(above, "orelse", []) or getattr(above, "body", [])
        if isinstance(above, ast.If | ast.For | ast.While | ast.With) and inner and source.alone(inner[-1]):
            deep = source.indent(inner[-1])
            yield Edit(start, end, _shift(own, lead, deep), 0.8, "move into the block above")
            tail = inner[-1]
            nested = getattr(tail, "body", [])
            if isinstance(tail, ast.If | ast.For | ast.While) and nested:
                yield Edit(start, end, _shift(own, lead, source.indent(nested[-1])), 0.4, "move two blocks in")
        if isinstance(above, ast.If) and above.orelse:
            deep = source.indent(above.body[-1])
            where = source.line_start((above.body[-1].end_lineno or 0) + 1)
            text = _shift(own, lead, deep) + source.text[where:start]
            yield Edit(where, end, text, 0.3, "move into the first branch above")
    if unit.index + 1 < len(unit.block):
        below = unit.block[unit.index + 1]
        if isinstance(below, ast.For | ast.While | ast.If) and source.alone(below.body[0]):
            where = source.line_start(below.body[0].lineno)
            text = source.text[end:where] + _shift(own, lead, source.indent(below.body[0]))
            yield Edit(start, where, text, 0.8, "move into the block below")


def result(site: Site) -> Iterator[Edit]:
    """A call's result that is thrown away though it is the point, or kept though it is None."""
    stmt = site.stmt
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Call):
        call = stmt.value
        text = site.text(call)
        yield site.rewrite(f"return {text}", 1.0)
        if isinstance(call.func, ast.Attribute):
            base = site.text(call.func.value)
            changes = call.func.attr in ("append", "extend", "add", "update", "sort", "reverse", "insert", "pop")
            yield site.rewrite(f"{base} = {text}", 0.1 if changes else 1.0)
            if call.func.attr in ("update", "extend", "append", "add") and len(call.args) == 1:
                yield site.rewrite(f"{base} = {site.text(call.args[0])}", 0.8)
                yield site.rewrite(f"{base} += {site.at(call.args[0], 1)}", 0.2)
        for arg in call.args[:1]:
            if isinstance(arg, ast.Name | ast.Attribute | ast.Subscript):
                yield site.rewrite(f"{site.text(arg)} = {text}", 0.7)
        for name in site.scope.locals[:6]:
            yield site.rewrite(f"{name} = {text}", 0.2)
            yield site.rewrite(f"{name} += {text}", 0.1)
        yield site.rewrite(f"yield from {text}", 0.6 if site.scope.is_generator else 0.05)
    elif isinstance(stmt, ast.Expr) and not isinstance(
        stmt.value, ast.Constant | ast.Yield | ast.YieldFrom | ast.Await
    ):
        yield site.rewrite(f"return {site.text(stmt.value)}", 1.0)
    elif (
        isinstance(stmt, ast.Assign)
        and len(stmt.targets) == 1
        and isinstance(stmt.targets[0], ast.Name | ast.Attribute)
    ):
        name, value = site.text(stmt.targets[0]), stmt.value
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr in ("append", "extend", "add", "update", "sort", "reverse", "insert", "remove")
        ):
            yield site.rewrite(site.text(value), 1.0)
        if site.scope.kind(name) is Kind.LIST and site.unit.loops:
            yield site.rewrite(f"{name}.append({site.text(value)})", 0.4)
            yield site.rewrite(f"{name}.extend({site.text(value)})", 0.25)
        last = site.unit.index == len(site.unit.block) - 1
        yield site.rewrite(f"return {site.text(value)}", 0.3 if last else 0.05)
    elif isinstance(stmt, ast.AugAssign) and isinstance(stmt.op, ast.Add):
        if site.kind(stmt.target) in (Kind.LIST, Kind.ANY) and site.kind(stmt.value) is not Kind.NUM:
            yield site.rewrite(f"{site.text(stmt.target)}.append({site.text(stmt.value)})", 0.5)
    elif isinstance(stmt, ast.Return) and stmt.value is not None and site.unit.loops:
        for name in site.scope.locals:
            if site.scope.kind(name) is Kind.LIST:
                yield site.rewrite(f"{name}.append({site.text(stmt.value)})", 0.3)
            elif site.scope.kind(name) is Kind.NUM:
                yield site.rewrite(f"{name} += {site.text(stmt.value)}", 0.15)
                yield site.rewrite(f"{name} = {site.text(stmt.value)}", 0.15)


OPERATORS = (
    Operator(name="delete-statement", prior=0.025, operate=delete),
    Operator(name="insert-statement", prior=0.03, operate=insert),
    Operator(name="move-statement", prior=0.04, operate=move),
    Operator(name="call-result", prior=0.045, operate=result),
)
