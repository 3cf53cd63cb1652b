import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.evidence.belief import (
    WEIGHTS,
    Author,
    Evidence,
    Row,
    Weights,
    alone_believed,
    beliefs,
    brier,
    fit,
    reliability_bins,
)

STRONG = Author(solves=0.9, family="a")
GOOD = Author(solves=0.75, family="b")
WEAK = Author(solves=0.4, family="c")
WEAK_TOO = Author(solves=0.45, family="d")


def believed(*groups, **rest):
    return beliefs(Evidence(groups=groups, **rest))


def test_one_pass_is_worth_what_its_author_is():
    assert believed((STRONG,))[0] > believed((GOOD,))[0] > believed((WEAK,))[0]
    assert believed((STRONG,))[0] > 0.95  # measured: 98 % of the strongest set's passes are right
    assert 0.65 < believed((WEAK,))[0] < 0.85  # and 84 % of the weakest set's
    assert believed() == ()


@pytest.mark.parametrize("belief", [0.05, 0.5, 0.943, 0.98])
def test_what_an_author_would_have_to_solve_to_be_believed_so_much(belief):
    author = Author(solves=alone_believed(belief), family="search")
    assert believed((author,))[0] == pytest.approx(belief)


def test_certainty_is_a_large_share_and_not_an_endless_one():
    assert alone_believed(1.0) == alone_believed(0.99) < 3
    assert alone_believed(0.0) == alone_believed(0.01) > -3


def test_who_behaves_alike_supports_it_another_family_more_than_the_same():
    alone = believed((WEAK,))[0]
    same = believed((WEAK, replace(WEAK_TOO, family=WEAK.family)))[0]
    other = believed((WEAK, WEAK_TOO))[0]
    assert alone < same < other
    three = believed((WEAK, WEAK_TOO, replace(WEAK, family="e")))[0]
    assert other < three


def test_a_second_draft_of_a_family_counts_less_whoever_stands_first():
    twins = (replace(GOOD, family="x"), replace(STRONG, family="x"))
    assert believed(twins) == pytest.approx(believed(twins[::-1]))


def test_a_failure_of_the_strong_says_that_the_task_is_hard_and_one_of_the_weak_says_little():
    none = believed((GOOD,))[0]
    weak = believed((GOOD,), failed=(WEAK,))[0]
    strong = believed((GOOD,), failed=(STRONG,))[0]
    assert strong < weak < none
    assert none - weak < (none - strong) / 2


def test_checks_that_notice_little_make_a_pass_worth_less_and_what_is_not_measured_changes_nothing():
    unknown = believed((GOOD,))[0]
    blind = believed((GOOD,), killed=10, tried=40)[0]
    sharp = believed((GOOD,), killed=40, tried=40)[0]
    assert blind < unknown < sharp
    assert abs(believed((GOOD,), killed=0, tried=1)[0] - unknown) < unknown - blind  # one mutant proves little


def test_disagreement_takes_belief_away_and_three_outvote_one_who_is_a_little_better():
    x, y = believed((STRONG,), (GOOD,))
    assert x < believed((STRONG,))[0]
    assert x > y > 0
    three = tuple(Author(solves=0.7, family=name) for name in "def")
    lone, together = believed((GOOD,), three)
    assert together > lone


SHARES = st.floats(0, 1)
AUTHORS = st.builds(Author, solves=SHARES, family=st.sampled_from("abc"))
GROUPS = st.lists(st.lists(AUTHORS, min_size=1, max_size=4).map(tuple), max_size=4).map(tuple)


@st.composite
def evidences(draw):
    tried = draw(st.integers(0, 200))
    return Evidence(
        groups=draw(GROUPS),
        failed=tuple(draw(st.lists(AUTHORS, max_size=4))),
        killed=draw(st.integers(0, tried)),
        tried=tried,
    )


@given(evidences())
def test_beliefs_are_probabilities_that_leave_room_for_none_is_right(evidence):
    found = beliefs(evidence)
    assert len(found) == len(evidence.groups)
    assert all(0 < one < 1 for one in found)
    assert math.fsum(found) < 1


@given(evidences(), AUTHORS)
def test_one_more_who_agrees_never_lowers_belief_and_one_more_rival_always_does(evidence, author):
    before = beliefs(evidence)
    for at, group in enumerate(evidence.groups):
        joined = (*evidence.groups[:at], (*group, author), *evidence.groups[at + 1 :])
        assert beliefs(replace(evidence, groups=joined))[at] >= before[at] - 1e-12
    rivalled = beliefs(replace(evidence, groups=(*evidence.groups, (author,))))
    assert all(after < was for after, was in zip(rivalled, before, strict=False))


