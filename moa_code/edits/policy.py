"""What a patch may touch. Every rule is about bytes and names; nothing here runs or opens anything."""

from __future__ import annotations

import fnmatch
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from moa_code.core.patch import FileChange, Patch
from moa_code.core.task import EditRules
from moa_code.core.tree import Snapshot
from moa_code.edits.compare import changed_bytes
from moa_code.edits.paths import folded, path_faults
from moa_code.edits.unasked import import_roots, loaded_at_start, shadowing_module

PROTECTED_BY_DEFAULT: tuple[str, ...] = (
    # tests and what steers them
    "**/tests/**",
    "**/test/**",
    "visible_tests/**",
    "**/test_*.py",
    "**/*_test.py",
    "**/tests.py",
    "**/conftest.py",
    "**/pytest.ini",
    "**/.pytest.ini",
    "**/pytest.toml",
    "**/.pytest.toml",
    "**/tox.ini",
    "**/.coveragerc",
    "**/noxfile.py",
    # continuous integration
    ".ci/**",
    ".github/**",
    ".gitlab/**",
    ".circleci/**",
    ".buildkite/**",
    "**/.gitlab-ci.yml",
    ".travis.yml",
    ".appveyor.yml",
    "appveyor.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
    ".pre-commit-config.yaml",
    # build and dependencies
    "**/pyproject.toml",
    "**/setup.py",
    "**/setup.cfg",
    "**/MANIFEST.in",
    "**/Makefile",
    "**/GNUmakefile",
    "**/CMakeLists.txt",
    "**/Dockerfile*",
    "**/docker-compose*.y*ml",
    "**/requirements*.txt",
    "**/requirements/**",
    "**/constraints*.txt",
    "**/environment.y*ml",
    "**/Pipfile",
    "**/*.lock",
    "**/*.lock.json",
    "**/package.json",
    "**/package-lock.json",
    "**/pnpm-lock.yaml",
    "**/go.sum",
    # tools that judge the code
    "**/ruff.toml",
    "**/.ruff.toml",
    "**/mypy.ini",
    "**/.mypy.ini",
    "**/.flake8",
    "**/.pylintrc",
)
"""What `EditRules.protected` holds unless a task allows it. The task's loader puts it there."""


