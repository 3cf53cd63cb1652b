"""When a layer stops waiting for its slowest: most have answered, and it took twice as long as they did."""

import pytest

from moa_code.core.brief import Baseline
from moa_code.core.run import Members, Pending, RunState
from moa_code.policies.patience import stragglers, words

MEMBERS = Members(proposers=("a", "b", "c"), aggregator="large")


def state(waited, latencies):
    pending = tuple(Pending(author=f"m{n}", waited_s=s) for n, s in enumerate(waited))
    return RunState(baseline=Baseline(results=()), members=MEMBERS, pending=pending, latencies_s=tuple(latencies))


@pytest.mark.parametrize(
    ("waited", "latencies", "layer", "late"),
    [
        ([], [2.0, 2.0], 2, 0),  # nobody is late
        ([9.0], [2.0, 2.0], 3, 1),  # two of three, and far longer than they took
        ([3.9], [2.0, 2.0], 3, 0),  # not yet twice their time
        ([0.9], [0.1, 0.1], 3, 0),  # a second is nothing
        ([1.1], [0.1, 0.1], 3, 1),
        ([9.0, 9.0], [2.0], 3, 0),  # one of three is no quorum
        ([9.0, 9.0], [2.0] * 4, 6, 2),
        ([9.0, 1.0], [2.0] * 4, 6, 0),  # the second was asked later: it still may be in time
        ([99.0], [], 1, 0),  # a layer of one has nobody to be measured by
        ([99.0], [], 3, 0),
    ],
)
def test_who_is_not_waited_for(waited, latencies, layer, late):
    assert len(stragglers(state(waited, latencies), layer)) == late


def test_it_is_said_of_whom_and_for_how_long():
    assert words((Pending(author="codestral", waited_s=12.4),)) == "codestral (silent for 12 s)"
