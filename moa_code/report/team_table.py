"""A team's figures for people: who earns its place, who errs alike, what a team of each size solves."""

from __future__ import annotations

from collections.abc import Sequence

from moa_code.report.diversity import LEAST_TASKS, Diversity, Pair, Standing
from moa_code.report.intervals import Estimate
from moa_code.report.table import Align, render_table

MOST_PAIRS = 8
UNKNOWN = "?"
_WORDS = {Standing.KEEP: "keep", Standing.DROP: "drop", Standing.CANNOT_TELL: "cannot tell"}


def team_text(found: Diversity, notes: Sequence[str] = ()) -> str:
    """The whole report, without a newline at its end."""
    parts = [_proposers(found), _standings(found)]
    pairs = [pair for pair in found.pairs if pair.phi is not None and pair.tasks >= LEAST_TASKS]
    if pairs:
        parts.append(_pairs(pairs))
    if len(found.proposers) > 1:
        parts.append(_unions(found))
    if notes:
        parts.append("\n".join(notes))
    return "\n\n".join(parts)


def counted(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number} {noun}" + "s" * (number != 1)


def _proposers(found: Diversity) -> str:
    """One line a proposer; what is not known of anybody has no column."""
    columns: list[tuple[str, Align, list[str]]] = [
        ("proposer", Align.LEFT, [one.author for one in found.proposers]),
        ("tasks", Align.RIGHT, [str(one.tried) for one in found.proposers]),
        ("right %", Align.RIGHT, [_share(one.right) for one in found.proposers]),
        ("passes wrong %", Align.RIGHT, [_share(one.false_accept) for one in found.proposers]),
        ("its part %", Align.RIGHT, [_share(one.part) for one in found.proposers]),
        ("only it %", Align.RIGHT, [_share(one.only, 1) for one in found.proposers]),
        ("adds %", Align.RIGHT, [_share(one.adds, 1) for one in found.proposers]),
        ("$ a task", Align.RIGHT, [_usd(one.cost_usd) for one in found.proposers]),
        ("tasks a $", Align.RIGHT, [_per_usd(one.tasks_per_usd) for one in found.proposers]),
        ("verdict", Align.LEFT, [_WORDS[one.standing] for one in found.proposers]),
    ]
    shown = [column for column in columns if any(cell != UNKNOWN for cell in column[2])]
    return render_table(
        [title for title, _, _ in shown],
        list(zip(*(cells for _, _, cells in shown), strict=True)),
        align=[side for _, side, _ in shown],
    )


def _standings(found: Diversity) -> str:
    """One line a proposer, in words: keep, drop, cannot tell."""
    if found.tasks < LEAST_TASKS:
        return f"cannot tell: {counted(found.tasks, 'task')}, and nothing is said on fewer than {LEAST_TASKS}"
    width = max(len(one.author) for one in found.proposers)
    lines = []
    for standing in Standing:
        lines += [
            f"{_WORDS[standing]:<11}  {one.author:<{width}}  {one.reason}"
            for one in found.proposers
            if one.standing is standing
        ]
    return "\n".join(lines)


def _pairs(pairs: Sequence[Pair]) -> str:
    shown = pairs[:MOST_PAIRS]
    title = "errors most alike" + (f" ({len(shown)} of {len(pairs)} pairs)" if len(pairs) > len(shown) else "")
    return render_table(
        (title, "", "phi", "95 %", "both wrong %", "tasks"),
        [
            (
                *pair.authors,
                f"{pair.phi:.2f}",
                UNKNOWN if pair.phi_low is None else f"{pair.phi_low:.2f} to {pair.phi_high:.2f}",
                _share(pair.both_wrong),
                str(pair.tasks),
            )
            for pair in shown
        ],
        align=(Align.LEFT, Align.LEFT, *[Align.RIGHT] * 4),
    )


def _unions(found: Diversity) -> str:
    return render_table(
        ("any of", "an average team %", "the best team %", "which is the one before and"),
        [(str(one.size), _share(one.any_of, 1), _share(one.best, 1), one.team[-1]) for one in found.unions],
        align=(Align.RIGHT, Align.RIGHT, Align.RIGHT, Align.LEFT),
    )


def _share(estimate: Estimate | None, digits: int = 0) -> str:
    """In percent, with its interval: `90 (85-94)`; two figures first where something was not seen."""
    if estimate is None:
        return UNKNOWN
    known = f"{estimate.least * 100:.{digits}f}"
    if not estimate.exact:
        known += f" to {estimate.most * 100:.{digits}f}"
    return f"{known} ({estimate.low * 100:.{digits}f}-{estimate.high * 100:.{digits}f})"


def _usd(cost: float | None) -> str:
    return UNKNOWN if cost is None else f"{cost:.4f}"


def _per_usd(estimate: Estimate | None) -> str:
    return UNKNOWN if estimate is None else f"{estimate.low:.0f}-{estimate.high:.0f}"
