"""Whole definitions put into a file by qualified name. All lines but theirs keep their bytes."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from moa_code.edits.imports import import_lines, import_position
from moa_code.edits.lines import split_lines
from moa_code.edits.pages import line_end
from moa_code.edits.source import (
    Defined,
    Definition,
    NotPython,
    defined,
    definitions,
    leaves_out,
    parse_source,
    text_lines,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spliced:
    """The file's new text, the qualified names replaced (inserted ones after a `+`), and what was odd."""

    text: str
    names: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpliceFailure:
    """Why nothing was spliced, in one line for the model."""

    reason: str


class _Refused(Exception):
    """Carries the reason up to `splice`."""


def splice(source: str, block: str, *, name: str = "") -> Spliced | SpliceFailure:
    """`source` with the definitions of `block` in the place of those of the same qualified name.

    `name` is the qualified name that is to be replaced; without it top-level names are meant, and methods by a first
    parameter `self` or `cls`. Definitions and constants that the file does not have go before the first
    replaced one, imports to the file's imports. Decorators and comments above are replaced if the block has
    some and kept if it has none. A class block that leaves methods out replaces those it has.
    """
    try:
        return _Splicer(source, block, name).result()
    except _Refused as refused:
        return SpliceFailure(reason=str(refused))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """Lines `first` to `end` of the file give way to `lines`. `order` sorts what starts at the same line."""

    first: int
    end: int
    order: int
    lines: list[str]


