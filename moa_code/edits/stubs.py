"""Stubs: functions with a signature and a docstring and no body yet; what a specification in code says."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from moa_code.core.errors import TaskError
from moa_code.core.tree import Snapshot
from moa_code.edits.source import Definition, NotPython, definitions, parse_source

_NOT_WRITTEN = frozenset({"NotImplementedError", "NotImplemented"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """A function to be written. `name` is qualified; `module` as others import it; `text` its lines as they stand.

    `parameters` are those that a call must give, by position; `names` what its module defines at its top and an example
    may call: not a coroutine, whose call is not yet its value.
    """

    path: str
    name: str
    module: str
    text: str
    docstring: str
    parameters: tuple[str, ...]
    names: frozenset[str]

    @property
    def called(self) -> str:
        """The function's name in an example; empty for a method, which is called on an object, and for a coroutine."""
        return self.name if self.name in self.names else ""


def find_stub(tree: Snapshot, path: str, name: str) -> Stub:
    """The stub `name` of the file `path`. Raises `TaskError` when there is none, or when it is written already."""
    if path not in tree.paths():
        near = [other for other in tree.paths() if other.endswith(".py")][:5]
        raise TaskError(
            f"there is no file {path}", remedy=f"name a file of the repository: {', '.join(near) or 'it has no Python'}"
        )
    source = tree.read(path).decode("utf-8", "replace")
    parsed = parse_source(source)
    if isinstance(parsed, NotPython):
        raise TaskError(f"{path} cannot be read: {parsed.reason}", remedy="correct the file, then try again")
    functions = [d for d in definitions(parsed) if not isinstance(d.node, ast.ClassDef)]
    found = [d for d in functions if d.name == name]
    if not found:
        near_names = [d.name for d in functions if is_stub(d.node)] or [d.name for d in functions]
        raise TaskError(
            f"{path} defines no function {name!r}",
            remedy=f"name one of {', '.join(near_names[:8])}" if near_names else "write its signature and docstring",
        )
    stub = found[-1]
    if not is_stub(stub.node):
        raise TaskError(
            f"{path}::{name} has a body already (line {stub.head + 1})",
            remedy="moa-code solve --repo DIR --issue FILE changes code that is there",
        )
    return Stub(
        path=path,
        name=name,
        module=module_of(path),
        text="\n".join(source.splitlines()[stub.first : stub.end]),
        docstring=_words(stub.node),
        parameters=_required(stub.node),
        names=frozenset(
            d.name for d in definitions(parsed) if "." not in d.name and not isinstance(d.node, ast.AsyncFunctionDef)
        ),
    )


def is_stub(node: Definition) -> bool:
    """Whether a function does nothing yet: a docstring, `...`, `pass`, or raising `NotImplementedError`."""
    return all(_says_nothing(statement) for statement in node.body)


def docstring_of(source: str, name: str) -> str:
    """The docstring of the definition `name` in `source`, as it stands; empty when there is none."""
    parsed = parse_source(source)
    found = [] if isinstance(parsed, NotPython) else [d for d in definitions(parsed) if d.name == name]
    return _words(found[-1].node) if found else ""


def with_docstring(before: str, after: str, name: str) -> str:
    """`after` with the docstring that its function `name` has in `before` and lost; `after` itself where none is lost,
    or where it does not fit as it stands.
    """
    old, new = _function(before, name), _function(after, name)
    if old is None or new is None or not ast.get_docstring(old) or ast.get_docstring(new):
        return after
    said, first = old.body[0], new.body[0]
    lines = after.splitlines(keepends=True)
    at = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))]) - 1
    if said.col_offset != first.col_offset or lines[at][: first.col_offset].strip() or said.lineno == old.lineno:
        return after
    words = before.splitlines(keepends=True)[said.lineno - 1 : said.end_lineno]
    made = "".join([*lines[:at], *words[:-1], words[-1].rstrip("\r\n") + "\n", *lines[at:]])
    return after if isinstance(parse_source(made), NotPython) else made


def _function(source: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    parsed = parse_source(source)
    found = [] if isinstance(parsed, NotPython) else [d.node for d in definitions(parsed) if d.name == name]
    return found[-1] if found and not isinstance(found[-1], ast.ClassDef) else None


def module_of(path: str) -> str:
    """The name under which the file at `path` is imported."""
    parts = path.removeprefix("src/").removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _words(node: Definition) -> str:
    """The docstring, or the first string that stands alone: some stubs import something before it."""
    texts = (s.value.value for s in node.body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
    return ast.get_docstring(node, clean=False) or next((text for text in texts if isinstance(text, str)), "")


def _says_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.Name(id=name) | ast.Call(func=ast.Name(id=name))):
            return name in _NOT_WRITTEN
        case _:
            return False


def _required(node: Definition) -> tuple[str, ...]:
    if isinstance(node, ast.ClassDef):
        return ()
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    given = positional[: len(positional) - len(arguments.defaults)]
    return tuple(a.arg for a in given)
