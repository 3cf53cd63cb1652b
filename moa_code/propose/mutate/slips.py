"""Which edits are mistakes that a check could notice: no talk, no dead code, no other words for the same thing."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from moa_code.propose.mutate.mutant import Mutant
from moa_code.propose.mutate.source import Function, Source

_LOGGERS = frozenset({"log", "logger", "logging", "warnings", "_log", "_logger", "LOG", "LOGGER"})
_LOG_WORDS = frozenset({"debug", "info", "warn", "warning", "error", "exception", "critical", "log"})
_COMPARISONS = frozenset(
    {
        "< -> <=", "< -> >=", "< -> >", "<= -> <", "<= -> >", "<= -> >=", "> -> >=", "> -> <=", "> -> <",
        ">= -> >", ">= -> <", ">= -> <=", "== -> !=", "!= -> ==", "in -> not in", "not in -> in",
        "is -> is not", "is not -> is",
    }
)  # fmt: skip
_OPERATORS = frozenset(
    {
        "+ -> -", "- -> +", "* -> +", "* -> /", "* -> **", "/ -> //", "/ -> *", "// -> /", "// -> %", "// -> *",
        "% -> //", "% -> /", "** -> *", "& -> |", "| -> &", "^ -> &", "^ -> |", "<< -> >>", ">> -> <<",
        "+= -> -=", "-= -> +=", "*= -> +=", "+= -> =", "-= -> =", "*= -> =", "/= -> *=", "//= -> *=", "//= -> =",
        "&= -> |=", "|= -> &=", "^= -> |=", "%= -> //=",
    }
)  # fmt: skip
_SAME_THING = frozenset({"list", "tuple", "iter", "bool", "float", "set", "frozenset", "sorted"})
"""Calls whose argument alone often does as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """Where a file does not act. `lines` begin statements that only say something or can never run, or end a loop's
    body with `continue`; `places` (characters, half open) are messages inside others. `source` is the file.
    """

    source: Source
    lines: frozenset[int]
    places: tuple[tuple[int, int], ...]


def said_in(text: str) -> Talk:
    """The talk of a file. Raises `SyntaxError` or `ValueError` for text that is no Python."""
    source = Source(text.removeprefix("\ufeff"), "")
    shift = len(text) - len(source.text)
    lines: set[int] = set()
    places: list[tuple[int, int]] = []
    for unit in source.units:
        stmt = unit.stmt
        if _only_says(stmt) or _never_runs(unit.block, unit.index) or _ends_anyway(source, stmt):
            lines |= set(range(stmt.lineno, (stmt.end_lineno or stmt.lineno) + 1))
        said: list[ast.expr] = []
        if isinstance(stmt, ast.Raise) and isinstance(stmt.exc, ast.Call):
            said = [*stmt.exc.args, *(k.value for k in stmt.exc.keywords)]
        elif isinstance(stmt, ast.Assert) and stmt.msg is not None:
            said = [stmt.msg]
        places += [(start + shift, end + shift) for start, end in map(source.span, said)]
    return Talk(source=source, lines=frozenset(lines), places=tuple(places))


def is_slip(mutant: Mutant, talk: Talk) -> bool:
    """Whether this edit is a mistake somebody could make, and a check could see."""
    note = mutant.description
    if mutant.line in talk.lines or any(_inside(mutant, place) for place in talk.places):
        return False
    match mutant.operator:
        case "comparison":
            return note in _COMPARISONS
        case "arithmetic" | "augmented-assignment":
            return note in _OPERATORS
        case "swap-operands":
            return note == "swap the operands" and " in " not in _old(mutant)
        case "whole-condition":
            return mutant.spans[0].text in ("True", "False")
        case "unwrap-call":
            return note.removeprefix("drop the call of ") not in _SAME_THING
        case "function":
            return not {_old(mutant), mutant.spans[0].text} <= _SAME_THING | {"dict"}
        case "comprehension":
            return note.startswith("drop if")
        case "choice":
            return not note.startswith("test ")
        case "constant":
            return not _same_value(_old(mutant), mutant.spans[0].text)
        case "returned-value":
            return not note.startswith("becomes yield") and not mutant.spans[0].text.startswith("[")
        case "branches":
            return note in ("swap the branches", "drop the else branch", "else branch runs always")
        case _:
            return True


def _old(mutant: Mutant) -> str:
    return mutant.before[mutant.spans[0].start : mutant.spans[0].end]


def _inside(mutant: Mutant, place: tuple[int, int]) -> bool:
    return place[0] <= mutant.spans[0].start and mutant.spans[-1].end <= place[1]


def _same_value(old: str, new: str) -> bool:
    """`1` and `1.0`, `0` and `False`: equal wherever they are compared."""
    try:
        return bool(ast.literal_eval(old) == ast.literal_eval(new))
    except (SyntaxError, ValueError):
        return False


def only_talks(call: ast.expr) -> bool:
    """Whether an expression is a call of `print` or of a logger."""
    if not isinstance(call, ast.Call):
        return False
    match call.func:
        case ast.Name(id="print"):
            return True
        case ast.Attribute(value=ast.Name(id=owner), attr=word):
            return owner in _LOGGERS and word in _LOG_WORDS
        case ast.Attribute(value=ast.Attribute(attr=owner), attr=word):
            return owner in _LOGGERS and word in _LOG_WORDS
        case _:
            return False


def _only_says(stmt: ast.stmt) -> bool:
    match stmt:
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Global() | ast.Nonlocal():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=value):
            return only_talks(value)
        case ast.AnnAssign(value=None):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name.startswith("__") and name.endswith("__")
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _:
            return False


def _never_runs(block: Sequence[ast.stmt], index: int) -> bool:
    return any(isinstance(s, ast.Return | ast.Raise | ast.Break | ast.Continue) for s in block[:index])


def _ends_anyway(source: Source, stmt: ast.stmt) -> bool:
    """`continue` where the loop's body ends without it, `return` where the function does."""
    bare = isinstance(stmt, ast.Return) and (stmt.value is None or _is_none(stmt.value))
    if not bare and not isinstance(stmt, ast.Continue):
        return False
    child: ast.AST = stmt
    for parent in source.within(stmt):
        if not any(_last_of(block, child) for block in _blocks(parent)):
            return False
        if isinstance(parent, ast.For | ast.While | ast.AsyncFor):
            return not bare and parent.body[-1] is child
        if isinstance(parent, Function):
            return bare
        child = parent
    return False


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _last_of(block: Sequence[ast.AST], child: ast.AST) -> bool:
    return bool(block) and block[-1] is child


def _blocks(node: ast.AST) -> Iterator[Sequence[ast.AST]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list) and value and isinstance(value[0], ast.ExceptHandler | ast.match_case):
            for one in value:
                yield [one]
