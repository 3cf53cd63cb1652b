"""Breaking paragraphs into lines, and filling the lines."""

from __future__ import annotations

from typeset.words import cut, width_of, words_of


def break_lines(text: str, width: int) -> list[list[str]]:
    """The words of `text` in lines of at most `width` columns, as many words in each as fit.

    A word that is wider than a whole line is cut by `cut`, and its pieces are then words like any other. A text
    without words has no lines.
    """
    lines: list[list[str]] = []
    for piece in (piece for word in words_of(text) for piece in cut(word, width)):
        if lines and width_of([*lines[-1], piece]) <= width:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return lines


def fill(words: list[str], width: int) -> str:
    """The words of one line stretched to exactly `width` columns.

    Between each two words stands at least one blank. The gaps differ by at most one blank, and the wider gaps are
    those further right. A single word is followed by blanks up to `width`. Raises `ValueError` when the words do not
    fit or there are none.
    """
    if not words or width_of(words) > width:
        raise ValueError(f"{words} do not fit into {width} columns")
    gaps = len(words) - 1
    if gaps == 0:
        return words[0].ljust(width)
    narrow, wider = divmod(width - sum(len(word) for word in words), gaps)
    line = words[0]
    for index, word in enumerate(words[1:]):
        line += " " * (narrow + (index >= gaps - wider)) + word
    return line


def justify(text: str, width: int) -> list[str]:
    """The paragraph as lines: all filled but the last, which has single blanks and nothing behind its last word."""
    lines = break_lines(text, width)
    return [fill(words, width) for words in lines[:-1]] + [" ".join(words) for words in lines[-1:]]
