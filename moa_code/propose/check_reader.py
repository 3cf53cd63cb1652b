"""Checks that a model wrote: read strictly, screened without running. What is no good is named with its reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from moa_code.core.behaviour import WrittenCheck
from moa_code.edits.fences import Fence, find_fences
from moa_code.edits.source import NotPython, parse_source

MOST_EXAMPLES = 8
MOST_PROPERTIES = 3
MOST_REPLY_CHARS = 200_000
MOST_CHECK_CHARS = 6_000
MIN_SENTENCE_CHARS = 8  # shorter ones are in any text
PROPERTY_EXAMPLES = 50
SAFE_MODULES = frozenset({
    "bisect", "cmath", "collections", "copy", "datetime", "decimal", "fractions", "functools", "heapq", "itertools",
    "math", "operator", "re", "statistics", "string", "typing",
})  # fmt: skip
_TOOLS = frozenset({"__future__", "hypothesis", "pytest"})
_UNSAFE = frozenset({
    "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr", "globals", "input", "locals",
    "open", "quit", "setattr", "vars",
})  # fmt: skip
_SETTINGS = (
    f"settings(max_examples={PROPERTY_EXAMPLES}, deadline=None, database=None, derandomize=True, "
    "phases=[Phase.generate])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What checks may be about: the text they must quote, the project's modules, and the function, if it is known."""

    text: str
    modules: frozenset[str]
    function: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A block that is no check, and why not. `name` is its test's, or says which block it was."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChecks:
    """What a reply brought, in its order."""

    checks: tuple[WrittenCheck, ...] = ()
    rejected: tuple[Rejected, ...] = ()


def read_checks(reply: str, author: str, subject: Subject) -> ReadChecks:
    """The checks in `reply`, at most eight examples and three properties, each quoting what it encodes."""
    lines = reply[:MOST_REPLY_CHARS].splitlines()
    known = _plain(subject.text)
    checks: list[WrittenCheck] = []
    rejected: list[Rejected] = []
    seen: set[str] = set()
    for number, fence in enumerate(find_fences(lines), start=1):
        test = _screened(fence, subject)
        if isinstance(test, str):
            rejected.append(Rejected(name=f"block {number}", reason=test))
            continue
        sentence = quoted_above(lines, fence.first)
        room = MOST_PROPERTIES if test.is_property else MOST_EXAMPLES
        if len(sentence) < MIN_SENTENCE_CHARS or _plain(sentence) not in known:
            why = f"the specification does not say {sentence[:80]!r}" if sentence else "it quotes no sentence"
            rejected.append(Rejected(name=test.name, reason=why))
        elif test.meaning in seen:
            rejected.append(Rejected(name=test.name, reason="it says the same as an earlier one"))
        elif sum(check.is_property is test.is_property for check in checks) >= room:
            kind = "properties" if test.is_property else "examples"
            rejected.append(Rejected(name=test.name, reason=f"only the first {room} {kind} of an author count"))
        else:
            seen.add(test.meaning)
            name = _unused(test.name, {check.name for check in checks})
            code = re.sub(rf"\bdef {test.name}\b", f"def {name}", test.code, count=1)
            checks.append(
                WrittenCheck(
                    author=author,
                    name=name,
                    code=code,
                    sentence=" ".join(sentence.split()),
                    is_property=test.is_property,
                )
            )
    return ReadChecks(checks=tuple(checks), rejected=tuple(rejected))


def quoted_above(lines: list[str], fence_at: int) -> str:
    """The lines behind `>` right above a fence, as one text; empty when there are none."""
    at = fence_at - 1
    while at >= 0 and not lines[at].strip():
        at -= 1
    found: list[str] = []
    while at >= 0 and lines[at].lstrip().startswith(">"):
        found.insert(0, lines[at].lstrip().lstrip(">").strip())
        at -= 1
    return " ".join(found).strip().strip("\"“”`'").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    name: str
    code: str
    is_property: bool
    meaning: str


