"""What a change wrote: its lines in the file after, and the statements of Python that they hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from moa_code.core.patch import FileChange
from moa_code.edits.lines import matching_blocks, split_lines

Function = ast.FunctionDef | ast.AsyncFunctionDef
LOGGERS = frozenset({"log", "logger", "logging", "warnings", "_log", "_logger", "LOG", "LOGGER"})
_LOG_WORDS = frozenset({"debug", "info", "warn", "warning", "error", "exception", "critical", "log"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A statement and where it stands: its `owners`, outermost first, and its own lines without those of what it holds.

    A compound statement's own lines are its head and the likes of `else:`; decorators belong to what they decorate.
    """

    stmt: ast.stmt
    owners: tuple[ast.AST, ...]
    lines: frozenset[int]

    @property
    def function(self) -> Function | None:
        """The innermost function around it."""
        return next((owner for owner in reversed(self.owners) if isinstance(owner, Function)), None)


def written_lines(change: FileChange) -> frozenset[int]:
    """1-based lines of the file after that the change added or altered; around what it only removed, those beside."""
    before, after = split_lines(change.before or b""), split_lines(change.after or b"")
    found: set[int] = set()
    old = new = 0
    for in_old, in_new, count in (*matching_blocks(before, after), (len(before), len(after), 0)):
        if in_new > new:
            found |= set(range(new + 1, in_new + 1))
        elif in_old > old:
            found |= {line for line in (new, new + 1) if 1 <= line <= len(after)}
        old, new = in_old + count, in_new + count
    return frozenset(found)


def statements(tree: ast.AST, owners: tuple[ast.AST, ...] = ()) -> Iterator[Placed]:
    """Every statement below `tree`, outer ones first."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.stmt):
            yield Placed(stmt=child, owners=owners, lines=_own_lines(child))
            yield from statements(child, (*owners, child))
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from statements(child, (*owners, child))


def only_says(stmt: ast.stmt) -> bool:
    """Whether a statement does nothing: a docstring, `pass`, a bare annotation, a call of `print` or of a logger."""
    match stmt:
        case ast.Pass() | ast.Global() | ast.Nonlocal() | ast.Expr(value=ast.Constant()) | ast.AnnAssign(value=None):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=word))):
            return owner in LOGGERS and word in _LOG_WORDS
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Attribute(attr=owner), attr=word))):
            return owner in LOGGERS and word in _LOG_WORDS
        case _:
            return False


def _own_lines(stmt: ast.stmt) -> frozenset[int]:
    lines = set(range(_first_line(stmt), (stmt.end_lineno or stmt.lineno) + 1))
    for inner in _inner(stmt):
        begins, ends = _first_line(inner), inner.end_lineno or inner.lineno
        lines -= {line for line in range(begins, ends + 1) if line != stmt.lineno}
    return frozenset(lines)


def _inner(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements directly inside one, through handlers and cases."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from _inner(child)


def _first_line(stmt: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(stmt, "decorator_list", [])
    return min([stmt.lineno, *(decorator.lineno for decorator in decorators)])