@given(evidences())
def test_the_order_of_the_groups_does_not_matter(evidence):
    turned = beliefs(replace(evidence, groups=evidence.groups[::-1]))
    assert turned[::-1] == pytest.approx(beliefs(evidence))


@pytest.mark.parametrize(("killed", "tried"), [(-1, 4), (5, 4)])
def test_mutants_that_cannot_be_are_refused(killed, tried):
    with pytest.raises(ValueError, match="cannot have been noticed"):
        Evidence(groups=((GOOD,),), killed=killed, tried=tried)


def test_a_group_has_an_author_and_an_outcome():
    with pytest.raises(ValueError, match="without an author"):
        Evidence(groups=((),))
    with pytest.raises(ValueError, match="2 outcomes for 1 groups"):
        Row(evidence=Evidence(groups=((GOOD,),)), right=(True, False))


def drawn(truth, count, seed=3):
    """Situations whose outcomes are drawn as `truth` has it."""
    rng = Random(seed)
    rows = []
    for _ in range(count):
        authors = [Author(solves=rng.uniform(0.2, 0.95), family=rng.choice("abc")) for _ in range(5)]
        rng.shuffle(authors)
        cut = rng.randint(1, 3)
        groups = (tuple(authors[:cut]), tuple(authors[cut : cut + rng.randint(0, 2)]))
        evidence = Evidence(
            groups=tuple(g for g in groups if g),
            failed=tuple(authors[rng.randint(3, 5) :]),
            killed=(killed := rng.randint(0, 40)),
            tried=max(killed, 40),
        )
        roll, right = rng.random(), []
        for share in beliefs(evidence, truth):
            right.append(0 <= roll < share)
            roll -= share
        rows.append(Row(evidence=evidence, right=tuple(right)))
    return rows


def test_a_fit_finds_the_weights_that_made_the_outcomes():
    truth = Weights(constant=0.4, quality=1.3, support=0.8, failures=-0.9, strength=0.6)
    found = fit(drawn(truth, 4000))
    for got, wanted in zip(found.values(), truth.values(), strict=True):
        assert got == pytest.approx(wanted, abs=0.25)


def test_with_little_to_learn_from_a_fit_stays_at_its_prior():
    assert fit([], prior=WEIGHTS) == WEIGHTS
    few = drawn(Weights(constant=-3, quality=0, support=-2, failures=2, strength=-2), 5)
    assert math.dist(fit(few, prior=WEIGHTS, hold=500).values(), WEIGHTS.values()) < 0.1
    assert math.dist(fit(few, prior=WEIGHTS, hold=0.5).values(), WEIGHTS.values()) > 0.3


def test_a_row_weighs_what_it_says():
    rows = drawn(WEIGHTS, 30)
    twice = fit([replace(row, weight=2.0) for row in rows])
    assert twice.values() == pytest.approx(fit([*rows, *rows]).values(), abs=1e-6)


def test_a_fit_ends_where_everything_was_right():
    sure = [Row(evidence=Evidence(groups=((GOOD,),)), right=(True,)) for _ in range(500)]
    found = fit(sure)
    assert all(math.isfinite(value) for value in found.values())
    assert beliefs(Evidence(groups=((GOOD,),)), found)[0] > 0.98


def test_brier():
    assert brier([(1.0, True), (0.0, False)]) == 0
    assert brier([(0.5, True), (0.5, False)]) == 0.25
    assert brier([(0.9, False)]) == pytest.approx(0.81)
    with pytest.raises(ValueError, match="no belief"):
        brier([])


def test_reliability_bins_hold_everything_once():
    pairs = [(0.0, False), (0.31, True), (0.39, False), (0.95, True), (1.0, True)]
    found = reliability_bins(pairs, 10)
    assert [(b.low, b.count) for b in found] == [(0.0, 1), (0.3, 2), (0.9, 2)]
    assert found[1].believed == pytest.approx(0.35)
    assert found[1].true == 0.5
    assert sum(b.count for b in reliability_bins(pairs, 1)) == 5
    assert reliability_bins([]) == ()
    with pytest.raises(ValueError, match="at least one bin"):
        reliability_bins(pairs, 0)
