"""Learning on one half of the tasks: in which order to ask, how often each author's passes are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from pool_table import Line

from moa_code.core.profile import Posterior, Profile
from moa_code.models.families import family_of

SPLITS = 20
RATE_WEIGHT = 25.0
"""How many passes the mean rate of all authors is worth when one's is estimated: as in the shipped priors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One split. What is learnt comes from `train` alone."""

    number: int
    train: tuple[Line, ...]
    test: tuple[Line, ...]


def folds(lines: Sequence[Line], count: int = SPLITS, seed: int = 4) -> Iterator[Fold]:
    """Random halves, the same ones at every run."""
    for number in range(count):
        shuffled = list(lines)
        Random(f"{seed}:{number}").shuffle(shuffled)
        half = len(shuffled) // 2
        yield Fold(number=number, train=tuple(shuffled[:half]), test=tuple(shuffled[half:]))


def best_single(train: Sequence[Line], authors: Sequence[str]) -> str:
    """The author that is right most often; the first of equals."""
    return max(authors, key=lambda name: sum(line.cells[name].right for line in train))


def cascade_order(train: Sequence[Line], authors: Sequence[str]) -> tuple[str, ...]:
    """The order in which to ask until something passes: greedily the one after which most tasks are solved.

    A task is closed by the first pass, right or wrong. What is still open after an author counts a little, so that of
    two that solve as much the one with fewer wrong passes goes first.
    """
    left, open_, chosen = list(authors), list(train), []
    while left:
        best = max(left, key=lambda name: _gain(open_, name))
        chosen.append(best)
        left.remove(best)
        open_ = [line for line in open_ if not line.cells[best].passed]
    return tuple(chosen)


def _gain(lines: Sequence[Line], name: str) -> float:
    solved = sum(line.cells[name].passed and line.cells[name].right for line in lines)
    wrong = sum(line.cells[name].passed and not line.cells[name].right for line in lines)
    return solved - wrong


def profiles(train: Sequence[Line], authors: Sequence[str]) -> dict[str, Profile]:
    """What the half tells of each author. The shipped priors are left out: they were measured on this very pool."""
    passed = sum(line.cells[name].passed for line in train for name in authors)
    wrong = sum(line.cells[name].passed and not line.cells[name].right for line in train for name in authors)
    mean = (wrong + 1) / (passed + 2)
    found = {}
    for name in authors:
        passes = [line.cells[name] for line in train if line.cells[name].passed]
        bad = sum(not cell.right for cell in passes)
        rate = Posterior(alpha=mean * RATE_WEIGHT, beta=(1 - mean) * RATE_WEIGHT)
        solves = Posterior(alpha=1.0, beta=1.0)
        found[name] = Profile(
            family=family_of(name),
            false_accept=rate.after(wrong=bad, right=len(passes) - bad),
            solves=solves.after(wrong=len(passes), right=len(train) - len(passes)),
        )
    return found
