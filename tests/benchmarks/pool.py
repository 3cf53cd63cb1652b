"""Every policy on recorded answers to HumanEval: learnt on one half of the tasks, scored on the other.

Run as a script. Needs `MOA_CODE_DATA` (or `--data`), and for what its store does not hold yet the engine and the
image. Prints Markdown. Each recorded answer is read, verified and graded once, in boxes; then the real engine plays
every policy on stored verdicts, on 20 random halves of the tasks. Nothing here was written by a model after the
recording: where a policy would ask a model something new, the recording is silent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean

from pool_arms import equal_budget, merging
from pool_cells import Line
from pool_folds import SPLITS, Fold, best_single, fixed_cascade, folds
from pool_judge import RememberingJudge
from pool_learn import MOST_STRONG, Learnt, learn
from pool_play import COMBINE, cascade, play
from pool_score import HEADERS, LOSSES, Score, count, solvable
from pool_store import Store
from pool_table import IMPORTS, build, recording

from moa_code.config import load_config
from moa_code.core.run import Members
from moa_code.engine.engine import Policy
from moa_code.models.recorded import RecordedModel
from moa_code.policies import best_of, moa, single, tree
from moa_code.provision.places import cache_dir
from moa_code.report.arms import reliability, reliability_table
from moa_code.report.table import Align, Style, render_table
from moa_code.suites.humaneval import load
from moa_code.wiring.session import open_session

STRONG = "gpt-4-1106-preview+direct"
WEAK = "codellama-34b+direct"
CHEAP = (
    "gpt-3.5-turbo+cot",
    "gpt-3.5-turbo+analogical",
    "gpt-3.5-turbo-0613+direct",
    "gemini-pro+cot",
    "gemini-pro+direct",
    "starcoder+direct",
    WEAK,
)
SELF = ("gpt-4-turbo+cot", "gpt-4-turbo+self-planning", "gpt-4-turbo+analogical")
EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Seated:
    """A policy with its team, as one fold's training half has it."""

    policy: Policy
    members: Members


Seat = Callable[[Fold, Sequence[str], str, Learnt], Seated]
"""From a fold, the cheap authors, the strong one (empty: none) and what was learnt, to who plays and how."""


def _single(fold: Fold, authors: Sequence[str], strong: str, learnt: Learnt) -> Seated:
    return Seated(policy=single.next_steps, members=Members(proposers=(learnt.best,), aggregator=""))


def _strong_alone(fold: Fold, authors: Sequence[str], strong: str, learnt: Learnt) -> Seated:
    return Seated(policy=single.next_steps, members=Members(proposers=(strong,), aggregator=""))


def _cascade(fold: Fold, authors: Sequence[str], strong: str, learnt: Learnt) -> Seated:
    order = fixed_cascade(fold.train, authors)
    return Seated(policy=cascade, members=Members(proposers=order, aggregator="", strong=strong))


def _all(policy: Policy) -> Seat:
    """Everybody is asked at once."""

    def seat(fold: Fold, authors: Sequence[str], strong: str, learnt: Learnt) -> Seated:
        names = (*learnt.order, *([strong] if strong else []))
        members = Members(proposers=names, aggregator=COMBINE, profiles=learnt.profiles)
        return Seated(policy=policy, members=members)

    return seat


def _auto(fold: Fold, authors: Sequence[str], strong: str, learnt: Learnt) -> Seated:
    return Seated(policy=learnt.auto, members=learnt.members)


def _tree(fold: Fold, authors: Sequence[str], strong: str, learnt: Learnt) -> Seated:
    members = Members(proposers=learnt.order, aggregator=COMBINE, strong=strong, profiles=learnt.profiles)
    return Seated(policy=partial(tree.next_steps, calls=6, width=1), members=members)


POLICIES: dict[str, Seat] = {
    "single (the best of the training half)": _single,
    "fixed cascade, greedy (the bar)": _cascade,
    "best-of, everybody": _all(best_of.best_of),
    "vote, everybody": _all(best_of.vote),
    "moa, everybody, then `builtin:combine`": _all(partial(moa.next_steps, layers=2)),
    "tree": _tree,
    "auto": _auto,
}


