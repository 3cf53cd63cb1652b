"""Reading a git-format unified diff, line by line: what it says, before anything is applied."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from moa_code.core.errors import TaskError
from moa_code.edits.paths import path_faults
from moa_code.edits.quoting import BadQuoting, unquote

_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(?: [^\n]*)?\n", re.ASCII)
_INDEX = re.compile(rb"index [0-9a-f]{4,64}\.\.[0-9a-f]{4,64}(?: (\d{6}))?\n")
_MAX_HEADER_BYTES = 10_000
_REGULAR = (b"100644", b"100755")


class DiffError(TaskError):
    """A diff that is not one, or does not apply exactly. The message names the line of the diff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """One hunk: 0-based index of its first old line, lines with their ends; `line` is where it stands in the diff."""

    line: int
    at: int
    old: list[bytes]
    new: list[bytes]
    ends_in_context: bool


@dataclass(slots=True, kw_only=True)
class Entry:
    """What the diff says about one file, while it is read. A `None` name is /dev/null."""

    line: int
    old: str | None = None
    new: str | None = None
    created: bool = False
    deleted: bool = False
    renamed: bool = False
    hunks: list[Hunk] = field(default_factory=list)
    grown: int = 0  # lines added less lines removed by the hunks so far


def diff_error(message: str) -> DiffError:
    return DiffError(message, remedy="git diff  # writes a diff that can be read here")


