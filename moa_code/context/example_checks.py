"""Examples as a file of checks: one function each, in the form that can be judged from another process."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from moa_code.context.examples import Example

_CLOSE = '''
def _close(got, wanted, tolerance):
    """Equal, but for the last digits of floats at any depth."""
    if isinstance(wanted, (list, tuple)):
        pairs = zip(got, wanted) if type(got) is type(wanted) and len(got) == len(wanted) else [(0, 1)]
        return all(_close(left, right, tolerance) for left, right in pairs)
    if isinstance(wanted, dict):
        same = isinstance(got, dict) and got.keys() == wanted.keys()
        return same and all(_close(got[key], wanted[key], tolerance) for key in wanted)
    if isinstance(wanted, (float, complex)):
        return isinstance(got, (int, float, complex)) and abs(got - wanted) <= tolerance * max(1.0, abs(wanted))
    return got == wanted
'''


def example_checks(examples: Sequence[Example], module: str, names: frozenset[str]) -> str:
    """A Python file whose `test_example_N` check these examples, in their order. `names` are what `module` defines.

    Without pytest, fixtures or tables, so that every trust domain can run it.
    """
    used = sorted({name for example in examples for name in _words(example)} & names)
    parts = [f'"""The examples of the specification, a check each."""\n\nfrom {module} import {", ".join(used)}\n']
    if any(example.tolerance is not None for example in examples):
        parts.append(_CLOSE)
    parts += [_check(number, example) for number, example in enumerate(examples, start=1)]
    return "\n".join(parts)


def _check(number: int, example: Example) -> str:
    lines = [*example.setup]
    if example.raises:
        lines += [
            "try:",
            f"    {example.call}",
            f"except {example.raises}:",
            "    return",
            f"raise AssertionError({f'{example.call} raised no {example.raises}'!r})",
        ]
    elif example.tolerance is not None:
        lines.append(f"assert _close({example.call}, {example.expected}, {example.tolerance!r})")
    elif example.expected == "None":
        lines.append(f"assert {_operand(example.call)} is None")
    else:
        lines.append(f"assert {_operand(example.call)} == {example.expected}")
    body = "\n".join(f"    {line}" for text in lines for line in text.splitlines())
    return f"\ndef test_example_{number}():\n{body}\n"


def _operand(source: str) -> str:
    """`source` as one side of a comparison."""
    node = ast.parse(source, mode="eval").body
    return f"({source})" if isinstance(node, ast.Compare | ast.BoolOp | ast.IfExp) else source


def _words(example: Example) -> set[str]:
    source = "\n".join((*example.setup, example.call))
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
