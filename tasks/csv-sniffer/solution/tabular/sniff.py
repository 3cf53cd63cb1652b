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
    lines = [line for line in sample.splitlines() if line.strip()]
    best, most = None, 1
    for delimiter in DELIMITERS:
        for quote in QUOTES:
            dialect = Dialect(delimiter, quote)
            fields = _fields(lines, dialect)
            if fields > most:
                best, most = dialect, fields
    if best is None:
        raise UnknownDialect(f"no known delimiter splits {len(lines)} lines evenly")
    return best


def _fields(lines: list[str], dialect: Dialect) -> int:
    """How many fields every line has, or 0 when the lines differ or cannot be split."""
    try:
        counts = {len(split_line(line, dialect)) for line in lines}
    except ValueError:
        return 0
    return counts.pop() if len(counts) == 1 else 0


def has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns.

    It does when it holds no number and no empty field, and at least one column below it holds numbers only. Below
    means in the other rows, of which there must be at least one. A number is what `float` accepts.
    """
    if len(rows) < 2:
        return False
    first, *others = rows
    if any(not field or _is_number(field) for field in first):
        return False
    return any(all(_is_number(field) for field in column) for column in zip(*others))


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
