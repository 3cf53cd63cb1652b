"""Trials of proposers as columns of figures, one figure a task."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One author's go at one task. `right` None: not known. Two trials with equal `sample` saw the same run."""

    task_id: str
    author: str
    right: bool | None
    passed_visible: bool | None = None
    cost_usd: float | None = None
    tokens: float | None = None
    sample: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One task, one sample: who was right, who wrong, as sets of places in the list of authors."""

    right: int
    wrong: int
    weight: float  # 1 / how many samples the task has


def any_of(right: int, authors: int, size: int) -> float:
    """Chance that a team of `size`, drawn from `authors` of which `right` are right, has one that is."""
    return 1.0 - math.comb(authors - right, size) / math.comb(authors, size)


def mean(values: Sequence[float | None]) -> float | None:
    """None as soon as one is unknown, or where there is none."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def rows_by_task(trials: Sequence[Trial], authors: Sequence[str]) -> Mapping[str, Sequence[Row]]:
    """Rows by task. A task that nobody's result is known of is left out: it says nothing of anybody."""
    places = {author: place for place, author in enumerate(authors)}
    found: dict[str, dict[str, tuple[int, int]]] = {}
    seen: set[tuple[str, str, str]] = set()
    for trial in trials:
        key = trial.task_id, trial.sample, trial.author
        if key in seen:
            raise ValueError(f"{trial.author} has two trials of {trial.task_id} in the sample {trial.sample!r}")
        seen.add(key)
        if trial.right is None:
            continue
        samples = found.setdefault(trial.task_id, {})
        right, wrong = samples.get(trial.sample, (0, 0))
        bit = 1 << places[trial.author]
        samples[trial.sample] = (right | bit, wrong) if trial.right else (right, wrong | bit)
    return {
        task: [Row(right=right, wrong=wrong, weight=1 / len(samples)) for right, wrong in samples.values()]
        for task, samples in sorted(found.items())
    }


def growing_order(tasks: Sequence[Sequence[Row]], authors: Sequence[str], trials: Sequence[Trial]) -> tuple[int, ...]:
    """Authors, each adding most to those before it. Of equals, the cheaper one, then the more often right."""
    rows = [row for task in tasks for row in task]
    cost = [mean([t.cost_usd for t in trials if t.author == author]) or math.inf for author in authors]
    alone = [sum(row.weight for row in rows if row.right >> at & 1) for at in range(len(authors))]
    left, order, have = set(range(len(authors))), [], 0

    def rank(at: int) -> tuple[float, float, float, str]:
        gain = sum(row.weight for row in rows if row.right >> at & 1 and not row.right & have)
        return -round(gain, 9), cost[at], -alone[at], authors[at]

    while left:
        best = min(left, key=rank)
        order.append(best)
        left.remove(best)
        have |= 1 << best
    return tuple(order)


