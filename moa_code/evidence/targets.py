"""Which functions candidates can be compared by, called with plain values. Pure.

Names are taken from the base tree and its tests: a function that one candidate adds cannot be compared. Where the base
has no such function yet, one that the checks call and every candidate defines will do.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from moa_code.core.patch import Patch
from moa_code.core.task import Task
from moa_code.core.tree import Snapshot, TreeDigest
from moa_code.evidence.domain import Domain, NoDomain, Parameter, calls_of, domain_of, parameters_of
from moa_code.evidence.examples import Example, examples_in_source, examples_in_table, examples_in_words

MOST_TARGETS = 4
MOST_CHECK_FILES = 60
MOST_FILES = 400
MOST_SOURCE = 400_000  # characters of a file that is read
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A function to call: `name` qualified within the module at `path`. `made`: of the constructor, for a method."""

    path: str
    name: str
    domain: Domain
    made: Domain | None = None

    @property
    def module(self) -> str:
        return module_of(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTarget:
    """Why there is nothing to call, for a person."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A definition; `inside` is the class that holds it."""

    path: str
    name: str
    node: Function
    inside: ast.ClassDef | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.path, self.name

    @property
    def decorators(self) -> set[str]:
        called = [d.func if isinstance(d, ast.Call) else d for d in self.node.decorator_list]
        return {d.attr if isinstance(d, ast.Attribute) else getattr(d, "id", "") for d in called}

    @property
    def callable(self) -> bool:
        last = self.name.rpartition(".")[2]
        dunder = last.startswith("__") and last.endswith("__") and last != "__call__"
        return not dunder and not self.decorators & {"property", "cached_property", "setter", "fixture", "overload"}

    @property
    def public(self) -> bool:
        return not any(part.startswith("_") for part in self.name.split("."))

    @property
    def bound(self) -> bool:
        """Whether it is called on an object."""
        return self.inside is not None and not self.decorators & {"staticmethod", "classmethod"}


def find_targets(task: Task, patches: Sequence[Patch]) -> tuple[Target, ...] | NoTarget:
    """Functions in which the patched trees may differ, the likeliest first, each with its domain.

    First the one the task names, then functions the patches change, then others that the checks call in the same files,
    at last what has type hints alone.
    """
    checks = check_files(task)
    shown = _shown(task, checks)
    touched = sorted({path for patch in patches for path in patch.paths if _is_source(path, checks)})
    sources = {path: _text(task.tree, path) for path in touched}
    base = [found for path in touched for found in definitions(path, sources[path])]
    groups: list[list[_Found]] = []
    entry = _entry(task, base, checks, patches)
    if entry:
        groups.append(entry)
    else:
        changed = _changed(base, patches)
        own = [found for found in base if found.name in changed.get(found.path, ())]
        called = [found for found in base if _matching(shown, found)]
        known = {found.key for found in base}
        groups += [
            [found for found in own if found in called],
            [found for found in called if found not in own],
            [found for found in _added(patches, checks) if _matching(shown, found) and found.key not in known],
            _elsewhere(task, checks, shown, touched) if not called else [],
            [found for found in own if found.public and found not in called],
        ]
    reasons: list[str] = []
    targets: list[Target] = []
    for number, group in enumerate(groups):
        if targets and number == len(groups) - 1 and len(groups) > 1:
            break
        for found in group:
            target = _target(task, found, shown)
            if isinstance(target, Target) and len(targets) < MOST_TARGETS:
                targets.append(target)
            elif isinstance(target, NoDomain):
                reasons.append(f"{found.name}: {target.reason}")
    if targets:
        return tuple(targets)
    return NoTarget(reason=reasons[0] if reasons else "no function that the patches change can be called with values")


def module_of(path: str) -> str:
    """The dotted name a file of the tree is imported by, with `src/` on the path too."""
    name = path.removesuffix(".py").removeprefix("src/").replace("/", ".")
    return name.removesuffix(".__init__")


def check_files(task: Task) -> tuple[str, ...]:
    """The files of the visible checks, as the runner's targets name them."""
    wanted = [target.partition("::")[0].rstrip("/") for target in task.checks.targets]
    found = []
    for path in task.tree.paths():
        name = path.rpartition("/")[2]
        ours = any(path == target or path.startswith(f"{target}/") for target in wanted)
        looks = name.startswith("test_") or name.endswith(("_test.py", "tests.py")) or "tests/" in f"/{path}"
        if (ours or looks) and path.endswith((".py", ".json", ".jsonl")):
            found.append(path)
    return tuple(sorted(found, key=lambda path: (path not in wanted, path))[:MOST_CHECK_FILES])


def definitions(path: str, text: str) -> list[_Found]:
    """Functions of the module, and methods of its classes, in order; of two with one name the last."""
    found: dict[str, _Found] = {}
    for node in parsed(text).body:
        if isinstance(node, Function):
            found[node.name] = _Found(path=path, name=node.name, node=node)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, Function):
                    name = f"{node.name}.{inner.name}"
                    found[name] = _Found(path=path, name=name, node=inner, inside=node)
    return [one for one in found.values() if one.callable]


