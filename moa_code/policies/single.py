"""One model, one draft: the arm that everything else is compared with."""

from __future__ import annotations

from moa_code.core.run import Propose, RunState, Status, Step
from moa_code.policies.finish import asked, authoring, give_up, leader_of, over, passing, prove, stop_early


def next_steps(state: RunState, *, strong: bool = False) -> tuple[Step, ...]:
    """Ask the first proposer (`strong`: the one held back), verify, stop."""
    if why := over(state):
        return stop_early(why, state)
    if holding := passing(state):
        return prove(leader_of(holding), state)
    if state.running or authoring(state):
        return ()
    if state.out_of_budget:
        return stop_early(Status.BUDGET, state)
    members = state.members
    name = members.strong if strong and members.strong else members.proposers[0]
    if name not in asked(state):
        return (Propose(proposers=(name,), round=0, reason=f"{name} answers alone"),)
    return (give_up(state),)
