"""Splitting one line into fields."""

from __future__ import annotations

from tabular.dialect import Dialect


def split_line(line: str, dialect: Dialect) -> list[str]:
    """The fields of a line. Inside quotes a delimiter is text, and a doubled quote stands for one.

    A quote opens a quoted field only as the field's first character. Raises `ValueError` for one that is never closed.
    """
    fields: list[str] = []
    current: list[str] = []
    quoted = False
    position = 0
    while position < len(line):
        char = line[position]
        if quoted:
            if char != dialect.quote:
                current.append(char)
            elif line[position + 1 : position + 2] == dialect.quote:
                current.append(char)
                position += 1
            else:
                quoted = False
        elif char == dialect.delimiter:
            fields.append("".join(current))
            current = []
        elif char == dialect.quote and not current:
            quoted = True
        else:
            current.append(char)
        position += 1
    if quoted:
        raise ValueError(f"a quote is never closed in {line!r}")
    fields.append("".join(current))
    return fields
