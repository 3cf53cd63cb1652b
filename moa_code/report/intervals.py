"""95 % intervals: a cluster bootstrap over tasks, many figures at once, and the wider of it and Wilson's."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from random import Random

from moa_code.report.table import percentile, wilson

RESAMPLES = 2_000
_UNIT = 1 << 32  # figures are summed as whole numbers of this size, so that thousands of tasks fit into 64 bits
_LOW, _HIGH = 0.025, 0.975


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval. Where something was not seen, it lies between `least` and `most`."""

    least: float
    most: float
    low: float
    high: float

    @property
    def exact(self) -> bool:
        return self.least == self.most


NOTHING = Estimate(least=0.0, most=1.0, low=0.0, high=1.0)
"""What is known of a share of no tasks."""


class Resampled:
    """Sums of the columns of a table, over tasks as they were and over tasks drawn with replacement.

    `columns` hold one figure from 0 to 1 a task. All of them are resampled together: one draw of tasks serves every
    column. The columns of a task are packed into one long integer, so that a sum of tasks is a sum of integers.
    """

    def __init__(self, columns: Sequence[Sequence[float]], *, seed: int, resamples: int = RESAMPLES) -> None:
        self.tasks = len(columns[0]) if columns else 0
        self._width = len(columns)
        self._rows = [_packed([column[task] for column in columns]) for task in range(self.tasks)]
        self._draws = [self._unpacked(total) for total in self._totals(seed, resamples)] if self.tasks else []
        self.sums = self._unpacked(sum(self._rows))

    def drawn(self, column: int) -> list[float]:
        """The column's sum in every resample."""
        return [draw[column] / _UNIT for draw in self._draws]

    def sum(self, column: int) -> float:
        return self.sums[column] / _UNIT

    def cells(self, columns: Sequence[int]) -> Iterator[tuple[float, ...]]:
        """Some columns' sums together, one tuple a resample."""
        if len(columns) < 2:
            raise ValueError("cells are of several columns; one alone is drawn()")
        take = itemgetter(*columns)
        return (tuple(value / _UNIT for value in take(draw)) for draw in self._draws)

    def share(self, least: int, most: int) -> Estimate:
        """The mean over tasks of a figure that lies between two columns."""
        if self.tasks == 0:
            return NOTHING
        whole = [float(self.tasks)] * len(self._draws)
        lowest = _wider(self.sum(least), float(self.tasks), self.drawn(least), whole)
        if least == most:
            return lowest
        highest = _wider(self.sum(most), float(self.tasks), self.drawn(most), whole)
        return Estimate(least=lowest.least, most=highest.most, low=lowest.low, high=highest.high)

    def ratio(self, part: int, whole: int) -> Estimate | None:
        """One column's sum by another's, of which it is a part; None where there is no whole."""
        if self.tasks == 0 or self.sum(whole) == 0:
            return None
        return _wider(self.sum(part), self.sum(whole), self.drawn(part), self.drawn(whole))

    def _totals(self, seed: int, resamples: int) -> Iterator[int]:
        random = Random(seed)
        for _ in range(resamples):
            yield sum(random.choices(self._rows, k=self.tasks))

    def _unpacked(self, total: int) -> array[int]:
        values: array[int] = array("Q")
        values.frombytes(total.to_bytes(8 * self._width, sys.byteorder))
        return values if sys.byteorder == "little" else array("Q", reversed(values))


def middle(values: Sequence[float]) -> tuple[float, float] | None:
    """The 2.5th and the 97.5th percentile of those that are numbers; None when none is."""
    known = [value for value in values if not math.isnan(value)]
    return (percentile(known, _LOW), percentile(known, _HIGH)) if known else None


def _wider(part: float, whole: float, parts: Sequence[float], wholes: Sequence[float]) -> Estimate:
    """The wider of bootstrap and Wilson's: of nothing in 160 tasks a bootstrap would say "never"."""
    share = min(part / whole, 1.0)
    drawn = middle([a / b if b else math.nan for a, b in zip(parts, wholes, strict=True)]) or (0.0, 1.0)
    low, high = wilson(share * whole, whole)
    return Estimate(
        least=share, most=share, low=max(0.0, min(low, drawn[0], share)), high=min(1.0, max(high, drawn[1], share))
    )


def _packed(values: Sequence[float]) -> int:
    total = 0
    for value in reversed(values):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"a figure of a task lies between 0 and 1, got {value}")
        total = (total << 64) | round(value * _UNIT)
    return total