class _Splicer:
    def __init__(self, source: str, block: str, name: str) -> None:
        self.name = name
        self.lines = split_lines(source)
        self.end = line_end(source)
        self.module = self.parsed("the file", source)
        self.known: dict[str, list[Defined]] = {}
        for found in definitions(self.module):
            self.known.setdefault(found.name, []).append(found)
        self.methods: dict[str, list[str]] = {}  # qualified names by their last part
        for name_there in self.known:
            if "." in name_there:
                self.methods.setdefault(name_there.rpartition(".")[2], []).append(name_there)
        self.assigned: dict[str, list[ast.stmt]] = {}
        for statement in self.module.body:
            for bound in _assigned(statement):
                self.assigned.setdefault(bound, []).append(statement)
        self.given = split_lines(dedented(block))
        self.block = self.parsed("the block", "".join(self.given))
        self.text_lines = text_lines(self.block)
        self.comments = {line.strip() for line in self.lines if "#" in line}
        self.edits: list[_Edit] = []
        self.names: list[str] = []
        self.warnings: list[str] = []

    @staticmethod
    def parsed(what: str, text: str) -> ast.Module:
        module = parse_source(text)
        if isinstance(module, NotPython):
            raise _Refused(f"{what} does not parse as Python: {module.reason}")
        return module

    def result(self) -> Spliced:
        imports: list[ast.Import | ast.ImportFrom] = []
        fresh: list[ast.stmt] = []
        for statement in self.block.body:
            if isinstance(statement, Definition):
                self.definition(statement, fresh)
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                imports.append(statement)
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
                self.constant(statement, fresh)
            elif not _says_nothing(statement):
                self.warnings.append(f"left out line {statement.lineno} of the block: not a definition")
        if not self.names and not fresh:
            raise _Refused("the block defines nothing")
        if self.name and self.name not in self.names and not any(n.startswith(f"{self.name}.") for n in self.names):
            raise _Refused(f"the block does not define `{self.name}`")
        self.insert(fresh)
        missing = import_lines(self.module, imports)
        if missing:
            at = import_position(self.module, self.lines)
            gap = not at.after_import and at.line < len(self.lines) and self.lines[at.line].strip()
            self.edits.append(_Edit(first=at.line, end=at.line, order=0, lines=[*missing, *([""] if gap else [])]))
        text = self.laid()
        self.parsed("the file with the block in it", text)
        return Spliced(text=text, names=tuple(self.names), warnings=tuple(self.warnings))

    def definition(self, node: Definition, fresh: list[ast.stmt]) -> None:
        old = self.meant(node)
        if old is None:
            fresh.append(node)
        elif isinstance(node, ast.ClassDef) and isinstance(old.node, ast.ClassDef):
            there = {m.name for m in old.node.body if isinstance(m, Definition)}
            left_out = there - {m.name for m in node.body if isinstance(m, Definition)}
            if left_out:
                self.merge(node, old, sorted(left_out))
            else:
                self.replace(node, old)
        else:
            self.replace(node, old)

    def meant(self, node: Definition) -> Defined | None:
        """The definition in the file that `node` stands for; `None` if it is a new one."""
        wanted = node.name
        if self.name.rpartition(".")[2] == node.name:
            wanted = self.name
        elif wanted not in self.known and _takes_self(node):
            methods = sorted(self.methods.get(node.name, []))
            if len(methods) > 1:
                raise _Refused(f"`{node.name}` could be any of {', '.join(methods)}")
            wanted = methods[0] if methods else wanted
        return self.one(wanted, node)

    def one(self, wanted: str, node: Definition) -> Defined | None:
        """The one definition called `wanted`; of a property's several, the one with the same decorators."""
        found = self.known.get(wanted, [])
        if len(found) > 1:
            mine = _comparable(node.decorator_list)
            found = [d for d in found if mine is not None and _comparable(d.node.decorator_list) == mine]
            if len(found) != 1:
                raise _Refused(f"`{wanted}` is defined more than once in the file")
        return found[0] if found else None

    def replace(self, node: Definition, old: Defined) -> None:
        new = defined(old.name, node)
        start = _above(self.given, new.first)
        first, begin = old.first, start
        if start < new.first:
            first = _above(self.lines, old.first)
        if old.node.decorator_list and not node.decorator_list:
            first, begin = old.head, new.head
            self.warnings.append(f"kept the decorators of `{old.name}`, which the block leaves out")
        indent = _lead(self.lines[old.head])
        self.add(first, _below(self.lines, old), self.segment(begin, _below(self.given, new), indent))
        self.names.append(old.name)

    def merge(self, node: ast.ClassDef, old: Defined, left_out: list[str]) -> None:
        """A class of which only some methods were written."""
        assert isinstance(old.node, ast.ClassDef)
        bases = _comparable(node.bases)
        if bases is None or bases != _comparable(old.node.bases):
            raise _Refused(f"class `{old.name}` changes its bases and leaves out {', '.join(left_out)}")
        same = {"".join(self.lines[s.lineno - 1 : s.end_lineno]).strip() for s in old.node.body}
        added: list[str] = []
        for member in node.body:
            if isinstance(member, Definition):
                target = self.one(f"{old.name}.{member.name}", member)
                if target is not None:
                    self.replace(member, target)
                else:
                    indent = _lead(self.lines[old.node.body[0].lineno - 1])
                    new = defined(member.name, member)
                    end = _below(self.given, new)
                    added += ["", *self.segment(_above(self.given, new.first), end, indent)]
                    self.names.append(f"+{old.name}.{member.name}")
            elif not _says_nothing(member) and self.raw(member) not in same:
                raise _Refused(f"class `{old.name}` leaves out {', '.join(left_out)} and changes more than methods")
        if added:
            self.add(old.end, old.end, added)
        self.warnings.append(f"kept what the block leaves out of `{old.name}`: {', '.join(left_out)}")

    def raw(self, node: ast.stmt) -> str:
        return "".join(self.given[node.lineno - 1 : node.end_lineno]).strip()

    def constant(self, node: ast.Assign | ast.AnnAssign, fresh: list[ast.stmt]) -> None:
        names = _assigned(node)
        there = list({id(s): s for name in sorted(names) for s in self.assigned.get(name, [])}.values())
        if not there:
            fresh.append(node)
        elif len(there) > 1 or not names:
            raise _Refused(f"{', '.join(sorted(names)) or 'an assignment'} is assigned more than once in the file")
        else:
            old = there[0]
            self.add(old.lineno - 1, old.end_lineno or old.lineno, self.segment(node.lineno - 1, node.end_lineno, ""))
            self.names.append(min(names))

    def insert(self, fresh: list[ast.stmt]) -> None:
        """New definitions and constants, before the top-level statement that holds the first replaced line."""
        if not fresh:
            return
        lines: list[str] = []
        seen: set[str] = set()
        for node in fresh:
            if isinstance(node, Definition):
                new = defined(node.name, node)
                lines += [*self.segment(_above(self.given, new.first), _below(self.given, new), ""), "", ""]
            else:
                lines += self.segment(_above(self.given, node.lineno - 1), node.end_lineno, "")
            name = "+" + (node.name if isinstance(node, Definition) else min(_assigned(node), default="?"))
            if name in seen:
                raise _Refused("the block defines the same thing twice")
            seen.add(name)
            self.names.append(name)
        if lines and lines[-1]:
            lines += ["", ""]
        if self.edits:
            at = min(edit.first for edit in self.edits)
            tops = [_top(s) for s in self.module.body]
            at = _above(self.lines, max((first for first in tops if first <= at), default=at))
            self.edits.append(_Edit(first=at, end=at, order=1, lines=lines))
        else:
            if self.known:
                self.warnings.append("nothing in the block replaces anything; added at the end of the file")
            while lines and not lines[-1]:
                lines.pop()
            gap = ["", ""] if any(line.strip() for line in self.lines) else []
            self.edits.append(_Edit(first=len(self.lines), end=len(self.lines), order=1, lines=gap + lines))

    def add(self, first: int, end: int, lines: list[str]) -> None:
        self.edits.append(_Edit(first=first, end=end, order=2, lines=lines))

    def segment(self, first: int, end: int | None, indent: str) -> list[str]:
        """Lines of the block without their ends, moved to `indent` except where that would change a string."""
        chosen = range(first, end or first + 1)
        base = _lead(self.given[first])
        moved: list[str] = []
        for number in chosen:
            line = self.given[number].removesuffix("\n")
            if leaves_out(line) and line.strip() not in self.comments:
                raise _Refused(f"the block leaves code out: `{line.strip()}`; whole definitions are needed")
            if number in self.text_lines or not line.strip():
                moved.append(line)
            else:
                moved.append(indent + line.removeprefix(base))
        return moved

    def laid(self) -> str:
        done: list[str] = []
        reached = 0
        for edit in sorted(self.edits, key=lambda e: (e.first, e.order)):
            if edit.first < reached:
                raise _Refused("the block defines the same thing twice")
            done += self.lines[reached : edit.first]
            if done and not done[-1].endswith("\n"):
                done[-1] += self.end
            done += [line + self.end for line in edit.lines]
            reached = edit.end
        done += self.lines[reached:]
        if self.lines and not self.lines[-1].endswith("\n") and done:
            done[-1] = done[-1].removesuffix("\n").removesuffix("\r")
        return "".join(done)


