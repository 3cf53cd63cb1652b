"""What a policy did over all folds: solved, calls, share of the headroom, calibration, and why it lost what it lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

from pool_cells import Line
from pool_folds import Fold
from pool_play import Played

from moa_code.report.arms import brier


@dataclass(kw_only=True)
class Score:
    """One policy, one entry a fold in each list; figures are per fold of `tasks` tasks.

    `single` and `oracle` are what the headroom lies between: the best author alone, chosen on the training half, and
    how many tasks anybody solves.
    """

    name: str
    right: list[float] = field(default_factory=list)
    plus: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    strong: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)
    oracle: list[float] = field(default_factory=list)
    answers: list[tuple[float, bool]] = field(default_factory=list)
    verified: int = 0
    false: int = 0
    uncovered: int = 0
    unasked: int = 0
    misjudged: int = 0
    tasks: int = 0

    def add(
        self, played: Sequence[Played], fold: Fold, single: float, authors: Sequence[str], strong: str = ""
    ) -> None:
        """One fold: what was played on its test half."""
        self.right.append(sum(one.right for one in played))
        self.plus.append(sum(one.plus for one in played))
        self.calls.append(mean(one.calls for one in played))
        self.strong.append(mean(strong in one.asked for one in played) if strong else 0.0)
        self.single.append(single)
        self.oracle.append(solvable(fold.test, authors))
        self.answers += [(one.belief, one.right) for one in played if one.belief is not None]
        self.verified += sum(one.verified for one in played)
        self.false += sum(one.verified and not one.right for one in played)
        self.tasks += len(played)
        lines = {line.task_id: line for line in fold.test}
        for one in played:
            if one.right:
                continue
            if not any(lines[one.task_id].cells[name].right for name in authors):
                self.uncovered += 1
            elif one.oracle:
                self.misjudged += 1
            else:
                self.unasked += 1

    @property
    def headroom(self) -> float:
        """(selected - best single) / (oracle - best single), of the means over folds."""
        return (mean(self.right) - mean(self.single)) / (mean(self.oracle) - mean(self.single))

    @property
    def brier(self) -> float | None:
        return brier(self.answers)

    @property
    def spread(self) -> float:
        return stdev(self.right) if len(self.right) > 1 else 0.0

    def row(self, *, strong: bool = False) -> tuple[str, ...]:
        found = (
            self.name,
            f"{mean(self.right):.2f} ± {self.spread:.1f}",
            f"{mean(self.plus):.2f}",
            f"{mean(self.calls):.2f}",
            f"{self.headroom:.0%}",
            "-" if self.brier is None else f"{self.brier:.3f}",
            f"{self.false / self.verified:.1%}" if self.verified else "-",
        )
        return (*found, f"{mean(self.strong):.0%}") if strong else found

    def losses(self) -> tuple[str, ...]:
        """How many of all attempts failed for which reason, a fold."""
        folds = len(self.right)
        lost = (self.uncovered, self.unasked, self.misjudged)
        return (self.name, *(f"{count / folds:.2f}" for count in lost))


HEADERS = ("policy", "right", "HumanEval+", "calls a task", "headroom", "Brier", "false accepts")
LOSSES = ("policy", "nobody is right", "who is right was not asked", "asked, and another one was chosen")


def solvable(lines: Sequence[Line], authors: Sequence[str]) -> int:
    """Tasks that some author's answer is right for."""
    return sum(any(line.cells[name].right for name in authors) for line in lines)


def count(lines: Sequence[Line], author: str, what: Callable[[Line], bool] | None = None) -> int:
    """Tasks that this author is right on, of those where `what` holds."""
    return sum(line.cells[author].right for line in lines if what is None or what(line))
