"""How different the errors of proposers are, and what each adds to the others.

Every figure is computed task by task and averaged over tasks, so that a task tried several times weighs once and an
interval is a bootstrap over tasks. Who was not asked about a task (a ladder stops early) counts neither way: then a
figure lies between `least`, had it failed, and `most`, had it been right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

from moa_code.report.intervals import Estimate, Resampled, middle
from moa_code.report.trials import Columns, Table, Trial, growing_order, mean, rows_by_task

LEAST_TASKS = 20
"""On fewer, nothing is said about anybody."""

LEAST_GAIN = 0.025
"""What a proposer must be able to add to be worth its seat: one task in forty. Below, its calls only take time."""


_PAIRS_AT_ONCE = 100  # of fifty authors' pairs the columns of all would fill the memory


class Standing(StrEnum):
    KEEP = "keep"
    DROP = "drop"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposer:
    """One author of a team. Shares are of all tasks, `right` is of those it tried.

    `false_accept` is the share of its visible passes that were wrong. `only` is the share of tasks that it alone is
    right on: the team with it minus the team without. `part` is its average share in what the team solves, over all
    orders of asking; the parts add up to the union. `adds` is what it adds to those that come before it, the order
    chosen on other tasks than those it is scored on; `place` is its place in that order on all tasks, from 1.
    `cost_usd` and `tokens` are of one trial; None where one is unknown. `tasks_per_usd` is `adds` by `cost_usd`.
    """

    author: str
    tried: int
    right: Estimate | None
    false_accept: Estimate | None
    only: Estimate
    part: Estimate
    adds: Estimate
    place: int
    cost_usd: float | None
    tokens: float | None
    tasks_per_usd: Estimate | None
    standing: Standing
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two authors on the tasks that both tried. `phi` of their errors, -1 to 1: None where one is never, or always,
    wrong. `both_wrong` is the double fault: the share that both are wrong on.
    """

    authors: tuple[str, str]
    tasks: int
    phi: float | None
    phi_low: float | None
    phi_high: float | None
    both_wrong: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """Share of tasks that any of `size` authors is right on: of all teams of that size on average, and of the best
    that grows by one author at a time. That `team` is chosen on these tasks, so its share is a little too high.
    """

    size: int
    any_of: Estimate
    team: tuple[str, ...]
    best: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """`proposers` in the order of `place`; `pairs` the most alike first."""

    tasks: int
    proposers: tuple[Proposer, ...]
    pairs: tuple[Pair, ...]
    unions: tuple[Union, ...]
    worth_usd: float | None


def diversity(
    trials: Sequence[Trial], *, worth_usd: float | None = None, seed: int = 0, resamples: int = 2_000
) -> Diversity:
    """All figures of a team. `worth_usd` is what one more solved task is worth, to be held against what trials cost.

    Raises `ValueError` when an author has two trials of the same task and sample.
    """
    authors = tuple(sorted({trial.author for trial in trials}))
    tasks = rows_by_task(trials, authors)
    order = growing_order(list(tasks.values()), authors, trials)
    table = Table()
    columns = Columns(tasks=tasks, authors=authors, trials=trials, table=table, seed=seed)
    sizes = columns.unions()
    best = [columns.team(order[: size + 1]) for size in range(len(order))]
    added = columns.added()
    seats = {author: columns.seat(place) for place, author in enumerate(authors)}
    drawn = Resampled(table.columns, seed=seed, resamples=resamples)
    proposers = []
    for place, author_at in enumerate(order, start=1):
        author = authors[author_at]
        mine = [trial for trial in trials if trial.author == author]
        adds = drawn.share(*added[author_at])
        cost = mean([trial.cost_usd for trial in mine])
        standing, reason = _standing(adds, cost, worth_usd, len(tasks))
        proposers.append(
            Proposer(
                author=author,
                tried=len({trial.task_id for trial in mine if trial.right is not None}),
                right=drawn.ratio(*seats[author].right),
                false_accept=drawn.ratio(*seats[author].false_accept),
                only=drawn.share(*seats[author].only),
                part=drawn.share(*seats[author].part),
                adds=adds,
                place=place,
                cost_usd=cost,
                tokens=mean([trial.tokens for trial in mine]),
                tasks_per_usd=_scaled(adds, 1.0 / cost) if cost else None,
                standing=standing,
                reason=reason,
            )
        )
    pairs: list[Pair] = []
    together = list(combinations(range(len(authors)), 2))
    for start in range(0, len(together), _PAIRS_AT_ONCE):
        some = Table()
        cells = [
            (authors[i], authors[j], replace(columns, table=some).pair(i, j))
            for i, j in together[start : start + _PAIRS_AT_ONCE]
        ]
        again = Resampled(some.columns, seed=seed, resamples=resamples)
        pairs += [_pair((one, two), again, where) for one, two, where in cells]
    return Diversity(
        tasks=len(tasks),
        proposers=tuple(proposers),
        pairs=tuple(sorted(pairs, key=lambda pair: (-(-2.0 if pair.phi is None else pair.phi), pair.authors))),
        unions=tuple(
            Union(
                size=size,
                any_of=drawn.share(*sizes[size - 1]),
                team=tuple(authors[at] for at in order[:size]),
                best=drawn.share(*best[size - 1]),
            )
            for size in range(1, len(order) + 1)
        ),
        worth_usd=worth_usd,
    )


def phi(together: float, first: float, second: float, of: float) -> float | None:
    """Correlation of two yes-or-no figures from how often both, the first, the second are true, of how many.

    None where one of them never changes. Yule 1912, J. R. Stat. Soc. 75:579.
    """
    spread = first * (of - first) * second * (of - second)
    if spread <= 0.0:
        return None
    return max(-1.0, min(1.0, (of * together - first * second) / math.sqrt(spread)))


def _pair(authors: tuple[str, str], drawn: Resampled, cells: tuple[int, int, int, int]) -> Pair:
    tried, first, second, both = (drawn.sum(cell) for cell in cells)
    found = phi(both, first, second, tried) if tried else None
    interval = None
    if found is not None:
        resampled = (phi(b, one, two, of) for of, one, two, b in drawn.cells(cells))
        interval = middle([math.nan if value is None else value for value in resampled])
    return Pair(
        authors=authors,
        tasks=round(tried),
        phi=found,
        phi_low=interval[0] if interval else None,
        phi_high=interval[1] if interval else None,
        both_wrong=drawn.ratio(cells[3], cells[0]),
    )


def _standing(adds: Estimate, cost_usd: float | None, worth_usd: float | None, tasks: int) -> tuple[Standing, str]:
    """Whether the interval of what a proposer adds lies above or below what it costs, and that in words."""
    price = cost_usd / worth_usd if cost_usd is not None and worth_usd else 0.0
    if tasks < LEAST_TASKS:
        return Standing.CANNOT_TELL, f"{tasks} tasks are too few"
    paid = f", more than the {100 * price:.1f} % it costs" if price >= 0.0005 else ""
    if adds.low > price:
        return Standing.KEEP, f"it adds at least {100 * adds.low:.1f} % of tasks{paid}"
    if adds.high < max(price, LEAST_GAIN):
        return Standing.DROP, f"it adds at most {100 * adds.high:.1f} % of tasks to those before it"
    return (
        Standing.CANNOT_TELL,
        f"it adds {100 * adds.low:.1f} to {100 * adds.high:.1f} % of tasks; {tasks} tasks do not say more",
    )


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    return Estimate(
        least=estimate.least * factor,
        most=estimate.most * factor,
        low=estimate.low * factor,
        high=estimate.high * factor,
    )
