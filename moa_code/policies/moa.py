"""The mixture: proposers side by side, then the aggregator, then rounds of feedback; the first that holds ends it."""

from __future__ import annotations

from moa_code.core.brief import Judged
from moa_code.core.run import Aggregate, Cancel, Confirm, Minimise, Propose, RunState, Status, Step, Stop
from moa_code.core.verdict import CheckOutcome
from moa_code.evidence.ranking import best

BUILTIN = "builtin:"
SEARCHERS = frozenset({"builtin:mutate"})
"""Proposers whose own search goes on for a moment after a pass, to see whether a likelier patch passes too."""


def next_steps(state: RunState) -> tuple[Step, ...]:
    """What to do now; nothing while something that was started may still change the answer."""
    holding = [j for j in state.judged if j.verdict.passed and _still_stands(j, state)]
    if over := _over(state):
        return _stop_early(over, holding, state)
    if holding:
        return _towards_proof(holding, state)  # costs no tokens, so a spent budget does not keep us from it
    if state.running:
        return _early_merge(state)
    if state.out_of_budget:
        return _stop_early(Status.BUDGET, holding, state)
    return _wider(state)


def _towards_proof(holding: list[Judged], state: RunState) -> tuple[Step, ...]:
    """Something passes: minimise it, confirm it in a fresh box, stop."""
    leader = _leader(holding)
    assert leader is not None
    proposing = [s for s in state.running if isinstance(s, Propose | Aggregate)]
    author = leader.candidate.origin.author
    if proposing:
        if any(isinstance(s, Cancel) for s in state.running):
            return ()
        if author in SEARCHERS and _is_searching(state):
            return ()
        return (Cancel(reason=f"{author}'s {leader.candidate.candidate_id} passes every visible check"),)
    if state.running:
        return ()
    chosen = leader.candidate.candidate_id
    tried = {s.candidate_id for s in state.done if isinstance(s, Minimise)}
    if chosen not in tried and leader.candidate.origin.role != "minimiser":
        return (Minimise(candidate_id=chosen, reason="drop what the checks do not need"),)
    if chosen not in state.confirmed:
        return (Confirm(candidate_id=chosen, reason="prove it in a fresh box with another seed"),)
    return (_proven(leader, state),)


def _leader(holding: list[Judged]) -> Judged | None:
    """The best that passes. Of a search's own drafts the likeliest, whatever its size: a changed line counts as two, an
    inserted one as one, and is no likelier for that.
    """
    if all(j.candidate.origin.author in SEARCHERS for j in holding):
        return best(holding, weights={j.candidate.candidate_id: j.candidate.prior for j in holding})
    return best(holding)


def _proven(leader: Judged, state: RunState) -> Stop:
    """Confirmed: verified, unless more evidence was asked for than there is."""
    chosen = leader.candidate.candidate_id
    reached = state.confirmed[chosen].level
    if reached >= state.min_level:
        return Stop(status=Status.VERIFIED, reason=_why(leader), winner=chosen)
    why = f"{_why(leader)}, which is evidence level L{int(reached)}; L{int(state.min_level)} is asked for"
    return Stop(status=Status.UNVERIFIED, reason=why, winner=chosen)


def _early_merge(state: RunState) -> tuple[Step, ...]:
    """While a search goes on: what it has found may mend every failing check already, each patch some of them."""
    aggregator = state.members.aggregator
    begun = any(isinstance(s, Aggregate) for s in (*state.running, *state.done))
    failing = {r.check_id for r in state.baseline.failing}
    if begun or not aggregator.startswith(BUILTIN) or len(failing) < 2 or state.out_of_budget:
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


def _rounds(state: RunState) -> int:
    """How often the aggregator may be asked: a builtin once when the layer is complete, models again with feedback."""
    if not state.members.aggregator.startswith(BUILTIN):
        return 1 + state.feedback_rounds
    kinds = [type(s) for s in state.done if isinstance(s, Propose | Aggregate)]
    early = kinds[:1] == [Aggregate]
    return 2 if early else 1


def _wider(state: RunState) -> tuple[Step, ...]:
    """Nothing passes yet: propose, then aggregate, then aggregate again with what was learnt."""
    members = state.members
    proposed = [s for s in state.done if isinstance(s, Propose)]
    if not proposed:
        names = ", ".join(members.proposers)
        return (Propose(proposers=members.proposers, round=0, reason=f"first layer: {names}"),)
    merged = [s for s in state.done if isinstance(s, Aggregate)]
    readable = [j for j in state.judged if j.candidate.patch.changes]
    if readable and len(merged) < _rounds(state):
        fails = "no draft passes" if not merged else f"round {len(merged)} did not pass either"
        leader = best(readable)
        closest = f"; closest: {_closeness(leader)}" if leader else ""
        return (Aggregate(aggregator=members.aggregator, round=len(merged), reason=f"{fails}{closest}"),)
    return (_give_up(readable, state),)


def _give_up(readable: list[Judged], state: RunState) -> Stop:
    leader = best(readable)
    winner = leader.candidate.candidate_id if leader else None
    if not state.judged and state.lost:
        author, reason = state.lost[-1]
        why = f"no proposer brought a patch; {author}: {reason}"
    else:
        why = f"none of {len(state.judged) + state.screened} candidates passes every check"
    return Stop(status=Status.UNVERIFIED, reason=why, winner=winner)


def _over(state: RunState) -> Status | None:
    if state.interrupted:
        return Status.INTERRUPTED
    if state.out_of_time:
        return Status.TIME_LIMIT
    return None


def _stop_early(over: Status, holding: list[Judged], state: RunState) -> tuple[Step, ...]:
    """The limit has come. What was already confirmed is still the answer; nothing new is started."""
    proven = [j for j in holding if j.candidate.candidate_id in state.confirmed]
    if proven:
        leader = _leader(proven)
        assert leader is not None
        return (_proven(leader, state),)
    leader = best(list(state.judged))
    winner = leader.candidate.candidate_id if leader else None
    words = {
        Status.INTERRUPTED: "interrupted by the user",
        Status.TIME_LIMIT: "the time limit has come",
        Status.BUDGET: "the budget is spent",
    }
    return (Stop(status=over, reason=f"{words[over]} before a patch was verified", winner=winner),)


def _still_stands(judged: Judged, state: RunState) -> bool:
    fresh = state.confirmed.get(judged.candidate.candidate_id)
    return fresh is None or fresh.passed


def _is_searching(state: RunState) -> bool:
    return any(SEARCHERS & set(s.proposers) for s in state.running if isinstance(s, Propose))


def _why(leader: Judged) -> str:
    counts = leader.verdict.counts
    return (
        f"{leader.candidate.origin.author}: {counts.passed} of {counts.expected} checks pass, confirmed in a fresh box"
    )


def _closeness(leader: Judged) -> str:
    counts = leader.verdict.counts
    return f"{leader.candidate.origin.author} with {counts.passed} of {counts.expected}"