class Bench:
    """The table, the judge, and the folds with what each has learnt."""

    def __init__(self, lines: Sequence[Line], judge: RememberingJudge, authors: Sequence[str], splits: int) -> None:
        self.lines = tuple(lines)
        self.judge = judge
        self.authors = tuple(authors)
        self.folds = tuple(folds(lines, splits))

    async def score(
        self, name: str, seat: Seat, authors: Sequence[str], strong: str = "", most_strong: float = MOST_STRONG
    ) -> Score:
        """One policy over all folds. With a strong author the headroom begins at that one alone."""
        score = Score(name=name)
        everybody = (*authors, *([strong] if strong else []))
        for fold in self.folds:
            learnt = await learn(fold, tuple(authors), strong, self.judge, tuned=seat is _auto, most_strong=most_strong)
            seated = seat(fold, authors, strong, learnt)
            played = [await play(line, seated.policy, seated.members, self.judge) for line in fold.test]
            alone = strong or best_single(fold.train, authors)
            score.add(played, fold, count(fold.test, alone), everybody, strong)
        return score


def show(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], after: str = "") -> None:
    align = (Align.LEFT, *[Align.RIGHT] * (len(headers) - 1))
    print(f"\n### {title}\n\n{render_table(headers, rows, align=align, style=Style.MARKDOWN)}", flush=True)
    if after:
        print(f"\n{after}", flush=True)


def pool_table(bench: Bench) -> None:
    rows = []
    for name in bench.authors:
        cells = [line.cells[name] for line in bench.lines]
        passed = [cell for cell in cells if cell.passed]
        rows.append(
            (
                name,
                str(sum(cell.verdict is None for cell in cells)),
                str(len(passed)),
                str(sum(cell.right for cell in cells)),
                str(sum(cell.plus for cell in cells)),
                f"{sum(not cell.right for cell in passed) / len(passed):.1%}",
                f"{sum(not cell.plus for cell in passed) / len(passed):.1%}",
            )
        )
    rows.sort(key=lambda row: -int(row[3]))
    cheap, both = solvable(bench.lines, CHEAP), solvable(bench.lines, (*CHEAP, STRONG))
    show(
        f"The pool: {len(bench.authors)} sets of recorded answers to {len(bench.lines)} tasks",
        ("set", "no edit read", "visible pass", "right", "HumanEval+", "passes that are wrong", "wrong by HumanEval+"),
        rows,
        f"Right by any of the {len(bench.authors)} sets: {solvable(bench.lines, bench.authors)}; by any of the "
        f"{len(CHEAP)} cheap ones: {cheap}; by those and {STRONG}: {both}.",
    )


async def all_sets(bench: Bench) -> None:
    scores = [await bench.score(name, seat, bench.authors) for name, seat in POLICIES.items()]
    half = len(bench.folds[0].test)
    lines = [f"{name}: {value:.2f}" for name, value in (("best single", mean(scores[0].single)),)]
    show(
        f"All {len(bench.authors)} sets, {len(bench.folds)} splits, per held-out half of {half} tasks",
        HEADERS,
        [score.row() for score in scores],
        f"Headroom is between the {lines[0]} and any of the sets: {mean(scores[0].oracle):.2f}.",
    )
    show("Why: what each policy lost, a held-out half", LOSSES, [score.losses() for score in scores])
    auto = scores[-1]
    table = reliability_table(reliability(auto.answers, EDGES), Style.MARKDOWN)
    print(f"\n### Is `auto` as right as it believes?\n\n{table}", flush=True)


