"""Many drafts, one choice, no merging: by rank alone (`best-of`), or by what most of them do (`vote`)."""

from __future__ import annotations

from moa_code.core.run import Cancel, Distinguish, Propose, RunState, Status, Step
from moa_code.evidence.ranking import best
from moa_code.evidence.standing import drafts_of, share_right, standing
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
    """Ask everybody, verify everything, keep the best by rank: of what passes, that of the most reliable author."""
    if (first := _drafted(state)) is not None:
        return first
    drafts = drafts_of(passing(state))
    if not drafts:
        return (give_up(state),)
    trust = {j.candidate.candidate_id: share_right(j.candidate.origin.author, state) for j in drafts}
    if len(set(trust.values())) == 1:
        return prove(leader_of(drafts), state)
    leader = best(drafts, weights={str(name): share for name, share in trust.items()})
    assert leader is not None, "something passes"
    return prove(leader, state)


def vote(state: RunState) -> tuple[Step, ...]:
    """Ask everybody, run what passes on the same fresh inputs, keep the behaviour with the most weight behind it."""
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
    heaviest = found.groups[0]  # heads weighed by what each of them solves
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
