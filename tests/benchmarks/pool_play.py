"""One task of the pool played by the real engine under one policy, with recorded proposers and stored verdicts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from pool_cells import Line
from pool_judge import RememberingJudge

from moa_code.aggregate.combine import CombineAggregator
from moa_code.core.brief import Brief
from moa_code.core.candidate import Candidate, Draft
from moa_code.core.patch import Patch
from moa_code.core.ports import Aggregator, Proposer
from moa_code.core.run import Aggregate, Members, Propose, Refine, RunResult, RunState, Status, Step
from moa_code.core.task import Task
from moa_code.core.verdict import Verdict
from moa_code.engine.budget import Ledger
from moa_code.engine.engine import Engine, Policy
from moa_code.engine.parts import EngineSettings, Parts, Unexercised
from moa_code.evidence.ranking import order
from moa_code.policies.finish import asked, give_up, leader_of, over, passing, prove, stop_early

COMBINE = "builtin:combine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came out. `asked`: whose recorded answers were read, once for each time; `oracle`: one of them was right.

    `belief` is the probability that the policy gave its answer; None where it gave none.
    """

    task_id: str
    verified: bool
    right: bool
    plus: bool
    author: str
    asked: tuple[str, ...]
    oracle: bool
    oracle_passing: bool
    merged: int
    belief: float | None
    reason: str
    patch: Patch | None

    @property
    def calls(self) -> int:
        return len(self.asked)


class Recorded:
    """A `Proposer` that says what its model said then."""

    def __init__(self, name: str, draft: Draft) -> None:
        self._name = name
        self._draft = draft

    @property
    def name(self) -> str:
        return self._name

    async def drafts(self, brief: Brief) -> AsyncIterator[Draft]:
        yield self._draft

    def observe(self, candidate: Candidate, verdict: Verdict) -> None:
        """It said it all long ago."""


class Silent:
    """A `Record` that keeps nothing."""

    def step(self, kind: str, reason: str, detail: Mapping[str, object]) -> None: ...

    def event(self, kind: str, detail: Mapping[str, object]) -> None: ...

    def candidate(self, candidate: Candidate) -> None: ...

    def verdict(self, verdict: Verdict) -> None: ...


class Irreducible:
    """A reducer that takes nothing away: how small a patch is makes no difference here."""

    lines_before = lines_after = 0
    unexercised = None

    def __init__(self, patch: Patch, unexercised: Unexercised = None) -> None:
        self.patch = patch

    def next_batch(self) -> tuple[Patch, ...]:
        return ()

    def tell(self, results: tuple[bool, ...]) -> None:
        raise AssertionError("nothing was tried")


def cascade(state: RunState) -> tuple[Step, ...]:
    """The bar: one proposer after the other in their order, until something passes what is visible."""
    if why := over(state):
        return stop_early(why, state)
    if holding := passing(state):
        return prove(leader_of(holding), state)
    if state.running:
        return ()
    members = state.members
    names = (*members.proposers, *([members.strong] if members.strong else []))
    left = [name for name in names if name not in asked(state)]
    if not left:
        return (give_up(state),)
    return (Propose(proposers=(left[0],), round=0, reason=f"nothing passes; {left[0]} is asked"),)


async def play(line: Line, policy: Policy, members: Members, judge: RememberingJudge) -> Played:
    """The engine's own run on one task, graded by what only the benchmark knows.

    Recordings propose; the aggregator, if there is one, is `builtin:combine`, and nobody refines or arbitrates.
    """
    names = (*members.proposers, *([members.strong] if members.strong else []))
    proposers: dict[str, Proposer] = {name: Recorded(name, line.cells[name].draft) for name in names}
    aggregators: dict[str, Aggregator] = {COMBINE: CombineAggregator()} if members.aggregator else {}
    parts = Parts(
        proposers=proposers,
        aggregators=aggregators,
        reducer=Irreducible,
        mutants=no_mutants,
    )
    engine = Engine(
        task=line.loaded.task,
        baseline=line.baseline,
        judge=judge,
        policy=policy,
        members=members,
        parts=parts,
        record=Silent(),
        ledger=Ledger(None, None),
        settings=EngineSettings(),
        listen=lambda _: None,
    )
    return await _graded(line, await engine.run(), judge)


def no_mutants(task: Task, patch: Patch) -> Sequence[Patch]:
    """The judge has measured every candidate's strength beforehand."""
    return ()


async def _graded(line: Line, result: RunResult, judge: RememberingJudge) -> Played:
    names = tuple(name for step in result.steps if isinstance(step, Propose) for name in step.proposers)
    names += tuple(step.author for step in result.steps if isinstance(step, Refine))
    cells = [line.cells[name] for name in dict.fromkeys(names)]
    winner = result.winner.candidate if result.winner else None
    verified = result.status is Status.VERIFIED
    if winner is None and result.judged:
        winner = order(result.judged)[0].candidate
    right = winner is not None and await judge.right(line.loaded, winner.patch)
    plus = right and line.loaded.stricter is not None and winner is not None
    return Played(
        task_id=line.task_id,
        verified=verified,
        right=right,
        plus=plus and winner is not None and await judge.plus(line.loaded, winner.patch),
        author=winner.origin.author if winner else "",
        asked=names,
        oracle=any(cell.right for cell in cells),
        oracle_passing=any(cell.right and cell.passed for cell in cells),
        merged=sum(isinstance(step, Aggregate) for step in result.steps),
        belief=result.belief if verified else None,
        reason=result.reason,
        patch=winner.patch if winner else None,
    )