async def cheap_then_strong(bench: Bench) -> None:
    ways: dict[str, Seat] = {
        f"{STRONG} alone": _strong_alone,
        "single, the best cheap one": _single,
        "fixed cascade, cheap ones then strong": _cascade,
        "vote, everybody": _all(best_of.vote),
        "auto": _auto,
    }
    scores = [await bench.score(name, seat, CHEAP, STRONG) for name, seat in ways.items()]
    show(
        f"{len(CHEAP)} cheap sets, and {STRONG} held back",
        (*HEADERS, "strong asked"),
        [score.row(strong=True) for score in scores],
        f"Headroom is between the strong one alone, {mean(scores[0].single):.2f}, and any of the eight, "
        f"{mean(scores[0].oracle):.2f}.",
    )
    show("Why, with the strong one held back", LOSSES, [score.losses() for score in scores])


async def weak_first(bench: Bench) -> None:
    ways: dict[str, Seat] = {f"{STRONG} alone": _strong_alone, f"cascade {WEAK}, then it": _cascade, "auto": _auto}
    scores = [await bench.score(name, seat, (WEAK,), STRONG, most_strong=1.0) for name, seat in ways.items()]
    rows = [score.row(strong=True) for score in scores]
    show("The trap: a weak one first, whose wrong passes are final", (*HEADERS, "strong asked"), rows)


def outcomes(bench: Bench, path: Path) -> None:
    """One line an answer, for `moa-code team report`."""
    with path.open("w", encoding="utf-8") as out:
        for line in bench.lines:
            for name in bench.authors:
                cell = line.cells[name]
                row = {
                    "task_id": line.task_id,
                    "author": name,
                    "passed_visible": cell.passed,
                    "right": cell.right,
                    "cost_usd": None,
                    "tokens": cell.tokens,
                }
                out.write(json.dumps(row) + "\n")


@asynccontextmanager
async def judged(store: Store, *, stored: bool):  # type: ignore[no-untyped-def]
    """A judge over the store; with boxes behind it unless `stored`."""
    if stored:
        yield RememberingJudge(store, None)
        return
    config = load_config(environment=os.environ, flags={"journal": str(cache_dir(os.environ) / "pool-journal.sqlite")})
    async with open_session(config, os.environ, lambda text: print(text, file=sys.stderr)) as session:
        yield RememberingJudge(store, session.verifier)


SECTIONS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "all": all_sets,
    "strong": cheap_then_strong,
    "trap": weak_first,
}


async def main(options: argparse.Namespace) -> None:
    started = time.monotonic()
    data = Path(options.data)
    plus = None if options.no_plus else cache_dir(os.environ) / "suites"
    tasks = load(data, plus_cache=plus, imports=IMPORTS)
    recorded = RecordedModel.load(recording(data))
    store = Store(Path(options.store) if options.store else cache_dir(os.environ) / "pool.sqlite")
    try:
        async with judged(store, stored=options.stored) as judge:
            bench = Bench(await build(tasks, recorded, judge, at_once=AT_ONCE), judge, recorded.names, options.splits)
            if options.outcomes:
                outcomes(bench, Path(options.outcomes))
            pool_table(bench)
            for name, section in SECTIONS.items():
                if not options.only or name in options.only:
                    await section(bench)
            if not options.only or "arms" in options.only:
                show(*await equal_budget(bench.lines, bench.folds, judge, CHEAP, STRONG, SELF))
            if not options.only or "merging" in options.only:
                show(*await merging(bench.lines, judge, CHEAP, STRONG))
            asked = judge.asked
    finally:
        store.close()
    print(f"\n{time.monotonic() - started:.0f} s, {asked} questions to boxes, the rest from the store", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Policies on recorded answers, on held-out halves.")
    parser.add_argument("--data", default=os.environ.get("MOA_CODE_DATA"), required="MOA_CODE_DATA" not in os.environ)
    parser.add_argument("--store", help="where measurements are kept (default: in the cache folder)")
    parser.add_argument("--stored", action="store_true", help="open no box: everything must be in the store")
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--no-plus", action="store_true", help="leave HumanEval+ out")
    parser.add_argument("--only", action="append", choices=[*SECTIONS, "arms", "merging"])
    parser.add_argument("--outcomes", help="write one JSON line an answer to this file, for `moa-code team report`")
    asyncio.run(main(parser.parse_args()))
