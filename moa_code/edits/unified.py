"""Unified diffs, as git writes them: read strictly, written so that `git apply` takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from moa_code.core.patch import FileChange, Patch, patch_of
from moa_code.core.tree import Snapshot
from moa_code.edits.diffreader import DiffError, DiffReader, Entry, Hunk, diff_error
from moa_code.edits.lines import matching_blocks, split_lines
from moa_code.edits.policy import file_at
from moa_code.edits.quoting import quote

__all__ = ["MAX_DIFF_BYTES", "MAX_HUNKS", "DiffError", "parse_applied", "parse_diff", "render_diff"]

MAX_DIFF_BYTES = 1_000_000
MAX_HUNKS = 10_000
_CONTEXT = 3  # lines around a change, git's default


def parse_diff(data: bytes, *, tree: Snapshot, max_bytes: int = MAX_DIFF_BYTES, max_hunks: int = MAX_HUNKS) -> Patch:
    """The patch that a git-format unified diff describes, applied exactly: every context line, every line number.

    Words before the first file, blank lines between files and a mail signature at the end are passed over, as
    git does. Raises `DiffError` for anything else that `git apply` would refuse, and for what a patch here
    cannot hold: binary content, modes, links, submodules, copies.
    """
    return _applied(_entries(data, max_bytes, max_hunks), tree)


def parse_applied(data: bytes, *, tree: Snapshot) -> Patch:
    """The patch of a diff that is in `tree` already, made against the tree without it: what `git diff` prints of a
    working tree. Raises `DiffError` as `parse_diff` does, where the diff cannot be taken out exactly.
    """
    entries = _entries(data, MAX_DIFF_BYTES, MAX_HUNKS)
    back = _applied([_reversed(entry) for entry in entries], tree)
    return patch_of(*(FileChange(path=c.path, before=c.after, after=c.before) for c in back.changes))


def _entries(data: bytes, max_bytes: int, max_hunks: int) -> list[Entry]:
    if len(data) > max_bytes:
        raise diff_error(f"the diff has {len(data)} bytes; {max_bytes} may be")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise diff_error(f"line {line}: a NUL byte; binary content cannot be patched")
    entries = DiffReader(split_lines(data), max_hunks).entries()
    if not entries:
        raise diff_error("there is no diff in it: no line starts with `diff --git` or `--- a/`")
    return entries


def _reversed(entry: Entry) -> Entry:
    """What takes an entry out again."""
    hunks: list[Hunk] = []
    grown = 0
    for hunk in entry.hunks:
        hunks.append(replace(hunk, at=hunk.at + grown, old=hunk.new, new=hunk.old))
        grown += len(hunk.new) - len(hunk.old)
    return replace(
        entry, old=entry.new, new=entry.old, created=entry.deleted, deleted=entry.created, hunks=hunks, grown=-grown
    )


def _applied(entries: list[Entry], tree: Snapshot) -> Patch:
    changes: dict[str, FileChange] = {}
    for entry in entries:
        for change in _apply(entry, tree):
            if change.path in changes:
                raise diff_error(f"line {entry.line}: {change.path} is changed a second time")
            changes[change.path] = change
    return patch_of(*changes.values())


def _apply(entry: Entry, tree: Snapshot) -> Iterator[FileChange]:
    where = f"line {entry.line}"
    before = b""
    if entry.old is not None:
        there = file_at(tree, entry.old)
        if there is None:
            raise diff_error(f"{where}: {entry.old} is not in the tree")
        before = there
    if entry.new is not None and entry.new != entry.old and file_at(tree, entry.new) is not None:
        raise diff_error(f"{where}: {entry.new} is in the tree already")
    after = _patched(entry, before)
    if entry.old is None and entry.new is not None:
        yield FileChange(path=entry.new, before=None, after=after)
    elif entry.new is None and entry.old is not None:
        if after:
            left = len(split_lines(after))
            raise diff_error(f"{where}: {entry.old} is deleted, but {left} of its lines are not among the removed")
        yield FileChange(path=entry.old, before=before, after=None)
    elif entry.old is not None and entry.new is not None and entry.renamed:
        if tree.executable(entry.old):
            raise diff_error(f"{where}: {entry.old} is executable, which a rename here would not carry over")
        yield FileChange(path=entry.old, before=before, after=None)
        yield FileChange(path=entry.new, before=None, after=after)
    elif entry.old is not None:
        if before == after:
            raise diff_error(f"{where}: nothing of {entry.old} changes")
        yield FileChange(path=entry.old, before=before, after=after)


def _patched(entry: Entry, before: bytes) -> bytes:
    lines = split_lines(before)
    name = entry.old or entry.new
    done: list[bytes] = []
    reached = 0
    for number, hunk in enumerate(entry.hunks, start=1):
        where = f"line {hunk.line}: hunk {number} of {name}"
        if hunk.at < reached:
            raise diff_error(f"{where} begins before the end of the hunk above it")
        end = hunk.at + len(hunk.old)
        if end > len(lines):
            raise diff_error(f"{where} reaches line {end}; the file has {len(lines)}")
        for offset, wanted in enumerate(hunk.old):
            if lines[hunk.at + offset] != wanted:
                there = lines[hunk.at + offset]
                raise diff_error(
                    f"{where}: line {hunk.at + offset + 1} of the file is {there!r}, the diff says {wanted!r}"
                )
        # git takes a hunk without context after it only at the end of the file; so do we, to mean the same by it
        if not hunk.ends_in_context and end != len(lines):
            raise diff_error(f"{where} has no context after it and is not at the file's end; diff with context lines")
        done += lines[reached : hunk.at]
        done += hunk.new
        reached = end
    done += lines[reached:]
    if any(not line.endswith(b"\n") for line in done[:-1]):
        raise diff_error(f"line {entry.line}: {name}: a line without its end is not the last one")
    return b"".join(done)


def render_diff(patch: Patch) -> str:
    """The patch as `git diff` would print it: headers, three lines of context, `/dev/null` for created and deleted.

    Bytes that are not UTF-8 stand as lone surrogates: write it with `.encode("utf-8", "surrogateescape")`.
    `parse_diff` and `git apply` bring back the same bytes. Content with NUL bytes renders, and no one reads it back.
    Modes are not known here: new files are 100644.
    """
    parts: list[str] = []
    for change in patch.changes:
        old, new = quote(f"a/{change.path}"), quote(f"b/{change.path}")
        parts.append(f"diff --git {old} {new}\n")
        if change.before is None:
            parts.append("new file mode 100644\n")
        elif change.after is None:
            parts.append("deleted file mode 100644\n")
        hunks = list(_hunks(split_lines(change.before or b""), split_lines(change.after or b"")))
        if hunks:
            tab = "\t" if " " in change.path and not old.startswith('"') else ""  # git marks where such a name ends
            parts.append(f"--- {'/dev/null' if change.before is None else old + tab}\n")
            parts.append(f"+++ {'/dev/null' if change.after is None else new + tab}\n")
            parts.extend(hunks)
    return "".join(parts)


def _hunks(before: list[bytes], after: list[bytes]) -> Iterator[str]:
    """The hunks of one file, each with its first line."""
    edits: list[tuple[int, int, int, int]] = []  # before[i0:i1] becomes after[j0:j1]
    i, j = 0, 0
    for block_i, block_j, size in [*matching_blocks(before, after), (len(before), len(after), 0)]:
        if (i, j) != (block_i, block_j):
            edits.append((i, block_i, j, block_j))
        i, j = block_i + size, block_j + size
    while edits:
        size = 1
        while size < len(edits) and edits[size][0] - edits[size - 1][1] <= 2 * _CONTEXT:
            size += 1
        group, edits = edits[:size], edits[size:]
        first, last = max(group[0][0] - _CONTEXT, 0), min(group[-1][1] + _CONTEXT, len(before))
        body: list[str] = []
        at = first
        for i0, i1, j0, j1 in group:
            body += [_line(" ", line) for line in before[at:i0]]
            body += [_line("-", line) for line in before[i0:i1]]
            body += [_line("+", line) for line in after[j0:j1]]
            at = i1
        body += [_line(" ", line) for line in before[at:last]]
        new_first = group[0][2] - (group[0][0] - first)
        new_size = last - first + sum((j1 - j0) - (i1 - i0) for i0, i1, j0, j1 in group)
        yield f"@@ -{_range(first, last - first)} +{_range(new_first, new_size)} @@\n" + "".join(body)


def _range(first: int, size: int) -> str:
    start = first + bool(size)
    return str(start) if size == 1 else f"{start},{size}"


def _line(mark: str, line: bytes) -> str:
    text = mark + line.decode("utf-8", "surrogateescape")
    return text if text.endswith("\n") else text + "\n\\ No newline at end of file\n"
