"""Which checks can be judged from another process: decided from the checks' own text, never from the candidate's.

A check that only calls what it checks and compares what comes back works across a process border. One that patches,
opens files, starts processes or looks into objects from below does not, and stays in the candidate's interpreter.
Conservative: what is imported must be on a list. Pure, but for reading the tree.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from moa_code.core.tree import Snapshot

SAFE_MODULES = frozenset({
    "__future__", "abc", "asyncio", "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal",
    "enum", "fractions", "functools", "heapq", "hypothesis", "itertools", "json", "math", "numbers", "operator",
    "pytest", "random", "re", "statistics", "string", "textwrap", "typing", "typing_extensions", "unittest",
    "zoneinfo",
})  # fmt: skip
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
    """Check modules that can be judged from outside, the files the judge alone gets, and the classes they are about."""

    modules: frozenset[str]
    judged: tuple[str, ...]
    named: tuple[str, ...]


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
    there = [module for module in wanted if module in judged]
    fit = [module for module in there if texts.fit(module)]
    return Separation(
        modules=frozenset(fit),
        judged=tuple(sorted(judged)),
        named=tuple(sorted(_named(tree, judged, texts.words(fit)))),
    )


class _Texts:
    """The check files, parsed once each."""

    def __init__(self, tree: Snapshot, judged: frozenset[str]) -> None:
        self._tree = tree
        self._judged = judged
        self._there = frozenset(tree.paths())
        self._parsed: dict[str, ast.Module | None] = {}

    def fit(self, module: str) -> bool:
        """Whether this file, the local files it imports and the conftests above it do nothing but call and compare."""
        waiting, seen = [module, *self._conftests(module)], set[str]()
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            parsed = self._parse(path)
            if parsed is None or not all(_harmless(node) for node in ast.walk(parsed)):
                return False
            for name in _imported(parsed):
                local = self._local(path, name)
                if local:
                    waiting.append(local)
                elif name.partition(".")[0] not in SAFE_MODULES and not self._far(name):
                    return False
        return True

    def words(self, modules: Iterable[str]) -> frozenset[str]:
        """Every identifier that these files use."""
        found = set()
        for module in modules:
            for node in ast.walk(self._parse(module) or ast.Module(body=[], type_ignores=[])):
                match node:
                    case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                        found.add(name)
        return frozenset(found)

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
        return any(
            f"{root}{top}.py" in self._there or any(path.startswith(f"{root}{top}/") for path in self._there)
            for root in ("", "src/")
        )


def _harmless(node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name not in UNSAFE_NAMES
        case ast.ImportFrom(module="unittest", names=names):
            return all(alias.name != "mock" for alias in names)
        case ast.Import(names=names):
            return all(alias.name != "unittest.mock" for alias in names)
        case ast.ImportFrom(module="unittest.mock"):
            return False
        case _:
            return True


def _imported(parsed: ast.Module) -> Iterator[str]:
    for node in ast.walk(parsed):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, level=level):
                yield "." * level + (module or "")


def _named(tree: Snapshot, judged: frozenset[str], words: frozenset[str]) -> frozenset[str]:
    """Of the words, those that are classes of the project's, or that it is still to define and are written like one.

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
    missing = {word for word in words - classes - others if word[:1].isupper() and not word.isupper()}
    return frozenset((words & classes) | missing)
