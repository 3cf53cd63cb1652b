"""How a table is written down."""

from __future__ import annotations

from dataclasses import dataclass

DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', "'")


class UnknownDialect(Exception):
    """The sample fits none of the dialects we know."""


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    quote: str = '"'
