"""Tests from several small modules as one file: imports once, every test under a name of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from moa_code.edits.source import NotPython, parse_source


def merged_tests(title: str, parts: Sequence[tuple[str, str]]) -> str:
    """One module of pytest from (remark, module) pairs, in their order; `title` is its docstring.

    A remark stands above the tests of its module, as comments. Modules hold imports, functions and nothing else;
    one that is no Python is left out. A test whose name is taken gets a number.
    """
    imports: dict[str, None] = {}
    bodies: list[str] = []
    taken: set[str] = set()
    for remark, code in parts:
        parsed = parse_source(code)
        if isinstance(parsed, NotPython):
            continue
        lines = code.splitlines()
        above = "".join(f"# {line}\n" for line in remark.splitlines())
        for node in parsed.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.setdefault(ast.unparse(node))
            elif isinstance(node, ast.FunctionDef):
                text = _text(lines, node)
                if node.name in taken and not node.name.startswith("test_"):
                    continue  # the same helper, brought by an earlier module
                name = _free(node.name, taken)
                taken.add(name)
                bodies.append(above + re.sub(rf"\bdef {node.name}\b", f"def {name}", text, count=1))
                above = ""
    ordered = sorted(imports, key=_place)
    head = f'"""{title}"""\n\n' + "".join(f"{line}\n" for line in ordered)
    return head + "".join(f"\n\n{body}\n" for body in bodies)


def _text(lines: Sequence[str], node: ast.FunctionDef) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(lines[first - 1 : node.end_lineno])


def _free(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _place(line: str) -> tuple[bool, str, str]:
    """`__future__` first, then by module."""
    module = line.split()[1]
    return module != "__future__", module, line
