"""Many drafts, one choice, no merging: by rank alone (`best-of`), or by what most of them do (`vote`)."""

from __future__ import annotations

from moa_code.core.run import Cancel, Distinguish, Propose, RunState, Status, Step
from moa_code.evidence.standing import drafts_of, standing
from moa_code.policies.finish import (
    asked,
    authoring,
    give_up,
    ids,
    leader_of,
    over,
    passing,
    prove,
    stop_early,
)
from moa_code.policies.patience import stragglers, words


def best_of(state: RunState) -> tuple[Step, ...]:
    """Ask everybody, verify everything, keep the best by rank."""
    if (first := _drafted(state)) is not None:
        return first
    holding = passing(state)
    return prove(leader_of(drafts_of(holding)), state) if holding else (give_up(state),)


def vote(state: RunState) -> tuple[Step, ...]:
    """Ask everybody, run what passes on the same fresh inputs, keep the behaviour that most agree on."""
    if (first := _drafted(state)) is not None:
        return first
    holding = passing(state)
    if not holding:
        return (give_up(state),)
    found = standing(state, holding)
    if found.uncompared:
        if state.running:
            return ()
        reason = f"{len(found.drafts)} candidates pass; see what they do on fresh inputs"
        return (Distinguish(candidate_ids=ids(found.drafts), reason=reason),)
    heaviest = max(found.groups, key=lambda group: (len(group.authors), group.belief))
    why = f"{len(heaviest.authors)} of {sum(len(g.authors) for g in found.groups)} behave like it"
    return prove(heaviest.leader, state, belief=heaviest.belief, why=why)


def _drafted(state: RunState) -> tuple[Step, ...] | None:
    """What to do until all drafts are in; None once they are."""
    if why := over(state):
        return stop_early(why, state)
    wanted = state.members.proposers
    if not asked(state):
        if state.out_of_budget:
            return stop_early(Status.BUDGET, state)
        return (Propose(proposers=wanted, round=0, reason=f"{len(wanted)} drafts: {', '.join(wanted)}"),)
    if authoring(state):
        late = stragglers(state, len(wanted))
        if late and not any(isinstance(s, Cancel) for s in state.running):
            return (Cancel(reason=f"most have answered; not waiting for {words(late)}"),)
        return ()
    if state.out_of_budget and not state.judged:
        return stop_early(Status.BUDGET, state)
    return None
