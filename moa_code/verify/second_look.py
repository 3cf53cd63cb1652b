"""Which timeouts a loaded machine may have caused. Pure: a table tests it."""

from __future__ import annotations

from moa_code.core.box import Ended, Limits, Observation
from moa_code.core.brief import Baseline
from moa_code.verify.reading import SessionReport, ran_out_of_time

WALL_WORDS = "its own wall time"  # what the runner says of a check whose wall clock rang
SPUN = 0.9  # of the CPU limit: who used that much was not kept waiting
TIGHT = 2.0  # what neighbours on the same caches and cores can cost in CPU time, generously


def load_may_have_decided(
    observation: Observation, session: SessionReport | None, baseline: Baseline, limits: Limits
) -> bool:
    """Whether this run is to be repeated alone before its timeout counts.

    Wall time passes while a job waits for its turn, so a wall timeout of a job or of one check says nothing until no
    other job ran beside it. CPU time is charged for work alone: a candidate that used up its CPU limit has spun, and
    stays timed out, so that a search full of endless loops pays for each of them once. Where the untouched tree
    already needs half of the limit or more, slower caches may decide, and CPU timeouts are repeated as well.
    """
    match observation.ended:
        case Ended.WALL_LIMIT:
            return observation.cpu_s < SPUN * limits.cpu_s
        case Ended.CPU_LIMIT:
            return TIGHT * baseline.cpu_s >= limits.cpu_s
        case _:
            late = [r for r in session.results if ran_out_of_time(r)] if session else []
            return any(WALL_WORDS in r.detail for r in late)
