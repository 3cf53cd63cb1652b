"""Working copies of a tree's files as text, while the edits of one reply are laid on them."""

from __future__ import annotations

from moa_code.core.patch import FileChange, Patch, patch_of
from moa_code.core.tree import Snapshot
from moa_code.edits.paths import path_faults
from moa_code.edits.policy import file_at

_BOM = "\ufeff"


class Pages:
    """The files of `tree` with the edits so far. Bytes that are not UTF-8 are lone surrogates in the text and survive.

    A byte order mark is kept out of the text, since no model writes one, and put back. The tree never changes.
    """

    def __init__(self, tree: Snapshot) -> None:
        self._tree = tree
        self._before: dict[str, bytes | None] = {}
        self._now: dict[str, str | None] = {}
        self._marked: set[str] = set()

    def text(self, path: str) -> str | None:
        """The file as it now stands; `None` where there is none, or where the path could not be one."""
        if path not in self._now:
            if path_faults(path):
                return None
            before = self._before[path] = file_at(self._tree, path)
            if before is None:
                self._now[path] = None
            else:
                text = before.decode("utf-8", "surrogateescape")
                if text.startswith(_BOM):
                    self._marked.add(path)
                self._now[path] = text.removeprefix(_BOM)
        return self._now[path]

    def write(self, path: str, text: str | None) -> None:
        """Lay down new text; `None` deletes the file."""
        self.text(path)
        self._now[path] = text

    def patch(self) -> Patch:
        """What has changed, no-ops left out."""
        return patch_of(
            *(FileChange(path=p, before=self._before.get(p), after=self._bytes(p, t)) for p, t in self._now.items())
        )

    def _bytes(self, path: str, text: str | None) -> bytes | None:
        if text is None:
            return None
        return ((_BOM if path in self._marked else "") + text).encode("utf-8", "surrogateescape")


def line_end(text: str) -> str:
    """The line end that most lines of `text` have; a line feed for text without any."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf * 2 > text.count("\n") else "\n"


def with_line_ends(text: str, like: str) -> str:
    """`text`, written with line feeds, in the line ends of `like` and with a last line that ends as its does."""
    text = text.rstrip("\n") + "\n" if text.strip("\n") else ""
    if like and not like.endswith("\n"):
        text = text.removesuffix("\n")
    return text.replace("\n", line_end(like))
