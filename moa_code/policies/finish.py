"""What every strategy ends with: proof of what passes, an honest end where nothing does, a stop at a limit."""

from __future__ import annotations

from collections.abc import Iterable

from moa_code.core.brief import Judged
from moa_code.core.candidate import CandidateId
from moa_code.core.run import Aggregate, Cancel, Confirm, Minimise, Propose, Refine, RunState, Status, Step, Stop
from moa_code.evidence.failing import failure_signature
from moa_code.evidence.ranking import best
from moa_code.evidence.standing import MINIMISER, SEARCHERS, share_right


def passing(state: RunState) -> list[Judged]:
    """What passes and was not refuted in a fresh box, oldest first."""
    return [j for j in state.judged if j.verdict.passed and _still_stands(j, state)]


def over(state: RunState) -> Status | None:
    """Why nothing may be started any more."""
    if state.interrupted:
        return Status.INTERRUPTED
    return Status.TIME_LIMIT if state.out_of_time else None


def leader_of(holding: list[Judged]) -> Judged:
    """The best of what passes. Of a search's own drafts the likeliest, whatever its size: a changed line counts as two,
    an inserted one as one, and is no likelier for that.
    """
    searched = all(j.candidate.origin.author in SEARCHERS for j in holding)
    weights: dict[str, float] = {j.candidate.candidate_id: j.candidate.prior for j in holding} if searched else {}
    leader = best(holding, weights=weights)
    assert leader is not None, "something passes"
    return leader


def prove(leader: Judged, state: RunState, *, belief: float | None = None, why: str = "") -> tuple[Step, ...]:
    """The next step on the leader's way to being the answer: cancel the rest, minimise it, confirm it, stop.

    `why` says what speaks for it beside its checks; nothing is named while something runs that has to end first.
    """
    author = leader.candidate.origin.author
    if authoring(state):
        if any(isinstance(s, Cancel) for s in state.running):
            return ()
        if author in SEARCHERS and _is_searching(state):
            return ()
        reason = f"{author}'s {leader.candidate.candidate_id} passes every visible check"
        return (Cancel(reason=f"{reason}; {why}" if why else reason),)
    if state.running:
        return ()
    leader = final_form(leader, state)
    chosen = leader.candidate.candidate_id
    tried = {s.candidate_id for s in state.done if isinstance(s, Minimise)}
    if chosen not in tried and leader.candidate.origin.role != MINIMISER:
        return (Minimise(candidate_id=chosen, reason="drop what the checks do not need"),)
    if chosen not in state.confirmed:
        return (Confirm(candidate_id=chosen, reason="prove it in a fresh box with another seed"),)
    return (proven(leader, state, belief=belief, why=why),)


def final_form(leader: Judged, state: RunState) -> Judged:
    """The minimised form of the leader where there is one that still stands, else itself."""
    made_from = leader.candidate.candidate_id
    smaller = [
        j for j in passing(state) if j.candidate.origin.role == MINIMISER and made_from in j.candidate.origin.parents
    ]
    return smaller[-1] if smaller else leader


def proven(leader: Judged, state: RunState, *, belief: float | None = None, why: str = "") -> Stop:
    """Confirmed: verified, unless more evidence was asked for than there is."""
    counts = leader.verdict.counts
    author = leader.candidate.origin.author
    reason = f"{author}: {counts.passed} of {counts.expected} checks pass, confirmed in a fresh box"
    if why:
        reason += f"; {why}"
    chosen = leader.candidate.candidate_id
    reached = state.confirmed[chosen].level
    if reached >= state.min_level:
        return Stop(status=Status.VERIFIED, reason=reason, winner=chosen, belief=belief)
    reason += f", which is evidence level L{int(reached)}; L{int(state.min_level)} is asked for"
    return Stop(status=Status.UNVERIFIED, reason=reason, winner=chosen, belief=belief)


def stop_early(why: Status, state: RunState) -> tuple[Step, ...]:
    """The limit has come. What was already confirmed is still the answer; nothing new is started."""
    confirmed = [j for j in passing(state) if j.candidate.candidate_id in state.confirmed]
    if confirmed:
        return (proven(leader_of(confirmed), state),)
    leader = best(list(state.judged))
    winner = leader.candidate.candidate_id if leader else None
    words = {
        Status.INTERRUPTED: "interrupted by the user",
        Status.TIME_LIMIT: "the time limit has come",
        Status.BUDGET: "the budget is spent",
    }
    return (Stop(status=why, reason=f"{words[why]} before a patch was verified", winner=winner),)


def give_up(state: RunState) -> Stop:
    """Nothing passes and nobody is left to ask: the best attempt, and no claim."""
    drafts = readable(state)
    trust: dict[str, float] = {
        j.candidate.candidate_id: share_right(j.candidate.origin.author, state)
        for j in drafts
        if j.candidate.origin.author not in SEARCHERS
    }
    leader = best(drafts, weights=trust)
    winner = leader.candidate.candidate_id if leader else None
    if not state.judged and state.lost:
        author, reason = state.lost[-1]
        why = f"no proposer brought a patch; {author}: {reason}"
    else:
        why = f"none of {len(state.judged) + state.screened} candidates passes every check"
        if (alike := fail_alike(state)) > 2:
            why += f"; {alike} authors fail in exactly the same way, so look at the check too"
    return Stop(status=Status.UNVERIFIED, reason=why, winner=winner)


def fail_alike(state: RunState) -> int:
    """The most authors whose own drafts fail the same checks with the same words."""
    seen: dict[str, set[str]] = {}
    for judged in state.judged:
        origin = judged.candidate.origin
        if origin.role == "proposer" and origin.author not in SEARCHERS and not judged.verdict.passed:
            seen.setdefault(failure_signature(judged.verdict), set()).update(
                (origin.author, *state.agreed.get(judged.candidate.candidate_id, ()))
            )
    return max((len(authors) for authors in seen.values()), default=0)


def readable(state: RunState) -> list[Judged]:
    """Judged candidates that change something: what an aggregator could read."""
    return [j for j in state.judged if j.candidate.patch.changes]


def authoring(state: RunState) -> tuple[Propose | Refine | Aggregate, ...]:
    """Running steps that may still bring a draft."""
    return tuple(s for s in state.running if isinstance(s, Propose | Refine | Aggregate))


def asked(state: RunState) -> frozenset[str]:
    """Proposers that were asked to draft, whether or not they have answered."""
    steps = (*state.done, *state.running)
    return frozenset(name for s in steps if isinstance(s, Propose) for name in s.proposers)


def ids(judged: Iterable[Judged]) -> tuple[CandidateId, ...]:
    return tuple(j.candidate.candidate_id for j in judged)


def closeness(leader: Judged) -> str:
    counts = leader.verdict.counts
    return f"{leader.candidate.origin.author} with {counts.passed} of {counts.expected}"


def _still_stands(judged: Judged, state: RunState) -> bool:
    fresh = state.confirmed.get(judged.candidate.candidate_id)
    return fresh is None or fresh.passed


def _is_searching(state: RunState) -> bool:
    return any(SEARCHERS & set(s.proposers) for s in state.running if isinstance(s, Propose))
