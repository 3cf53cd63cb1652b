"""Breaking paragraphs into lines, and filling the lines."""

from __future__ import annotations

from typeset.words import cut, width_of, words_of


def break_lines(text: str, width: int) -> list[list[str]]:
    """The words of `text` in lines of at most `width` columns, as many words in each as fit.

    A word that is wider than a whole line is cut by `cut`, and its pieces are then words like any other. A text
    without words has no lines.
    """
    raise NotImplementedError


def fill(words: list[str], width: int) -> str:
    """The words of one line stretched to exactly `width` columns.

    Between each two words stands at least one blank. The gaps differ by at most one blank, and the wider gaps are
    those further right. A single word is followed by blanks up to `width`. Raises `ValueError` when the words do not
    fit or there are none.
    """
    raise NotImplementedError


def justify(text: str, width: int) -> list[str]:
    """The paragraph as lines: all filled but the last, which has single blanks and nothing behind its last word."""
    raise NotImplementedError
