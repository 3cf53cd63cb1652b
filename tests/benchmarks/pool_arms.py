"""The five arms that are always shown, and whether merging beats picking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean

from pool_cells import Line
from pool_folds import Fold, best_single, cascade_order, profiles
from pool_judge import RememberingJudge
from pool_play import COMBINE, Irreducible, Played, Silent, no_mutants, play

from moa_code.aggregate.combine import CombineAggregator
from moa_code.context.spectrum import ochiai
from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, Patch, patch_of
from moa_code.core.run import Members, Status
from moa_code.core.task import Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.engine.budget import Ledger
from moa_code.engine.engine import Engine, Policy
from moa_code.engine.parts import EngineSettings, Parts
from moa_code.engine.search import SearchLimits
from moa_code.evidence.ranking import order
from moa_code.policies import best_of, moa, single
from moa_code.propose.mutate.proposer import MutateProposer
from moa_code.suites.humaneval import PROGRAM

MUTATE = "builtin:mutate"
MOST_REPAIRED = 2  # failing drafts of a task that a search starts from, the nearest first
LIMITS = SearchLimits(seconds=600.0, most_candidates=120, most_passing=4)

ON_A_STUB = replace(LIMITS, most_candidates=40)  # there is nothing in it that a small edit could mend

Section = tuple[str, tuple[str, ...], list[tuple[str, ...]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One task under one arm. `any_right`: a draft that passed, or what was made of drafts, is right."""

    verified: bool
    right: bool
    plus: bool
    any_right: bool
    calls: int


async def equal_budget(
    lines: Sequence[Line],
    folds: Sequence[Fold],
    judge: RememberingJudge,
    cheap: Sequence[str],
    strong: str,
    own: Sequence[str],
) -> Section:
    """Title, headers, rows and a note: figures per held-out half, the means over folds."""
    rows = []
    searched = {line.task_id: await _searched(line, judge) for line in lines}
    rows.append(
        _row(f"keyless search alone (`{MUTATE}` on the stub)", [[searched[x.task_id] for x in f.test] for f in folds])
    )
    alone = partial(Members, aggregator="")
    singles = [
        [await _played(x, single.next_steps, alone(proposers=(best_single(f.train, cheap),)), judge) for x in f.test]
        for f in folds
    ]
    rows.append(_row("best cheap single", singles))
    by_strong = {x.task_id: await _played(x, single.next_steps, alone(proposers=(strong,)), judge) for x in lines}
    rows.append(_row(f"best strong single ({strong})", [[by_strong[x.task_id] for x in f.test] for f in folds]))
    own_found = [[await _voted(x, f, own, judge) for x in f.test] for f in folds]
    rows.append(_row(f"one model, {len(own)} promptings (gpt-4-turbo), vote", own_found))
    picked = [[await _played(x, best_of.best_of, _team(f, cheap), judge) for x in f.test] for f in folds]
    rows.append(_row(f"best of {len(cheap)} cheap drafts, without merging", picked))
    voted = [[await _voted(x, f, cheap, judge) for x in f.test] for f in folds]
    rows.append(_row(f"vote of {len(cheap)} cheap drafts, without merging", voted))
    mixed = [[await _mixture(x, f, cheap, judge) for x in f.test] for f in folds]
    rows.append(_row(f"full mixture: the vote, else `{COMBINE}`, else `{MUTATE}` on failing drafts", mixed))
    headers = ("arm", "right", "HumanEval+", "any of its candidates right", "gap", "false accepts", "calls a task")
    after = (
        "Calls stand for cost: most sets have no token counts. Each model was recorded once, so a single has one call "
        f"where a layer has {len(cheap)}; nothing recorded says what seven samples of one model would bring."
    )
    return "The five arms, and two more, per held-out half", headers, rows, after


async def merging(lines: Sequence[Line], judge: RememberingJudge, cheap: Sequence[str], strong: str) -> Section:
    """Where no draft passes: what `builtin:combine` and the search make of the failing ones."""
    rows = []
    for name, authors in (("cheap ones", tuple(cheap)), ("cheap ones and the strong one", (*cheap, strong))):
        open_ = [line for line in lines if not any(line.cells[a].passed for a in authors)]
        combined = [await _combined(line, authors, judge) for line in open_]
        repaired = [await repair(line, authors, judge) for line in open_]
        for how, patches in ((COMBINE, combined), (f"{MUTATE} from a failing draft", repaired)):
            made = [(line, patch) for line, patch in zip(open_, patches, strict=True) if patch is not None]
            right = [await judge.right(line.loaded, patch) for line, patch in made]
            drafts = sum(any(line.cells[a].right for a in authors) for line in open_)
            rows.append((name, how, str(len(open_)), str(drafts), str(len(made)), str(sum(right))))
    headers = (
        "drafts by",
        "made by",
        "tasks where none passes",
        "a failing draft is right",
        "now pass",
        "and are right",
    )
    after = "Where some draft passes there is nothing to merge for: picking is the default, merging the fallback."
    return "Does merging beat picking?", headers, rows, after


