"""Rounds of aggregation with feedback: what comes after a layer in which nothing passes."""

from __future__ import annotations

from moa_code.core.run import Aggregate, Authoring, Propose, Refine, RunState
from moa_code.evidence.failing import failure_signature
from moa_code.evidence.ranking import best
from moa_code.policies.finish import closeness, readable

BUILTIN = "builtin:"
REFINED = frozenset({"refiner", "reasoner"})


def next_round(state: RunState) -> Authoring | None:
    """The next attempt to make something pass out of what was learnt; None when all rounds are used up.

    A model merges once and again with feedback. The same failure twice changes the approach: more context first, then
    another mind that starts anew. A builtin merges once (and once early), since it would do the same again.
    """
    members = state.members
    merged = [s for s in state.done if isinstance(s, Aggregate)]
    refined = [s for s in state.done if isinstance(s, Refine)]
    drafts = readable(state)
    if not members.aggregator:
        return None
    if members.aggregator.startswith(BUILTIN):
        if not drafts or len(merged) >= (2 if _merged_early(state) else 1):
            return None
        return Aggregate(aggregator=members.aggregator, round=len(merged), reason=_reason(state, len(merged)))
    used = len(merged) + len(refined)
    if used > state.feedback_rounds or not (drafts or used == 0):
        return None
    if repeats(state):
        return _another_way(state, used)
    return Aggregate(aggregator=members.aggregator, round=used, reason=_reason(state, used))


def repeats(state: RunState) -> str:
    """What failed in the same way in the last two rounds; empty when something is new."""
    written = [j for j in state.judged if j.candidate.origin.role in {"aggregator", *REFINED}]
    last_two = written[-2:]
    if len(last_two) < 2 or any(j.verdict.passed for j in last_two):
        return ""
    first, second = (failure_signature(j.verdict) for j in last_two)
    if first != second:
        return ""
    return last_two[1].verdict.detail or "the same checks fail in the same way"


def _another_way(state: RunState, used: int) -> Authoring:
    """More context, then somebody else who reads no draft, then one who goes on from the best draft."""
    members = state.members
    again = f"the same failure twice ({repeats(state)[:80]})"
    if not any(isinstance(s, Aggregate) and s.wide for s in state.done):
        reason = f"{again}: once more with a larger context"
        return Aggregate(aggregator=members.aggregator, round=used, reason=reason, wide=True)
    fresh = [s.author for s in state.done if isinstance(s, Refine)]
    if members.reasoner and members.reasoner not in fresh:
        reason = f"{again}: {members.reasoner} starts anew from the failures, without the drafts"
        return Refine(author=members.reasoner, candidate_id=None, round=used, reason=reason)
    others = [m for m in members.proposers if m in members.refiners and m not in fresh]
    leader = best(readable(state))
    if others and leader is not None:
        reason = f"{again}: {others[0]} goes on from the best draft, {closeness(leader)}"
        return Refine(author=others[0], candidate_id=leader.candidate.candidate_id, round=used, reason=reason)
    return Aggregate(aggregator=members.aggregator, round=used, reason=f"{again}: nobody else is left to ask")


def _merged_early(state: RunState) -> bool:
    kinds = [type(s) for s in state.done if isinstance(s, Propose | Aggregate)]
    return kinds[:1] == [Aggregate]


def _reason(state: RunState, used: int) -> str:
    fails = "no draft passes" if used == 0 else f"round {used} did not pass either"
    if not readable(state):
        return f"there is no draft to read: {state.members.aggregator} writes one"
    leader = best(readable(state))
    return f"{fails}; closest: {closeness(leader)}" if leader else fails
