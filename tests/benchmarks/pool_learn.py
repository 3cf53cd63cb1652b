"""What `auto` learns from a training half: whom to ask in which order, each author's rates, where to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean

from pool_folds import Fold, best_single, cascade_order, profiles
from pool_judge import RememberingJudge
from pool_play import COMBINE, play
from pool_table import Line

from moa_code.core.profile import Profile
from moa_code.core.run import Members
from moa_code.engine.engine import Policy
from moa_code.policies import auto

THRESHOLDS = (0.0, 0.8, 0.85, 0.9, 0.95)
MOST_CALLS = 1.25
MOST_STRONG = 0.15
MOST_FAILURES = 4
MOST_OPINIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """`order` without the strong author; `members` and `auto` are the ladder as it was tuned."""

    best: str
    order: tuple[str, ...]
    profiles: Mapping[str, Profile]
    members: Members
    auto: Policy


async def learn(fold: Fold, authors: tuple[str, ...], strong: str, judge: RememberingJudge, *, tuned: bool) -> Learnt:
    """Everything from `fold.train` alone. Without `tuned` the threshold is the shipped one."""
    everybody = (*authors, *([strong] if strong else []))
    order = cascade_order(fold.train, authors)
    known = profiles(fold.train, everybody)
    members = Members(proposers=order, aggregator=COMBINE, strong=strong, profiles=known)
    ladder = auto.Ladder(threshold=await _threshold(fold.train, members, judge) if tuned else 0.95)
    return Learnt(
        best=best_single(fold.train, authors),
        order=order,
        profiles=known,
        members=members,
        auto=_policy(ladder.threshold),
    )


def _policy(threshold: float) -> Policy:
    ladder = auto.Ladder(
        threshold=threshold,
        entry="cheap",
        singles=99,
        most_failures=MOST_FAILURES,
        most_opinions=MOST_OPINIONS,
    )
    return partial(auto.next_steps, ladder=ladder)


async def _threshold(train: Sequence[Line], members: Members, judge: RememberingJudge) -> float:
    """The threshold with which most training tasks are solved within the budget of calls, and of strong ones."""
    best, most = THRESHOLDS[0], -1.0
    for threshold in THRESHOLDS:
        played = [await play(line, _policy(threshold), members, judge) for line in train]
        calls = mean(one.calls for one in played)
        strong = mean(members.strong in one.asked for one in played) if members.strong else 0.0
        within = strong <= MOST_STRONG if members.strong else calls <= MOST_CALLS
        right = sum(one.right for one in played) - 0.1 * calls
        if within and right > most:
            best, most = threshold, right
    return best