class Table:
    """Columns of one figure a task."""

    def __init__(self) -> None:
        self.columns: list[Sequence[float]] = []

    def add(self, column: Sequence[float]) -> int:
        self.columns.append(column)
        return len(self.columns) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatColumns:
    """Where one author's figures stand in the table: (least, most), or (part, whole)."""

    right: tuple[int, int]
    false_accept: tuple[int, int]
    only: tuple[int, int]
    part: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Fills the table, figure by figure; each method says where its columns stand."""

    tasks: Mapping[str, Sequence[Row]]
    authors: Sequence[str]
    trials: Sequence[Trial]
    table: Table
    seed: int

    def seat(self, at: int) -> SeatColumns:
        bit = 1 << at
        everybody = (1 << len(self.authors)) - 1
        others = everybody & ~bit
        tried = self._each(lambda row: float(bool((row.right | row.wrong) & bit)))
        right = self._each(lambda row: float(bool(row.right & bit)))
        only = self._each(lambda row: float(bool(row.right & bit) and row.wrong & others == others))
        maybe_only = self._each(lambda row: float(not row.wrong & bit and not row.right & others))
        passed, wrong_passes = self._passes(self.authors[at])

        def part(row: Row) -> float:
            unknown = len(self.authors) - (row.right | row.wrong).bit_count()
            return 1.0 / (row.right.bit_count() + unknown) if row.right & bit else 0.0

        def most_part(row: Row) -> float:
            return 0.0 if row.wrong & bit else 1.0 / (row.right | bit).bit_count()

        return SeatColumns(
            right=(right, tried),
            false_accept=(wrong_passes, passed),
            only=(only, maybe_only),
            part=(self._each(part), self._each(most_part)),
        )

    def unions(self) -> list[tuple[int, int]]:
        """For each size of a team, on average over teams."""
        count = len(self.authors)
        return [
            (
                self._each(lambda row, k=size: any_of(row.right.bit_count(), count, k)),  # type: ignore[misc]
                self._each(lambda row, k=size: any_of(count - row.wrong.bit_count(), count, k)),  # type: ignore[misc]
            )
            for size in range(1, count + 1)
        ]

    def team(self, members: Sequence[int]) -> tuple[int, int]:
        """Of these authors together."""
        bits = sum(1 << at for at in members)
        return (
            self._each(lambda row: float(bool(row.right & bits))),
            self._each(lambda row: float(row.wrong & bits != bits)),
        )

    def added(self) -> list[tuple[int, int]]:
        """What each author adds to those before it, in an order chosen without the task it is scored on."""
        names = list(self.tasks)
        Random(self.seed).shuffle(names)
        folds = min(_FOLDS, len(names))
        least: list[dict[str, float]] = [{} for _ in self.authors]
        most: list[dict[str, float]] = [{} for _ in self.authors]
        for fold in range(folds):
            scored = names[fold::folds]
            others = [self.tasks[name] for at, name in enumerate(names) if at % folds != fold]
            before = 0
            for at in growing_order(others, self.authors, self.trials):
                bit = 1 << at
                for name in scored:
                    rows = self.tasks[name]
                    least[at][name] = sum(
                        row.weight for row in rows if row.right & bit and row.wrong & before == before
                    )
                    most[at][name] = sum(row.weight for row in rows if not row.wrong & bit and not row.right & before)
                before |= bit
        return [
            (
                self.table.add([min(1.0, one[name]) for name in self.tasks]),
                self.table.add([min(1.0, two[name]) for name in self.tasks]),
            )
            for one, two in zip(least, most, strict=True)
        ]

    def pair(self, first: int, second: int) -> tuple[int, int, int, int]:
        """Both tried; of those the first wrong, the second wrong, both wrong."""
        one, two = 1 << first, 1 << second
        both = one | two

        def tried(row: Row) -> bool:
            return (row.right | row.wrong) & both == both

        return (
            self._each(lambda row: float(tried(row))),
            self._each(lambda row: float(tried(row) and bool(row.wrong & one))),
            self._each(lambda row: float(tried(row) and bool(row.wrong & two))),
            self._each(lambda row: float(row.wrong & both == both)),
        )

    def _passes(self, author: str) -> tuple[int, int]:
        """Visible passes whose rightness is known, and the wrong ones of them."""
        samples = {task: len(rows) for task, rows in self.tasks.items()}
        passed, wrong = dict.fromkeys(self.tasks, 0.0), dict.fromkeys(self.tasks, 0.0)
        for trial in self.trials:
            if trial.author == author and trial.passed_visible and trial.right is not None:
                passed[trial.task_id] += 1 / samples[trial.task_id]
                wrong[trial.task_id] += (not trial.right) / samples[trial.task_id]
        return (
            self.table.add([min(1.0, value) for value in passed.values()]),
            self.table.add([min(1.0, value) for value in wrong.values()]),
        )

    def _each(self, figure: Callable[[Row], float]) -> int:
        return self.table.add([min(1.0, sum(row.weight * figure(row) for row in rows)) for rows in self.tasks.values()])
