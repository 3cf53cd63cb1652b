"""How likely each behaviour that passes every visible check is the right one. Pure arithmetic, fitted to measurements.

Either one of the behaviours is right or none is. Each gets a score, none has score 0, and belief is its share of the
exponentials: a conditional logit. With one behaviour that is a logistic regression; with several they take belief
from each other and never sum above one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHARED = 0.5
"""What one more author of a family already heard is worth beside one of a new family: shared blind spots."""

MOST_SURE = 0.99
"""No belief is taken to be more than this, or less than the rest: the logit of a certainty has no end."""

# Mutants that stand for what is usual before any was tried: of five, four are noticed.
_USUAL_KILLED, _USUAL_TRIED = 4.0, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote something. `solves` is the share of tasks on which its answer is right, not only passes."""

    solves: float
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known when belief is asked for.

    `groups` are the behaviours that pass, each by its authors; those of one group answered alike on all fresh inputs.
    `failed` are the authors whose answer did not pass. Of `tried` small mutants of what passes, the checks notice
    `killed`; 0 of 0 where that was not measured.
    """

    groups: tuple[tuple[Author, ...], ...]
    failed: tuple[Author, ...] = ()
    killed: int = 0
    tried: int = 0

    def __post_init__(self) -> None:
        if not all(self.groups):
            raise ValueError("a behaviour without an author")
        if not 0 <= self.killed <= self.tried:
            raise ValueError(f"{self.killed} of {self.tried} mutants cannot have been noticed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a unit of each signal adds to a behaviour's score (log-odds against "none is right").

    `quality` weighs what its best author solves, `support` what its other authors solve, `failures` what those that
    failed solve (a strong author's failure says that the task is hard, a weak one's says little), `strength` the logit
    of the share of mutants noticed, against the usual one.
    """

    constant: float
    quality: float
    support: float
    failures: float
    strength: float

    def values(self) -> tuple[float, ...]:
        return (self.constant, self.quality, self.support, self.failures, self.strength)


# Fitted by `fit` on the recorded HumanEval answers: 12 sets of 164 tasks, visible are the asserts of the docstring,
# right is what passes the suite's own tests. Each task weighs four rows, over the first one to five answers in eight
# orders of asking: four random ones, four near the order of a ladder. Held out (20 halves of the tasks) the Brier score
# is 0.055; above 0.9 belief is right to a point, between 0.5 and 0.9 the truth is 6 to 17 points above it.
WEIGHTS = Weights(constant=-0.63, quality=4.27, support=0.67, failures=-0.48, strength=0.36)

