"""Words and their width."""

from __future__ import annotations


def words_of(text: str) -> list[str]:
    """The words of a text, without the blanks around them."""
    return text.split()


def width_of(words: list[str]) -> int:
    """Columns that the words take with one blank between each two."""
    return sum(len(word) for word in words) + max(len(words) - 1, 0)


def cut(word: str, width: int) -> list[str]:
    """A word in pieces that fit into `width` columns, each but the last ending in a hyphen. `width` is at least 2."""
    if width < 2:
        raise ValueError(f"a column must be at least 2 wide, got {width}")
    pieces = []
    while len(word) > width:
        pieces.append(word[: width - 1] + "-")
        word = word[width - 1 :]
    pieces.append(word)
    return pieces
