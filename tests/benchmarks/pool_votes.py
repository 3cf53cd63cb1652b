"""`python tests/benchmarks/pool_votes.py`: do votes of doubtful checks find the right one of the recorded candidates?

No recording holds tests that a model wrote, so the checks are simulated, and only they: a fresh call that all passing
candidates of a task were really given, with the answer that a right one really gave; a share of them wrong, with what
a wrong candidate answered there (shared mistakes) or with what nobody did. Printed: how often the choice is right, by
the suite's hidden tests (`--plus`: HumanEval+ too), where right and wrong candidates both pass the visible checks;
ties count by their share.
Needs what tests/benchmarks/pool.py needs.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pool import AT_ONCE, judged
from pool_store import Store
from pool_table import IMPORTS, Line, build, recording

from moa_code.core.behaviour import Behaviour, WrittenCheck
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.evidence.clusters import clusters, counted_calls
from moa_code.evidence.dual import KEPT_FROM, dual
from moa_code.models.recorded import RecordedModel
from moa_code.provision.places import cache_dir
from moa_code.report.table import Align, Style, render_table
from moa_code.suites.humaneval import load

CHECKS = 8
REPETITIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One task whose passing candidates are not all right and not all wrong."""

    behaviour: Behaviour
    right: Mapping[CandidateId, bool]
    groups: Mapping[CandidateId, str]


async def cases_of(lines: Sequence[Line], judge, *, plus: bool) -> list[Case]:  # type: ignore[no-untyped-def]
    found = []
    for line in lines:
        cells = {CandidateId(c.author): c for c in line.cells.values() if c.passed and c.draft.patch is not None}
        grades = {name: cell.plus if plus else cell.right for name, cell in cells.items()}
        if len(set(grades.values())) < 2:
            continue
        candidates = [
            Candidate(candidate_id=name, patch=cell.draft.patch, origin=Origin(author=name, role="proposer"))
            for name, cell in cells.items()
            if cell.draft.patch is not None
        ]
        behaviour = await judge.distinguish(line.loaded.task, line.baseline, candidates)
        if not behaviour.calls:
            continue
        right = {name: grades[name] for name in behaviour.answers}
        parts = clusters(behaviour)
        groups = {member: str(at) for at, part in enumerate(parts) for member in part.members}
        if len(set(right.values())) == 2:
            found.append(Case(behaviour=behaviour, right=right, groups=groups))
    return found


def simulated(
    case: Case, bad: float, shared: bool, rng: Random
) -> tuple[dict[CandidateId, tuple[bool, ...]], list[bool]]:
    """The votes of so many checks on every candidate, and which of the checks are valid."""
    answers = case.behaviour.answers
    reference = next(name for name, right in case.right.items() if right)
    places = counted_calls(case.behaviour)
    columns, valid = [], []
    for at in rng.sample(places, min(CHECKS, len(places))):
        truth = answers[reference][at].digest
        expected = truth
        if rng.random() < bad:
            others = [found[at].digest for found in answers.values() if found[at].digest != truth]
            expected = rng.choice(others) if others and shared else "nobody's"
        valid.append(expected == truth)
        columns.append([found[at].digest == expected for found in answers.values()])
    return {name: tuple(column[row] for column in columns) for row, name in enumerate(answers)}, valid


def chosen_right(case: Case, score: Mapping[CandidateId, float]) -> float:
    best = max(score.values())
    top = [name for name, value in score.items() if best - value < 1e-9]
    return sum(case.right[name] for name in top) / len(top)


def measure(cases: Sequence[Case], bad: float, shared: bool) -> list[str]:
    rng = Random(5)
    names = ("anyone", "largest cluster", "most checks", "CodeT", "posterior")
    hits = dict.fromkeys(names, 0.0)
    kept = kept_valid = count = 0
    for case in cases:
        for _ in range(REPETITIONS):
            votes, valid = simulated(case, bad, shared, rng)
            checks = [WrittenCheck(author="a", name=f"t{n}", code="", sentence="") for n in range(len(valid))]
            told = dual(votes, checks, clusters=case.groups)
            alike = {name: sum(votes[o] == votes[name] for o in votes) for name in votes}
            sizes = {n: float(sum(g == case.groups[n] for g in case.groups.values())) for n in votes}
            scores = {
                "anyone": dict.fromkeys(votes, 1.0),
                "largest cluster": sizes,
                "most checks": {name: float(sum(row)) for name, row in votes.items()},
                "CodeT": {name: math.sqrt(alike[name]) * sum(row) for name, row in votes.items()},
                "posterior": told.candidates,
            }
            count += 1
            for name in names:
                hits[name] += chosen_right(case, scores[name])
            for good, probability in zip(valid, told.checks, strict=True):
                kept += probability >= KEPT_FROM
                kept_valid += good and probability >= KEPT_FROM
    words = "shared with a candidate" if shared else "nobody's"
    shares = [f"{hits[name] / count:.1%}" for name in names]
    return [f"{bad:.0%}, {words}", *shares, f"{kept_valid / max(1, kept):.1%} of {kept}"]


async def main(options: argparse.Namespace) -> None:
    data = Path(options.data)
    tasks = load(data, plus_cache=cache_dir(os.environ) / "suites" if options.plus else None, imports=IMPORTS)
    recorded = RecordedModel.load(recording(data))
    store = Store(Path(options.store) if options.store else cache_dir(os.environ) / "pool.sqlite")
    try:
        async with judged(store, stored=options.stored) as judge:
            lines = await build(tasks, recorded, judge, at_once=AT_ONCE)
            cases = await cases_of(lines, judge, plus=options.plus)
    finally:
        store.close()
    rows = [measure(cases, bad, shared) for shared in (True, False) for bad in (0.1, 0.3, 0.5)]
    headers = ("wrong checks", "anyone", "largest cluster", "most checks", "CodeT", "posterior", "kept and valid")
    align = (Align.LEFT, *[Align.RIGHT] * (len(headers) - 1))
    print(f"{len(cases)} tasks, {REPETITIONS} draws of {CHECKS} simulated checks each\n")
    print(render_table(headers, rows, align=align, style=Style.MARKDOWN))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Choosing by votes of doubtful checks.")
    parser.add_argument("--data", default=os.environ.get("MOA_CODE_DATA"), required="MOA_CODE_DATA" not in os.environ)
    parser.add_argument("--store", help="where measurements are kept (default: in the cache folder)")
    parser.add_argument("--plus", action="store_true", help="right means right by HumanEval+ too")
    parser.add_argument("--stored", action="store_true", help="open no box: everything must be in the store")
    asyncio.run(main(parser.parse_args()))
