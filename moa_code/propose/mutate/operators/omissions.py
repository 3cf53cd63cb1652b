"""What is left out in the middle of a thought: the second half of an idiom that the first half asks for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from moa_code.propose.mutate.kinds import SIZED, Kind
from moa_code.propose.mutate.site import Edit, Operator, Site
from moa_code.propose.mutate.source import Function

_CHANGES = frozenset({"append", "add", "extend", "update", "pop", "remove", "sort", "reverse", "insert", "clear"})
_PLACES = (ast.Name, ast.Subscript, ast.Attribute)


def record(site: Site) -> Iterator[Edit]:
    """`best = value` that should follow `if value > best:`; the same for `if key not in seen:` and `seen.add(key)`."""
    stmt = site.stmt
    if not isinstance(stmt, ast.If) or not site.source.alone(stmt.body[0]) or site.unit.function is None:
        return
    stored = {site.text(t) for s in stmt.body for t in _targets(s)}
    for node in ast.walk(stmt.test):
        if not (isinstance(node, ast.Compare) and len(node.ops) == 1):
            continue
        left, right = node.left, node.comparators[0]
        if isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.NotEq | ast.Eq):
            for old, new in ((right, left), (left, right)):
                if isinstance(old, _PLACES) and not isinstance(new, ast.Constant) and site.text(old) not in stored:
                    known = isinstance(old, ast.Name) and old.id in site.scope.params
                    yield from _in_body(site, stmt, f"{site.text(old)} = {site.text(new)}", 0.3 if known else 1.0)
        elif isinstance(node.ops[0], ast.NotIn) and isinstance(right, ast.Name | ast.Attribute):
            key, owner = site.text(left), site.text(right)
            kind = site.kind(right)
            if kind not in (Kind.LIST, Kind.DICT, Kind.STR):
                yield from _in_body(site, stmt, f"{owner}.add({key})", 0.6)
            if kind not in (Kind.SET, Kind.DICT, Kind.STR):
                yield from _in_body(site, stmt, f"{owner}.append({key})", 0.5)


def _targets(stmt: ast.stmt) -> list[ast.expr]:
    if isinstance(stmt, ast.Assign):
        return list(stmt.targets)
    return [stmt.target] if isinstance(stmt, ast.AugAssign) else []


def _in_body(site: Site, stmt: ast.If, text: str, weight: float) -> Iterator[Edit]:
    """`text` as the last statement of the body of `stmt`, before what leaves it."""
    source, last = site.source, stmt.body[-1]
    assert last.end_lineno is not None
    leaves = isinstance(last, ast.Return | ast.Break | ast.Continue | ast.Raise)
    where = source.line_start(last.lineno if leaves else last.end_lineno + 1)
    lead = source.indent(last)
    start = "" if where == 0 or source.text[where - 1] in "\r\n" else source.newline
    yield Edit(where, where, f"{start}{site.block(text, lead)}", weight, f"insert {text} in the branch")


def toggle(site: Site) -> Iterator[Edit]:
    """A flag that is never turned, a number that never changes its sign, at the end of a loop."""
    stmt = site.stmt
    if not isinstance(stmt, ast.For | ast.While) or not site.source.alone(stmt.body[-1]) or stmt.orelse:
        return
    source, last = site.source, stmt.body[-1]
    assert last.end_lineno is not None
    where = source.line_start(last.end_lineno + 1)
    start = "" if source.text[where - 1] in "\r\n" else source.newline
    for name in site.scope.locals:
        kind = site.scope.kind(name)
        weight = 1.0 if name in site.scope.stale else 0.15
        texts = [f"{name} = not {name}"] if kind is Kind.BOOL else [f"{name} = -{name}"] if kind is Kind.NUM else []
        for text in texts:
            share = 1.0 if kind is Kind.BOOL else 0.4
            block = site.block(text, source.indent(last))
            yield Edit(where, where, start + block, weight * share, f"insert {text} below")


def else_branch(site: Site) -> Iterator[Edit]:
    """A last `else` that is missing: it does what the branches do, with a plainer value."""
    stmt, source = site.stmt, site.source
    if not isinstance(stmt, ast.If) or stmt.orelse or site.unit.function is None:
        return
    body, end = stmt.body, stmt.end_lineno
    if len(body) != 1 or not source.alone(body[0]) or end is None:
        return
    only, whole = body[0], source.text
    slot = _slot(only)
    if slot is None:
        return
    place = source.line_start(end + 1)
    start = "" if whole[place - 1] in "\r\n" else source.newline
    lead, deep = source.indent(stmt), source.indent(only)
    a, b = source.span(only)
    c, d = source.span(slot)
    chained = 1.0 if whole.startswith("elif", site.unit.start) else 0.6
    options = [(n, 1.0 if n in _items(site) else 0.35) for n in site.names(only)]
    options += [(t, 0.3) for t in ("0", "''", "None", "False") if isinstance(only, ast.Assign)]
    for text, weight in options:
        if text in ("self", "cls") or text in site.scope.outer or text == site.text(slot):
            continue
        inner = whole[a:c] + text + whole[d:b]
        block = f"{start}{lead}else:{source.newline}{deep}{inner}{source.newline}"
        yield Edit(place, place, block, chained * weight, f"else {inner}")


def _slot(stmt: ast.stmt) -> ast.expr | None:
    """The value that a branch hands on."""
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Call) and len(stmt.value.args) == 1:
        return stmt.value.args[0]
    return stmt.value if isinstance(stmt, ast.Assign | ast.AugAssign) else None


def _items(site: Site) -> set[str]:
    loops = [loop for loop in site.unit.loops if isinstance(loop, ast.For)]
    return {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)}


def leftover(site: Site) -> Iterator[Edit]:
    """What is left when a loop ends, and belongs to the result too: `if part: parts.append(part)` below it."""
    stmt = site.stmt
    if not isinstance(stmt, ast.For | ast.While) or site.unit.function is None or site.unit.loops:
        return
    step = site.source.step()
    bound = {n.id for n in ast.walk(stmt) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for node in ast.walk(stmt):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and len(node.value.args) == 1):
            continue
        call = node.value
        if not (isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "add", "extend")):
            continue
        owner, given = site.text(call.func), call.args[0]
        values = [site.text(given)] if not isinstance(given, ast.Name) else [given.id]
        values += [n for n in site.names() if n in bound or site.scope.kind(n) is Kind.NUM]
        for value in dict.fromkeys(v for v in values if v not in site.scope.outer):
            kind = site.scope.kind(value)
            weight = 1.0 if value == values[0] else 0.5
            tests = [value] if kind in (*SIZED, Kind.ANY, Kind.OBJ) else [f"{value} > 1", f"{value} > 0"]
            yield site.insert_after(f"{owner}({value})", weight * 0.5)
            for test in tests if value.isidentifier() else ():
                yield site.insert_after(f"if {test}:\n{step}{owner}({value})", weight)


def ordering(site: Site) -> Iterator[Edit]:
    """`key=` with a function that is there for it."""
    inner = {s.name for s in ast.walk(site.unit.function) if isinstance(s, Function)} if site.unit.function else set()
    used = {n.id for u in site.source.units for n in u.nodes if isinstance(n, ast.Name)}
    for node in site.unit.nodes:
        if not isinstance(node, ast.Call) or any(k.arg == "key" for k in node.keywords):
            continue
        last = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if last not in ("sorted", "sort", "min", "max"):
            continue
        func = site.text(node.func)
        inside = site.text(node)[len(func) :].strip()[1:-1].strip().rstrip(",")
        given = f"{inside}, " if inside else ""
        for name, (least, most) in site.scope.callables.items():
            if least <= 1 and (most is None or most >= 1) and name != getattr(site.unit.function, "name", ""):
                weight = 1.0 if name not in used else 0.5 if name in inner else 0.25
                yield site.swap(node, f"{func}({given}key={name})", weight)
        if last in ("min", "max") and len(node.args) == 1:
            base = site.text(node.args[0])
            options = [("len", 0.4), ("lambda x: x[1]", 0.3), ("abs", 0.2)]
            if site.kind(node.args[0]) is Kind.DICT or isinstance(node.args[0], ast.Name):
                options.append((f"{base}.get", 0.3))
            for key, weight in options:
                yield site.swap(node, f"{func}({given}key={key})", weight)


def in_place(site: Site) -> Iterator[Edit]:
    """The value of a method that changes its object and gives None."""
    for node in site.loads():
        parent, _ = site.parent(node)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)) or isinstance(parent, ast.Expr):
            continue
        base, name = site.text(node.func.value), node.func.attr
        strong = site.at(node.func.value, 10)
        options = [(f"{n.arg}={site.text(n.value)}" if n.arg else "") for n in node.keywords]
        if name == "sort":
            yield site.swap(node, f"sorted({', '.join([base, *options])})", 1.0)
        elif name == "reverse" and not node.args:
            yield site.swap(node, f"{site.at(node.func.value, 15)}[::-1]", 1.0)
            yield site.swap(node, f"list(reversed({base}))", 0.3)
        elif name == "append" and len(node.args) == 1:
            yield site.swap(node, f"{strong} + [{site.text(node.args[0])}]", 1.0)
        elif name == "extend" and len(node.args) == 1:
            yield site.swap(node, f"{strong} + {site.at(node.args[0], 11)}", 1.0)
        elif name in ("add", "update") and len(node.args) == 1:
            given = f"{{{site.text(node.args[0])}}}" if name == "add" else site.at(node.args[0], 7)
            yield site.swap(node, f"{site.at(node.func.value, 6)} | {given}", 1.0)


def shared(site: Site) -> Iterator[Edit]:
    """One object under two names: a copy that was forgotten, a list emptied that somebody still holds."""
    stmt = site.stmt
    if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Call) and isinstance(stmt.value.func, ast.Attribute):
        call, base = stmt.value, site.text(stmt.value.func.value)
        if stmt.value.func.attr == "clear" and not call.args:
            empty = {Kind.DICT: ("{}",), Kind.SET: ("set()",), Kind.LIST: ("[]",)}.get(
                site.kind(stmt.value.func.value), ("[]", "{}", "set()")
            )
            for text in empty:
                yield site.rewrite(f"{base} = {text}", 1.0)
    for node in site.loads():
        parent, field = site.parent(node)
        kind = site.kind(node)
        if not isinstance(node, ast.Name | ast.Attribute) or kind not in (*SIZED, Kind.ANY) or kind is Kind.STR:
            continue
        handed = isinstance(parent, ast.Assign | ast.Return) or (
            isinstance(parent, ast.Call) and field == "args" and site.text(parent.func).endswith((".append", ".add"))
        )
        if handed and _is_changed(site, node, parent):
            for maker in ("list", "dict", "set"):
                fits = kind in (Kind.ANY, Kind.ITER) or str(kind) == maker
                yield site.swap(node, f"{maker}({site.text(node)})", 1.0 if fits else 0.2)
        elif handed:
            makers = {Kind.LIST: ("list",), Kind.DICT: ("dict",), Kind.SET: ("set",)}.get(kind, ("list", "dict"))
            for maker in makers:
                yield site.swap(node, f"{maker}({site.text(node)})", 0.5 if kind is not Kind.ANY else 0.2)


def _is_changed(site: Site, node: ast.expr, parent: ast.AST) -> bool:
    """Whether what the function was given gets a second name here, under which it is written into."""
    if not (isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name) and site.unit.function):
        return False
    if not (isinstance(node, ast.Name) and node.id in site.scope.params):
        return False
    alias = parent.targets[0].id
    for other in ast.walk(site.unit.function):
        match other:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()) if name == alias:
                return True
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name == alias and attr in _CHANGES:
                return True
    return False


def class_state(site: Site) -> Iterator[Edit]:
    """`self.x` for `Class.x` and back: what one object has against what all of them share."""
    owner = next((a for a in site.source.within(site.stmt) if isinstance(a, ast.ClassDef)), None)
    if owner is None or site.unit.function is None:
        return
    held = {site.text(t) for s in owner.body for t in _targets(s) if isinstance(t, ast.Name)}
    held |= {s.target.id for s in owner.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)}
    for node in site.unit.nodes:
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in held):
            continue
        if node.value.id in ("self", "cls"):
            stored = isinstance(node.ctx, ast.Store)
            yield site.swap(node, f"{owner.name}.{node.attr}", 1.0 if stored else 0.3)
        elif node.value.id == owner.name:
            yield site.swap(node, f"self.{node.attr}", 0.6)


def data_field(site: Site) -> Iterator[Edit]:
    """Fields of a dataclass: one value for all objects where each needs its own, a field that should not count."""
    stmt = site.stmt
    owner = site.unit.owner
    if not (isinstance(stmt, ast.AnnAssign) and stmt.value is not None and isinstance(owner, ast.ClassDef)):
        return
    if not any("dataclass" in site.text(d) for d in owner.decorator_list):
        return
    value, text = stmt.value, site.text(stmt.value)
    if isinstance(value, ast.Call) and site.text(value.func).endswith("field"):
        words = {k.arg for k in value.keywords}
        for word in ("compare=False", "repr=False", "init=False"):
            if word.partition("=")[0] not in words:
                yield site.swap(value, f"{text[:-1].rstrip().rstrip(',')}, {word})", 0.5)
    elif any(isinstance(s, ast.ImportFrom) and any(a.name == "field" for a in s.names) for s in site.source.tree.body):
        noted = site.source.segment(stmt.annotation) if isinstance(stmt.annotation, ast.expr) else ""
        for maker in ("list", "dict", "set"):
            weight = 1.0 if noted.lower().startswith(maker) else 0.2
            yield site.swap(value, f"field(default_factory={maker})", weight)
        yield site.swap(value, f"field(default={text}, compare=False)", 0.15)


def repeated_value(site: Site) -> Iterator[Edit]:
    """An argument or a part given once where it is needed twice."""
    for node in site.unit.nodes:
        if not isinstance(node, ast.Call) or not node.args or any(isinstance(a, ast.Starred) for a in node.args):
            continue
        callee = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if callee == "__init__" or callee in site.ingredients.signatures or callee in site.scope.callables:
            func, texts = site.text(node.func), [site.text(a) for a in node.args]
            words = [site.source.segment(k) for k in node.keywords]
            for i, text in enumerate(texts):
                doubled = ", ".join([*texts[: i + 1], text, *texts[i + 1 :], *words])
                yield site.swap(node, f"{func}({doubled})", 0.6, f"give {text} twice")
    for node in site.loads():
        parent, _ = site.parent(node)
        doubled_kind = site.kind(node) in (Kind.STR, Kind.LIST, Kind.ANY)
        if isinstance(parent, ast.Assign | ast.Return) and isinstance(node, ast.Name) and doubled_kind:
            yield site.swap(node, f"{node.id} + {node.id}", 0.25)


OPERATORS = (
    Operator(name="record", prior=0.07, operate=record),
    Operator(name="toggle", prior=0.06, operate=toggle),
    Operator(name="else-branch", prior=0.035, operate=else_branch),
    Operator(name="leftover", prior=0.03, operate=leftover),
    Operator(name="ordering", prior=0.05, operate=ordering),
    Operator(name="in-place", prior=0.07, operate=in_place),
    Operator(name="shared", prior=0.03, operate=shared),
    Operator(name="class-state", prior=0.05, operate=class_state),
    Operator(name="data-field", prior=0.06, operate=data_field),
    Operator(name="repeated-value", prior=0.03, operate=repeated_value),
)
