"""Which checks can be judged from another process: decided from the checks' own text, never from the candidate's.

A check that only calls what it checks and compares what comes back works across a process border. One that patches,
opens files, starts processes or looks into objects from below does not, and stays in the candidate's interpreter, as
does what uses such a helper or fixture. Conservative: what may be imported is on a list. Pure but for reading the tree.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from moa_code.core.tree import Snapshot

SAFE_MODULES = frozenset({
    "__future__", "abc", "asyncio", "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal",
    "enum", "fractions", "functools", "heapq", "hypothesis", "itertools", "json", "math", "numbers", "operator",
    "pytest", "random", "re", "statistics", "string", "textwrap", "typing", "typing_extensions", "unittest",
    "zoneinfo",
})  # fmt: skip
KNOWN_MODULES = frozenset(sys.stdlib_module_names)
"""What can be imported by a judge without harm, and used only by checks that stay where they are."""

UNSAFE_NAMES = frozenset({
    "open", "input", "exec", "eval", "compile", "globals", "locals", "vars", "breakpoint", "__import__", "__file__",
    "__builtins__", "MonkeyPatch", "mock", "importorskip", "__subclasses__", "__globals__", "__code__",
    "__closure__", "__dict__", "getsource",
})  # fmt: skip
CONFIGURATION = ("conftest.py", "pytest.ini", "pyproject.toml", "setup.cfg", "tox.ini")
MOST_SOURCE_BYTES = 20_000_000
_DEFINED = re.compile(rb"^[ \t]*(?:async[ \t]+)?(def|class)[ \t]+(\w+)|^(\w+)[ \t]*[:=]", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How checks can be taken out of the candidate's process.

    `modules` can be loaded by a judge; of these, the functions and classes in `unfit` (`module::name`) cannot be judged
    there. In `doubtful` ones an object of the project's meets a built-in value, which no class is asked about: only a
    tree where they pass tells whether that works from outside. `judged` are the files that the judge alone gets,
    `named` the classes that the checks are about.
    """

    modules: frozenset[str]
    unfit: frozenset[str]
    doubtful: frozenset[str]
    judged: tuple[str, ...]
    named: tuple[str, ...]

    def fits(self, check: str) -> bool:
        """Whether the check with this id can be judged from outside."""
        return check.partition("::")[0] in self.modules and _unit(check) not in self.unfit

    def doubts(self, check: str) -> bool:
        return _unit(check) in self.doubtful

    def fits_all(self, module: str) -> bool:
        names = self.unfit | self.doubtful
        return module in self.modules and not any(name.lower().startswith(f"{module}::test".lower()) for name in names)


def _unit(check: str) -> str:
    """The function or class of its module that a check belongs to, as `module::name`."""
    module, _, inside = check.partition("::")
    return f"{module}::{inside.partition('::')[0].partition('[')[0]}"


def separation(tree: Snapshot, modules: Iterable[str], sealed: Iterable[str]) -> Separation:
    """How the checks in `modules` (files of `tree`) can be taken out of the candidate's process."""
    wanted = [module for module in modules if module.endswith(".py")]
    folders = {module.rpartition("/")[0] for module in wanted} - {""}
    judged = frozenset(
        path
        for path in sealed
        if path in wanted
        or path.rpartition("/")[2] in CONFIGURATION
        or any(path.startswith(folder + "/") for folder in folders)
    )
    texts = _Texts(tree, judged)
    unfit = {module: names for module in wanted if module in judged and (names := texts.unfit(module)) is not None}
    named = _named(tree, judged, *texts.words(unfit))
    return Separation(
        modules=frozenset(unfit),
        unfit=frozenset(f"{module}::{name}" for module, names in unfit.items() for name in names),
        doubtful=frozenset(f"{module}::{name}" for module in unfit for name in texts.doubtful(module)),
        judged=tuple(sorted(judged)),
        named=tuple(sorted(named)),
    )


def named_in(tree: Snapshot, judged: Iterable[str]) -> tuple[str, ...]:
    """The classes that the check files `judged` of `tree` are about."""
    files = frozenset(judged)
    words = _Texts(tree, files).words(path for path in sorted(files) if path.endswith(".py"))
    tabled = {path for path in files if not path.endswith(".py") and b"StopIteration" in tree.read(path)}
    return tuple(sorted(_named(tree, files, *words) | ({"StopIteration"} if tabled else set())))


