"""Learning on one half of the tasks: in which order to ask, how often each author's passes are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from pool_cells import Line

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


WRONG = 0.6
"""What a pass that is wrong takes away from an author, when it is decided who is asked first."""

SHRINK = 16.0
"""How many tasks an author's overall share is worth beside the tasks that those before it leave open."""


def cascade_order(train: Sequence[Line], authors: Sequence[str]) -> tuple[str, ...]:
    """The order in which to ask until something passes.

    First the one that is right most often, its wrong passes counted against it; then, again and again, the one that
    does best on the training tasks which all before it fail visibly. Few are left there, so an author's share of them
    is drawn towards its share of all.
    """
    left, chosen, open_ = list(authors), list[str](), list(train)
    share = {name: _gain(train, name) / len(train) for name in authors}
    while left:
        best = max(left, key=lambda name: (_gain(open_, name) + SHRINK * share[name]) / (len(open_) + SHRINK))
        chosen.append(best)
        left.remove(best)
        open_ = [line for line in open_ if not line.cells[best].passed]
    return tuple(chosen)


def _gain(lines: Sequence[Line], name: str) -> float:
    """Right passes less wrong ones. Stricter grades count half, where there are any: who knows more, guesses less."""
    cells = [line.cells[name] for line in lines]
    strict = any(cell.plus for line in lines for cell in line.cells.values())

    def worth(right: bool) -> float:
        return 1.0 if right else -WRONG

    return sum((worth(c.right) + worth(c.plus if strict else c.right)) / 2 for c in cells if c.passed)


def fixed_cascade(train: Sequence[Line], authors: Sequence[str]) -> tuple[str, ...]:
    """The plain cascade that is the bar: greedily who solves most of what is left, as long as that is anything."""
    left, chosen, open_ = list(authors), list[str](), list(train)
    while left:
        best = max(left, key=lambda name: sum(line.cells[name].passed and line.cells[name].right for line in open_))
        if not any(line.cells[best].passed and line.cells[best].right for line in open_):
            break
        chosen.append(best)
        left.remove(best)
        open_ = [line for line in open_ if not line.cells[best].passed]
    return tuple(chosen)


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
