"""The ladder: one model, then another, then the layer, the aggregator, the reasoner; up only while belief is low.

A pass is provisional until what is believed of it reaches the threshold. What raises or lowers belief costs no call:
how often its author's passes are wrong, how hard the checks look at it, who else behaves alike on fresh inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from moa_code.core.brief import Judged
from moa_code.core.run import Arbitrate, Distinguish, Measure, Propose, RunState, Status, Step
from moa_code.evidence.belief import WEIGHTS, Weights
from moa_code.evidence.standing import Standing, false_accept, family_of, standing
from moa_code.policies.finish import (
    asked,
    authoring,
    fail_alike,
    give_up,
    ids,
    leader_of,
    over,
    passing,
    prove,
    stop_early,
)
from moa_code.policies.moa import meanwhile
from moa_code.policies.patience import words
from moa_code.policies.rounds import BUILTIN, next_round

MOST_ALIKE = 3
"""Authors whose drafts fail alike: then the check is doubtful, or all misread it, and one more would say no more."""

HARD = 0.35
"""Share of tasks that the first rung solves below which asking one model alone is a waste of its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """`threshold` is the belief at which nobody else is asked; `entry` the first rung: `auto`, `cheap` or `strong`.

    `singles` proposers are asked one at a time before the rest is asked at once; one that has been silent for
    `patience_s` is not waited for alone. Where nothing passes, `most_failures` are asked before the next rung; where
    something does, `most_opinions` more. None: as many as there are. `weights` are those of belief.

    `after_failure` is the threshold where the first pass came after somebody's failure (None: the same): the task is
    hard then, and further opinions are mostly wrong too. `strong_below` keeps the strong one from giving an opinion
    unless belief is lower (None: like anybody). `other_family_first`: a second opinion comes from who did not learn
    from the same; else from the next one in the team's order, which is better where that order was measured. When
    `most_alike` authors fail the same checks with the same words, no further one of the layer is asked.
    `measure_first`: see how hard the checks look at what passes before it is believed, not only where it is doubted.
    """

    threshold: float = 0.95
    entry: str = "auto"
    singles: int = 2
    patience_s: float = 15.0
    most_failures: int | None = None
    most_opinions: int | None = None
    weights: Weights = WEIGHTS
    after_failure: float | None = None
    strong_below: float | None = None
    other_family_first: bool = True
    most_alike: int = MOST_ALIKE
    measure_first: bool = False


def next_steps(state: RunState, *, ladder: Ladder) -> tuple[Step, ...]:
    """What to do now; nothing while something that was started may still change the answer."""
    if why := over(state):
        return stop_early(why, state)
    if holding := passing(state):
        return _weigh(state, holding, ladder)
    if authoring(state):
        return _meanwhile(state, ladder)
    if state.running:
        return ()
    if state.out_of_budget:
        return stop_early(Status.BUDGET, state)
    return _climb(state, ladder)


def _meanwhile(state: RunState, ladder: Ladder) -> tuple[Step, ...]:
    """While some still write and nothing passes: who has kept us waiting for long is not waited for alone."""
    left = [name for name in state.members.proposers if name not in asked(state)]
    if left and state.pending and not state.out_of_budget:
        quickest = min(one.waited_s for one in state.pending)
        if quickest >= ladder.patience_s:
            reason = f"{words(state.pending)}: {left[0]} is asked beside"
            return (Propose(proposers=(left[0],), round=0, reason=reason),)
    return meanwhile(state)


def _weigh(state: RunState, holding: list[Judged], ladder: Ladder) -> tuple[Step, ...]:
    """Something passes: believe it, find out more about it, or ask somebody else."""
    found = standing(state, holding, ladder.weights)
    sure = found.belief >= _threshold(state, ladder) and not found.uncompared
    others = _unasked(state, found, ladder)
    if authoring(state):
        silent = min((one.waited_s for one in state.pending), default=0.0) >= ladder.patience_s
        return _prove(state, found) if sure or silent else ()
    if state.running:
        return ()
    if found.uncompared:
        reason = f"{len(found.drafts)} candidates pass; see what they do on fresh inputs"
        return (Distinguish(candidate_ids=ids(found.drafts), reason=reason),)
    leader = found.leader.candidate.candidate_id
    weigh = ladder.measure_first and _threshold(state, ladder) > 0.0 and not state.strengths
    if (weigh or not sure) and others and not state.out_of_budget:
        if leader not in state.strengths:
            return (Measure(candidate_id=leader, reason="see how hard the visible checks look at it"),)
        return (_second_opinion(state, found, others[0], ladder),)
    if not sure and (step := _arbitration(state, found)) is not None:
        return (step,)
    return _prove(state, found)


def _threshold(state: RunState, ladder: Ladder) -> float:
    first = next((j for j in state.judged if j.candidate.origin.role == "proposer"), None)
    failed = first is not None and not first.verdict.passed and not _builtin(first.candidate.origin.author)
    return ladder.after_failure if failed and ladder.after_failure is not None else ladder.threshold


def _prove(state: RunState, found: Standing) -> tuple[Step, ...]:
    """Of a search's drafts the likeliest: they are too much alike to outvote each other. Else what was ruled, or is
    believed most.
    """
    told = [f"belief {found.belief:.2f}"]
    if found.disagreement:
        told.append(found.disagreement)
    chosen = found.groups[0]
    if state.rulings:
        ruling = state.rulings[-1]
        ruled = [g for g in found.groups if ruling.chosen in ids(g.members)]
        chosen = ruled[0] if ruled else chosen
        told.append(f"{ruling.author} {'chose' if ruled else 'abstains'}: {ruling.reason}")
    leader = leader_of(list(found.drafts)) if found.searched else chosen.leader
    return prove(leader, state, belief=chosen.belief, why="; ".join(told))


