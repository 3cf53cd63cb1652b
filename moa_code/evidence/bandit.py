"""Choosing between arms by Thompson sampling: each is tried as often as it may be the best. Pure but for the dice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

Name = TypeVar("Name")

PRIOR = 1.0  # pseudo-observations on either side: nothing is known of a new arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Scores in [0, 1] seen so far; `expected` is a guess made before any, worth `weight` observations."""

    scores: tuple[float, ...] = ()
    expected: float = 0.5
    weight: float = 2 * PRIOR

    @property
    def alpha(self) -> float:
        return max(1e-3, self.expected * self.weight) + sum(self.scores)

    @property
    def beta(self) -> float:
        return max(1e-3, (1.0 - self.expected) * self.weight) + sum(1.0 - score for score in self.scores)

    @property
    def mean(self) -> float:
        return self.alpha / (self.alpha + self.beta)


def thompson(arms: Sequence[tuple[Name, Arm]], rng: Random) -> Name:
    """The arm whose draw from its Beta posterior is the highest. Raises `ValueError` when there is none."""
    if not arms:
        raise ValueError("there is no arm to choose")
    drawn = [(rng.betavariate(arm.alpha, arm.beta), -place) for place, (_, arm) in enumerate(arms)]
    return arms[-max(drawn)[1]][0]
