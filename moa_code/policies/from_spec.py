"""Writing a function from its specification, around any strategy: model-written checks vote, and nothing is minimised.

The strategy inside decides who is asked. What this adds: a strong model writes checks, beside the first layer or once
they are needed; they are run on what passes; candidates that they speak against are hidden from the strategy while a
better one is there, or somebody is left to ask. No verdict changes for that. And the minimiser stays away: few examples
need little of a function, and what they do not need is not therefore wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from moa_code.core.candidate import CandidateId
from moa_code.core.run import Cancel, Confirm, Minimise, RunState, Status, Step, Stop, Vote, WriteChecks
from moa_code.evidence.dual import Dual, dual
from moa_code.evidence.standing import standing
from moa_code.policies.finish import asked, ids, passing
from moa_code.policies.rounds import BUILTIN

Inner = Callable[[RunState], tuple[Step, ...]]

FEW_EXAMPLES = 3
SURE = 0.95
DOUBTED = 0.5  # of the best candidate's probability
CONTESTED = 2  # written checks that everything fails which passes the hard ones

_OURS = (WriteChecks, Vote)
_LIMITS = (Status.INTERRUPTED, Status.TIME_LIMIT, Status.BUDGET)


class Writing(StrEnum):
    """When a strong model writes checks."""

    NEVER = "never"
    WHEN_NEEDED = "when_needed"  # few examples, and what passes is not believed
    ALWAYS = "always"


def next_steps(state: RunState, *, inner: Inner, writing: Writing, examples: int) -> tuple[Step, ...]:
    """What `inner` names for what it gets to see, or the step towards votes that comes before it."""
    told = opinion(state)
    steps = inner(_shown(state, _contested(state, told) or _beaten(told)))
    if _ends(steps) and _contested(state, told):  # it asks nobody else: then what passes is the answer all the same
        steps = inner(_shown(state, _beaten(told)))
    if any(isinstance(s, Stop) and s.status in _LIMITS for s in steps):
        return steps
    if writing is Writing.ALWAYS and not state.done and not state.running and _able(state):
        reason = "checks are written from the specification before any draft is seen"
        return (*steps, WriteChecks(author=state.members.aggregator, reason=reason))
    if not _ends(steps):
        return steps
    if any(isinstance(s, _OURS) for s in state.running):
        return ()
    if not state.running and (step := _before_the_end(state, writing, examples)) is not None:
        return (step,)
    return tuple(_believed(step, told) for step in steps)


def opinion(state: RunState) -> Dual | None:
    """What candidates that pass and written checks say of each other; None before they have met."""
    holding = passing(state)
    rows = {j.candidate.candidate_id: state.votes.get(j.candidate.candidate_id) for j in holding}
    known = {one: row for one, row in rows.items() if row is not None}
    if not known or not state.written:
        return None
    groups = standing(state, holding).groups
    clusters = {one: str(at) for at, group in enumerate(groups) for one in ids(group.members) if one in known}
    prior = {one: group.belief for group in groups for one in ids(group.members) if one in known}
    return dual({one: known[one] for one in clusters}, state.written, clusters=clusters, prior=prior)


def _before_the_end(state: RunState, writing: Writing, examples: int) -> Step | None:
    """Checks to be written, or to be run on what passes, before the strategy may prove it."""
    holding = passing(state)
    begun = any(isinstance(s, WriteChecks) for s in state.done)
    if not holding:
        return None
    if writing is Writing.WHEN_NEEDED and not begun and _able(state) and examples < FEW_EXAMPLES:
        belief = standing(state, holding).belief
        if belief < SURE:
            shown = f"{examples} example{'' if examples == 1 else 's'}"
            reason = f"the specification shows {shown}, belief {belief:.2f}: checks are written from its words"
            return WriteChecks(author=state.members.aggregator, reason=reason)
    unheard = tuple(one for one in ids(holding) if one not in state.votes)
    if state.written and unheard:
        reason = f"{len(state.written)} written checks say what they think of {len(unheard)} passing candidates"
        return Vote(candidate_ids=unheard, reason=reason)
    return None


def _shown(state: RunState, hidden: frozenset[CandidateId]) -> RunState:
    """The state as the strategy inside sees it."""
    minimised = tuple(Minimise(candidate_id=one, reason="not from a specification") for one in ids(passing(state)))
    return replace(
        state,
        judged=tuple(j for j in state.judged if j.candidate.candidate_id not in hidden),
        running=tuple(s for s in state.running if not isinstance(s, _OURS)),
        done=(*(s for s in state.done if not isinstance(s, _OURS)), *minimised),
    )


def _beaten(told: Dual | None) -> frozenset[CandidateId]:
    """Passing candidates that another one beats."""
    if told is None or not told.candidates:
        return frozenset()
    best = max(told.candidates.values())
    return frozenset(one for one, probability in told.candidates.items() if probability < DOUBTED * best)


def _contested(state: RunState, told: Dual | None) -> frozenset[CandidateId]:
    """All that passes, while a new candidate could tell who is wrong: they, or the checks that they all fail."""
    if told is None or not _somebody_left(state):
        return frozenset()
    rows = [state.votes[one] for one in told.candidates]
    failed = [votes for votes in zip(*rows, strict=True) if False in votes and True not in votes]
    return frozenset(told.candidates) if len(failed) >= CONTESTED else frozenset()


def _somebody_left(state: RunState) -> bool:
    members = state.members
    names = {name for name in (*members.proposers, members.strong) if name and not name.startswith(BUILTIN)}
    return not state.out_of_budget and bool(names - asked(state))


def _able(state: RunState) -> bool:
    author = state.members.aggregator
    return bool(author) and not author.startswith(BUILTIN) and not state.out_of_budget


def _ends(steps: tuple[Step, ...]) -> bool:
    return bool(steps) and all(isinstance(s, Cancel | Confirm | Stop) for s in steps)


def _believed(step: Step, told: Dual | None) -> Step:
    """A stop says what is believed of the winner after the votes."""
    match step:
        case Stop(winner=str(winner)) if told is not None and winner in told.candidates:
            belief = told.candidates[CandidateId(winner)]
            reason = f"{step.reason}; with the written checks' votes belief {belief:.2f}"
            return replace(step, belief=belief, reason=reason)
        case _:
            return step
