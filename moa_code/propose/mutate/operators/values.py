"""Subscripts and slices, comprehensions, conditional expressions, and expressions borrowed from the same function."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from moa_code.propose.mutate.kinds import SEQUENCES, SIZED, Kind, compatible
from moa_code.propose.mutate.site import Edit, Operator, Site


def subscript(site: Site) -> Iterator[Edit]:
    """An index or slice that is missing, too much, or has its bounds or keys mixed up."""
    for node in site.loads():
        if isinstance(node, ast.Subscript):
            yield from _existing(site, node)
            continue
        parent, field = site.parent(node)
        kind = site.kind(node)
        if not isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            continue
        if isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Subscript) and field == "value"):
            continue
        if kind not in SEQUENCES and kind is not Kind.ANY:
            continue
        share = 1.0 if kind is not Kind.ANY else 0.3
        if isinstance(node, ast.Call):
            share *= 0.4
        base = site.at(node, 15)
        recursive = isinstance(parent, ast.Call) or (isinstance(parent, ast.For) and field == "iter")
        sliced = share * (1.0 if recursive or field == "iter" else 0.5)
        for part, weight in (("1:", 0.9), (":-1", 0.7), ("::-1", 0.6), ("2:", 0.12), ("1:-1", 0.1), (":", 0.3)):
            yield site.swap(node, f"{base}[{part}]", sliced * weight)
        for part, weight in (("0", 0.6), ("-1", 0.5), ("1", 0.25)):
            yield site.swap(node, f"{base}[{part}]", share * weight * 0.8)
        for name in site.names(node):
            if site.scope.kind(name) is Kind.NUM and name != base:
                yield site.swap(node, f"{base}[{name}:]", sliced * 0.5)
                yield site.swap(node, f"{base}[:{name}]", sliced * 0.5)
                yield site.swap(node, f"{base}[{name}]", share * 0.4)
    for node in site.loads():
        parent, _ = site.parent(node)
        if site.kind(node) is Kind.NUM and isinstance(node, ast.Name):
            for name in site.names(node):
                if site.scope.kind(name) in (Kind.LIST, Kind.ITER, Kind.DICT) and not isinstance(
                    parent, ast.Subscript | ast.Slice
                ):
                    yield site.swap(node, f"{name}[{node.id}]", 0.25)
    target = site.stmt.targets[0] if isinstance(site.stmt, ast.Assign) else None
    if isinstance(target, ast.Subscript):
        yield from _existing(site, target)


def _existing(site: Site, node: ast.Subscript) -> Iterator[Edit]:
    base, part = site.at(node.value, 15), node.slice
    loaded = isinstance(node.ctx, ast.Load)
    if isinstance(part, ast.Slice):
        low, high, step = (site.text(p) if p else "" for p in (part.lower, part.upper, part.step))
        tail = f":{step}" if step else ""
        options = []
        if low:
            options.append((f"{base}[:{high}{tail}]", 0.7))
        if high:
            options.append((f"{base}[{low}:{tail}]", 0.7))
        if step:
            options += [(f"{base}[{low}:{high}]", 0.6)]
        else:
            options += [(f"{base}[{low}:{high}:-1]", 0.25), (f"{base}[{low}:{high}:2]", 0.25)]
        if not low:
            options += [(f"{base}[1:{high}{tail}]", 0.7)]
        if not high:
            options += [(f"{base}[{low}:-1{tail}]", 0.5)]
        if low and high:
            options.append((f"{base}[{high}:{low}{tail}]", 0.3))
        if low and not high:
            options += [(f"{base}[:{low}]", 0.7), (f"{base}[{low}]", 0.3), (f"{base}[-{low}:]", 0.3)]
        if high and not low:
            options += [(f"{base}[{high}:]", 0.7), (f"{base}[{high}]", 0.2), (f"{base}[:-{high}]", 0.3)]
            options += [(f"{base}[-{high}:]", 0.3)]
        for name in site.names(node):
            if site.scope.kind(name) is Kind.NUM:
                if not high and name != low:
                    options += [
                        (f"{base}[{low}:{name}{tail}]", 0.5),
                        (f"{base}[{low}:{low} + {name}]", 0.3 if low else 0),
                    ]
                if not low and name != high:
                    options += [(f"{base}[{name}:{high}{tail}]", 0.5)]
        options.append((base, 0.5))
        for text, weight in options:
            if weight:
                yield site.swap(node, text, weight)
        return
    index = site.text(part)
    if isinstance(part, ast.Tuple) and len(part.elts) >= 2:
        texts = [site.text(e) for e in part.elts]
        for i in range(len(texts) - 1):
            joined = ", ".join([*texts[:i], texts[i + 1], texts[i], *texts[i + 2 :]])
            yield site.swap(node, f"{base}[{joined}]", 1.0, "swap the keys")
        for text in texts:
            yield site.swap(node, f"{base}[{text}]", 0.15)
        return
    if isinstance(node.value, ast.Subscript) and not isinstance(node.value.slice, ast.Slice):
        inner, first = site.at(node.value.value, 15), site.text(node.value.slice)
        yield site.swap(node, f"{inner}[{index}][{first}]", 1.0, "swap the indices")
    if not loaded:
        return
    yield site.swap(node, base, 0.4, f"drop [{index}]")
    if site.kind(part) is not Kind.STR:
        yield site.swap(node, f"{base}[{index}:]", 0.2)
        yield site.swap(node, f"{base}[:{index}]", 0.2)
    if isinstance(part, ast.Constant) and part.value == 0:
        yield site.swap(node, f"{base}[-1]", 0.8)
    if not isinstance(part, ast.Constant):
        yield site.swap(node, index, 0.2, f"{base}[{index}] -> {index}")
        yield site.swap(node, f"{base}[-{site.at(part, 12)}]", 0.12)
        yield site.swap(node, f"{base}[-{site.at(part, 12)} - 1]", 0.15)
        yield site.swap(node, f"{base}[len({base}) - {site.at(part, 11)} - 1]", 0.12)


def default_access(site: Site) -> Iterator[Edit]:
    """A key that may be missing: `d[k]` for `d.get(k, default)`."""
    for node in site.loads():
        if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice | ast.UnaryOp):
            continue
        kind = site.kind(node.value)
        if kind in (Kind.LIST, Kind.STR, Kind.TUPLE) or (site.kind(node.slice) is Kind.NUM and kind is not Kind.DICT):
            continue
        parent, field = site.parent(node)
        looped = isinstance(parent, ast.For | ast.comprehension) and field == "iter"
        base, key = site.at(node.value, 15), site.text(node.slice)
        share = 1.0 if kind is Kind.DICT else 0.6
        defaults = {", []": 1.0 if looped else 0.5, ", 0": 0.1 if looped else 0.9, "": 0.4, ", ''": 0.2, ", {}": 0.2}
        for default, weight in defaults.items():
            yield site.swap(node, f"{base}.get({key}{default})", share * weight)


def borrowed(site: Site) -> Iterator[Edit]:
    """Another expression of the same function in the place of this one."""
    for node in site.loads():
        parent, _ = site.parent(node)
        if isinstance(node, ast.Constant) and isinstance(parent, ast.Expr):
            continue
        own, kind = site.text(node), site.kind(node)
        whole = isinstance(parent, ast.Return | ast.Assign | ast.AugAssign | ast.Call | ast.Yield)
        place = 1.0 if whole else 0.6
        if isinstance(node, ast.Compare | ast.BoolOp):
            place *= 0.4
        options: list[tuple[str, float]] = []
        for piece in site.pool.pieces:
            if piece.text == own or isinstance(piece.node, ast.Constant) or not site.usable(piece.names, node):
                continue
            if isinstance(piece.node, ast.Name) and isinstance(node, ast.Name):
                continue  # `variable` does these
            if isinstance(piece.node, ast.Compare | ast.BoolOp) and kind is not Kind.BOOL and not whole:
                continue
            size = min(len(own), len(piece.text)) / max(len(own), len(piece.text), 1)
            near = 1.0 / (1.0 + abs(piece.line - node.lineno) / 6)
            # Part of what stands here, or what stands here grown: dropping and adding are likelier than replacing.
            kin = 2.5 if own in piece.text else 1.5 if piece.text in own else 1.0
            options.append((piece.text, compatible(kind, piece.kind) * (0.4 + 0.6 * size) * (0.5 + 0.5 * near) * kin))
        crowd = max(1.0, sum(w for _, w in options) / 3) ** 0.5
        for text, weight in options:
            yield site.swap(node, text, min(1.0, place * weight / crowd))
        if not whole and not isinstance(parent, ast.Compare):
            continue
        visible = {*site.names(node), *site.scope.callables}
        for piece in (*site.pool.targets, *site.pool.foreign):
            stored = isinstance(piece.node, ast.Subscript | ast.Attribute | ast.Call)
            if stored and piece.text != own and piece.names and piece.names <= visible:
                yield site.swap(node, piece.text, 0.25 * compatible(kind, piece.kind))


def target(site: Site) -> Iterator[Edit]:
    """Another place to store to: one that the function stores to or reads elsewhere."""
    stmt = site.stmt
    if not isinstance(stmt, ast.Assign | ast.AugAssign):
        return
    node = stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target
    if not isinstance(node, ast.Name | ast.Subscript | ast.Attribute):
        return
    own = site.text(node)
    inside = {site.text(n) for n in ast.walk(stmt.value) if isinstance(n, ast.Subscript | ast.Attribute)}
    for piece in (*site.pool.targets, *site.pool.pieces):
        if piece.text == own or not isinstance(piece.node, ast.Subscript | ast.Attribute):
            continue
        if isinstance(piece.node, ast.Subscript) and isinstance(piece.node.slice, ast.Slice):
            continue
        if site.usable(piece.names, node):
            weight = 1.0 if piece.text in inside else 0.5 if type(piece.node) is type(node) else 0.3
            yield site.swap(node, piece.text, weight)
    if isinstance(node, ast.Name):
        for name in site.names():
            if site.scope.kind(name) is Kind.DICT:
                for key in site.names():
                    if key != name and site.scope.kind(key) not in (Kind.LIST, Kind.DICT, Kind.SET):
                        yield site.swap(node, f"{name}[{key}]", 0.15)
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        yield site.swap(node, site.text(node.value), 0.2)


def comprehension(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if not isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            continue
        whole = site.text(node)
        start = site.source.span(node)[0]
        for generator in node.generators:
            bound = [n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)]
            for test in generator.ifs:
                a, b = (p - start for p in site.source.span(test))
                head = whole[:a].rstrip()
                if head.endswith("if"):
                    yield site.swap(node, head[:-2].rstrip() + whole[b:], 0.6, f"drop if {site.text(test)}")
            if not generator.ifs:
                end = site.source.span(generator.iter)[1] - start
                for name in bound:
                    tests = [(name, 0.6), (f"{name} is not None", 0.2), (f"{name} > 0", 0.2), (f"{name} % 2 == 0", 0.1)]
                    for other in site.names():
                        if other not in bound:
                            same = compatible(site.scope.kind(name), site.scope.kind(other))
                            if site.scope.kind(other) in SIZED or site.scope.kind(other) is Kind.ANY:
                                held = 0.35 if site.scope.kind(other) in SIZED else 0.12
                                tests += [(f"{name} in {other}", held), (f"{name} not in {other}", held)]
                            tests += [(f"{name} != {other}", 0.4 * same)]
                            if site.scope.kind(other) is Kind.NUM:
                                tests += [(f"{name} {op} {other}", 0.15) for op in ("<", ">", "<=", ">=")]
                    for piece in site.pool.conditions:
                        if name in piece.names:
                            tests.append((piece.text, 0.4))
                    for text, weight in tests:
                        yield site.swap(node, f"{whole[:end]} if {text}{whole[end:]}", weight)
        if isinstance(node, ast.ListComp) and site.scope.function is not None:
            yield site.swap(node, f"set({whole[1:-1]})" if len(node.generators) == 1 else whole, 0.15)
        if isinstance(node, ast.DictComp) and isinstance(node.key, ast.Name) and isinstance(node.value, ast.Name):
            rest = whole[site.source.span(node.value)[1] - start :]
            yield site.swap(node, f"{{{node.value.id}: {node.key.id}{rest}", 0.8, "swap key and value")


def choice(site: Site) -> Iterator[Edit]:
    for node in site.unit.nodes:
        if isinstance(node, ast.IfExp):
            body, test, other = site.at(node.body, 2), site.at(node.test, 2), site.at(node.orelse, 1)
            yield site.swap(
                node, f"{site.at(node.orelse, 2)} if {test} else {site.at(node.body, 1)}", 1.0, "swap the branches"
            )
            yield site.swap(node, body, 0.4)
            yield site.swap(node, other, 0.4)
        elif (
            isinstance(node, ast.BoolOp)
            and isinstance(site.parent(node)[0], ast.Assign | ast.Return | ast.Call)
            and len(node.values) == 2
            and isinstance(node.op, ast.Or)
        ):
            first, second = node.values
            text = site.text(first)
            yield site.swap(
                node,
                f"{site.at(first, 2)} if {site.at(first, 6)} is not None else {site.text(second)}",
                0.5,
                f"test {text} for None",
            )


def returned(site: Site) -> Iterator[Edit]:
    """What is returned or yielded: a verdict over the final state instead of a constant, one more or one less part."""
    stmt = site.stmt
    if isinstance(stmt, ast.Return):
        node = stmt.value
        if node is None:
            for name in site.names():
                yield site.rewrite(f"return {name}", 0.5 if name in site.scope.locals else 0.2)
            for text in ("True", "False", "0", "[]"):
                yield site.rewrite(f"return {text}", 0.15)
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            for name in site.names(node):
                kind = site.scope.kind(name)
                share = 1.0 if name in site.scope.locals else 0.3
                if kind is Kind.NUM:
                    yield site.swap(node, f"{name} == 0", share * 0.8)
                    yield site.swap(node, f"{name} > 0", share * 0.3)
                    yield site.swap(node, f"{name} != 0", share * 0.3)
                    yield site.swap(node, f"{name} == 1", share * 0.2)
                if kind in SIZED or kind is Kind.ANY:
                    yield site.swap(node, f"not {name}", share * 0.8)
                    yield site.swap(node, f"len({name}) == 0", share * 0.1)
                    yield site.swap(node, f"bool({name})", share * 0.2)
                if kind in (Kind.BOOL, Kind.ANY):
                    yield site.swap(node, name, share * 0.5)
            nums = [n for n in site.names(node) if site.scope.kind(n) is Kind.NUM]
            for i, one in enumerate(nums):
                for other in nums[i + 1 :]:
                    yield site.swap(node, f"{one} == {other}", 0.5)
                    yield site.swap(node, f"{one} != {other}", 0.15)
        elif not isinstance(node, ast.Name):
            for name in site.names(node):
                fit = compatible(site.kind(node), site.scope.kind(name))
                yield site.swap(node, name, fit * (0.3 if name in site.scope.locals else 0.15))
        if not isinstance(node, ast.Tuple | ast.Constant):
            yield site.swap(node, f"[{site.text(node)}]", 0.12)
            for name in site.scope.locals[:8]:
                if name != site.text(node):
                    yield site.swap(node, f"{site.at(node, 1)}, {name}", 0.08)
        yield site.rewrite(f"yield {site.text(node)}", 0.6 if site.scope.is_generator else 0.05)
    for inner in site.unit.nodes:
        if isinstance(inner, ast.Yield) and inner.value is not None:
            yield site.swap(inner, f"yield from {site.at(inner.value, 1)}", 1.0)
            if isinstance(stmt, ast.Expr):
                yield site.rewrite(f"return {site.text(inner.value)}", 0.3)
        elif isinstance(inner, ast.YieldFrom):
            yield site.swap(inner, f"yield {site.text(inner.value)}", 1.0)


OPERATORS = (
    Operator(name="subscript", prior=0.035, operate=subscript),
    Operator(name="default-access", prior=0.02, operate=default_access),
    Operator(name="borrowed-expression", prior=0.03, operate=borrowed),
    Operator(name="target", prior=0.03, operate=target),
    Operator(name="comprehension", prior=0.035, operate=comprehension),
    Operator(name="choice", prior=0.04, operate=choice),
    Operator(name="returned-value", prior=0.04, operate=returned),
)
