"""A model's reply into a patch, whichever of the known formats it is really in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from moa_code.core.patch import Patch
from moa_code.core.task import EditRules
from moa_code.core.tree import Snapshot
from moa_code.edits.blocks import Block, Malformed, has_blocks, read_blocks
from moa_code.edits.fences import Fence, find_fences, label_of
from moa_code.edits.ladder import Missed, Rung, apply_block
from moa_code.edits.loosediff import diff_text, read_loose_diff
from moa_code.edits.nearest import nearest_text
from moa_code.edits.pages import Pages, with_line_ends
from moa_code.edits.policy import violations
from moa_code.edits.source import NotPython, definitions, leaves_out, parse_source
from moa_code.edits.splice import Spliced, SpliceFailure, dedented, splice
from moa_code.edits.spoken import spoken
from moa_code.edits.unified import DiffError, parse_diff

MAX_REPLY_CHARS = 2_000_000
MAX_FENCES = 200
_MAX_QUOTES = 20  # fences looked at for whether they only quote the file; each look parses it
_PYTHON = frozenset({"", "python", "py", "python3"})
_DEFINES = re.compile(r"^(?:async def|def|class) ", re.MULTILINE)


class EditFormat(StrEnum):
    """How a model was asked to write its edits."""

    FUNCTION = "function"  # whole definitions in a python fence, spliced by qualified name
    BLOCKS = "blocks"  # SEARCH/REPLACE
    WHOLE_FILE = "whole_file"  # fences that carry a path
    UDIFF = "udiff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The patch of a reply. `rung` is the lowest rung of the apply ladder that a part of it needed, or the format's
    own name where the ladder was not used; `warnings` are one line each."""

    patch: Patch
    rung: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditFailure:
    """Why a reply gives no patch: shown once to the model that wrote it.

    `nearest` is the text of the tree that comes nearest to a SEARCH that missed (`path:first-last` and the lines).
    `applied` names the parts of the reply that did fit; none of them is kept.
    """

    reason: str
    nearest: str = ""
    applied: tuple[str, ...] = ()


def read_reply(
    text: str,
    *,
    tree: Snapshot,
    shown: tuple[str, ...],
    preferred: EditFormat,
    target: str = "",
    rules: EditRules,
) -> Edited | EditFailure:
    """The patch against `tree` that `text` asks for, whole or not at all, and within `rules`.

    `preferred` is looked for first, then blocks, a diff, whole files, functions; the first format that is there
    decides. `shown` are the files the model saw; `target` is `path` or `path::Qualified.name`, the place that
    functions without a path belong to. A reply that changes nothing is a failure.
    """
    if len(text) > MAX_REPLY_CHARS:
        return EditFailure(reason=f"the reply has {len(text)} characters; {MAX_REPLY_CHARS} are read")
    if any("\ud800" <= c <= "\udfff" for c in text):
        return EditFailure(reason="the reply holds lone surrogates: not Unicode text")
    reader = _Reader(text, tree=tree, shown=shown, target=target, preferred=preferred)
    if len(reader.fences) > MAX_FENCES:
        return EditFailure(reason=f"the reply has more than {MAX_FENCES} fenced blocks")
    order = [preferred, EditFormat.BLOCKS, EditFormat.UDIFF, EditFormat.WHOLE_FILE, EditFormat.FUNCTION]
    for form in dict.fromkeys(order):
        result = reader.read(form)
        if isinstance(result, EditFailure):
            return result
        if result is not None:
            return _allowed(result, tree, rules)
    return EditFailure(reason="there is no edit in the reply: no SEARCH/REPLACE block, diff, fenced file or function")


def _defines(block: str, name: str) -> bool:
    module = parse_source(block)
    last = name.rpartition(".")[2]
    return not isinstance(module, NotPython) and any(d.name.rpartition(".")[2] == last for d in definitions(module))


def _first_line_names(path: str, fence: Fence, known: Callable[[str], bool]) -> bool:
    """Whether the first line inside the fence is a comment that holds the path alone: a label, not content."""
    bare = Fence(info="", lines=fence.lines, above="", first=0, end=0, closed=True)
    return label_of(bare, known) == path


def _allowed(edited: Edited, tree: Snapshot, rules: EditRules) -> Edited | EditFailure:
    if not edited.patch.changes:
        return EditFailure(
            reason="the reply changes nothing: " + ("; ".join(edited.warnings) or "all text is the same")
        )
    broken = violations(edited.patch, tree=tree, rules=rules)
    if broken:
        return EditFailure(reason="refused: " + "; ".join(v.message for v in broken[:5]))
    return edited