def _second_opinion(state: RunState, found: Standing, author: str, ladder: Ladder) -> Propose:
    """Ask one more, and say why what passes is not enough."""
    leader = found.leader
    counts = leader.verdict.counts
    writer = leader.candidate.origin.author
    parts = [f"{writer} passed {counts.passed}/{counts.expected} visible checks"]
    parts.append(f"its passes are wrong {false_accept(writer, state):.0%} of the time")
    strength = state.strengths.get(leader.candidate.candidate_id)
    if strength and strength.tried:
        parts.append(f"the checks notice {strength.killed} of {strength.tried} small mistakes")
    if found.disagreement:
        parts.append(found.disagreement)
    parts.append(f"belief {found.belief:.2f} is below {_threshold(state, ladder):g}")
    second = "a second family" if family_of(author, state) != family_of(writer, state) else "another draft"
    return Propose(proposers=(author,), round=0, reason=f"{'; '.join(parts)}: {second}, {author}, is asked")


def _arbitration(state: RunState, found: Standing) -> Arbitrate | None:
    """The aggregator is asked about the differing outputs alone, once, and only where there are any."""
    author = state.members.aggregator
    if state.rulings or len(found.groups) < 2 or found.searched or state.out_of_budget:
        return None
    if not author or author.startswith(BUILTIN) or not (state.behaviour and state.behaviour.calls):
        return None
    reason = f"{len(found.groups)} behaviours pass every visible check, the first at belief {found.belief:.2f}"
    return Arbitrate(author=author, candidate_ids=tuple(ids(g.leader for g in found.groups)), reason=reason)


def _climb(state: RunState, ladder: Ladder) -> tuple[Step, ...]:
    """Nothing passes: the next rung."""
    members = state.members
    begun = asked(state)
    if not begun:
        return (_entry(state, ladder),)
    left = [name for name in members.proposers if name not in begun]
    models = [name for name in begun if not name.startswith(BUILTIN)]
    alike = fail_alike(state) >= ladder.most_alike
    if left and not alike and (ladder.most_failures is None or len(models) < ladder.most_failures):
        now = tuple(left) if len(models) >= ladder.singles else (left[0],)
        who = f"{now[0]} is asked" if len(now) == 1 else f"the rest of the layer is asked: {', '.join(now)}"
        return (Propose(proposers=now, round=0, reason=f"{_so_far(state)}; {who}"),)
    if members.strong and members.strong not in begun and (not members.aggregator or _builtin(members.aggregator)):
        reason = f"{_so_far(state)}; {members.strong}, the strong one, is asked"
        return (Propose(proposers=(members.strong,), round=0, reason=reason),)
    step = next_round(state)
    return (step,) if step is not None else (give_up(state),)


def _entry(state: RunState, ladder: Ladder) -> Propose:
    """The first rung: one model where that is enough, the whole layer for what is known to be hard."""
    members = state.members
    searches = tuple(name for name in members.proposers if _builtin(name))
    models = tuple(name for name in members.proposers if not _builtin(name))
    if ladder.entry == "strong" and members.strong:
        reason = f"{members.strong} answers first: the strong one was asked for"
        return Propose(proposers=(members.strong, *searches), round=0, reason=reason)
    if not models:
        return Propose(proposers=searches, round=0, reason=f"{', '.join(searches)} searches: no model is on the team")
    first = members.profiles.get(models[0])
    if ladder.entry == "auto" and first is not None and first.solves.mean < HARD and len(models) > 1:
        reason = f"{models[0]} solves {first.solves.mean:.0%} of such tasks: the whole layer at once"
        return Propose(proposers=members.proposers, round=0, reason=reason)
    solves = f", which solves {first.solves.mean:.0%} of such tasks alone" if first is not None else ""
    return Propose(proposers=(models[0], *searches), round=0, reason=f"one model first: {models[0]}{solves}")


def _unasked(state: RunState, found: Standing, ladder: Ladder) -> list[str]:
    """Who could give a second opinion: first those of a family that did not write what leads."""
    begun = asked(state)
    if ladder.most_opinions is not None and _opinions(state) >= ladder.most_opinions:
        return []
    members = state.members
    left = [name for name in members.proposers if name not in begun and not _builtin(name)]
    families = {family_of(author, state) for author in found.groups[0].authors}
    if ladder.other_family_first:
        left = sorted(left, key=lambda name: family_of(name, state) in families)
    doubted = ladder.strong_below is None or found.belief < ladder.strong_below
    if members.strong and doubted and members.strong not in (*begun, *left):
        left.append(members.strong)
    return left


def _opinions(state: RunState) -> int:
    """How many models were asked after the first candidate had passed."""
    authors = [j.candidate.origin.author for j in state.judged if j.candidate.origin.role == "proposer"]
    first = next((j.candidate.origin.author for j in state.judged if j.verdict.passed), None)
    models = [name for name in dict.fromkeys(authors) if not _builtin(name)]
    return len(models) - 1 - models.index(first) if first in models else 0


def _so_far(state: RunState) -> str:
    if not state.judged:
        author, reason = state.lost[-1] if state.lost else ("", "nothing came")
        return f"{author}: {reason}" if author else reason
    latest = state.judged[-1]
    counts = latest.verdict.counts
    return f"{latest.candidate.origin.author} passes {counts.passed} of {counts.expected} checks"


def _builtin(name: str) -> bool:
    return name.startswith(BUILTIN)
