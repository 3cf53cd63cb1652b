from itertools import permutations

import pytest
from judging import judged

from moa_code.core.verdict import Level, Outcome
from moa_code.evidence.ranking import best, order

# Each pair: the first is better than the second, by this reason alone or although everything below it speaks against.
PAIRS = {
    "verified before unverified": (judged("z", "pp", lines=9), judged("a", "ppppf", lines=1, prior=9)),
    "enough evidence before passed": (judged("z", "pp", lines=9), judged("a", "pp", level=Level.COMPILES, prior=9)),
    "passed before failed": (judged("z", "p", level=Level.APPLIES), judged("a", "pppf")),
    "fewest regressions": (judged("z", "pff"), judged("a", "ppf", regressed=("c2",))),
    "most targets": (judged("z", "ppf", lines=9), judged("a", "pff", prior=9)),
    "fewest lines": (judged("z", "pf", lines=2), judged("a", "pf", lines=3, prior=9)),
    "highest prior": (judged("z", "pf", prior=2.0), judged("a", "pf", prior=1.0)),
    "lowest id": (judged("a", "pf"), judged("b", "pf")),
    "tried before refused": (
        judged("z", "fff", regressed=("c1", "c2")), judged("a", "ppf", outcome=Outcome.TAMPERED),
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", PAIRS)
def test_the_better_of_two(reason):
    better, worse = PAIRS[reason]
    assert order([worse, better]) == order([better, worse]) == (better, worse)
    assert best([worse, better]) is better


def test_weights_come_before_votes_and_votes_before_size():
    a, b, c = judged("a", "pf", lines=1), judged("b", "pf", lines=2), judged("c", "pf", lines=3)
    assert order([a, b, c], votes={"b": 1.0})[0] is b
    assert order([a, b, c], votes={"b": 1.0}, weights={"c": 2.0, "a": 1.0}) == (c, a, b)


def test_targets_count_alone_when_they_are_known():
    broad, exact = judged("a", "ppppf"), judged("b", "ffffp")
    assert best([broad, exact]) is broad
    assert best([broad, exact], targets={"c4"}) is exact


def test_no_weight_and_no_vote_lifts_an_unverified_above_a_verified_one():
    verified, loud = judged("z", "p", lines=50), judged("a", "pppppf")
    assert best([loud, verified], weights={"a": 99.0}, votes={"a": 99.0}) is verified


def test_the_level_that_counts_as_verified_can_be_chosen():
    low, high = judged("a", "p", level=Level.TARGET_CHECKS), judged("b", "p", level=Level.DIFFERENTIAL)
    assert best([low, high], min_level=Level.DIFFERENTIAL) is high
    assert best([low, high], min_level=Level.TARGET_CHECKS) is low


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.TAMPERED, Outcome.INCONCLUSIVE])
def test_what_was_never_really_tried_is_never_the_best(outcome):
    assert best([judged("a", "pp", outcome=outcome)]) is None
    assert best([]) is None


def test_the_order_is_total():
    all_of_them = [judged(f"{n}", "pf", lines=1 + n % 2, prior=n % 3) for n in range(5)]
    assert len({tuple(map(id, order(p))) for p in permutations(all_of_them)}) == 1
