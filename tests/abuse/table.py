"""Writes docs/abuse.md: every row and case of the catalogue, with what was measured of it on this machine.

    .venv/bin/python tests/abuse/table.py            run all cases on both backends, write the table
    .venv/bin/python tests/abuse/table.py docker     on one backend alone; the other one's column says so

What is not measured can be told from the catalogue, and a test compares that part of the file (test_abuse_table.py).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from abuse_cases import BOTH, CaseResult
from abuse_harness import Running, run_case
from catalogue import BOX_CASES, CASES, HOST_CASES, REFERENCES, ROWS, SECTIONS
from known_open import KNOWN_OPEN

from moa_code.core.box import BoxInfo

TARGET = Path(__file__).parents[2] / "docs" / "abuse.md"
HEAD = """# What hostile candidates try, and what becomes of it

Written by `tests/abuse/table.py`, which runs every case; do not edit. The cases are in `tests/abuse/cases_*.py`.

After each case it is asserted that nothing is left (container, volume, process, mount, file, shared memory), the
host's tree is as before, the warm box was not lost on the way to a verdict, the next honest candidate passes, no job
went on for more than 2 s beyond its limit, and the verifier did not grow.

A cell counts outcomes: of verdicts (`failed`, `tampered`, `rejected`, `timed_out`, `over_limit`), or of how a job
ended (`exited`: it was refused what it asked for and left by itself). **open** marks cases that do not hold yet; they
are listed at the end. `integrity` is who judged: `oracle` another process than the candidate's, `in_process` the
interpreter they share, `none` nothing ran.
"""


def main(argv: list[str]) -> int:
    backends = tuple(argv) or BOTH
    results: list[CaseResult] = [run_case(case) for case in HOST_CASES]
    chosen = {backend: [case for case in BOX_CASES if backend in case.backends] for backend in backends}
    with Running(chosen) as running:
        for backend, cases in chosen.items():
            for case in cases:
                results.append(running.result(backend, case.case_id))
                _tell(results[-1])
        infos = {backend: running.info(backend) for backend in backends}
    TARGET.write_text(document(results, infos), encoding="utf-8")
    wrong = [result for result in results if not result.ok and not _open(result)]
    print(f"{TARGET.name}: {len(results)} results, {len(wrong)} of them wrong", file=sys.stderr)
    return 1 if wrong else 0


def document(results: Iterable[CaseResult], infos: Mapping[str, BoxInfo]) -> str:
    """The whole file."""
    found = list(results)
    parts = [HEAD]
    for (first, title), (end, _) in zip(SECTIONS, (*SECTIONS[1:], (len(ROWS) + 1, "")), strict=True):
        parts += [
            f"\n## {title}\n",
            "| # | a candidate … | must come to | docker | bubblewrap | integrity |",
            "|---|---|---|---|---|---|",
        ]
        parts += [_row(number, found) for number in range(first, end)]
    parts.append("\n## Positive controls\n\n| control | docker | bubblewrap | integrity |\n|---|---|---|---|")
    for name in [case.case_id for case in CASES if case.row == 0]:
        ours = [result for result in found if result.case_id == name]
        parts.append(f"| {name.removeprefix('control-')} | {_cells(ours)} |")
    parts += ["\n## Where the backends differ\n", *_differences(found, infos)]
    parts += ["\n## Open\n", *(f"- `{name}`: {why}" for name, why in sorted(KNOWN_OPEN.items()))]
    parts += [] if KNOWN_OPEN else ["None."]
    parts += ["\n## All cases\n", *structure()]
    return "\n".join(parts) + "\n"


def structure() -> list[str]:
    """One line a row with the names of its cases: what can be told without running any."""
    lines = []
    for row in ROWS:
        names = [case.case_id.partition("-")[2] for case in CASES if case.row == row.number]
        where = [reference.where for reference in REFERENCES if reference.row == row.number]
        lines.append(
            f"- **{row.number}** {row.behaviour}: " + ", ".join([*names, *(f"see `{place}`" for place in where)])
        )
    return lines


def _row(number: int, results: list[CaseResult]) -> str:
    row = ROWS[number - 1]
    where = [reference.where for reference in REFERENCES if reference.row == number]
    if where:
        return f"| {number} | {row.behaviour} | {row.expected} | see `{where[0]}` | see `{where[0]}` | |"
    return f"| {number} | {row.behaviour} | {row.expected} | {_cells([r for r in results if r.row == number])} |"


def _cells(results: list[CaseResult]) -> str:
    host = _counted(r for r in results if r.backend == "host")
    boxes = [_counted(r for r in results if r.backend == backend) for backend in BOTH]
    if host:
        boxes = ["; ".join(filter(None, (f"on the host: {host}", box))) for box in boxes]
    integrity = sorted({r.integrity for r in results if r.integrity})
    return " | ".join([*(box or "not run" for box in boxes), ", ".join(integrity)])


def _counted(results: Iterable[CaseResult]) -> str:
    counts: Counter[str] = Counter()
    for result in results:
        mark = "" if result.ok else " **open**" if _open(result) else " **wrong**"
        counts[result.outcome + mark] += 1
    return ", ".join(f"{outcome} {n}" for outcome, n in sorted(counts.items()))


def _open(result: CaseResult) -> bool:
    return result.case_id in KNOWN_OPEN or f"{result.case_id}@{result.backend}" in KNOWN_OPEN


def _differences(results: list[CaseResult], infos: Mapping[str, BoxInfo]) -> list[str]:
    """What the backends say of themselves, and cases whose outcome is not the same on both."""
    lines = []
    for backend, info in infos.items():
        lines.append(f"- **{backend}** lacks: {'; '.join(info.missing) or 'nothing'}")
        own = {
            k: v
            for k, v in info.enforced.items()
            if all(other.enforced.get(k) != v for b, other in infos.items() if b != backend)
        }
        lines.append(
            f"- **{backend}** alone says: {', '.join(f'{k} {v}' for k, v in sorted(own.items())) or 'nothing'}"
        )
    by_case: dict[str, dict[str, str]] = {}
    for result in results:
        by_case.setdefault(result.case_id, {})[result.backend] = result.outcome
    differ = {name: outcomes for name, outcomes in by_case.items() if len(set(outcomes.values())) > 1}
    lines.append(
        f"\nOf {sum(len(o) > 1 for o in by_case.values())} cases that ran on both, {len(differ)} end in another way:\n"
    )
    lines += ["| case | " + " | ".join(BOTH) + " |", "|---|---|---|"]
    lines += [
        f"| {name} | " + " | ".join(outcomes.get(b, "not run") for b in BOTH) + " |"
        for name, outcomes in sorted(differ.items())
    ]
    return lines


def _tell(result: CaseResult) -> None:
    wrong = "" if result.ok else "  " + json.dumps([*result.faults, *result.aftermath])[:400]
    print(
        f"{result.backend:11} {result.case_id:60} {result.outcome:12} {result.seconds:5.2f} s{wrong}", file=sys.stderr
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
