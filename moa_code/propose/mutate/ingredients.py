"""Material for repairs that the code itself holds: attributes, constants, signatures, expressions already written."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from moa_code.propose.mutate.kinds import Kind, kind_of
from moa_code.propose.mutate.scope import Scope, arity
from moa_code.propose.mutate.source import Function, Source, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """What may be borrowed from beyond the function under repair. Tuples are ordered by how often each occurs.

    `attributes` are read without a call, `methods` with one; `signatures` give the least and most positional
    arguments of functions of the repository, `parameters` their parameter names, in order.
    """

    attributes: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    signatures: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def harvest(sources: Mapping[str, str], tests: Mapping[str, str] | None = None) -> Ingredients:
    """Ingredients of a repository's files; of `tests` only constants are taken. Unparsable files give nothing."""
    attributes: Counter[str] = Counter()
    methods: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    strings: Counter[str] = Counter()
    exceptions: Counter[str] = Counter()
    signatures: dict[str, tuple[int, int | None]] = {}
    parameters: dict[str, tuple[str, ...]] = {}
    for tree in _trees(sources.values()):
        called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
        documentation = set(_documentation(tree))
        methods_of_classes = {f for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for f in c.body}
        for node in ast.walk(tree):
            match node:
                case ast.Attribute():
                    (methods if node in called else attributes)[node.attr] += 1
                case ast.Constant(value=bool()):
                    pass
                case ast.Constant(value=int() | float() as number):
                    numbers[repr(number)] += 1
                case ast.Constant(value=str() as string) if node not in documentation and len(string) <= 40:
                    strings[string] += 1
                case ast.ClassDef():
                    init = next((s for s in node.body if isinstance(s, Function) and s.name == "__init__"), None)
                    signatures[node.name] = arity(init, method=True) if init else (0, None)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    of_class = node in methods_of_classes
                    signatures[node.name] = arity(node, method=of_class)
                    parameters[node.name] = tuple(a.arg for a in node.args.args)[int(of_class) :]
                case ast.Raise(exc=ast.Call(func=ast.Name(id=name)) | ast.Name(id=name)):
                    exceptions[name] += 1
                case ast.ExceptHandler(type=ast.Name(id=name)):
                    exceptions[name] += 1
    for tree in _trees((tests or {}).values()):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) <= 20:
                strings[node.value] += 0
            elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
                numbers[repr(node.value)] += 0
    return Ingredients(
        attributes=_ordered(attributes),
        methods=_ordered(methods),
        numbers=_ordered(numbers)[:40],
        strings=_ordered(strings)[:80],
        exceptions=_ordered(exceptions),
        signatures=signatures,
        parameters=parameters,
    )


def _ordered(counter: Counter[str]) -> tuple[str, ...]:
    return tuple(name for name, _ in counter.most_common())


def _trees(texts: Iterable[str]) -> list[ast.Module]:
    trees = []
    for text in texts:
        try:
            trees.append(ast.parse(text))
        except (SyntaxError, ValueError):
            continue
    return trees


def _documentation(tree: ast.Module) -> list[ast.Constant]:
    return [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """An expression of the function, for use in another place of it. `names` are what it reads."""

    text: str
    kind: Kind
    node: ast.expr
    line: int
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The pieces of one function, each text once, in the order written."""

    pieces: tuple[Piece, ...] = ()
    conditions: tuple[Piece, ...] = ()  # tests of if and while, and their terms
    returns: tuple[Piece, ...] = ()
    targets: tuple[Piece, ...] = ()  # what is assigned to, subscripts and attributes included
    calls: tuple[Piece, ...] = ()  # calls that stand as statements
    assignments: tuple[tuple[str, frozenset[str]], ...] = ()  # statements, with the names they read
    elsewhere: tuple[Piece, ...] = ()  # such calls of other functions of the file
    foreign: tuple[Piece, ...] = ()  # expressions of those functions
    numbers: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def pool_of(source: Source, scope: Scope, units: Iterable[Unit]) -> Pool:
    """The pieces of the units of one function."""
    pieces: dict[str, Piece] = {}
    conditions: dict[str, Piece] = {}
    returns: dict[str, Piece] = {}
    targets: dict[str, Piece] = {}
    calls: dict[str, Piece] = {}
    assignments: dict[str, frozenset[str]] = {}
    numbers: dict[str, None] = {}
    strings: dict[str, None] = {}
    attributes: dict[str, None] = {}
    methods: dict[str, None] = {}

    def piece(node: ast.expr) -> Piece:
        names = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        return Piece(
            text=source.segment(node), kind=kind_of(node, scope.kinds), node=node, line=node.lineno, names=names
        )

    for unit in units:
        stmt = unit.stmt
        if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant):
            continue
        called = {node.func for node in unit.nodes if isinstance(node, ast.Call)}
        for node in unit.nodes:
            context = getattr(node, "ctx", None)
            if isinstance(context, ast.Store):
                if isinstance(node, ast.Subscript | ast.Attribute | ast.Name):
                    one = piece(node)
                    targets.setdefault(one.text, one)
                continue
            if isinstance(node, ast.Starred | ast.Slice | ast.Lambda | ast.Yield | ast.YieldFrom | ast.Await):
                continue
            if isinstance(node, ast.Constant):
                if isinstance(node.value, str):
                    strings.setdefault(source.segment(node))
                elif isinstance(node.value, int | float) and not isinstance(node.value, bool):
                    numbers.setdefault(source.segment(node))
            if isinstance(node, ast.Attribute):
                (methods if node in called else attributes).setdefault(node.attr)
            if node in called:
                continue
            one = piece(node)
            if len(one.text) <= 80 and "\n" not in one.text:
                pieces.setdefault(one.text, one)
        if isinstance(stmt, ast.Assign | ast.AugAssign) and source.alone(stmt):
            one = piece(stmt.value)
            if len(one.text) <= 60 and "\n" not in one.text:
                assignments.setdefault(source.segment(stmt), one.names)
        if isinstance(stmt, ast.If | ast.While):
            terms = [stmt.test, *(stmt.test.values if isinstance(stmt.test, ast.BoolOp) else ())]
            for term in terms:
                one = piece(term)
                conditions.setdefault(one.text, one)
        if isinstance(stmt, ast.Return) and stmt.value is not None:
            one = piece(stmt.value)
            returns.setdefault(one.text, one)
        if isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Call):
            one = piece(stmt.value)
            calls.setdefault(one.text, one)
    return Pool(
        pieces=tuple(pieces.values()),
        conditions=tuple(conditions.values()),
        returns=tuple(returns.values()),
        targets=tuple(targets.values()),
        calls=tuple(calls.values()),
        assignments=tuple(assignments.items()),
        numbers=tuple(numbers),
        strings=tuple(strings),
        attributes=tuple(attributes),
        methods=tuple(methods),
    )
