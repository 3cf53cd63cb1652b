"""A Python file as text and tree at once: spans of nodes, parents, and statements without their nested blocks."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

Function = ast.FunctionDef | ast.AsyncFunctionDef
ATOM = 15
_BINARY: dict[type[ast.operator], int] = {
    ast.BitOr: 6, ast.BitXor: 7, ast.BitAnd: 8, ast.LShift: 9, ast.RShift: 9, ast.Add: 10, ast.Sub: 10,
    ast.Mult: 11, ast.Div: 11, ast.FloorDiv: 11, ast.Mod: 11, ast.MatMult: 11, ast.Pow: 13,
}  # fmt: skip


def level(node: ast.AST) -> int:
    """How tightly an expression binds, from 0 (yield, bare tuple) to `ATOM`."""
    match node:
        case ast.Lambda() | ast.IfExp():
            return 1
        case ast.BoolOp():
            return 2 if isinstance(node.op, ast.Or) else 3
        case ast.UnaryOp():
            return 4 if isinstance(node.op, ast.Not) else 12
        case ast.Compare():
            return 5
        case ast.BinOp():
            return _BINARY[type(node.op)]
        case ast.Await():
            return 14
        case ast.Yield() | ast.YieldFrom() | ast.NamedExpr() | ast.Tuple() | ast.Starred() | ast.GeneratorExp():
            return 0
        case _:
            return ATOM


def needed(parent: ast.AST, field: str) -> int:
    """The level an expression must have to stand in `field` of `parent` without parentheses."""
    match parent:
        case ast.BinOp(op=ast.Pow()):
            return 14 if field == "left" else 12
        case ast.BinOp():
            return level(parent) if field == "left" else level(parent) + 1
        case ast.UnaryOp() | ast.BoolOp():
            return level(parent) if isinstance(parent, ast.UnaryOp) else level(parent) + 1
        case ast.Compare():
            return 6
        case ast.Attribute() | ast.Await():
            return ATOM
        case ast.Subscript() if field == "value":
            return ATOM
        case ast.Call() if field == "func":
            return ATOM
        case ast.IfExp():
            return 1 if field == "orelse" else 2
        case ast.comprehension():
            return 2
        case (
            ast.Call() | ast.keyword() | ast.List() | ast.Set() | ast.Dict() | ast.Tuple() | ast.Starred()
            | ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp() | ast.Lambda() | ast.Slice()
        ):  # fmt: skip
            return 1
        case _:
            return 0


@dataclass(eq=False, slots=True, kw_only=True)
class Unit:
    """A statement without its nested blocks: what one line-level suspicion is about.

    `nodes` are its expressions, outermost first; `block` is the list the statement stands in, at `index`.
    `start` and `end` span the text of the statement's own part; `first_line` and `last_line` its lines.
    """

    stmt: ast.stmt
    nodes: tuple[ast.expr, ...]
    block: list[ast.stmt]
    index: int
    owner: ast.AST
    function: Function | None
    loops: tuple[ast.stmt, ...]
    start: int
    end: int
    first_line: int
    last_line: int


def decode(source: bytes) -> tuple[str, str]:
    """Text and encoding of a Python file, as the interpreter reads it. Raises `SyntaxError` or `UnicodeDecodeError`."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    return source.decode(encoding), encoding


