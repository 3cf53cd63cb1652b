"""One candidate's job, heard out: run, read, and run once more alone where load may have decided."""

from __future__ import annotations

from collections.abc import Callable

from moa_code.core.box import Limits, Observation
from moa_code.core.brief import Baseline
from moa_code.verify.plan import Planned
from moa_code.verify.reading import SessionReport, read_session
from moa_code.verify.second_look import load_may_have_decided
from moa_code.verify.turns import Turns


async def seen(
    turns: Turns, planned: Callable[[], Planned], baseline: Baseline, limits: Limits, *, fresh: bool
) -> tuple[Planned, Observation, SessionReport]:
    """What a candidate's job showed. A timeout that load may have caused is repeated once, with no other job running,
    and the second run counts; it has secrets of its own.
    """
    run = planned()
    observation = await turns.run(run.job, fresh=fresh)
    session = read_session(observation.report, run.nonce)
    if load_may_have_decided(observation, session, baseline, limits):
        run = planned()
        observation = await turns.run_alone(run.job, fresh=fresh)
        session = read_session(observation.report, run.nonce)
    return run, observation, session
