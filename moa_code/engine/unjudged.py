"""What is said at the end of candidates that nobody could judge, because our side broke."""

from __future__ import annotations

from dataclasses import replace

from moa_code.core.errors import SandboxUnavailable
from moa_code.core.run import RunState, Status, Stop
from moa_code.core.verdict import Outcome


def honest(stop: Stop, state: RunState) -> Stop:
    """`stop`, whose reason names the candidates that could not be judged: "nothing passes" would claim they failed.

    Raises `SandboxUnavailable` where it would say nothing but that: when no candidate was judged at all, and when one
    passes and could not be confirmed.
    """
    if stop.status is not Status.UNVERIFIED:
        return stop
    for name, verdict in state.confirmed.items():
        if verdict.outcome is Outcome.INCONCLUSIVE:
            raise SandboxUnavailable(
                f"{name} passes and could not be confirmed in a fresh box: {verdict.detail}", remedy="moa-code doctor"
            )
    doubtful = [j.verdict for j in state.judged if j.verdict.outcome is Outcome.INCONCLUSIVE]
    if not doubtful:
        return stop
    why = doubtful[-1].detail
    if len(doubtful) == len(state.judged):
        raise SandboxUnavailable(f"no candidate could be judged: {why}", remedy="moa-code doctor")
    return replace(stop, reason=f"{stop.reason}; {len(doubtful)} of them could not be judged ({why})")
