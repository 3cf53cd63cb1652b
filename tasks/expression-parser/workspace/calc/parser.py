"""Building a tree by precedence climbing."""

from __future__ import annotations

from calc.errors import SyntaxFault
from calc.tokens import Kind, Token, tokenize
from calc.tree import Binary, Expression, Name, Number

STRENGTH = {"+": 1, "-": 1, "*": 1, "/": 2, "^": 3}


class Parser:
    """Reads a list of tokens from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def parse(self) -> Expression:
        tree = self._expression(1)
        if self._peek.kind is not Kind.END:
            raise SyntaxFault(f"unexpected {self._peek.text!r}", self._peek.position)
        return tree

    @property
    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._peek
        self._next += 1
        return token

    def _expression(self, weakest: int) -> Expression:
        """A run of operators that bind at least as tightly as `weakest`."""
        left = self._operand()
        while self._peek.kind is Kind.SIGN and STRENGTH.get(self._peek.text, 0) >= weakest:
            sign = self._take().text
            right = self._expression(STRENGTH[sign])
            left = Binary(sign, left, right)
        return left

    def _operand(self) -> Expression:
        token = self._take()
        if token.kind is Kind.NUMBER:
            return Number(float(token.text))
        if token.kind is Kind.NAME:
            return Name(token.text)
        if token.text == "(":
            inner = self._expression(0)
            self._take()
            return inner
        raise SyntaxFault("expected a number, a name or a parenthesis", token.position)


def parse(text: str) -> Expression:
    """The tree of `text`. Raises `SyntaxFault`."""
    return Parser(tokenize(text)).parse()
