"""Wrong claims, made by each of the means that checks have beside `assert`: one that is accepted has been replaced.

Looked up when they are made and not before, like the checks' own.
"""

from __future__ import annotations

import math
import unittest
from collections.abc import Callable

import hypothesis
import pytest
from hypothesis import strategies


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


PROPERTY_EXAMPLES = 30
PROPERTY_VALUES = 10  # distinct ones, of those examples; an honest run brings more than twenty


def property_accepted_wrongly() -> bool:
    """Whether Hypothesis lets a wrong property pass, or does not try as many examples as it is told."""
    seen: list[tuple[object, ...]] = []
    options = hypothesis.settings(
        max_examples=PROPERTY_EXAMPLES,
        phases=[hypothesis.Phase.generate],
        database=None,
        deadline=None,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    made = (strategies.integers(), strategies.lists(strategies.integers()), strategies.floats())

    def count(number: int, numbers: list[int], real: float) -> None:
        seen.append((number, numbers, real))

    def wrong(number: int) -> None:
        assert number != number

    options(hypothesis.given(*made)(count))()
    distinct = (len({repr(values[place]) for values in seen}) for place in range(len(made)))
    if len(seen) != PROPERTY_EXAMPLES or min(distinct, default=0) < PROPERTY_VALUES:
        return True
    return _accepted(options(hypothesis.given(made[0])(wrong)))


def _accepted(claim: Callable[[], object]) -> bool:
    try:
        claim()
    except (AssertionError, pytest.fail.Exception):
        return False
    return True
