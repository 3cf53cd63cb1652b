"""What a function's code can name: parameters, locals, outer names, attributes, and signs that one was forgotten."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from moa_code.propose.mutate.kinds import Kind, infer
from moa_code.propose.mutate.source import Function, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Names visible in one function (or at module level: `function` is None).

    `names` are value names: parameters, locals, those of functions around, module constants. `callables` are
    module-level functions and classes with their least and most positional arguments (None: no bound). `unread` are
    names given a value that nothing reads; `stale` are names read inside a loop, initialised before it and never
    changed in the function.
    """

    function: Function | None
    names: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    locals: tuple[str, ...] = ()
    enclosing: tuple[str, ...] = ()  # parameters and locals of functions around
    outer: tuple[str, ...] = ()
    kinds: dict[str, Kind] = field(default_factory=dict)
    callables: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    first_bound: dict[str, int] = field(default_factory=dict)  # line where a local first gets a value
    bound_in: dict[str, ast.AST] = field(default_factory=dict)  # comprehension that alone binds a name
    fields: tuple[str, ...] = ()  # attributes of `self` anywhere in the class
    is_async: bool = False
    is_generator: bool = False

    def kind(self, name: str) -> Kind:
        return self.kinds.get(name, Kind.ANY)


def arity(function: Function, *, method: bool = False) -> tuple[int, int | None]:
    """Least and most positional arguments a call must give."""
    args = function.args
    most = len(args.posonlyargs) + len(args.args) - method
    return most - len(args.defaults), None if args.vararg else most


