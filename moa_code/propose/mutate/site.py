"""A site: one statement together with all an operator may look at; and an edit: what an operator answers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from moa_code.propose.mutate.ingredients import Ingredients, Pool
from moa_code.propose.mutate.kinds import Kind, kind_of
from moa_code.propose.mutate.scope import Scope
from moa_code.propose.mutate.source import Source, Unit


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `text[start:end]` by `text`. `weight`, in (0, 1], is its share of the operator's prior.

    `node` is the expression that is replaced, None where whole statements or parts of them change.
    """

    start: int
    end: int
    text: str
    weight: float
    note: str
    node: ast.expr | None = None


class Site:
    """One statement under repair: its source, its scope and what can be borrowed."""

    def __init__(self, source: Source, unit: Unit, scope: Scope, pool: Pool, ingredients: Ingredients) -> None:
        self.source = source
        self.unit = unit
        self.scope = scope
        self.pool = pool
        self.ingredients = ingredients
        self._names: dict[ast.AST | None, tuple[str, ...]] = {}

    @property
    def stmt(self) -> ast.stmt:
        return self.unit.stmt

    def text(self, node: ast.expr) -> str:
        return self.source.segment(node)

    def at(self, node: ast.expr, minimum: int) -> str:
        return self.source.at(node, minimum)

    def kind(self, node: ast.expr) -> Kind:
        return kind_of(node, self.scope.kinds)

    def parent(self, node: ast.AST) -> tuple[ast.AST, str]:
        return self.source.parent(node)

    def loads(self) -> Iterator[ast.expr]:
        """The unit's expressions that are read: no assignment targets, called functions, slices or types."""
        for node in self.unit.nodes:
            if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
                continue
            if isinstance(node, ast.Slice | ast.Starred):
                continue
            parent, field = self.parent(node)
            if field in ("func", "annotation", "returns", "decorator_list", "format_spec", "bases"):
                continue
            if isinstance(parent, ast.ExceptHandler):
                continue
            yield node

    def names(self, near: ast.AST | None = None) -> tuple[str, ...]:
        """Value names that can be read here, parameters first; names of a comprehension only inside it."""
        if near not in self._names:
            line, inside = self.unit.first_line, set()
            if near is not None and self.scope.bound_in:
                inside = {near, *self.source.within(near)}
            found = []
            for name in self.scope.names:
                owner = self.scope.bound_in.get(name)
                if owner is not None and owner not in inside:
                    continue
                if owner is None and self.scope.first_bound.get(name, 0) > line and not self.unit.loops:
                    continue
                found.append(name)
            self._names[near] = tuple(found)
        return self._names[near]

    def usable(self, names: Iterable[str], near: ast.AST | None = None) -> bool:
        """Whether all local names among these have a value here."""
        here = self.names(near)
        return all(name in here or name not in self.scope.first_bound for name in names)

    def swap(self, node: ast.expr, text: str, weight: float, note: str = "") -> Edit:
        """Replace one expression."""
        start, end = self.source.span(node)
        return Edit(start, end, text, weight, note or f"{self.text(node)} -> {text}", node)

    def rewrite(self, text: str, weight: float, note: str = "") -> Edit:
        """Replace the statement's own part (the whole of a simple statement)."""
        unit = self.unit
        return Edit(unit.start, unit.end, text, weight, note or f"becomes {text}")

    def insert_before(self, text: str, weight: float, note: str = "") -> Edit:
        """A new statement (or several lines, already indented against column 0) above this one."""
        return self._insert(self.source.line_start(self._top()), text, weight, note)

    def insert_after(self, text: str, weight: float, note: str = "") -> Edit:
        assert self.stmt.end_lineno is not None
        return self._insert(self.source.line_start(self.stmt.end_lineno + 1), text, weight, note)

    def block(self, text: str, indent: str | None = None) -> str:
        """`text` re-indented to stand beside this statement, with the file's line ends."""
        lead = self.source.indent(self.stmt) if indent is None else indent
        lines = [f"{lead}{line}" if line else "" for line in text.split("\n")]
        return self.source.newline.join(lines) + self.source.newline

    def _top(self) -> int:
        decorators: list[ast.expr] = getattr(self.stmt, "decorator_list", [])
        return min([self.stmt.lineno, *(d.lineno for d in decorators)])

    def _insert(self, where: int, text: str, weight: float, note: str) -> Edit:
        body = self.block(text)
        whole = self.source.text
        if where == len(whole) and whole and whole[-1] not in "\r\n":
            body = self.source.newline + body.rstrip("\r\n")
        return Edit(where, where, body, weight, note or f"insert {text}")


Operate = Callable[[Site], Iterator[Edit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A family of edits. `prior` is the chance, up to a factor common to all, that a bug at a site is of its kind."""

    name: str
    prior: float
    operate: Operate
