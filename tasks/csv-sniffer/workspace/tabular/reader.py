"""Reading a whole table."""

from __future__ import annotations

from tabular.dialect import Dialect
from tabular.sniff import has_header, sniff
from tabular.split import split_line


def read_table(text: str, dialect: Dialect | None = None) -> list[dict[str, str]]:
    """The rows of a table by column name; columns without a header are named column1, column2 and so on."""
    known = dialect or sniff(text)
    rows = [split_line(line, known) for line in text.splitlines() if line.strip()]
    if has_header(rows):
        names, rows = rows[0], rows[1:]
    else:
        names = [f"column{number}" for number in range(1, len(rows[0]) + 1)]
    return [dict(zip(names, row, strict=True)) for row in rows]
