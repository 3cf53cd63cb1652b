"""Which lines of a Python file matter: signatures, whole functions, surroundings. Any text will do, parsable or not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MAX_PARSED_CHARS = 1_000_000
"""Beyond this a file is data more often than code, and parsing it costs seconds."""

_STATEMENT_LINES = (
    4  # of a module-level statement that is neither definition nor import: a table is cut, a constant kept
)
_AROUND = 3  # lines around a suspect outside any function
_SLICE = 40  # lines around a suspect in text that does not parse

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A function or method outside any other function: its qualified name and 1-based inclusive lines.

    `first` counts decorators in; `body` is the first line of the body, which may be the signature's own line.
    """

    name: str
    first: int
    body: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A file seen as lines. `skeleton` are the lines that show what there is; empty where the text does not parse."""

    lines: tuple[str, ...]
    definitions: tuple[Definition, ...]
    skeleton: frozenset[int]
    parsed: bool

    def around(self, first: int, last: int) -> frozenset[int]:
        """The lines to read for a suspect: the functions it touches whole, or what stands near it."""
        hit = [d for d in self.definitions if d.first <= last and first <= d.last]
        if hit:
            return frozenset(n for d in hit for n in range(d.first, d.last + 1))
        near = _AROUND if self.parsed else _SLICE
        return frozenset(range(max(1, first - near), min(len(self.lines), last + near) + 1))

    def named(self, name: str) -> frozenset[int]:
        """The lines of the definition called `name`, qualified by its class; none if there is no such one."""
        return frozenset(n for d in self.definitions if d.name == name for n in range(d.first, d.last + 1))

    def text(self, keep: Iterable[int]) -> str:
        """The kept lines in order; a gap is a comment that says how many lines are missing."""
        kept = sorted(set(keep) & set(range(1, len(self.lines) + 1)))
        parts: list[str] = []
        previous = 0
        for number in (*kept, len(self.lines) + 1):
            hidden = self.lines[previous : number - 1]
            if not any(line.strip() for line in hidden):
                parts += hidden  # blank lines cost less than saying that they are missing
            else:
                indent = _indent(self.lines[number - 1]) if number <= len(self.lines) else ""
                parts.append(f"{indent}# {len(hidden)} line{'s' if len(hidden) > 1 else ''} hidden")
            if number <= len(self.lines):
                parts.append(self.lines[number - 1])
            previous = number
        return "\n".join(parts)


def outline(source: str) -> Outline:
    """What there is in `source`. Text that Python cannot parse has lines and nothing else."""
    lines = tuple(source.splitlines())
    tree = _parse(source)
    # The parser breaks lines at \n and \r alone; a form feed makes `splitlines` disagree: then trust neither.
    if tree is None or lines != tuple(re.split(r"\r\n|\r|\n", source))[: len(lines)]:
        return Outline(lines=lines, definitions=(), skeleton=frozenset(), parsed=False)
    definitions = tuple(_definitions(tree.body, ""))
    return Outline(lines=lines, definitions=definitions, skeleton=frozenset(_skeleton(tree.body)), parsed=True)


def _parse(source: str) -> ast.Module | None:
    if len(source) > MAX_PARSED_CHARS:
        return None
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _definitions(body: Sequence[ast.stmt], prefix: str) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, _Function):
            yield Definition(
                name=prefix + node.name,
                first=_first(node),
                body=node.body[0].lineno,
                last=node.end_lineno or node.lineno,
            )
        elif isinstance(node, ast.ClassDef) and prefix.count(".") < 8:
            yield from _definitions(node.body, f"{prefix}{node.name}.")


def _skeleton(body: Sequence[ast.stmt], depth: int = 0) -> Iterator[int]:
    for node in body:
        last = node.end_lineno or node.lineno
        if isinstance(node, _Function):
            yield from range(_first(node), max(node.lineno, node.body[0].lineno - 1) + 1)
            yield from _docstring(node)
        elif isinstance(node, ast.ClassDef):
            yield from range(_first(node), max(node.lineno, node.body[0].lineno - 1) + 1)
            yield from _docstring(node)
            if depth < 8:
                yield from _skeleton(node.body, depth + 1)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from range(node.lineno, last + 1)
        elif not _is_docstring(node):
            yield from range(node.lineno, min(last, node.lineno + _STATEMENT_LINES - 1) + 1)


def _docstring(node: _Function | ast.ClassDef) -> Iterator[int]:
    """The first line of a docstring: what the thing is for."""
    if _is_docstring(node.body[0]):
        yield node.body[0].lineno


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _first(node: _Function | ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
