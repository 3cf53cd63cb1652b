"""Lines that a smaller patch must keep although no check misses them: they are there for inputs that no check has."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from moa_code.aggregate.hunks import lines_of, tree_of
from moa_code.core.patch import FileChange
from moa_code.edits.written import Function, Placed, only_says, statements

_EXITS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def lines_to_keep(change: FileChange, unexercised: Collection[int]) -> frozenset[int]:
    """1-based lines of the file after that stay: statements that no check executes, and what those need.

    Those are the heads of what they stand in, and whatever gives a value to a name that they or those heads read.
    Debugging output, comments, names that nothing reads may go even so. Empty for what is no Python.
    """
    if change.after is None or not unexercised or not change.path.endswith((".py", ".pyi")):
        return frozenset()
    tree = tree_of(change.after)
    if tree is None:
        return frozenset()
    placed = list(statements(tree))
    missed = frozenset(unexercised)
    kept = _with_what_they_need([p for p in placed if p.lines & missed and not _idle(p)], placed)
    text = lines_of(change.after)
    lines = frozenset().union(*(p.lines for p in kept))
    return frozenset(n for n in lines if n <= len(text) and not _says_nothing(text[n - 1]))


def dead_statements(content: bytes | None) -> int:
    """How many statements follow an exit in their own block, where nothing can reach them. 0 for what is no Python."""
    tree = tree_of(content) if content is not None else None
    if tree is None:
        return 0
    dead = 0
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                ends = next((n for n, s in enumerate(block, start=1) if isinstance(s, _EXITS)), len(block))
                dead += len(block) - ends
    return dead


def _with_what_they_need(seeds: list[Placed], placed: list[Placed]) -> list[Placed]:
    by_stmt = {p.stmt: p for p in placed}
    touching: dict[tuple[Function | None, str], list[Placed]] = {}
    for p in placed:
        for name in _touched(p.stmt):
            touching.setdefault((p.function, name), []).append(p)
    kept: dict[ast.stmt, Placed] = {}
    waiting = list(seeds)
    while waiting:
        p = waiting.pop()
        if p.stmt in kept:
            continue
        kept[p.stmt] = p
        waiting += [by_stmt[owner] for owner in p.owners if isinstance(owner, ast.stmt)]
        for name in _read(p.stmt):
            for function in (*_functions_around(p), None):
                found = touching.get((function, name), [])
                waiting += found
                if found:
                    break
    return list(kept.values())


def _functions_around(p: Placed) -> list[Function]:
    """Innermost first."""
    return [owner for owner in reversed(p.owners) if isinstance(owner, Function)]


def _idle(p: Placed) -> bool:
    """Whether nothing comes of a statement: it prints, or names what nobody reads."""
    stmt = p.stmt
    if isinstance(stmt, ast.Pass):
        return False  # a handler that lets an error pass is no noise
    if isinstance(stmt, ast.If):
        inner = [*stmt.body, *stmt.orelse]
        return not _calls(stmt.test) and all(_idle(Placed(stmt=s, owners=p.owners, lines=p.lines)) for s in inner)
    if only_says(stmt):
        return True
    names = _named(stmt)
    if names is None or p.function is None:
        return False
    return not any(
        isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in names for n in ast.walk(p.function)
    )


def _named(stmt: ast.stmt) -> set[str] | None:
    """The names a statement does nothing but bind; None for one that may do more."""
    match stmt:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {alias.asname or alias.name.partition(".")[0] for alias in aliases}
        case ast.Assign(targets=targets, value=value) if all(isinstance(t, ast.Name) for t in targets):
            return None if _calls(value) else {t.id for t in targets if isinstance(t, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return None if _calls(value) else {name}
        case _:
            return None


def _calls(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Call | ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr) for n in ast.walk(node))


def _own(stmt: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement's own part: without the statements inside it, through handlers and cases."""
    waiting: list[ast.AST] = [stmt]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]


def _read(stmt: ast.stmt) -> set[str]:
    return {n.id for n in _own(stmt) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _touched(stmt: ast.stmt) -> set[str]:
    """Names that a statement binds, or whose value it may change in place."""
    found: set[str] = set()
    for node in _own(stmt):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                found |= _root(node)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                found |= set(names)
            case ast.Call(func=ast.Attribute(value=base)) if isinstance(stmt, ast.Expr):
                found |= _root(base)
    return found


def _root(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _says_nothing(line: bytes) -> bool:
    return not line.strip() or line.lstrip().startswith(b"#")
