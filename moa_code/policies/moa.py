"""The mixture: layers of proposers side by side, then the aggregator, then rounds of feedback; what holds ends it."""

from __future__ import annotations

from moa_code.core.run import Aggregate, Distinguish, Propose, RunState, Status, Step
from moa_code.core.verdict import CheckOutcome
from moa_code.evidence.standing import standing
from moa_code.policies.finish import (
    authoring,
    give_up,
    ids,
    leader_of,
    over,
    passing,
    prove,
    readable,
    stop_early,
)
from moa_code.policies.patience import stragglers, words
from moa_code.policies.rounds import BUILTIN, next_round


def next_steps(state: RunState, *, layers: int = 2) -> tuple[Step, ...]:
    """What to do now; nothing while something that was started may still change the answer.

    `layers` counts the aggregator's: 2 is proposers, then the aggregator; each further one lets the proposers read how
    the drafts before were judged. A layer in which something passes is the last.
    """
    if why := over(state):
        return stop_early(why, state)
    if passing(state):
        return towards_proof(state)  # costs no tokens, so a spent budget does not keep us from it
    if authoring(state):
        return meanwhile(state)
    if state.running:
        return ()
    if state.out_of_budget:
        return stop_early(Status.BUDGET, state)
    return _wider(state, layers)


def towards_proof(state: RunState) -> tuple[Step, ...]:
    """Something passes: where several do, see whether they differ; then prove the most believed."""
    holding = passing(state)
    found = standing(state, holding)
    if found.uncompared and not authoring(state):
        if state.running:
            return ()
        reason = f"{len(found.drafts)} candidates pass; see where they differ"
        return (Distinguish(candidate_ids=ids(found.drafts), reason=reason),)
    if found.searched:  # of a search's drafts the likeliest: they are too much alike to outvote each other
        return prove(leader_of(list(found.drafts)), state, belief=found.belief, why=found.disagreement)
    return prove(found.leader, state, belief=found.belief, why=found.disagreement)


def meanwhile(state: RunState) -> tuple[Step, ...]:
    """While some still write: merge early what mends everything between it; do not wait for the slowest."""
    aggregator = state.members.aggregator
    if state.out_of_budget or any(isinstance(s, Aggregate) for s in state.running):
        return ()
    proposing = [s for s in state.running if isinstance(s, Propose)]
    layer = sum(len(s.proposers) for s in proposing)
    late = stragglers(state, layer)
    if proposing and late and readable(state) and not aggregator.startswith(BUILTIN):
        merge = next_round(state)
        if isinstance(merge, Aggregate):
            reason = f"{merge.reason}; not waiting for {words(late)}"
            return (Aggregate(aggregator=aggregator, round=merge.round, reason=reason, wide=merge.wide),)
    return _early_merge(state)


def _early_merge(state: RunState) -> tuple[Step, ...]:
    """While a search goes on: what it has found may mend every failing check already, each patch some of them."""
    aggregator = state.members.aggregator
    begun = any(isinstance(s, Aggregate) for s in (*state.running, *state.done))
    failing = {r.check_id for r in state.baseline.failing}
    if begun or not aggregator.startswith(BUILTIN) or len(failing) < 2:
        return ()
    mended = {
        r.check_id
        for j in state.judged
        if not j.verdict.regressed
        for r in j.verdict.results
        if r.outcome is CheckOutcome.PASSED
    }
    if not failing <= mended:
        return ()
    reason = f"drafts mend all {len(failing)} failing checks between them"
    return (Aggregate(aggregator=aggregator, round=0, reason=reason),)


def _wider(state: RunState, layers: int) -> tuple[Step, ...]:
    """Nothing passes yet: propose, propose again with what was judged, then aggregate, round after round."""
    proposers = state.members.proposers
    proposed = [s for s in state.done if isinstance(s, Propose)]
    if not proposed and proposers:
        names = ", ".join(proposers)
        return (Propose(proposers=proposers, round=0, reason=f"first layer: {names}"),)
    again = tuple(name for name in proposers if not name.startswith(BUILTIN))
    if len(proposed) < layers - 1 and again and readable(state):
        reason = f"layer {len(proposed) + 1}: {', '.join(again)} read how the drafts before were judged"
        return (Propose(proposers=again, round=len(proposed), reason=reason),)
    step = next_round(state)
    return (step,) if step is not None else (give_up(state),)