def dedented(block: str) -> str:
    """The block with its first line's indentation taken from every line, blank lines at either end left out."""
    lines = split_lines(block.strip("\n") + "\n")
    while lines and not lines[0].strip():
        del lines[0]
    lead = _lead(lines[0]) if lines else ""
    return "".join(line.removeprefix(lead) for line in lines)


def _lead(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _above(lines: list[str], first: int) -> int:
    """First of the comment lines right above line `first`, at the same indentation."""
    lead = _lead(lines[first]) if first < len(lines) else ""
    while first and lines[first - 1].startswith(f"{lead}#") and not lines[first - 1].startswith("#!"):
        first -= 1
    return first


def _below(lines: list[str], found: Defined) -> int:
    """The line after the last comment that follows a definition's last statement and is indented like its body."""
    lead = _lead(lines[found.head])
    end = at = found.end
    while at < len(lines) and (not lines[at].strip() or lines[at].lstrip().startswith("#")):
        at += 1
        if lines[at - 1].strip():
            if len(_lead(lines[at - 1])) <= len(lead):
                break
            end = at
    return end


def _top(statement: ast.stmt) -> int:
    return defined("", statement).first if isinstance(statement, Definition) else statement.lineno - 1


def _takes_self(node: Definition) -> bool:
    if isinstance(node, ast.ClassDef):
        return False
    parameters = [*node.args.posonlyargs, *node.args.args]
    return bool(parameters) and parameters[0].arg in ("self", "cls")


def _says_nothing(node: ast.stmt) -> bool:
    """A docstring, `...` or `pass`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _assigned(node: ast.stmt) -> set[str]:
    """Names that an assignment binds; none for other statements."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}


def _comparable(nodes: list[ast.expr]) -> list[str] | None:
    """Expressions in a form that can be compared; `None` if one is too large to be looked into."""
    if any(sum(1 for _ in ast.walk(node)) > 50 for node in nodes):
        return None
    return [ast.dump(node) for node in nodes]