class Rule(StrEnum):
    """Which promise a patch breaks."""

    SPELLING = "spelling"  # the path's form: absolute, `..`, control characters, disguises, length
    GIT = "git"
    BASE = "base"  # `before` is not what the tree holds
    CLASH = "clash"  # two names for one file, or a file where a folder is
    OUTSIDE = "outside_editable"
    PROTECTED = "protected"
    TOO_MANY = "too_many_files"
    TOO_BIG = "too_big"
    BINARY = "binary"
    STARTUP = "startup"  # an interpreter, a test runner or a tool would load it unasked
    SHADOWS = "shadows"  # would be imported in place of the standard library or the test runner


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken promise. `path` is empty where the whole patch is meant; `message` is one line, safe to print."""

    path: str
    rule: Rule
    message: str


def violations(patch: Patch, *, tree: Snapshot, rules: EditRules) -> tuple[Violation, ...]:
    """Why `patch` must not be applied to `tree`, in the order of its paths; empty when nothing stands against it.

    `rules.protected` is the whole list of protected globs: whoever makes the rules puts `PROTECTED_BY_DEFAULT` there.
    A path that `rules.editable` names without a wildcard may also be one that tools load unasked: the task
    says so itself. An empty patch breaks no rule.
    """
    found: list[Violation] = []
    if len(patch.changes) > rules.max_files:
        found.append(_whole(Rule.TOO_MANY, f"the patch touches {len(patch.changes)} files; {rules.max_files} may be"))
    size = sum(changed_bytes(c) + len(c.path) for c in patch.changes)
    if size > rules.max_patch_bytes:
        found.append(_whole(Rule.TOO_BIG, f"the patch changes {size} bytes; {rules.max_patch_bytes} may be"))
    if found:
        return tuple(found)  # judging each of 10^5 entries is the work such a patch wants done
    sound: list[FileChange] = []
    for change in patch.changes:
        faults = path_faults(change.path)
        for fault, message in faults:
            rule = Rule.GIT if fault == "git" else Rule.SPELLING
            found.append(Violation(path=change.path, rule=rule, message=message))
        if not faults:
            sound.append(change)
    for change in sound:
        found.extend(_content(change, tree))
        found.extend(_permission(change, rules))
    found.extend(_clashes(sound, tree))
    found.extend(_loaded_unasked(sound, tree, rules))
    return tuple(sorted(found, key=lambda v: v.path))


def glob_match(path: str, pattern: str) -> bool:
    """Whether the whole of `path` matches. `**` stands for any number of components, none included; `*`, `?` and `[…]`
    match inside one component. A pattern that ends in `/` means everything below that folder. Case counts."""
    if pattern.endswith("/"):
        pattern += "**"
    parts = path.split("/")
    reached = {0}  # how many components can be matched by the part of the pattern read so far
    wanted = pattern.split("/")
    for position, piece in enumerate(wanted):
        if piece == "**":
            # At the end `**` is what lies below, so `a/**` is not `a` itself; elsewhere it may stand for nothing.
            least = 1 if position == len(wanted) - 1 and position > 0 else 0
            reached = set(range(min(reached) + least, len(parts) + 1)) if reached else reached
        else:
            reached = {n + 1 for n in reached if n < len(parts) and fnmatch.fnmatchcase(parts[n], piece)}
    return len(parts) in reached


@lru_cache(maxsize=1024)
def may_edit(path: str, rules: EditRules) -> bool:
    """Whether the globs of `rules` let a patch touch `path`. What is refused for other reasons is not asked here."""
    if any(glob_match(path, pattern) for pattern in rules.protected):
        return False
    return any(glob_match(path, pattern) for pattern in rules.editable)


def _lowered(pattern: str) -> str:
    return pattern.casefold()


def _whole(rule: Rule, message: str) -> Violation:
    return Violation(path="", rule=rule, message=message)


def file_at(tree: Snapshot, path: str) -> bytes | None:
    """The bytes of one file, or `None` where the tree holds none by that name."""
    try:
        return tree.read(path)
    except KeyError:
        return None


def _content(change: FileChange, tree: Snapshot) -> Iterator[Violation]:
    there = file_at(tree, change.path)
    if change.before != there:
        state = "does not exist" if there is None else "exists" if change.before is None else "has other bytes"
        message = f"{change.path} {state} in the tree; the patch was made against something else"
        yield Violation(path=change.path, rule=Rule.BASE, message=message)
    if b"\0" in (change.before or b"") or b"\0" in (change.after or b""):
        yield Violation(path=change.path, rule=Rule.BINARY, message=f"{change.path} holds NUL bytes: not text")
    elif change.after is not None and not _utf8(change.after) and _utf8(change.before or b""):
        yield Violation(path=change.path, rule=Rule.BINARY, message=f"{change.path} would no longer be UTF-8 text")


def _utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _permission(change: FileChange, rules: EditRules) -> Iterator[Violation]:
    path = change.path
    plain = path.casefold()
    for pattern in rules.protected:
        if glob_match(path, pattern) or glob_match(plain, _lowered(pattern)):
            yield Violation(path=path, rule=Rule.PROTECTED, message=f"{path} is protected by `{pattern}`")
            break
    if not any(glob_match(path, pattern) for pattern in rules.editable):
        message = f"{path} is outside what may be edited: {', '.join(rules.editable) or 'nothing'}"
        yield Violation(path=path, rule=Rule.OUTSIDE, message=message)


def _prefixes(path: str) -> Iterator[str]:
    """`a`, `a/b`, `a/b/c` of `a/b/c`."""
    components = path.split("/")
    return ("/".join(components[:n]) for n in range(1, len(components) + 1))


def _clashes(changes: list[FileChange], tree: Snapshot) -> Iterator[Violation]:
    created = [c.path for c in changes if c.before is None]
    if not created:
        return
    files = sorted({*tree.paths(), *(c.path for c in changes)})
    known = set(files)
    spelled: dict[str, set[str]] = {}
    for path in files:
        for prefix in _prefixes(path):
            spelled.setdefault(folded(prefix), set()).add(prefix)
    for path in created:
        if unicodedata.normalize("NFC", path) != path:
            message = f"{path!a} is not in composed form (NFC)"
            yield Violation(path=path, rule=Rule.SPELLING, message=message)
        others = {o for prefix in _prefixes(path) for o in spelled[folded(prefix)] if o != prefix}
        if others:
            message = f"{path!a} differs from {min(others)!a} only in case or composition"
            yield Violation(path=path, rule=Rule.CLASH, message=message)
        above = [prefix for prefix in _prefixes(path) if prefix in known and prefix != path]
        if above:
            yield Violation(path=path, rule=Rule.CLASH, message=f"{path} needs a folder where {above[0]} is a file")
        at = bisect_left(files, path + "/")
        if at < len(files) and files[at].startswith(path + "/"):
            yield Violation(path=path, rule=Rule.CLASH, message=f"{path} is a folder: it holds {files[at]}")


def _loaded_unasked(changes: list[FileChange], tree: Snapshot, rules: EditRules) -> Iterator[Violation]:
    roots: frozenset[str] | None = None
    for change in changes:
        path = change.path
        if change.after is None or path in rules.editable:
            continue
        why = loaded_at_start(path, created=change.before is None)
        if why:
            yield Violation(path=path, rule=Rule.STARTUP, message=f"{path}: {why}")
        elif change.before is None and (module := shadowing_module(path)):
            roots = import_roots(tree.paths()) if roots is None else roots
            folder, name = module
            if folder in roots and not _has_module(tree, folder, name):
                message = f"{path} would be imported in place of `{name}`, which the checks rely on"
                yield Violation(path=path, rule=Rule.SHADOWS, message=message)


def _has_module(tree: Snapshot, folder: str, name: str) -> bool:
    base = f"{folder}/{name}" if folder else name
    return file_at(tree, f"{base}.py") is not None or file_at(tree, f"{base}/__init__.py") is not None
