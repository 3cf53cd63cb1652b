"""Which edits are mistakes that only a good check notices: no talk, no dead code, no other words for the same thing,
and nothing that falls over wherever it is run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from moa_code.edits.written import LOGGERS, only_says
from moa_code.propose.mutate.mutant import Mutant
from moa_code.propose.mutate.source import Function, Source

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
_FUNCTIONS = (
    "min max",
    "any all",
    "sum max min",
    "sorted reversed",
    "floor ceil round int",
    "bin hex oct",
    "int round",
)
_METHODS = (
    "upper lower title capitalize swapcase", "strip lstrip rstrip", "find rfind", "index rindex",
    "startswith endswith", "keys values", "union intersection difference symmetric_difference",
    "isdigit isalpha isalnum isnumeric", "isupper islower", "ljust rjust center", "issubset issuperset isdisjoint",
    "partition rpartition", "match search fullmatch", "floor ceil", "append extend",
    "removeprefix removesuffix", "add discard", "sort reverse",
)  # fmt: skip
_SAME_THING = frozenset({"list", "tuple", "iter", "bool", "float", "set", "frozenset", "enumerate", "zip"})
"""Calls whose argument alone often does as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a file says of where a mistake can be made in it. Offsets are characters, half open.

    `idle` lines begin statements that only say something, can never run, or change nothing by leaving early;
    `messages` are places inside others. `stores` are names that get a value, by place; `bound` the first line where a
    name gets one in its function, parameters 0; `walked` places that are walked through (`for … in HERE`),
    `raised` what is raised. `heads` are first and last line of each statement without what it holds.
    """

    idle: frozenset[int]
    messages: tuple[tuple[int, int], ...]
    stores: frozenset[tuple[int, int]]
    bound: dict[int, dict[str, int]]  # by the line of a statement: what its function binds, and where first
    walked: frozenset[tuple[int, int]]
    raised: frozenset[tuple[int, int]]
    heads: tuple[tuple[int, int], ...]


def ground_of(text: str) -> Ground:
    """The ground of a file. Raises `SyntaxError` or `ValueError` for text that is no Python."""
    source = Source(text.removeprefix("\ufeff"), "")
    shift = len(text) - len(source.text)
    idle: set[int] = set()
    messages: list[ast.expr] = []
    stores: list[ast.expr] = []
    walked: list[ast.expr] = []
    raised: list[ast.expr] = []
    names: dict[Function | None, dict[str, int]] = {}
    bound: dict[int, dict[str, int]] = {}
    for unit in source.units:
        stmt = unit.stmt
        if unit.function not in names:
            names[unit.function] = _bound_in(unit.function)
        bound[unit.first_line] = names[unit.function]
        if _stays(stmt) or _never_runs(unit.block, unit.index) or _ends_anyway(source, stmt):
            idle |= set(range(stmt.lineno, (stmt.end_lineno or stmt.lineno) + 1))
        if isinstance(stmt, ast.Raise) and isinstance(stmt.exc, ast.Call):
            raised.append(stmt.exc)
            messages += [*stmt.exc.args, *(k.value for k in stmt.exc.keywords)]
        elif isinstance(stmt, ast.Assert) and stmt.msg is not None:
            messages.append(stmt.msg)
        elif isinstance(stmt, ast.For | ast.AsyncFor):
            walked.append(stmt.iter)
        for node in unit.nodes:
            if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
                stores.append(node)
            elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
                walked += [generator.iter for generator in node.generators]

    def places(nodes: list[ast.expr]) -> Iterator[tuple[int, int]]:
        return ((start + shift, end + shift) for start, end in map(source.span, nodes))

    return Ground(
        idle=frozenset(idle),
        messages=tuple(places(messages)),
        stores=frozenset(places(stores)),
        bound=bound,
        walked=frozenset(places(walked)),
        raised=frozenset(places(raised)),
        heads=tuple((unit.first_line, unit.last_line) for unit in source.units),
    )


def is_slip(mutant: Mutant, ground: Ground) -> bool:
    """Whether this edit is a mistake that somebody could make, and that does not give itself away at once."""
    note, new = mutant.description, mutant.spans[0].text
    old = mutant.before[mutant.spans[0].start : mutant.spans[0].end]
    place = (mutant.spans[0].start, mutant.spans[0].end)
    if mutant.line in ground.idle or any(a <= place[0] and place[1] <= b for a, b in ground.messages):
        return False
    match mutant.operator:
        case "comparison":
            return note in _COMPARISONS
        case "arithmetic" | "augmented-assignment":
            return note in _OPERATORS
        case "swap-operands":
            return note == "swap the operands" and " in " not in old
        case "whole-condition":
            return new in ("True", "False")
        case "unwrap-call":
            called = note.removeprefix("drop the call of ")
            return place not in ground.raised and not note.startswith("drop .") and called not in _SAME_THING
        case "function":
            return _together(_FUNCTIONS, old, new)
        case "method":
            return _together(_METHODS, old.rpartition(".")[2], new.rpartition(".")[2]) or new.endswith(".pop(0)")
        case "arguments":
            return note.startswith(("swap the arguments", "drop ")) or "reverse=True" in new
        case "comprehension":
            return note.startswith("drop if")
        case "choice":
            return not note.startswith("test ")
        case "constant":
            return not _same_value(old, new) and (new != "None" or old not in ("True", "False"))
        case "display":
            return old not in ("[]", "{}", "()") and new != "[]"
        case "variable":
            return place not in ground.stores and _has_value(new, mutant, ground)
        case "subscript":
            return old.endswith("]") or (
                place in ground.walked and new in (f"{old}[1:]", f"{old}[:-1]") and old[-1] != ")"
            )
        case "returned-value" if new.isidentifier():
            return _has_value(new, mutant, ground)
        case "returned-value":
            return not note.startswith("becomes yield") and not new.startswith("[") and not new.startswith(f"{old}, ")
        case "delete-statement":
            return not _first_binding(mutant, ground)
        case "branches":
            return note in ("swap the branches", "drop the else branch", "else branch runs always")
        case _:
            return True


def _together(groups: tuple[str, ...], one: str, other: str) -> bool:
    return any(one in words and other in words for words in map(str.split, groups))


def _same_value(old: str, new: str) -> bool:
    """`1` and `1.0`, `0` and `False`: equal wherever they are compared."""
    try:
        return bool(ast.literal_eval(old) == ast.literal_eval(new))
    except (SyntaxError, ValueError):
        return False


def _has_value(name: str, mutant: Mutant, ground: Ground) -> bool:
    """Whether a local name got a value before the statement; names from outside have one."""
    return ground.bound.get(mutant.line, {}).get(name, 0) < mutant.line


def _first_binding(mutant: Mutant, ground: Ground) -> bool:
    """Whether the statement gives some name its first value: without it the next reader falls over."""
    return mutant.line in ground.bound.get(mutant.line, {}).values()


def _bound_in(function: Function | None) -> dict[str, int]:
    """The line where each name first gets a value; parameters are left out. Never, for one of a comprehension."""
    if function is None:
        return {}
    args = function.args
    found: dict[str, int] = {}
    within: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.comprehension):
            within |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = min(found.get(node.id, node.lineno), node.lineno)
    known = {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg) if a}
    lines = {name: sys.maxsize if name in within else line for name, line in found.items()}
    return {name: line for name, line in lines.items() if name not in known}


def _stays(stmt: ast.stmt) -> bool:
    """Whether no mistake is made in a statement: it says something, names something, or runs only as a program."""
    match stmt:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in LOGGERS or (name.startswith("__") and name.endswith("__"))
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _:
            return only_says(stmt)


def _never_runs(block: Sequence[ast.stmt], index: int) -> bool:
    return any(isinstance(s, ast.Return | ast.Raise | ast.Break | ast.Continue) for s in block[:index])


def _ends_anyway(source: Source, stmt: ast.stmt) -> bool:
    """`continue` where the loop's body ends without it, `return` where the function does."""
    bare = isinstance(stmt, ast.Return) and (
        stmt.value is None or (isinstance(stmt.value, ast.Constant) and stmt.value.value is None)
    )
    if not bare and not isinstance(stmt, ast.Continue):
        return False
    child: ast.AST = stmt
    for parent in source.within(stmt):
        if isinstance(parent, ast.For | ast.While | ast.AsyncFor):
            return not bare and parent.body[-1] is child
        if not any(block[-1] is child for block in _blocks(parent)):
            return False
        if isinstance(parent, Function):
            return bare
        child = parent
    return False


def _blocks(node: ast.AST) -> Iterator[Sequence[ast.AST]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list) and value and isinstance(value[0], ast.ExceptHandler | ast.match_case):
            yield from ([one] for one in value)
