"""Guessing how a table is written down."""

from __future__ import annotations

from tabular.dialect import DELIMITERS, QUOTES, Dialect, UnknownDialect
from tabular.split import split_line


def sniff(sample: str) -> Dialect:
    """The dialect in which the lines of `sample` make the most even table.

    Blank lines do not count. A dialect fits when every line can be split by `split_line` and all lines have the same
    number of fields, at least two. Of several that fit, the one with the most fields wins; of equals the earlier
    delimiter of `DELIMITERS`, then the earlier quote of `QUOTES`. Raises `UnknownDialect` when none fits or there is no
    line.
    """
    raise NotImplementedError


def has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns.

    It does when it holds no number and no empty field, and at least one column below it holds numbers only. Below
    means in the other rows, of which there must be at least one. A number is what `float` accepts.
    """
    raise NotImplementedError