def _screened(fence: Fence, subject: Subject) -> _Test | str:
    """The one test of a block, or why it is none."""
    if not fence.closed:
        return "the answer ended in the middle of it"
    if len(fence.text) > MOST_CHECK_CHARS:
        return f"it has {len(fence.text)} characters, more than {MOST_CHECK_CHARS}"
    body = parse_source(fence.text)
    if isinstance(body, NotPython):
        return f"it is no Python: {body.reason}"
    tests = [node for node in body.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    others = [node for node in body.body if node not in tests and not isinstance(node, ast.Import | ast.ImportFrom)]
    if len(tests) != 1 or others:
        return f"it holds {len(tests)} tests and {len(others)} other statements beside its imports"
    (test,) = tests
    wrong = _wrong_import(body, subject.modules) or _wrong_word(body) or _wrong_test(test, subject.function)
    if wrong:
        return wrong
    is_property = _is_given(test)
    code = _bounded(body, test) if is_property else fence.text
    return _Test(name=test.name, code=code, is_property=is_property, meaning=_meaning(test))


def _wrong_import(body: ast.Module, modules: frozenset[str]) -> str:
    for node in ast.walk(body):
        match node:
            case ast.Import(names=names):
                wanted = [alias.name for alias in names]
            case ast.ImportFrom(module=module, level=level, names=names):
                if any(alias.name == "*" for alias in names):
                    return "it imports *"
                wanted = ["." * level + (module or "")]
            case _:
                continue
        for name in wanted:
            if name not in modules and name.partition(".")[0] not in SAFE_MODULES | _TOOLS:
                return f"it imports {name or 'a relative module'}"
    return ""


def _wrong_word(body: ast.Module) -> str:
    for node in ast.walk(body):
        match node:
            case ast.Name(id=name) if name in _UNSAFE or name.startswith("__"):
                return f"it uses {name}"
            case ast.Attribute(attr=name) if name.startswith("__"):
                return f"it uses {name}"
            case ast.Global() | ast.Nonlocal() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                return "it does more than call and compare"
    return ""


def _wrong_test(test: ast.FunctionDef, function: str) -> str:
    arguments = test.args
    taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if not _is_given(test) and (taken or test.decorator_list):
        return "it takes fixtures or is decorated, which only a property may be"
    if arguments.vararg or arguments.kwarg:
        return "it takes any arguments"
    if not any(_asserts(node) for node in ast.walk(test)):
        return "it asserts nothing"
    last = function.rpartition(".")[2]
    words = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    words |= {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
    if last and last not in words:
        return f"it does not call {last}"
    if any(isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == last for node in ast.walk(test)):
        return f"it defines {last} itself"
    return ""


def _asserts(node: ast.AST) -> bool:
    """Whether something here can fail."""
    match node:
        case ast.Assert(test=condition):
            return any(isinstance(inner, ast.Call | ast.Name) for inner in ast.walk(condition))
        case ast.Call(func=ast.Attribute(attr="raises", value=ast.Name(id="pytest"))):
            return True
        case _:
            return False


def _is_given(test: ast.FunctionDef) -> bool:
    return any(_name_of(decorator) == "given" for decorator in test.decorator_list)


def _name_of(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    match called:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _bounded(body: ast.Module, test: ast.FunctionDef) -> str:
    """A property with our settings instead of its author's: few examples, the same ones for every candidate."""
    test.decorator_list = [
        ast.parse(_SETTINGS, mode="eval").body,
        *(d for d in test.decorator_list if _name_of(d) in ("given", "example")),
    ]
    body.body.insert(0, ast.parse("from hypothesis import Phase, settings").body[0])
    future = [n for n in body.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    body.body = [*future, *(node for node in body.body if node not in future)]
    return ast.unparse(ast.fix_missing_locations(body)) + "\n"


def _meaning(test: ast.FunctionDef) -> str:
    """Equal for tests that differ in name and words alone."""
    statements = [n for n in test.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    given = [ast.dump(d) for d in test.decorator_list if _name_of(d) == "given"]
    stripped = [ast.dump(_without_message(n)) for n in statements]
    return "\n".join((*given, *stripped))


def _without_message(statement: ast.stmt) -> ast.stmt:
    if isinstance(statement, ast.Assert):
        return ast.Assert(test=statement.test, msg=None)
    return statement


def _plain(text: str) -> str:
    """Text as it is compared: one space for any white space, no quotation marks of code."""
    return " ".join(_words(text))


def _words(text: str) -> Iterator[str]:
    for word in text.replace("`", "").split():
        if word not in ("#", "*", "-", ">"):  # marks of comments and lists
            yield word


def _unused(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
