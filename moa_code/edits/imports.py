"""Imports of a block merged into a file's own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Import = ast.Import | ast.ImportFrom


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """0-based line before which imports go, and whether one of the file's own stands right above."""

    line: int
    after_import: bool


def import_lines(module: ast.Module, imports: list[Import]) -> list[str]:
    """Import statements, one a line without its end, for what `module` does not import at its top level yet."""
    known = {key for s in module.body if isinstance(s, Import) for key in _keys(s)}
    lines: list[str] = []
    for statement in imports:
        missing = [key for key in _keys(statement) if key not in known]
        known.update(missing)
        if not missing:
            continue
        names = ", ".join(name if bound is None else f"{name} as {bound}" for _, name, bound in missing)
        origin = missing[0][0]
        lines.append(f"import {names}" if origin is None else f"from {origin} import {names}")
    # The compiler wants these before every other import.
    return sorted(lines, key=lambda line: not line.startswith("from __future__ "))


def _keys(statement: Import) -> Iterator[tuple[str | None, str, str | None]]:
    """(origin, name, bound as) of each name; origin is `None` for a plain `import`."""
    origin = None if isinstance(statement, ast.Import) else "." * statement.level + (statement.module or "")
    return ((origin, alias.name, alias.asname) for alias in statement.names)


def import_position(module: ast.Module, lines: list[str]) -> Position:
    """After the imports at the file's top; without any, after its docstring or the comments it begins with."""
    last: ast.stmt | None = None
    docstring: ast.stmt | None = None
    for number, statement in enumerate(module.body):
        if isinstance(statement, Import):
            last = statement
        elif number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            docstring = statement
        else:
            break
    if last is not None:
        return Position(line=last.end_lineno or last.lineno, after_import=True)
    if docstring is not None:
        at = docstring.end_lineno or docstring.lineno
        while at < len(lines) and not lines[at].strip():
            at += 1
        return Position(line=at, after_import=False)
    at = 0
    while at < len(lines) and lines[at].startswith("#!"):
        at += 1
    if at < len(lines) and lines[at].startswith("#") and "coding" in lines[at]:
        at += 1
    return Position(line=at, after_import=False)