def _row(name: str, folds: Sequence[Sequence[Found]]) -> tuple[str, ...]:
    flat = [one for fold in folds for one in fold]
    right = mean(sum(one.right for one in fold) for fold in folds)
    oracle = mean(sum(one.any_right for one in fold) for fold in folds)
    verified = [one for one in flat if one.verified]
    false = f"{sum(not one.right for one in verified) / len(verified):.1%}" if verified else "-"
    plus = mean(sum(one.plus for one in fold) for fold in folds)
    calls = mean(one.calls for one in flat)
    return (name, f"{right:.2f}", f"{plus:.2f}", f"{oracle:.2f}", f"{oracle - right:.2f}", false, f"{calls:.2f}")


def _team(fold: Fold, authors: Sequence[str]) -> Members:
    names = cascade_order(fold.train, authors)
    return Members(proposers=names, aggregator=COMBINE, profiles=profiles(fold.train, authors))


async def _voted(line: Line, fold: Fold, authors: Sequence[str], judge: RememberingJudge) -> Found:
    return await _played(line, best_of.vote, _team(fold, authors), judge)


async def _played(line: Line, policy: Policy, members: Members, judge: RememberingJudge) -> Found:
    return _found(await play(line, policy, members, judge))


def _found(played: Played) -> Found:
    return Found(
        verified=played.verified,
        right=played.right,
        plus=played.plus,
        any_right=played.oracle or played.right,
        calls=played.calls,
    )


async def _mixture(line: Line, fold: Fold, authors: Sequence[str], judge: RememberingJudge) -> Found:
    """The vote where something passes; else what can be made of what fails, by merging first."""
    voted = await _voted(line, fold, authors, judge)
    if voted.verified:
        return voted
    patch = await _combined(line, authors, judge) or await repair(line, authors, judge)
    if patch is None:
        return voted
    right = await judge.right(line.loaded, patch)
    plus = right and line.loaded.stricter is not None and await judge.plus(line.loaded, patch)
    return replace(voted, verified=True, right=right, plus=plus, any_right=voted.any_right or right)


async def _combined(line: Line, authors: Sequence[str], judge: RememberingJudge) -> Patch | None:
    """What the keyless aggregator makes of these drafts, where it passes."""
    members = Members(proposers=tuple(authors), aggregator=COMBINE)
    played = await play(line, partial(moa.next_steps, layers=2), members, judge)
    return played.patch if played.verified and played.author == COMBINE else None


async def repair(line: Line, authors: Sequence[str], judge: RememberingJudge) -> Patch | None:
    """What a search for small edits makes of a failing draft, the nearest to passing first; against the base."""
    failing = [
        Judged(
            candidate=Candidate(
                candidate_id=CandidateId(name), patch=cell.draft.patch, origin=Origin(author=name, role="proposer")
            ),
            verdict=cell.verdict,
        )
        for name in authors
        if (cell := line.cells[name]).verdict is not None and cell.draft.patch is not None
    ]
    unlike = list({one.candidate.patch.sha256: one for one in order(failing)}.values())
    for one in unlike[:MOST_REPAIRED]:
        after = await judge.once(
            "repair", line.loaded.task, one.candidate.patch, lambda draft: _repaired(line.loaded.task, draft, judge)
        )
        if after:
            before = line.loaded.task.tree.read(PROGRAM)
            return patch_of(FileChange(path=PROGRAM, before=before, after=after.encode()))
    return None


async def _searched(line: Line, judge: RememberingJudge) -> Found:
    """The keyless search on the untouched stub."""
    task = line.loaded.task
    after = await judge.once("search", task, Patch(changes=()), lambda _: _search(task, judge, ON_A_STUB))
    if not after:
        return Found(verified=False, right=False, plus=False, any_right=False, calls=0)
    patch = patch_of(FileChange(path=PROGRAM, before=task.tree.read(PROGRAM), after=after.encode()))
    right = await judge.right(line.loaded, patch)
    plus = right and line.loaded.stricter is not None and await judge.plus(line.loaded, patch)
    return Found(verified=True, right=right, plus=plus, any_right=right, calls=0)


async def _repaired(task: Task, draft: Patch, judge: RememberingJudge) -> str:
    """The program that a search makes of a draft; empty where nothing passes."""
    after = {change.path: change.after for change in draft.changes}
    files = {path: after.get(path) or task.tree.read(path) for path in task.tree.paths()}
    return await _search(replace(task, mode=Mode.FIX, tree=MemorySnapshot(files=files)), judge, LIMITS)


async def _search(task: Task, judge: RememberingJudge, limits: SearchLimits) -> str:
    """The program that the keyless search ends with; empty where nothing passes. For real, in boxes."""
    measured = await judge.measured(task)
    suspects = () if measured.spectrum is None else tuple(s for s in ochiai(measured.spectrum) if s.path == PROGRAM)
    engine = Engine(
        task=task,
        baseline=replace(measured.baseline, suspects=suspects),
        judge=judge,
        policy=single.next_steps,
        members=Members(proposers=(MUTATE,), aggregator=""),
        parts=Parts(
            proposers={MUTATE: MutateProposer()},
            aggregators={COMBINE: CombineAggregator()},
            reducer=Irreducible,
            mutants=no_mutants,
        ),
        record=Silent(),
        ledger=Ledger(None, None),
        settings=EngineSettings(search=limits),
        listen=lambda _: None,
    )
    result = await engine.run()
    if result.status is not Status.VERIFIED or result.winner is None:
        return ""
    return next((c.after or b"").decode() for c in result.winner.candidate.patch.changes)
