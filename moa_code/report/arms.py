"""Arms of a benchmark side by side: what each solved, at what cost, and what it was told to believe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from moa_code.report.table import Align, Style, percentile, proportion, render_table

_HEADERS = (
    "arm", "attempts", "right", "95 %", "stricter", "lost by choosing", "false accepts", "calls a task",
    "tokens a task", "$ a right one", "median s", "Brier",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One attempt of one arm. `right` None: not known. `any_right`: a candidate that passed was right, chosen or not.

    `belief` is the probability that the arm gave its own answer; None where it gave none.
    """

    arm: str
    verified: bool
    right: bool | None
    stricter: bool | None
    any_right: bool | None
    calls: int
    tokens: int
    cost_usd: float | None
    seconds: float
    belief: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Answers whose belief lay from `low` to `high`: how many, the mean belief, and the share that was right."""

    low: float
    high: float
    count: int
    believed: float
    right: float


def arms_table(results: Iterable[ArmResult], style: Style = Style.PLAIN) -> str:
    """One line an arm, in the order they come.

    "lost by choosing" counts attempts where a right candidate had passed and another one, or none, was chosen; "false
    accepts" are the share of verified answers that the hidden checks refuse.
    """
    by_arm: dict[str, list[ArmResult]] = {}
    for result in results:
        by_arm.setdefault(result.arm, []).append(result)
    rows = [(arm, *_figures(found)) for arm, found in by_arm.items()]
    return render_table(_HEADERS, rows, align=(Align.LEFT, *[Align.RIGHT] * (len(_HEADERS) - 1)), style=style)


def _figures(found: Sequence[ArmResult]) -> tuple[str, ...]:
    count = len(found)
    right = proportion([result.right for result in found])
    strict = [result.stricter for result in found]
    verified = [result for result in found if result.verified]
    wrong = sum(result.right is False for result in verified)
    lost = sum(bool(result.any_right) and not result.right for result in found)
    costs = [result.cost_usd for result in found]
    dollars = "unknown" if None in costs else "none right"
    if None not in costs and right.passed:
        dollars = f"{sum(cost or 0.0 for cost in costs) / right.passed:.4f}"
    score = brier([(result.belief, bool(result.right)) for result in found if result.belief is not None])
    return (
        str(count),
        f"{right.passed}" + (f" (+{right.unknown}?)" if right.unknown else ""),
        f"{right.low:.0%} to {right.high:.0%}",
        "-" if None in strict else str(sum(map(bool, strict))),
        "-" if all(result.any_right is None for result in found) else str(lost),
        f"{wrong} of {len(verified)}",
        f"{sum(result.calls for result in found) / count:.2f}",
        f"{sum(result.tokens for result in found) / count:.0f}",
        dollars,
        f"{percentile([result.seconds for result in found], 0.5):.1f}",
        "-" if score is None else f"{score:.3f}",
    )


def brier(answers: Sequence[tuple[float, bool]]) -> float | None:
    """Mean squared distance of belief from truth: 0 is perfect, 0.25 is saying 50 % always. None for no answers."""
    if not answers:
        return None
    return sum((belief - right) ** 2 for belief, right in answers) / len(answers)


def reliability(answers: Sequence[tuple[float, bool]], edges: Sequence[float]) -> tuple[Bin, ...]:
    """The answers by belief, in bins between neighbouring `edges`; empty bins are left out. The last edge is inside."""
    bins = []
    for low, high in pairwise(edges):
        inside = [(b, r) for b, r in answers if low <= b < high or (b == high == edges[-1])]
        if inside:
            count = len(inside)
            believed = sum(b for b, _ in inside) / count
            bins.append(
                Bin(low=low, high=high, count=count, believed=believed, right=sum(r for _, r in inside) / count)
            )
    return tuple(bins)


def reliability_table(bins: Iterable[Bin], style: Style = Style.PLAIN) -> str:
    """A reliability diagram in words: where belief and truth part, and on how many answers."""
    rows = [
        (f"{one.low:.2f} to {one.high:.2f}", str(one.count), f"{one.believed:.3f}", f"{one.right:.3f}") for one in bins
    ]
    return render_table(
        ("belief", "answers", "mean belief", "right"), rows, align=(Align.LEFT, *[Align.RIGHT] * 3), style=style
    )
