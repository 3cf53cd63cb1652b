"""Cutting text into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from calc.errors import SyntaxFault


class Kind(Enum):
    NUMBER = "number"
    NAME = "name"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True)
class Token:
    kind: Kind
    text: str
    position: int


_PATTERN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/^()]))")


def tokenize(text: str) -> list[Token]:
    """The tokens of `text`, closed by one of kind END."""
    tokens: list[Token] = []
    position = 0
    while text[position:].strip():
        match = _PATTERN.match(text, position)
        if match is None:
            rest = text[position:]
            raise SyntaxFault("unexpected character", position + len(rest) - len(rest.lstrip()))
        kind = Kind(match.lastgroup)
        tokens.append(Token(kind, match[kind.value], match.start(kind.value)))
        position = match.end()
    tokens.append(Token(Kind.END, "", len(text)))
    return tokens
