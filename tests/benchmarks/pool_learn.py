"""What `auto` learns from a training half: the order of asking, rates, the weights of belief, where to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from statistics import mean

from pool_cells import Line
from pool_folds import Fold, best_single, cascade_order, profiles
from pool_judge import RememberingJudge
from pool_play import COMBINE, play

from moa_code.core.profile import Profile
from moa_code.core.run import Members
from moa_code.engine.engine import Policy
from moa_code.evidence.belief import WEIGHTS, Author, Evidence, Row, Weights, fit
from moa_code.policies import auto

THRESHOLDS = (0.0, *(round(0.9 + 0.005 * step, 3) for step in range(20)))
STRONG_BELOW = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9)
SURE = 0.97
AFTER_FAILURE = 0.0
SHUFFLES = 2
MOST_ASKED = 3
MOST_CALLS = 1.25
MOST_STRONG = 0.14
MOST_FAILURES = 5
MOST_OPINIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """`order` without the strong author; `members` and `auto` are the ladder as it was tuned."""

    best: str
    order: tuple[str, ...]
    profiles: Mapping[str, Profile]
    members: Members
    auto: Policy


async def learn(
    fold: Fold,
    authors: tuple[str, ...],
    strong: str,
    judge: RememberingJudge,
    *,
    tuned: bool,
    most_strong: float = MOST_STRONG,
) -> Learnt:
    """Everything from `fold.train` alone. Without `tuned` the ladder is left as it ships, and is not to be used."""
    everybody = (*authors, *([strong] if strong else []))
    order = cascade_order(fold.train, authors)
    known = profiles(fold.train, everybody)
    members = Members(proposers=order, aggregator=COMBINE, strong=strong, profiles=known)
    policy = _policy(0.95, WEIGHTS)
    if tuned:
        orders = (everybody if strong else order, *(_shuffled(everybody, number) for number in range(SHUFFLES)))
        rows = [row for line in fold.train for row in await _rows(line, orders, known, judge)]
        policy = await _tuned(fold.train, members, fit(rows), judge, most_strong)
    return Learnt(best=best_single(fold.train, authors), order=order, profiles=known, members=members, auto=policy)


def _shuffled(names: Sequence[str], number: int) -> tuple[str, ...]:
    return tuple(Random(f"order {number}").sample(list(names), len(names)))


async def _rows(
    line: Line, orders: Sequence[Sequence[str]], known: Mapping[str, Profile], judge: RememberingJudge
) -> list[Row]:
    """Situations on one task after the first, second … answer of each order; together they weigh one task."""
    found = []
    for names in orders:
        for asked in range(1, MOST_ASKED + 1):
            row = await _situation(line, names[:asked], known, judge)
            if row is not None:
                found.append(row)
    return [replace(row, weight=1.0 / len(found)) for row in found]


async def _situation(
    line: Line, asked: Sequence[str], known: Mapping[str, Profile], judge: RememberingJudge
) -> Row | None:
    """What is known once these were asked; None where nothing passes."""
    passing = [name for name in asked if line.cells[name].passed]
    if not passing:
        return None
    groups = await judge.groups(line, tuple(passing))
    killed, tried = judge.strength_known(line, tuple(passing))
    authors = {
        name: Author(solves=known[name].solves.mean * (1.0 - known[name].false_accept.mean), family=known[name].family)
        for name in asked
    }
    evidence = Evidence(
        groups=tuple(tuple(authors[name] for name in group) for group in groups),
        failed=tuple(authors[name] for name in asked if name not in passing),
        killed=killed,
        tried=tried,
    )
    return Row(evidence=evidence, right=tuple(line.cells[group[0]].right for group in groups))


def _policy(threshold: float, weights: Weights, strong_below: float | None = None) -> Policy:
    ladder = auto.Ladder(
        threshold=threshold,
        entry="cheap",
        singles=99,
        most_failures=MOST_FAILURES,
        most_opinions=MOST_OPINIONS if strong_below is None else None,
        weights=weights,
        after_failure=AFTER_FAILURE if strong_below is None else None,
        strong_below=strong_below,
        other_family_first=False,
        measure_first=True,
        most_alike=MOST_FAILURES,
    )
    return partial(auto.next_steps, ladder=ladder)


async def _tuned(
    train: Sequence[Line], members: Members, weights: Weights, judge: RememberingJudge, most_strong: float
) -> Policy:
    """The ladder with the largest threshold within the budget: of calls, or of tasks on which the strong one is asked.

    Not the one that solves most of the half: on so few tasks that is chance. With a strong author the cheap ones are
    asked until belief is high, and it is asked where that leaves belief low.
    """
    if not members.strong:
        tried = [_policy(threshold, weights) for threshold in THRESHOLDS]
    elif most_strong >= 1.0:
        return _policy(SURE, weights)
    else:
        tried = [_policy(SURE, weights, below) for below in STRONG_BELOW]
    best = tried[0]
    for policy in tried:
        played = [await play(line, policy, members, judge) for line in train]
        calls = mean(one.calls for one in played)
        strong = mean(members.strong in one.asked for one in played) if members.strong else 0.0
        if (strong > most_strong) if members.strong else (calls > MOST_CALLS):
            break
        best = policy
    return best