class DiffReader:
    """Goes through the lines of a diff once. `number` is 0-based here and 1-based in messages."""

    def __init__(self, lines: list[bytes], max_hunks: int) -> None:
        self.lines = lines
        self.number = 0
        self.hunks_left = max_hunks
        self.max_hunks = max_hunks

    def entries(self) -> list[Entry]:
        found: list[Entry] = []
        while self.number < len(self.lines):
            line = self.lines[self.number]
            if self.file_starts():
                found.append(self.entry())
            elif line.startswith(b"@@ -"):
                raise self.error("a hunk without a file before it")
            elif line.startswith((b"diff --cc ", b"diff --combined ")):
                raise self.error("a combined diff of a merge; diff against one parent")
            elif found and line == b"-- \n":
                return self.after_signature(found)
            elif found and line.strip():
                raise self.error(f"neither a file nor a hunk begins here: {_shown(line)}")
            else:
                self.number += 1
        return found

    def after_signature(self, found: list[Entry]) -> list[Entry]:
        while self.number < len(self.lines):
            if self.file_starts() or self.peek().startswith(b"@@ -"):
                raise self.error("another diff after the signature; give one at a time")
            self.number += 1
        return found

    def error(self, message: str) -> DiffError:
        return diff_error(f"line {self.number + 1}: {message}")

    def peek(self, ahead: int = 0) -> bytes:
        at = self.number + ahead
        return self.lines[at] if at < len(self.lines) else b""

    def file_starts(self) -> bool:
        if self.peek().startswith(b"diff --git "):
            return True
        return self.peek().startswith(b"--- ") and self.peek(1).startswith(b"+++ ") and self.peek(2).startswith(b"@@ ")

    def entry(self) -> Entry:
        entry = Entry(line=self.number + 1)
        header: tuple[str, str] | None = None
        git = self.peek().startswith(b"diff --git ")
        if git:
            header = self.header_names(self.peek()[len(b"diff --git ") :])
            self.number += 1
            header = self.extended(entry, header)
        if self.peek().startswith(b"--- "):
            self.names(entry, git=git)
            if header and any(
                name not in (None, said) for name, said in zip((entry.old, entry.new), header, strict=True)
            ):
                raise self.error(f"the names are not those of the `diff --git` line {entry.line}")
            while self.peek().startswith(b"@@ "):
                hunk = self.hunk(entry)
                entry.hunks.append(hunk)
                entry.grown += len(hunk.new) - len(hunk.old)
            if not entry.hunks:
                raise self.error("`+++` without a hunk after it")
        elif self.peek().startswith((b"GIT binary patch", b"Binary files ")):
            raise self.error("a binary patch; only text can be patched")
        elif header is None:
            raise self.error(f"the names in `diff --git` cannot be told apart: {_shown(self.lines[entry.line - 1])}")
        else:
            entry.old = None if entry.created else header[0]
            entry.new = None if entry.deleted else header[1]
        if entry.renamed is (entry.old == entry.new) and not entry.created and not entry.deleted:
            raise diff_error(f"line {entry.line}: {entry.old} to {entry.new}: renames need `rename from`, `rename to`")
        if not (entry.hunks or entry.created or entry.deleted or entry.renamed):
            raise diff_error(f"line {entry.line}: nothing is said about {entry.new}")
        return entry

    def header_names(self, text: bytes) -> tuple[str, str] | None:
        """The names of a `diff --git` line, or `None` if it can be cut in two in more ways than one."""
        text = text.removesuffix(b"\n")
        if len(text) > _MAX_HEADER_BYTES:
            raise self.error(f"{len(text)} bytes of file names")
        cuts = [m.start() for m in re.finditer(rb" (?=\"?b/)", text)]
        pairs = [(text[:cut], text[cut + 1 :]) for cut in cuts]
        whole = [p for p in pairs if all(n.startswith(b'"') == (n.endswith(b'"') and len(n) > 1) for n in p)]
        if len(whole) > 1:  # a name with ` b/` inside; without a rename both halves are the same
            whole = [p for p in whole if p[0][2:] == p[1][2:]]
        if len(whole) != 1:
            return None
        old, new = (self.name(n, prefix) for n, prefix in zip(whole[0], (b"a/", b"b/"), strict=True))
        return (old, new) if old is not None and new is not None else None

    def name(self, text: bytes, prefix: bytes) -> str | None:
        if text.endswith(b"\r"):
            raise self.error("the header ends in a carriage return; the diff's own lines must end in a line feed")
        if text.startswith(b'"'):
            try:
                text = unquote(text)
            except BadQuoting as wrong:
                raise self.error(f"{wrong}: {_shown(text)}") from wrong
        elif text == b"/dev/null":
            return None
        if not text.startswith(prefix):
            raise DiffError(
                f"line {self.number + 1}: {_shown(text)} lacks git's prefix: it does not start with {prefix.decode()}",
                remedy="git diff --src-prefix=a/ --dst-prefix=b/  # or: git config --unset diff.noprefix",
            )
        path = text[len(prefix) :].decode("utf-8", "surrogateescape")
        for _, message in path_faults(path):
            raise self.error(message)
        return path

    def extended(self, entry: Entry, header: tuple[str, str] | None) -> tuple[str, str] | None:
        """The names after reading the lines between `diff --git` and `---`."""
        renames: dict[bytes, str | None] = {}
        while True:
            line = self.peek()
            if line.startswith((b"old mode ", b"new mode ")):
                raise self.error("the file's mode would change; a patch here changes content alone")
            if line.startswith((b"copy from ", b"copy to ")):
                raise self.error("a copy; write the new file out")
            if line.startswith(b"new file mode "):
                if line != b"new file mode 100644\n":
                    raise self.error(f"only regular files can be created, not {_shown(line)}")
                entry.created = True
            elif line.startswith(b"deleted file mode "):
                if line.split()[-1] not in _REGULAR:
                    raise self.error(f"only regular files can be deleted, not {_shown(line)}")
                entry.deleted = True
            elif line.startswith((b"rename from ", b"rename to ")):
                key, _, name = line.removesuffix(b"\n")[len(b"rename ") :].partition(b" ")
                if key in renames:
                    raise self.error(f"`rename {key.decode()}` a second time; git would take the other")
                quoted = b'"a/' + name[1:] if name.startswith(b'"') else b"a/" + name
                renames[key] = self.name(quoted, b"a/")
                entry.renamed = True
            elif line.startswith(b"index "):
                index = _INDEX.fullmatch(line)
                if index is None or (index[1] is not None and index[1] not in _REGULAR):
                    raise self.error(f"not the index line of a regular file: {_shown(line)}")
            elif not line.startswith((b"similarity index ", b"dissimilarity index ")):
                break
            self.number += 1
        if entry.created + entry.deleted + entry.renamed > 1:
            raise self.error("a file is created, deleted or renamed, one of them")
        if not entry.renamed:
            return header
        old, new = renames.get(b"from"), renames.get(b"to")
        if len(renames) != 2 or old is None or new is None or header not in (None, (old, new)):
            raise self.error("`rename from` and `rename to` do not go with the `diff --git` line")
        return old, new

    def names(self, entry: Entry, *, git: bool) -> None:
        for attribute, mark, prefix in (("old", b"--- ", b"a/"), ("new", b"+++ ", b"b/")):
            line = self.peek()
            if not line.startswith(mark):
                raise self.error(f"`{mark.decode()}` is missing")
            text = line[len(mark) :].removesuffix(b"\n")
            text = text if text.startswith(b'"') else text.partition(b"\t")[0]
            setattr(entry, attribute, self.name(text, prefix))
            self.number += 1
        if not git:
            entry.created, entry.deleted = entry.old is None, entry.new is None
        if entry.created is not (entry.old is None) or entry.deleted is not (entry.new is None):
            raise self.error("/dev/null stands for the missing side of a new or deleted file, and only there")
        if entry.old is None and entry.new is None:
            raise self.error("both sides are /dev/null")

    def hunk(self, entry: Entry) -> Hunk:
        self.hunks_left -= 1
        if self.hunks_left < 0:
            raise self.error(f"more than {self.max_hunks} hunks")
        start, match = self.number, _HUNK.fullmatch(self.peek())
        if match is None:
            raise self.error(f"not a hunk's first line: {_shown(self.peek())}")
        old_from, new_from = int(match[1]), int(match[3])
        old_left, new_left = (int(n) if n is not None else 1 for n in (match[2], match[4]))
        if (old_left and not old_from) or (new_left and not new_from) or not old_left + new_left:
            raise self.error(f"impossible line numbers: {_shown(self.peek())}")
        at, new_at = old_from - bool(old_left), new_from - bool(new_left)
        if new_at != at + entry.grown:
            right = at + entry.grown + bool(new_left)
            raise self.error(f"the new line number should be {right}: {_shown(self.peek())}")
        old: list[bytes] = []
        new: list[bytes] = []
        last = b""
        changes = False
        self.number += 1
        while old_left or new_left:
            line = self.peek()
            mark = line[:1]
            if mark == b"\n":  # an empty context line whose space was stripped
                mark, line = b" ", b" \n"
            if not line.endswith(b"\n") or mark not in (b" ", b"-", b"+"):
                what = "the diff ends" if not line or not line.endswith(b"\n") else f"{_shown(line)} comes"
                raise self.error(
                    f"{what} inside the hunk of line {start + 1}: {old_left} old, {new_left} new lines left"
                )
            if mark != b"+":
                old_left -= 1
                old.append(line[1:])
            if mark != b"-":
                new_left -= 1
                new.append(line[1:])
            if old_left < 0 or new_left < 0:
                raise self.error(f"more lines than the hunk of line {start + 1} announces")
            last, changes = mark, changes or mark != b" "
            self.number += 1
            if self.peek().startswith(b"\\ "):
                for side in [old] * (mark != b"+") + [new] * (mark != b"-"):
                    side[-1] = side[-1][:-1]
                self.number += 1
        if not changes:
            raise diff_error(f"line {start + 1}: the hunk changes nothing")
        return Hunk(line=start + 1, at=at, old=old, new=new, ends_in_context=last == b" ")


def _shown(line: bytes) -> str:
    text = line.rstrip(b"\n").decode("utf-8", "backslashreplace")
    return ascii(text if len(text) <= 120 else text[:120] + "…")
