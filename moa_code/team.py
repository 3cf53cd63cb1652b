"""The story of a team report: what proposers did, from the journal or a file, and how different they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moa_code.core.errors import EnvironmentFault, TaskError
from moa_code.journal.outcomes import AuthorOutcome
from moa_code.journal.store import Journal
from moa_code.models.spec import BUILTIN_FAMILY
from moa_code.report.diversity import Diversity, diversity
from moa_code.report.trials import Trial

MOST_FILE_BYTES = 256 << 20
MOST_NUMBER = 1e15  # dollars or tokens: beyond, a float is no longer a count

_FIELDS: Mapping[str, tuple[tuple[type, ...], bool]] = {
    "task_id": ((str,), True),
    "author": ((str,), True),
    "right": ((bool, type(None)), True),
    "passed_visible": ((bool, type(None)), True),
    "cost_usd": ((int, float, type(None)), False),
    "tokens": ((int, float, type(None)), False),
    "sample": ((str, int), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamReport:
    """`passes` are visible passes whose rightness is known, `graded` those of them that held-out checks judged; None
    where the source does not say. `notes` is what a reader must know of the figures.
    """

    source: str
    found: Diversity
    passes: int
    graded: int | None
    notes: tuple[str, ...]


def report_on_journal(path: Path, *, worth_usd: float | None, seed: int = 0) -> TeamReport:
    """From the runs in the journal: first drafts and searches of proposers, not what was merged or refined from them.

    Right is what passed all visible checks in the end and, where held-out checks were run, those too. Raises
    `EnvironmentFault`.
    """
    with Journal.open(path) as journal:
        journal.orphans()
        journal.catch_up()
        rows = [row for row in journal.outcomes() if row.first_passed is not None]
    trials = tuple(_trial(row) for row in rows)
    passes = [row for row in rows if row.passed]
    graded = sum(row.held_out is not None for row in passes)
    notes = [f"right: passed the visible checks; {graded} of {len(passes)} passes were also judged by held-out checks"]
    return _report("the journal", trials, len(passes), graded, notes, worth_usd, seed)


def report_on_file(path: Path, *, worth_usd: float | None, seed: int = 0) -> TeamReport:
    """From a file of trials (`read_trials`). Raises `TaskError`, `EnvironmentFault`."""
    trials = read_trials(path)
    try:
        return _report(
            path.name,
            trials,
            sum(bool(trial.passed_visible) and trial.right is not None for trial in trials),
            None,
            ["right: as the file says"],
            worth_usd,
            seed,
        )
    except ValueError as twice:
        raise TaskError(f"{path}: {twice}", remedy='give each its own "sample"') from twice


def read_trials(path: Path) -> tuple[Trial, ...]:
    """The trials of a JSONL file, one object a line; empty lines are skipped, keys that are not listed ignored.

    `task_id`, `author`: strings. `passed_visible`, `right`: true, false, or null for not known; `right` is what
    held-out checks say. Optional: `cost_usd` (dollars of this trial), `tokens`, `sample` (a string or a whole number
    that tells apart several trials of one task). Raises `TaskError` naming the line, `EnvironmentFault`.
    """
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise TaskError(f"{path} is larger than {MOST_FILE_BYTES >> 20} MiB, which no file of trials is")
        lines = path.read_bytes().splitlines()
    except OSError as refused:
        raise EnvironmentFault(f"{path} cannot be read: {refused.strerror}", remedy="name another --from") from refused
    return tuple(_read(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip())


def _read(line: bytes, place: str) -> Trial:
    remedy = 'a line is like {"task_id": "t", "author": "codestral", "passed_visible": true, "right": false}'
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as broken:
        raise TaskError(f"{place}: no JSON: {broken}", remedy=remedy) from broken
    if not isinstance(row, dict):
        raise TaskError(f"{place}: an object expected, got {row!r:.60}", remedy=remedy)
    for name, (kinds, required) in _FIELDS.items():
        if name not in row and required:
            raise TaskError(f"{place}: {name!r} is missing", remedy=remedy)
        value = row.get(name)
        wrong = name in row and not (isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)))
        text = isinstance(value, str) and ((name != "sample" and not value) or not value.isprintable())
        if wrong or text or (isinstance(value, (int, float)) and not 0 <= value <= MOST_NUMBER):
            raise TaskError(f"{place}: {name} = {value!r:.60} cannot be", remedy=remedy)
    return Trial(
        task_id=row["task_id"],
        author=row["author"],
        right=row["right"],
        passed_visible=row["passed_visible"],
        cost_usd=row.get("cost_usd"),
        tokens=row.get("tokens"),
        sample=str(row.get("sample", "")),
    )


def _trial(row: AuthorOutcome) -> Trial:
    tokens = (row.prompt_tokens, row.completion_tokens)
    return Trial(
        # The same checks on another tree are another task.
        task_id=f"{row.task_id}@{row.digest[:12]}" if row.digest else row.task_id,
        author=row.author,
        right=row.held_out if row.held_out is not None else row.passed,
        # Of a pass that nobody graded it is not known whether it was wrong: it counts for right, and in no rate.
        passed_visible=None if row.passed and row.held_out is None else row.passed,
        cost_usd=0.0 if row.author.startswith(f"{BUILTIN_FAMILY}:") else row.cost_usd,
        tokens=None if None in tokens else sum(value or 0 for value in tokens),
        sample=row.run_id,
    )


def _report(
    source: str,
    trials: tuple[Trial, ...],
    passes: int,
    graded: int | None,
    notes: list[str],
    worth_usd: float | None,
    seed: int,
) -> TeamReport:
    found = diversity(trials, worth_usd=worth_usd, seed=seed)
    if any(not one.only.exact for one in found.proposers):
        notes.append("not everybody was asked about every task: a figure lies between two, and the interval has both")
    notes.append(
        "adds: to those before it, in an order chosen on other tasks; to drop all that are named loses no more than"
        " their shares together"
    )
    if any(one.cost_usd is None for one in found.proposers):
        notes.append("cost: not known of all (?), and then not held against what a proposer adds")
    elif worth_usd is not None:
        notes.append(f"cost: held against ${worth_usd:g} for a solved task (--worth)")
    return TeamReport(source=source, found=found, passes=passes, graded=graded, notes=tuple(notes))
