"""Figures of a benchmark run, and tables to show them in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class Style(StrEnum):
    PLAIN = "plain"  # columns held together by spaces, for terminals
    MARKDOWN = "markdown"


class Align(StrEnum):
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One task of a benchmark run. `None`: not known, because our side broke; counted neither way, never left out.

    `candidates` is how many were judged; `seconds` is wall clock from start to end of the run.
    """

    task_id: str
    visible_passed: bool | None
    held_out_passed: bool | None
    candidates: int
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """`passed` of `total`, of which `unknown` could be either. `low` and `high` are 95 % Wilson bounds.

    The bounds take all unknown ones for failed (`low`) and for passed (`high`), so the denominator never shrinks.
    """

    passed: int
    unknown: int
    total: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median, 95th percentile and sum of some figures; all `None` when there are none."""

    median: float | None
    p95: float | None
    total: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    tasks: int
    visible: Proportion
    held_out: Proportion
    candidates: Spread
    seconds: Spread


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie, interpolated linearly between the two nearest.

    Definition 7 of Hyndman and Fan 1996, the default of most software. Raises `ValueError` for no values.
    """
    if not values:
        raise ValueError("no values have no percentile")
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, got {share}")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def wilson(passed: float, total: float, z: float = 1.959964) -> tuple[float, float]:
    """Score interval for a proportion; `z` is the normal quantile, 95 % by default. (0, 1) when `total` is 0.

    Wilson 1927, J. Am. Stat. Assoc. 22:209. Unlike the textbook interval it stays inside 0 and 1 and does not shrink to
    a point when all or none passed. Raises `ValueError` unless 0 <= passed <= total.
    """
    if not 0 <= passed <= total:
        raise ValueError(f"{passed} of {total} is no proportion")
    if total == 0:
        return 0.0, 1.0
    share = passed / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low = 0.0 if passed == 0 else centre - half
    high = 1.0 if passed == total else centre + half
    return low, high


def proportion(outcomes: Sequence[bool | None]) -> Proportion:
    """How many are true, with bounds that allow for the unknown ones."""
    passed = sum(outcome is True for outcome in outcomes)
    unknown = sum(outcome is None for outcome in outcomes)
    total = len(outcomes)
    return Proportion(
        passed=passed,
        unknown=unknown,
        total=total,
        low=wilson(passed, total)[0],
        high=wilson(passed + unknown, total)[1],
    )


def spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread(median=None, p95=None, total=None)
    return Spread(median=percentile(values, 0.5), p95=percentile(values, 0.95), total=math.fsum(values))


def summarise(rows: Sequence[Row]) -> Summary:
    """The figures of a whole run."""
    return Summary(
        tasks=len(rows),
        visible=proportion([row.visible_passed for row in rows]),
        held_out=proportion([row.held_out_passed for row in rows]),
        candidates=spread([row.candidates for row in rows]),
        seconds=spread([row.seconds for row in rows]),
    )


def render_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    align: Sequence[Align] = (),
    style: Style = Style.PLAIN,
) -> str:
    """A table as text, without a newline at its end. Columns beyond `align` stand left.

    Raises `ValueError` when a row has not as many cells as there are headers.
    """
    for row in rows:
        if len(row) != len(headers):
            raise ValueError(f"a row of {len(row)} cells in a table of {len(headers)} columns: {list(row)}")
    sides = [*align, *[Align.LEFT] * (len(headers) - len(align))]
    cells = [[_cell(cell, style) for cell in row] for row in (headers, *rows)]
    narrowest = 0 if style is Style.PLAIN else 2  # a right-aligned rule is a dash and a colon
    widths = [max(narrowest, *(len(row[column]) for row in cells)) for column in range(len(headers))]
    lines = [
        [
            cell.rjust(width) if side is Align.RIGHT else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        ]
        for row in cells
    ]
    match style:
        case Style.PLAIN:
            rule = ["-" * width for width in widths]
            return "\n".join("  ".join(line).rstrip() for line in [lines[0], rule, *lines[1:]])
        case Style.MARKDOWN:
            rule = [_rule(width, side) for width, side in zip(widths, sides, strict=True)]
            return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])
        case _:
            assert_never(style)


def task_table(rows: Sequence[Row], style: Style = Style.PLAIN) -> str:
    """One line a task, in the order given."""
    return render_table(
        ("task", "visible", "held out", "candidates", "seconds", "note"),
        [
            (
                row.task_id,
                _outcome(row.visible_passed),
                _outcome(row.held_out_passed),
                str(row.candidates),
                f"{row.seconds:.1f}",
                row.note,
            )
            for row in rows
        ],
        align=(Align.LEFT, Align.LEFT, Align.LEFT, Align.RIGHT, Align.RIGHT, Align.LEFT),
        style=style,
    )


def summary_table(summary: Summary, style: Style = Style.PLAIN) -> str:
    """The figures of a run, one line each."""
    return render_table(
        ("figure", "value"),
        [
            ("tasks", str(summary.tasks)),
            ("visible checks pass", _shown_proportion(summary.visible)),
            ("held-out checks pass", _shown_proportion(summary.held_out)),
            ("candidates a task", _shown_spread(summary.candidates, 0)),
            ("seconds a task", _shown_spread(summary.seconds, 1)),
        ],
        style=style,
    )


def _cell(text: str, style: Style) -> str:
    flat = " ".join(text.split())
    return flat.replace("|", r"\|") if style is Style.MARKDOWN else flat


def _rule(width: int, side: Align) -> str:
    return "-" * (width - 1) + ":" if side is Align.RIGHT else "-" * width


def _outcome(passed: bool | None) -> str:
    return "unknown" if passed is None else "pass" if passed else "fail"


def _shown_proportion(share: Proportion) -> str:
    if share.total == 0:
        return "no task"
    unknown = f", {share.unknown} unknown" if share.unknown else ""
    return f"{share.passed} of {share.total}{unknown} (95 % interval {share.low:.0%} to {share.high:.0%})"


def _shown_spread(values: Spread, digits: int) -> str:
    if values.median is None or values.p95 is None or values.total is None:
        return "no task"
    return f"median {values.median:.{digits}f}, p95 {values.p95:.{digits}f}, total {values.total:.{digits}f}"