def _bound_names(target: ast.AST) -> list[str]:
    return [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _own_nodes(root: ast.AST) -> list[ast.AST]:
    """Nodes below `root`, nested functions' bodies included (they share its names)."""
    return list(ast.walk(root))


_MUTATORS = frozenset(
    {"append", "add", "extend", "update", "insert", "pop", "remove", "discard", "clear", "popleft", "appendleft",
     "setdefault", "sort", "reverse", "push"}
)  # fmt: skip


def scope_of(
    source: Source,
    function: Function | None,
    module: dict[str, Kind],
    signatures: Mapping[str, tuple[int, int | None]] | None = None,
) -> Scope:
    """The scope of a function of `source`; `module` are the kinds of module-level names.

    `signatures` are known functions of other files: those that this one imports can be called in it.
    """
    known = signatures or {}
    callables: dict[str, tuple[int, int | None]] = {}
    outer: list[str] = []
    for stmt in source.tree.body:
        if isinstance(stmt, Function):
            callables[stmt.name] = arity(stmt)
        elif isinstance(stmt, ast.ClassDef):
            init = next((s for s in stmt.body if isinstance(s, Function) and s.name == "__init__"), None)
            callables[stmt.name] = arity(init, method=True) if init else (0, None)
        elif isinstance(stmt, ast.ImportFrom):
            for alias in stmt.names:
                if alias.name in known:
                    callables[alias.asname or alias.name] = known[alias.name]
                elif alias.name.isupper():
                    outer.append(alias.asname or alias.name)
        elif isinstance(stmt, ast.Assign | ast.AnnAssign | ast.For):
            targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
            outer += [name for target in targets for name in _bound_names(target)]
    if function is None:
        top = tuple(dict.fromkeys(outer))
        return Scope(function=None, names=top, outer=top, kinds=dict(module), callables=callables)
    enclosing = [a for a in source.within(function) if isinstance(a, Function)]
    above: list[str] = []
    for around in enclosing:
        above += [*_parameters(around), *(n for s in around.body for n in _bound_names(s))]
        callables |= {s.name: arity(s) for s in around.body if isinstance(s, Function)}
    for inner in function.body:
        if isinstance(inner, Function):
            callables[inner.name] = arity(inner)
    nodes = _own_nodes(function)
    params = _parameters(function)
    bound: dict[str, int] = {}
    in_comprehension: dict[str, ast.AST] = {}
    reads: Counter[str] = Counter()
    writes: Counter[str] = Counter()
    changed: set[str] = set()
    loop_reads: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            for generator in node.generators:
                for name in _bound_names(generator.target):
                    in_comprehension.setdefault(name, node)
        if isinstance(node, ast.For | ast.While):
            loop_reads |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                reads[node.id] += 1
            else:
                writes[node.id] += 1
                bound[node.id] = min(bound.get(node.id, node.lineno), node.lineno)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            changed.add(node.target.id)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            changed.add(node.value.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
            if isinstance(node.func.value, ast.Name):
                changed.add(node.func.value.id)
        elif isinstance(node, ast.Call):
            changed |= {arg.id for arg in node.args if isinstance(arg, ast.Name)}
    own = [name for name in bound if name not in params]
    plain = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    stale = {n for n in own if n in plain and writes[n] == 1 and n not in changed and n in loop_reads}
    unread = {n for n in (*params, *own) if not reads[n] and n not in ("self", "cls", "_")}
    in_targets = Counter(
        name for node in nodes if isinstance(node, ast.comprehension) for name in _bound_names(node.target)
    )
    in_comprehension = {name: owner for name, owner in in_comprehension.items() if writes[name] == in_targets[name]}
    # A nested function shares the names of those around it, and their uses say what they hold.
    kinds = infer(_own_nodes(enclosing[-1]) if enclosing else nodes, module)
    for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
        if isinstance(arg.annotation, ast.Name) and arg.annotation.id in _ANNOTATIONS:
            kinds[arg.arg] = _ANNOTATIONS[arg.annotation.id]
        elif isinstance(arg.annotation, ast.Subscript) and isinstance(arg.annotation.value, ast.Name):
            kinds[arg.arg] = _ANNOTATIONS.get(arg.annotation.value.id, kinds.get(arg.arg, Kind.ANY))
    for name in (*params, *own):
        if kinds.get(name, Kind.ANY) in (Kind.ANY, Kind.ITER) and name.rstrip("0123456789") in _TEXTS:
            kinds[name] = Kind.STR
    inner_locals = [n for n in dict.fromkeys(own) if n not in callables]
    mine = {*params, *inner_locals}
    around_names = tuple(n for n in dict.fromkeys(above) if n not in mine and n not in callables)
    outer_names = tuple(n for n in dict.fromkeys(outer) if n not in mine and n not in above)
    return Scope(
        function=function,
        names=(*params, *inner_locals, *around_names, *outer_names),
        params=tuple(params),
        locals=tuple(inner_locals),
        enclosing=around_names,
        outer=outer_names,
        kinds=kinds,
        callables=callables,
        unread=frozenset(unread),
        stale=frozenset(stale),
        first_bound=bound,
        bound_in=in_comprehension,
        fields=_fields(source, function),
        is_async=isinstance(function, ast.AsyncFunctionDef),
        is_generator=any(isinstance(n, ast.Yield | ast.YieldFrom) for n in nodes),
    )


_ANNOTATIONS = {
    "int": Kind.NUM, "float": Kind.NUM, "str": Kind.STR, "bytes": Kind.STR, "bool": Kind.BOOL, "list": Kind.LIST,
    "List": Kind.LIST, "Sequence": Kind.LIST, "Iterable": Kind.ITER, "tuple": Kind.TUPLE, "Tuple": Kind.TUPLE,
    "set": Kind.SET, "Set": Kind.SET, "dict": Kind.DICT, "Dict": Kind.DICT, "Mapping": Kind.DICT,
}  # fmt: skip


# Names that nearly always hold text; they count only where the code does not tell.
_TEXTS = frozenset(
    {"text", "string", "word", "line", "char", "ch", "letter", "sentence", "message", "prefix", "suffix", "substring",
     "title", "txt", "character"}
)  # fmt: skip


def _parameters(function: Function) -> list[str]:
    args = function.args
    named = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    return named + [a.arg for a in (args.vararg, args.kwarg) if a]


def _fields(source: Source, function: Function) -> tuple[str, ...]:
    owner = next((a for a in source.within(function) if isinstance(a, ast.ClassDef)), None)
    if owner is None:
        return ()
    found = [
        node.attr
        for node in ast.walk(owner)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    ]
    return tuple(dict.fromkeys(found))