class _Texts:
    """The check files, parsed once each."""

    def __init__(self, tree: Snapshot, judged: frozenset[str]) -> None:
        self._tree = tree
        self._judged = judged
        self._there = frozenset(tree.paths())
        self._parsed: dict[str, ast.Module | None] = {}
        self._found: dict[str, frozenset[str] | None] = {}

    def unfit(self, module: str) -> frozenset[str] | None:
        """Functions and classes of this file that do more than call and compare; None when loading it does already."""
        outer: set[str] = set()
        for path in self._conftests(module):
            found = self._unfit(path)
            if found is None or found & self._automatic(path):
                return None
            outer |= found
        return self._unfit(module, frozenset(outer))

    def _unfit(self, path: str, outer: frozenset[str] = frozenset()) -> frozenset[str] | None:
        if path in self._found:
            return self._found[path]
        self._found[path] = None  # two that import each other
        parsed = self._parse(path)
        found = None if parsed is None else self._of(path, parsed, outer)
        self._found[path] = found
        return found

    def _of(self, path: str, parsed: ast.Module, outer: frozenset[str]) -> frozenset[str] | None:
        bad = set(outer)
        units: dict[str, frozenset[str]] = {}
        for statement in parsed.body:
            match statement:
                case ast.Import() | ast.ImportFrom():
                    unsafe = self._unsafe_imports(path, statement)
                    if unsafe is None:
                        return None
                    bad |= unsafe
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    units[name] = _words(statement)
                case _ if not _extends_path(statement):
                    units.setdefault("", frozenset())
                    units[""] |= _words(statement)
        spreading = True
        while spreading:
            more = {name for name, words in units.items() if name not in bad and words & (bad | UNSAFE_NAMES)}
            spreading = bool(more)
            bad |= more
        return None if "" in bad else frozenset(bad & units.keys()) | (bad - outer)

    def _unsafe_imports(self, path: str, statement: ast.Import | ast.ImportFrom) -> frozenset[str] | None:
        """Names that this import binds to what reaches beyond calls; None when the import itself does."""
        bound = frozenset((alias.asname or alias.name).partition(".")[0] for alias in statement.names)
        unsafe: set[str] = set()
        for name in _imported(statement):
            local = self._local(path, name)
            if local:
                found = self._unfit(local)
                if found is None:
                    return None
                unsafe |= bound if found else frozenset()
            elif name.partition(".")[0] not in SAFE_MODULES and not self._far(name):
                if name.partition(".")[0] not in KNOWN_MODULES:
                    return None
                unsafe |= bound
        if not all(_harmless(node) for node in ast.walk(statement)):
            unsafe |= bound
        return frozenset(unsafe)

    def _automatic(self, path: str) -> frozenset[str]:
        """Names of the fixtures in this file that every check uses, and of what hooks into pytest itself."""
        parsed = self._parse(path) or ast.Module(body=[], type_ignores=[])
        return frozenset(
            node.name
            for node in parsed.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (
                node.name.startswith("pytest_")
                or any("autouse" in ast.dump(decorator) for decorator in node.decorator_list)
            )
        )

    def doubtful(self, module: str) -> frozenset[str]:
        """Functions and classes of this file that compare an object of the project's with a built-in value."""
        parsed = self._parse(module) or ast.Module(body=[], type_ignores=[])
        _, taken = self.words([module])
        classes = frozenset(name for name in taken if name[:1].isupper())
        units = (
            node for node in parsed.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        )
        return frozenset(unit.name for unit in units if _meets_literals(unit, classes))

    def words(self, modules: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Every identifier that these files use, and those they take from the project's modules."""
        found, taken = set[str](), set[str]()
        for module in modules:
            parsed = self._parse(module) or ast.Module(body=[], type_ignores=[])
            far = set[str]()
            for node in ast.walk(parsed):
                match node:
                    case ast.ImportFrom(module=str(name), names=names, level=0) if self._far(name):
                        taken |= {alias.name for alias in names}
                    case ast.Import(names=names):
                        far |= {(a.asname or a.name).partition(".")[0] for a in names if self._far(a.name)}
            for node in ast.walk(parsed):
                match node:
                    case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                        found.add(name)
                match node:
                    case ast.Attribute(attr=name, value=ast.Name(id=holder)) if holder in far:
                        taken.add(name)
        return frozenset(found), frozenset(taken)

    def _parse(self, path: str) -> ast.Module | None:
        if path not in self._parsed:
            try:
                self._parsed[path] = ast.parse(self._tree.read(path))
            except (SyntaxError, ValueError, RecursionError):
                self._parsed[path] = None
        return self._parsed[path]

    def _conftests(self, module: str) -> Iterator[str]:
        parts = module.split("/")[:-1]
        for depth in range(len(parts) + 1):
            path = "/".join([*parts[:depth], "conftest.py"])
            if path in self._there:
                yield path

    def _local(self, importer: str, name: str) -> str:
        """The judged file that `name` means when `importer` imports it; empty when it is none."""
        folder = importer.rpartition("/")[0]
        inside = name.replace(".", "/")
        for root in dict.fromkeys((folder, "", "src")):
            for path in (f"{root}/{inside}.py", f"{root}/{inside}/__init__.py"):
                if path.lstrip("/") in self._judged:
                    return path.lstrip("/")
        return ""

    def _far(self, name: str) -> bool:
        """Whether `name` is a module of the project's."""
        top = name.partition(".")[0]
        return bool(top) and any(
            f"{root}{top}.py" in self._there or any(path.startswith(f"{root}{top}/") for path in self._there)
            for root in ("", "src/")
        )


def _words(statement: ast.AST) -> frozenset[str]:
    """The identifiers a statement uses, its parameters among them; an import inside counts as what it must not use."""
    found = set()
    for node, own in _scoped(statement, frozenset()):
        match node:
            case ast.Name(id=name) if name in own and name in UNSAFE_NAMES:
                continue  # a variable of that name
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                found.add(name)
            case ast.Import() | ast.ImportFrom():
                if not all(name.partition(".")[0] in SAFE_MODULES for name in _imported(node)):
                    found.add("__import__")
                found |= {"mock"} if not _harmless(node) else set()
            case ast.Constant(value=str(text)) if text.isidentifier():  # `usefixtures("name")`, `getattr(x, "name")`
                found.add(text)
    return frozenset(found)


def _scoped(node: ast.AST, own: frozenset[str]) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """Every node below, with the names that the functions around it assign to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    yield node, own
    for child in ast.iter_child_nodes(node):
        yield from _scoped(child, own)


def _meets_literals(unit: ast.AST, classes: frozenset[str]) -> bool:
    """Whether what a class in `classes` makes is compared with a literal, by an operator or a method of unittest."""
    nodes = list(ast.walk(unit))
    made = set[str]()

    def is_object(node: ast.expr) -> bool:
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                return name in classes
            case ast.BinOp(left=left, right=right):
                return is_object(left) or is_object(right)
            case ast.UnaryOp(operand=operand):
                return is_object(operand)
            case ast.Name(id=name):
                return name in made
            case _:
                return False

    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=value) if is_object(value):
                made |= {target.id for target in targets if isinstance(target, ast.Name)}
    for node in nodes:
        match node:
            case ast.Compare(left=left, comparators=others, ops=ops) if not any(isinstance(op, ast.Is) for op in ops):
                sides = [left, *others]
            case ast.Call(func=ast.Attribute(attr=name), args=[*sides]) if name.startswith("assert"):
                sides = sides[:2]
            case _:
                continue
        if any(map(is_object, sides)) and any(_is_literal(side) for side in sides):
            return True
    return False


def _is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant() | ast.List() | ast.Tuple() | ast.Dict() | ast.Set():
            return True
        case ast.UnaryOp(operand=operand):
            return _is_literal(operand)
        case _:
            return False


def _harmless(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom(module="unittest", names=names):
            return all(alias.name != "mock" for alias in names)
        case ast.Import(names=names):
            return all(alias.name != "unittest.mock" for alias in names)
        case ast.ImportFrom(module="unittest.mock"):
            return False
        case _:
            return True


def _extends_path(statement: ast.stmt) -> bool:
    """`sys.path.insert(…)`: the judge knows where the project's modules are."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="insert" | "append", value=ast.Attribute(attr="path")))):
            return True
        case _:
            return False


def _imported(statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
    match statement:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, level=level):
            yield "." * level + (module or "")


def _named(tree: Snapshot, judged: frozenset[str], words: frozenset[str], taken: frozenset[str]) -> frozenset[str]:
    """Of the words, those that are classes of the project's, or that it is still to define and are written as one is.

    What their operators mean is what is checked. A function that turns into a class is no such thing: its objects could
    answer every comparison that a check makes with them.
    """
    classes, others = set[str](), set[str]()
    left = MOST_SOURCE_BYTES
    for path in tree.paths():
        if not path.endswith(".py") or path in judged or left < 0:
            continue
        text = tree.read(path)
        left -= len(text)
        for kind, defined, assigned in _DEFINED.findall(text):
            (classes if kind == b"class" else others).add((defined or assigned).decode())
    steps = words & {"StopIteration", "StopAsyncIteration"}  # exceptions that checks must name to be given
    missing = {word for word in taken - classes - others if word[:1].isupper() and not word.isupper()}
    return frozenset((words & classes) | missing | steps)