class Source:
    """One parsed file. Raises `SyntaxError` for text that does not parse."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.tree = ast.parse(text)
        self._starts = [0]
        # The tokenizer ends lines at \n, \r\n and a lone \r; str.splitlines would also split at form feeds.
        self._starts += [m.end() for m in re.finditer(r"\r\n|\r|\n", text)]
        bounds = [*self._starts, len(text)]
        self.lines = [text[a:b] for a, b in pairwise(bounds)]
        self._plain = [line.isascii() for line in self.lines]
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._parents: dict[ast.AST, tuple[ast.AST, str]] = {}
        self.units: list[Unit] = []
        self.functions: list[Function] = []
        self._walk_block(self.tree, self.tree.body, None, ())
        self.unit_of = {unit.stmt: unit for unit in self.units}

    def offset(self, line: int, column: int) -> int:
        """Where 1-based `line` and UTF-8 `column` are in `text`."""
        start = self._starts[line - 1]
        if self._plain[line - 1]:
            return start + column
        return start + len(self.lines[line - 1].encode()[:column].decode())

    def line_start(self, line: int) -> int:
        return self._starts[line - 1] if line <= len(self.lines) else len(self.text)

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.arg | ast.excepthandler) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def segment(self, node: ast.expr | ast.stmt | ast.keyword | ast.arg) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def at(self, node: ast.expr, minimum: int) -> str:
        """The node's text, in parentheses where it binds less tightly than `minimum`."""
        text = self.segment(node)
        bare = isinstance(node, ast.Tuple | ast.GeneratorExp) and text[:1] == "("
        return text if bare or level(node) >= minimum else f"({text})"

    def parent(self, node: ast.AST) -> tuple[ast.AST, str]:
        """The node's parent and the field it stands in."""
        return self._parents[node]

    def indent(self, stmt: ast.stmt) -> str:
        line = self.lines[stmt.lineno - 1]
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def alone(self, stmt: ast.stmt) -> bool:
        """Whether the statement shares its lines with no other one."""
        before = self.text[self.line_start(stmt.lineno) : self.span(stmt)[0]]
        assert stmt.end_lineno is not None
        after = self.text[self.span(stmt)[1] : self.line_start(stmt.end_lineno + 1)].strip()
        return not before.strip() and (not after or after.startswith("#"))

    def step(self) -> str:
        """One indentation step, as this file writes it."""
        for unit in self.units:
            if unit.owner is not self.tree:
                own, outer = self.indent(unit.stmt), unit.owner
                if isinstance(outer, ast.stmt) and outer.lineno != unit.stmt.lineno:
                    step = own[len(self.indent(outer)) :]
                    if step:
                        return step
        return "    "

    def _walk_block(
        self, owner: ast.AST, block: list[ast.stmt], function: Function | None, loops: tuple[ast.stmt, ...]
    ) -> None:
        for index, stmt in enumerate(block):
            nodes: list[ast.expr] = []
            blocks: list[tuple[ast.AST, list[ast.stmt]]] = []
            header_end: tuple[int, int] | None = None
            for field, value in ast.iter_fields(stmt):
                if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                    blocks.append((stmt, value))
                    continue
                for child in value if isinstance(value, list) else (value,):
                    if isinstance(child, ast.ExceptHandler | ast.match_case):
                        self._parents[child] = (stmt, field)
                        for inner in (child.type,) if isinstance(child, ast.ExceptHandler) else (child.guard,):
                            if inner is not None:
                                self._link(child, "type", inner, nodes)
                        blocks.append((child, child.body))
                    elif isinstance(child, ast.AST):
                        self._link(stmt, field, child, nodes)
            start, end = self.span(stmt)
            assert stmt.end_lineno is not None
            last = stmt.end_lineno
            if blocks:
                first_inner = blocks[0][1][0]
                header_end = (first_inner.lineno, first_inner.col_offset)
                last = max([stmt.lineno, *(n.end_lineno or 0 for n in nodes if not self._handled(n))])
                end = min(self.line_start(last + 1), self.offset(*header_end))
            self.units.append(
                Unit(
                    stmt=stmt,
                    nodes=tuple(nodes),
                    block=block,
                    index=index,
                    owner=owner,
                    function=function,
                    loops=loops,
                    start=start,
                    end=end,
                    first_line=stmt.lineno,
                    last_line=last,
                )
            )
            inside, around = function, loops
            if isinstance(stmt, Function):
                self.functions.append(stmt)
                inside, around = stmt, ()
            elif isinstance(stmt, ast.ClassDef):
                inside, around = None, ()
            elif isinstance(stmt, ast.For | ast.While | ast.AsyncFor):
                around = (*loops, stmt)
            for child, body in blocks:
                for inner_stmt in body:
                    self._parents[inner_stmt] = (child, "body")
                self._walk_block(child, body, inside, around)

    def _handled(self, node: ast.AST) -> bool:
        while node in self._parents:
            node = self._parents[node][0]
            if isinstance(node, ast.ExceptHandler | ast.match_case):
                return True
            if isinstance(node, ast.stmt):
                return False
        return False

    def _link(self, parent: ast.AST, field: str, node: ast.AST, nodes: list[ast.expr]) -> None:
        self._parents[node] = (parent, field)
        if field in ("annotation", "returns"):
            return  # types are not executed: no edit of one mends a check
        if isinstance(node, ast.expr):
            nodes.append(node)
        # Positions inside f-strings are wrong before Python 3.12, so those are taken as a whole.
        if isinstance(node, ast.JoinedStr):
            return
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, ast.AST) and not isinstance(child, ast.expr_context | ast.operator):
                    self._link(node, name, child, nodes)

    def within(self, node: ast.AST) -> Iterator[ast.AST]:
        """The node's ancestors, innermost first."""
        while node in self._parents:
            node = self._parents[node][0]
            yield node
