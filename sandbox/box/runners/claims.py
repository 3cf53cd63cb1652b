"""Wrong claims, made by each of the means that checks have beside `assert`: one that is accepted has been replaced.

Looked up when they are made and not before, like the checks' own.
"""

from __future__ import annotations

import math
import unittest
from collections.abc import Callable

import pytest


class Case(unittest.TestCase):
    """Where the methods of unittest are looked up."""


def _raises_nothing() -> None:
    with pytest.raises(ValueError, match="x"):
        pass


def _warns_nothing() -> None:
    with pytest.warns(UserWarning, match="x"):
        pass


def _raises_nothing_in_unittest() -> None:
    with Case().assertRaises(ValueError):  # noqa: PT027
        pass


def _is_close() -> None:
    if not (pytest.approx(1.0) == 2.0 or math.isclose(1.0, 2.0)):
        raise AssertionError


WRONG: tuple[Callable[[], object], ...] = (
    _raises_nothing,
    _warns_nothing,
    _raises_nothing_in_unittest,
    _is_close,
    lambda: pytest.fail("wanted"),
    lambda: Case().assertEqual([1, 2], [1, 3]),  # noqa: PT009
    lambda: Case().assertTrue(0),  # noqa: PT009
    lambda: Case().assertIn(1, [2]),  # noqa: PT009
    lambda: Case().assertAlmostEqual(1.0, 2.0),  # noqa: PT009
)


def accepted_wrongly() -> bool:
    """Whether a wrong claim is accepted."""
    return any(_accepted(claim) for claim in WRONG)


def _accepted(claim: Callable[[], object]) -> bool:
    try:
        claim()
    except (AssertionError, pytest.fail.Exception):
        return False
    return True
