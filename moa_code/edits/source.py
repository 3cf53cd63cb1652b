"""Python source that nobody trusts: parsed within bounds, its definitions found by qualified name."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

MAX_SOURCE_CHARS = 400_000

_WHOLE = r"(?:code|function|method|class|file|module|implementation|body)s?"
_LEFT_OUT = re.compile(
    r"\s*(?:#|//)\s*(?:"
    r"(?:\.\.\.|…).*"
    rf"|(?:the )?(?:rest|remainder) of (?:the |this |your )?{_WHOLE}\b.*"
    rf"|(?:the )?(?:existing|remaining|previous|other) {_WHOLE}\b.*"
    r"|.{0,60}\b(?:unchanged|same as before|as before)\b[\W]*"
    r")",
    re.IGNORECASE,
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPython:
    """Why a text could not be parsed, in one line."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """One `def` or `class`, by the 0-based lines it fills: `first` with decorators, `head` without, `end` exclusive."""

    name: str  # qualified: `outer.inner`, without `<locals>`
    node: Definition
    first: int
    head: int
    end: int


def leaves_out(line: str) -> bool:
    """Whether the line is a comment that stands for code which was not written out."""
    return _LEFT_OUT.fullmatch(line.rstrip("\r\n")) is not None


def parse_source(text: str) -> ast.Module | NotPython:
    """The syntax tree, or why there is none. Whatever kills the parser comes back as a value too."""
    if len(text) > MAX_SOURCE_CHARS:
        return NotPython(reason=f"{len(text)} characters; {MAX_SOURCE_CHARS} are read")
    if "\r" in text.replace("\r\n", ""):
        return NotPython(reason="a carriage return without a line feed")
    try:
        with warnings.catch_warnings():  # invalid escapes are the linter's business, not our terminal's
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as wrong:
        return NotPython(reason=f"line {wrong.lineno or 0}: {wrong.msg}")
    except (ValueError, RecursionError, MemoryError) as wrong:
        return NotPython(reason=f"{type(wrong).__name__}: {wrong}" if str(wrong) else "nested too deeply")


def definitions(body: ast.Module) -> list[Defined]:
    """Every definition, nested ones too, in source order. A name defined twice is there twice."""
    found: list[Defined] = []
    pending: list[tuple[str, ast.AST]] = [("", body)]
    while pending:
        prefix, node = pending.pop()
        for child in _statements(node):
            if isinstance(child, Definition):
                name = f"{prefix}{child.name}"
                found.append(defined(name, child))
                pending.append((f"{name}.", child))
            else:
                pending.append((prefix, child))
    return sorted(found, key=lambda d: d.first)


def defined(name: str, node: Definition) -> Defined:
    """Where `node` stands, under the qualified name given."""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return Defined(name=name, node=node, first=first - 1, head=node.lineno - 1, end=node.end_lineno or node.lineno)


def _statements(node: ast.AST) -> list[ast.AST]:
    """Child statements, and the parts of a statement that hold some: expressions hold no definition."""
    return [c for c in ast.iter_child_nodes(node) if isinstance(c, (ast.stmt, ast.excepthandler, ast.match_case))]


def text_lines(module: ast.Module) -> frozenset[int]:
    """0-based lines that begin inside a string other than a docstring: indenting them would change a value."""
    docstrings: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Module | Definition) and node.body and isinstance(node.body[0], ast.Expr):
            docstrings.add(id(node.body[0].value))
    found: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and id(node) not in docstrings:
            found.update(range(node.lineno, node.end_lineno or node.lineno))
    return frozenset(found)