class _Reader:
    """One reply, read in one format after the other. Every format starts from untouched pages."""

    def __init__(
        self, text: str, *, tree: Snapshot, shown: tuple[str, ...], target: str, preferred: EditFormat
    ) -> None:
        self.tree = tree
        self.shown = shown
        self.preferred = preferred
        self.target, _, self.name = target.partition("::")
        self.lines = spoken(text).replace("\r\n", "\n").split("\n")
        self.fences = find_fences(self.lines)
        self.blocks_there = has_blocks(self.lines)
        self.diff = diff_text(self.lines, self.fences)
        self.base = Pages(tree)

    def known(self, path: str) -> bool:
        return bool(path) and self.base.text(path) is not None

    @property
    def default_path(self) -> str:
        """The file meant where the reply names none: the target, or the only one that was shown."""
        return self.target or (self.shown[0] if len(self.shown) == 1 else "")

    def read(self, form: EditFormat) -> Edited | EditFailure | None:
        """What the reply says in this format; `None` if it is not in it."""
        readers: dict[EditFormat, Callable[[], Edited | EditFailure | None]] = {
            EditFormat.BLOCKS: self.as_blocks,
            EditFormat.UDIFF: self.as_diff,
            EditFormat.WHOLE_FILE: self.as_files,
            EditFormat.FUNCTION: self.as_functions,
        }
        return readers[form]()

    def as_blocks(self) -> Edited | EditFailure | None:
        if not self.blocks_there:
            return None
        blocks = read_blocks(self.lines, self.known)
        return EditFailure(reason=blocks.reason) if isinstance(blocks, Malformed) else self.apply(blocks)

    def as_diff(self) -> Edited | EditFailure | None:
        if not self.diff or self.blocks_there:
            return None
        try:
            patch = parse_diff("".join(f"{line}\n" for line in self.diff).encode(), tree=self.tree)
        except DiffError:  # models count lines badly; what they quote is looked for instead
            blocks = read_loose_diff(self.diff, self.known)
            return EditFailure(reason=blocks.reason) if isinstance(blocks, Malformed) else self.apply(blocks)
        return Edited(patch=patch, rung=EditFormat.UDIFF)

    def apply(self, blocks: tuple[Block, ...]) -> Edited | EditFailure:
        """All blocks one after the other, or the first one's failure."""
        pages = Pages(self.tree)
        rungs = [Rung.EXACT]
        applied: list[str] = []
        warnings: list[str] = []
        for number, block in enumerate(blocks, start=1):
            path = self.near_name(block.path) if block.path else self.default_path
            what = f"block {number} ({path or 'no path'})"
            if not path:
                return EditFailure(reason=f"{what}: the file is not named", applied=tuple(applied))
            here = pages.text(path)
            if block.delete:
                if here is None:
                    return EditFailure(reason=f"{what}: there is no such file to delete", applied=tuple(applied))
                pages.write(path, None)
            elif not block.search.strip() and not here:
                pages.write(path, with_line_ends(block.replace, ""))
            elif not block.search.strip():
                reason = f"{what}: SEARCH is empty, which creates a file, and the file is there already"
                return EditFailure(reason=reason, applied=tuple(applied))
            else:
                texts = {p: t for p in (path, *self.shown) if (t := pages.text(p)) is not None}
                result = apply_block(texts, path=path, search=block.search, replace=block.replace)
                if isinstance(result, Missed):
                    near = "" if result.ambiguous else nearest_text(texts, block.search)
                    return EditFailure(reason=f"{what}: {result.reason}", nearest=near, applied=tuple(applied))
                rungs.append(result.rung)
                if result.path != path:
                    warnings.append(f"{what}: the text is in {result.path} and was replaced there")
                if result.text == texts[result.path]:
                    warnings.append(f"{what} changes nothing")
                pages.write(result.path, result.text)
            applied.append(what)
        lowest = max(rungs, key=list(Rung).index)
        return Edited(patch=pages.patch(), rung=lowest, warnings=tuple(warnings))

    def near_name(self, path: str) -> str:
        """The path itself if the tree holds it, or the one shown file that ends in it."""
        if self.known(path):
            return path
        ends = [s for s in self.shown if s.endswith(f"/{path}")]
        return ends[0] if len(ends) == 1 else path

    def as_files(self) -> Edited | EditFailure | None:
        if self.blocks_there or self.diff:
            return None
        asked = self.preferred is EditFormat.WHOLE_FILE
        named = [(f, self.near_name(label_of(f, self.known))) for f in self.fences]
        files = [(f, path) for f, path in named if path and (asked or not self.is_part(f, path))]
        if not files and asked and self.default_path and len(self.fences) == 1:
            files = [(self.fences[0], self.default_path)]
        if not files:
            return None
        pages = Pages(self.tree)
        warnings: list[str] = []
        seen: dict[str, str] = {}
        for fence, path in files:
            if not fence.closed:
                return EditFailure(reason=f"the fence of {path} is not closed; the reply may be cut off")
            content = fence.text
            before = self.base.text(path) or ""
            if _first_line_names(path, fence, self.known) and not before.startswith(fence.lines[0]):
                content = content.partition("\n")[2]
            for line in fence.lines:
                if leaves_out(line) and line.strip() not in before:
                    return EditFailure(reason=f"{path} leaves text out: `{line.strip()}`; the whole file is needed")
            if seen.setdefault(path, content) != content:
                return EditFailure(reason=f"{path} is given twice, and differently")
            if before and self.is_part(fence, path):
                warnings.append(f"{path} no longer has all its definitions")
            pages.write(path, with_line_ends(content, before))
        return Edited(patch=pages.patch(), rung=EditFormat.WHOLE_FILE, warnings=tuple(warnings))

    def is_part(self, fence: Fence, path: str) -> bool:
        """Whether a fence that carries a path lacks definitions the file has: some functions of it, not all of it."""
        before = self.base.text(path)
        if before is None or not path.endswith(".py"):
            return False
        old, new = parse_source(before), parse_source(fence.text)
        if isinstance(old, NotPython) or isinstance(new, NotPython):
            return False
        return bool({d.name for d in definitions(old)} - {d.name for d in definitions(new)})

    def as_functions(self) -> Edited | EditFailure | None:
        if self.blocks_there or self.diff:
            return None
        by_path: dict[str, list[str]] = {}
        for fence in self.fences or [self.unfenced()]:
            block = dedented(fence.text)
            if fence.language not in _PYTHON or not _DEFINES.search(block):
                continue
            module = parse_source(block)
            labelled = self.near_name(label_of(fence, self.known))
            path = labelled if self.known(labelled) else self.default_path
            if isinstance(module, NotPython):
                if self.fences:
                    return EditFailure(reason=f"a function in the reply does not parse: {module.reason}")
            elif not self.known(path):
                return EditFailure(reason=f"the file of a function is not there: {labelled or path or 'none is named'}")
            elif definitions(module) and block not in by_path.setdefault(path, []):
                by_path[path].append(block)
        pages = Pages(self.tree)
        warnings: list[str] = []
        for path, blocks in by_path.items():
            result = self.spliced(path, blocks)
            if isinstance(result, SpliceFailure):
                return EditFailure(reason=f"{path}: {result.reason}")
            warnings += result.warnings
            pages.write(path, result.text)
        if not by_path:
            return None
        return Edited(patch=pages.patch(), rung=EditFormat.FUNCTION, warnings=tuple(warnings))

    def spliced(self, path: str, blocks: list[str]) -> Spliced | SpliceFailure:
        """All blocks for one file at once; what only quotes the file as it is does not count beside others."""
        here = self.base.text(path) or ""
        if 1 < len(blocks) <= _MAX_QUOTES:
            quoted = [b for b in blocks if isinstance(s := splice(here, b), Spliced) and s.text == here]
            blocks = [b for b in blocks if b not in quoted] or blocks
        name = self.name if path == self.target else ""
        result = splice(here, "\n\n".join(blocks), name=name)
        if isinstance(result, SpliceFailure) and name and len(blocks) > 1:
            # Models recall other problems first, and what helps there has the same names.
            holders = [b for b in blocks if _defines(b, name)]
            alone = splice(here, holders[0], name=name) if len(holders) == 1 else result
            if isinstance(alone, Spliced):
                warning = f"left out the fences that do not define `{name}`: {result.reason}"
                return Spliced(text=alone.text, names=alone.names, warnings=(*alone.warnings, warning))
        return result

    def unfenced(self) -> Fence:
        """The whole reply, which may be bare code."""
        return Fence(info="", lines=tuple(self.lines), above="", first=0, end=len(self.lines), closed=True)
