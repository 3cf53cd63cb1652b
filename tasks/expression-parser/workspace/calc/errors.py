"""What can be wrong with an expression."""

from __future__ import annotations


class SyntaxFault(Exception):
    """The text is not an expression. `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at {position}")
        self.position = position


class UnknownName(Exception):
    """The expression uses a name that has no value."""