# Where a fit begins and what it is drawn to: quality counts as it is, agreement helps, failures hurt.
PRIOR = Weights(constant=-1.0, quality=4.0, support=0.5, failures=-0.5, strength=0.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One situation to learn from: which of the groups turned out right, in their order, and what it weighs."""

    evidence: Evidence
    right: tuple[bool, ...]
    weight: float = 1.0

    def __post_init__(self) -> None:
        if len(self.right) != len(self.evidence.groups):
            raise ValueError(f"{len(self.right)} outcomes for {len(self.evidence.groups)} groups")


def beliefs(evidence: Evidence, weights: Weights = WEIGHTS) -> tuple[float, ...]:
    """The probability that each group is right, in the order of `evidence.groups`; their sum is below one."""
    return _shares([_score(signals, weights.values()) for signals in _signals(evidence)])


def alone_believed(belief: float, weights: Weights = WEIGHTS) -> float:
    """The share that an author would have to solve for its pass, with no other evidence, to be believed so much.

    It may be above 1: that is said of a search, whose passes are right more often than any model's first answer.
    """
    return (_logit(min(MOST_SURE, max(1.0 - MOST_SURE, belief))) - weights.constant) / weights.quality


def fit(rows: Iterable[Row], *, prior: Weights = PRIOR, hold: float = 2.0, steps: int = 50) -> Weights:
    """The weights under which what happened is likeliest, drawn to `prior` as by `hold` rows (Newton's method).

    Rows of one task are not independent: give them weights that sum to what a task is worth. Where several groups of a
    row are right, they share it.
    """
    start = prior.values()
    learnt = [(_signals(row.evidence), _wanted(row.right), row.weight) for row in rows if row.evidence.groups]
    weights = list(start)
    for _ in range(steps):
        slope, bend = _derivatives(learnt, weights)
        for i, (now, first) in enumerate(zip(weights, start, strict=True)):
            slope[i] -= hold * (now - first)
            bend[i][i] += hold
        step = _solved(bend, slope)
        longest = max(abs(value) for value in step)
        scale = min(1.0, 2.0 / longest) if longest else 1.0  # a long step of Newton's method may overshoot
        weights = [now + scale * value for now, value in zip(weights, step, strict=True)]
        if longest < 1e-9:
            break
    constant, quality, support, failures, strength = weights
    return Weights(constant=constant, quality=quality, support=support, failures=failures, strength=strength)


def brier(pairs: Iterable[tuple[float, bool]]) -> float:
    """The mean squared distance of beliefs from what came true: 0 is perfect, 0.25 what "one half" always gets.

    Raises `ValueError` for no pairs.
    """
    distances = [(belief - right) ** 2 for belief, right in pairs]
    if not distances:
        raise ValueError("no belief to score")
    return math.fsum(distances) / len(distances)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Beliefs from `low` to `high`: how many, their mean, and the share that came true."""

    low: float
    high: float
    count: int
    believed: float
    true: float


def reliability_bins(pairs: Iterable[tuple[float, bool]], count: int = 10) -> tuple[Bin, ...]:
    """The reliability diagram: bins of equal width that hold anything, lowest first."""
    if count < 1:
        raise ValueError(f"at least one bin is needed, got {count}")
    held: dict[int, list[tuple[float, bool]]] = {}
    for belief, right in pairs:
        held.setdefault(min(int(belief * count), count - 1), []).append((belief, right))
    return tuple(
        Bin(
            low=number / count,
            high=(number + 1) / count,
            count=len(inside),
            believed=math.fsum(belief for belief, _ in inside) / len(inside),
            true=sum(right for _, right in inside) / len(inside),
        )
        for number, inside in sorted(held.items())
    )


def _signals(evidence: Evidence) -> list[tuple[float, ...]]:
    """One row of numbers a group, in the order of `Weights.values`. Equal for all groups: the last two."""
    failures = math.fsum(author.solves for author in evidence.failed)
    noticed = (evidence.killed + _USUAL_KILLED) / (evidence.tried + _USUAL_TRIED)
    strength = _logit(noticed) - _logit(_USUAL_KILLED / _USUAL_TRIED)
    return [(1.0, max(a.solves for a in group), _support(group), failures, strength) for group in evidence.groups]


def _support(group: Sequence[Author]) -> float:
    """What all but the best of the group solve; less where the family was heard before."""
    best, *others = sorted(group, key=lambda author: -author.solves)
    heard, total = {best.family}, 0.0
    for author in others:
        total += author.solves * (SHARED if author.family in heard else 1.0)
        heard.add(author.family)
    return total


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _score(signals: Sequence[float], weights: Sequence[float]) -> float:
    return math.fsum(signal * weight for signal, weight in zip(signals, weights, strict=True))


def _shares(scores: Sequence[float]) -> tuple[float, ...]:
    """Exponentials over their sum, "none" with score 0 among them."""
    top = max([0.0, *scores])  # so that no exponential overflows
    heights = [math.exp(score - top) for score in scores]
    total = math.exp(-top) + math.fsum(heights)
    return tuple(height / total for height in heights)


def _wanted(right: Sequence[bool]) -> tuple[float, ...]:
    """What belief should have been: shared among those that are right, nothing where none is."""
    return tuple(one / max(1, sum(right)) for one in right)


_Learnt = Sequence[tuple[Sequence[Sequence[float]], Sequence[float], float]]


def _derivatives(learnt: _Learnt, weights: Sequence[float]) -> tuple[list[float], list[list[float]]]:
    """The slope of the log-likelihood and, with its sign turned, its curvature."""
    size = len(weights)
    slope = [0.0] * size
    bend = [[0.0] * size for _ in range(size)]
    for groups, wanted, weight in learnt:
        shares = _shares([_score(signals, weights) for signals in groups])
        middle = [math.fsum(p * s[i] for p, s in zip(shares, groups, strict=True)) for i in range(size)]
        for share, signals, aim in zip(shares, groups, wanted, strict=True):
            for i in range(size):
                slope[i] += weight * (aim - share) * signals[i]
                for j in range(size):
                    bend[i][j] += weight * share * signals[i] * signals[j]
        for i in range(size):
            for j in range(size):
                bend[i][j] -= weight * middle[i] * middle[j]
    return slope, bend


def _solved(matrix: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """`x` with `matrix · x = values`, by elimination; the matrix has an inverse (a prior holds every weight)."""
    rows = [[*row, value] for row, value in zip(matrix, values, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda at: abs(rows[at][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for at in range(size):
            if at != column:
                factor = rows[at][column] / rows[column][column]
                rows[at] = [a - factor * b for a, b in zip(rows[at], rows[column], strict=True)]
    return [rows[at][size] / rows[at][at] for at in range(size)]
