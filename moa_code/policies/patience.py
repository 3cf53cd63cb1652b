"""How long a layer waits for its slowest: for most of it, then for as long as the others took, and a bit."""

from __future__ import annotations

from statistics import median

from moa_code.core.run import Pending, RunState

QUORUM = 2 / 3  # of a layer's authors
PATIENCE = 2.0  # times the median of those that answered
LEAST_S = 1.0  # no straggler before that: answers differ by more than this for no reason


def stragglers(state: RunState, layer: int) -> tuple[Pending, ...]:
    """Those of a layer of `layer` authors that need not be waited for any more.

    All pending ones, once two thirds of the layer have answered and each waited twice as long as the median answer
    took; nobody before that.
    """
    pending = state.pending
    if not pending or layer < 2 or not state.latencies_s:
        return ()
    answered = layer - len(pending)
    bound = max(LEAST_S, PATIENCE * median(state.latencies_s))
    if answered < QUORUM * layer or any(one.waited_s < bound for one in pending):
        return ()
    return pending


def words(late: tuple[Pending, ...]) -> str:
    """`codestral (silent for 12 s)`, for a reason."""
    return ", ".join(f"{one.author} (silent for {one.waited_s:.0f} s)" for one in late)