@lru_cache(maxsize=128)
def parsed(text: str) -> ast.Module:
    """The syntax tree; an empty one where there is none."""
    if len(text) > MOST_SOURCE:
        return ast.Module(body=[], type_ignores=[])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])


def _text(tree: Snapshot, path: str) -> str:
    try:
        return tree.read(path).decode("utf-8", "replace")
    except KeyError:
        return ""


def _is_source(path: str, checks: Sequence[str]) -> bool:
    return path.endswith(".py") and path not in checks and path.rpartition("/")[2] not in ("setup.py", "conftest.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """The calls that tests show, by name."""

    names: Mapping[str, list[Example]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """A tree as a key: two are one when their digests are."""

    digest: TreeDigest
    tree: Snapshot = field(compare=False)


def _shown(task: Task, checks: tuple[str, ...]) -> _Shown:
    short = task.entry_point.rpartition("::")[2].rpartition(".")[2]
    return _shown_in(_Tree(digest=task.tree.digest, tree=task.tree), checks, short)


@lru_cache(maxsize=8)  # the same for every candidate of a task, and read from every test file
def _shown_in(key: _Tree, checks: tuple[str, ...], short: str) -> _Shown:
    stands_for = {"candidate": short} if short else {}
    calls: list[Example] = []
    for path in checks:
        text = _text(key.tree, path)
        if path.endswith(".py"):
            calls += examples_in_source(text, stands_for=stands_for)
        else:
            calls += examples_in_table(text, lines=path.endswith(".jsonl"))
    names: dict[str, list[Example]] = {}
    for call in calls:
        names.setdefault(call.name, []).append(call)
    return _Shown(names=names)


def _matching(shown: _Shown, found: _Found) -> list[Example]:
    """Examples of this function; one imported from another module is of another function."""
    module = module_of(found.path)
    calls = shown.names.get(found.name, [])
    return [call for call in calls if not call.module or _same_module(call.module, module)]


def _same_module(named: str, module: str) -> bool:
    """Whether `named` is the module, its end (other folders on the path), or a package that may pass it on."""
    named = named.lstrip(".")
    return f".{module}".endswith(f".{named}") or f"{module}.".startswith(f"{named}.") or named.endswith(f".{module}")


def _entry(task: Task, base: list[_Found], checks: Sequence[str], patches: Sequence[Patch]) -> list[_Found]:
    """What the task names: a function, a method, or the methods of a class; also where only candidates define it."""
    path, _, name = task.entry_point.rpartition("::")
    if not name:
        return []
    places = [base]
    if not any(_is_named(found, path, name) for found in base):
        rest = [p for p in task.tree.paths() if _is_source(p, checks) and (not path or p == path)]
        places = [[f for p in rest if name.partition(".")[0] in (t := _text(task.tree, p)) for f in definitions(p, t)]]
        places.append(_added(patches, checks))
    for place in places:
        found = [one for one in place if _is_named(one, path, name)]
        if found:
            return found
    return []


def _is_named(found: _Found, path: str, name: str) -> bool:
    if path and found.path != path:
        return False
    return found.name == name or (found.name.partition(".")[0] == name and found.public)


def _after(patch: Patch) -> dict[str, str]:
    return {c.path: c.after.decode("utf-8", "replace") for c in patch.changes if c.after is not None}


def _changed(base: list[_Found], patches: Sequence[Patch]) -> dict[str, set[str]]:
    """Names of functions, by path, whose definition some patch changes."""
    before = {found.key: _dump(found.node) for found in base}
    changed: dict[str, set[str]] = {}
    for patch in patches:
        for path, text in _after(patch).items():
            for found in definitions(path, text) if path.endswith(".py") else ():
                if found.key in before and before[found.key] != _dump(found.node):
                    changed.setdefault(path, set()).add(found.name)
    return changed


def _dump(node: ast.AST) -> str:
    """The tree in a form that can be compared; of one nested too deeply nothing."""
    try:
        return ast.dump(node)
    except RecursionError:
        return ""


def _added(patches: Sequence[Patch], checks: Sequence[str]) -> list[_Found]:
    """Functions that every patch leaves in a file which it changes or creates."""
    common: dict[tuple[str, str], _Found] = {}
    for number, patch in enumerate(patches):
        texts = {path: text for path, text in _after(patch).items() if _is_source(path, checks)}
        own = {f.key: f for path, text in texts.items() for f in definitions(path, text)}
        common = own if number == 0 else {key: found for key, found in common.items() if key in own}
    return list(common.values())


def _elsewhere(task: Task, checks: Sequence[str], shown: _Shown, touched: Sequence[str]) -> list[_Found]:
    """Functions that the checks call, in files that mention a changed module."""
    words = [module_of(path).rpartition(".")[2] for path in touched]
    found: list[_Found] = []
    for path in [path for path in task.tree.paths() if _is_source(path, checks)][:MOST_FILES]:
        if path in touched:
            continue
        text = _text(task.tree, path)
        if any(word in text for word in words):
            found += [one for one in definitions(path, text) if _matching(shown, one)]
    return found


def _target(task: Task, found: _Found, shown: _Shown) -> Target | NoDomain:
    doc = ast.get_docstring(found.node) or ""
    short = found.name.rpartition(".")[2]
    examples = _matching(shown, found)
    if found.inside is None:
        examples = [*examples, *examples_in_words(f"{task.instruction}\n{doc}", [short])]
    words = f"{short.replace('_', ' ')}\n{task.instruction if len(task.instruction) < 4000 else ''}\n{doc}"
    skip = found.inside is not None and "staticmethod" not in found.decorators
    try:
        return _described(found, examples, shown, words, skip_first=skip)
    except RecursionError:
        return NoDomain(reason="its values or hints are nested too deeply")


def _described(
    found: _Found, examples: list[Example], shown: _Shown, words: str, *, skip_first: bool
) -> Target | NoDomain:
    domain = domain_of(parameters_of(found.node, skip_first=skip_first), calls_of(examples), words)
    if isinstance(domain, NoDomain) or not found.bound:
        return domain if isinstance(domain, NoDomain) else Target(path=found.path, name=found.name, domain=domain)
    made = _made(found, examples, shown, words)
    return made if isinstance(made, NoDomain) else Target(path=found.path, name=found.name, domain=domain, made=made)


def _made(found: _Found, examples: Iterable[Example], shown: _Shown, words: str) -> Domain | NoDomain:
    """The domain of the constructor."""
    assert found.inside is not None
    holder = found.inside.name
    calls: list[tuple[Sequence[object], Mapping[str, object]]] = [
        (example.made_with, {}) for example in examples if example.made_with is not None
    ]
    calls += calls_of([call for call in shown.names.get(holder, []) if call.made_with is None])
    init = next((n for n in found.inside.body if isinstance(n, Function) and n.name == "__init__"), None)
    if init is not None:
        return domain_of(parameters_of(init, skip_first=True), calls, words)
    fields = [
        Parameter(name=node.target.id, hint=node.annotation, default=node.value)
        for node in found.inside.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    if found.inside.bases and not fields and not calls:
        return NoDomain(reason=f"how a {holder} is made is said in another class")
    if found.inside.decorator_list and fields:
        return domain_of(fields, calls, words)
    widest = max((len(args) for args, _ in calls), default=0)
    return domain_of([Parameter(name=f"argument {at}") for at in range(widest)], calls, words)
