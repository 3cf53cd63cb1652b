"""One run of the checks on a patched tree under coverage: how long each takes, and which new lines none runs."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

from moa_code.core.box import Observation
from moa_code.core.brief import Baseline
from moa_code.core.patch import FileChange, Patch
from moa_code.core.spectrum import Spectrum
from moa_code.core.task import CheckId, CheckKind, Task
from moa_code.core.verdict import CheckOutcome
from moa_code.edits.written import only_says, statements, written_lines
from moa_code.verify import plan
from moa_code.verify.reading import read_session, spectrum_of
from moa_code.verify.stages import expected_ids
from moa_code.verify.turns import Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercised:
    """What the checks do to a patched tree. `passing` are those that pass it, quickest first; `slowest_s` the longest.

    `spectrum` is None where no lines were told. `fault` says why nothing can be concluded.
    """

    passing: tuple[CheckId, ...] = ()
    slowest_s: float = 0.0
    spectrum: Spectrum | None = None
    fault: str = ""

    @property
    def lines(self) -> Mapping[str, frozenset[int]] | None:
        """The lines that some check executes, by path; None where that was not measured."""
        if self.spectrum is None:
            return None
        found: dict[str, frozenset[int]] = {}
        for check in self.spectrum.checks:
            for path, lines in check.lines.items():
                found[path] = found.get(path, frozenset()) | lines
        return found


async def exercised(turns: Turns, task: Task, baseline: Baseline, patch: Patch) -> Exercised:
    """What the checks of pytest or of an oracle do to the patched tree; one job."""
    if task.checks.kind is CheckKind.ORACLE:
        share = plan.check_budget_s(baseline.check_cpu_s)
        planned = plan.oracle_job(task, patch, check_cpu_s=share, seed=baseline.seed, untouched=True, coverage=True)
    else:
        planned = plan.baseline_job(task, seed=baseline.seed, coverage=True)
        planned = replace(planned, job=replace(planned.job, overlay=patch.changes))
    observation = await turns.run(planned.job)
    return _read(observation, planned, baseline)


def _read(observation: Observation, planned: plan.Planned, baseline: Baseline) -> Exercised:
    session = read_session(observation.report, planned.nonce)
    if session.end_code is None or session.forged:
        return Exercised(fault=observation.detail or "the checks did not come to their end under coverage")
    expected = frozenset(expected_ids(baseline))
    modules = frozenset(str(name) for name in expected if "::" not in name)
    ours = [
        r
        for r in session.results
        if r.check_id in expected or str(r.check_id).partition("::")[0] in modules
        if r.outcome is CheckOutcome.PASSED
    ]
    if not ours or len(ours) < len(expected - modules):
        return Exercised(fault="the candidate does not pass the checks under coverage")
    ours.sort(key=lambda result: result.duration_s)
    return Exercised(
        passing=tuple(r.check_id for r in ours),
        slowest_s=ours[-1].duration_s,
        spectrum=spectrum_of(session) if session.coverage else None,
    )


def unexercised(patch: Patch, executed: Mapping[str, frozenset[int]]) -> dict[str, tuple[int, ...]]:
    """The patch's own lines, by path, that stand in a function and that no check executes.

    Whole statements: one counts as executed when any of its own lines is. What runs at import belongs to no check. Of a
    file of which nothing was seen to run nothing is said: its checks may start processes of their own.
    """
    found = {
        change.path: _unexercised_in(change, executed[change.path])
        for change in patch.changes
        if change.after is not None and change.path.endswith(".py") and executed.get(change.path)
    }
    return {path: lines for path, lines in found.items() if lines}


def _unexercised_in(change: FileChange, executed: frozenset[int]) -> tuple[int, ...]:
    try:
        tree = ast.parse(change.after or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    own = written_lines(change)
    lines: set[int] = set()
    for placed in statements(tree):
        if placed.function is None or _has_no_code(placed.stmt):
            continue
        if placed.lines & own and not placed.lines & executed:
            lines |= placed.lines & own
    return tuple(sorted(lines))


def _has_no_code(stmt: ast.stmt) -> bool:
    """Statements that no tracer ever sees."""
    return only_says(stmt) and not isinstance(stmt, ast.Pass) and not _calls(stmt)


def _calls(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Call)
