"""Rounds after a layer that failed: the same failure twice changes the approach, and nobody repeats himself."""

from dataclasses import replace

from test_moa import judged, merge, state

from moa_code.core.run import Aggregate, Members, Propose, Refine
from moa_code.core.verdict import CheckOutcome, CheckResult
from moa_code.policies.rounds import next_round, repeats

TEAM = Members(
    proposers=("small", "other"), aggregator="strong", reasoner="thinker", refiners=("small", "other", "thinker")
)
LAYER = Propose(proposers=TEAM.proposers, round=0, reason="")


def failing(name, how, author="strong", role="aggregator"):
    found = judged(name, author=author, role=role, right=1)
    results = (CheckResult(check_id="c0", outcome=CheckOutcome.FAILED, detail=f"E  assert {how}"),)
    return replace(found, verdict=replace(found.verdict, results=results, detail=f"c0: assert {how}"))


DRAFT = judged("draft", right=2)


def test_new_failures_go_back_to_the_aggregator():
    seen = state(
        DRAFT, failing("m0", "1 == 2"), failing("m1", "3 == 2"), members=TEAM, done=(LAYER, merge(0), merge(1))
    )
    step = next_round(seen)
    assert isinstance(step, Aggregate)
    assert (step.round, step.wide) == (2, False)
    assert repeats(seen) == ""


def test_the_same_failure_twice_first_brings_more_context():
    seen = state(
        DRAFT, failing("m0", "1 == 2"), failing("m1", "1 == 2"), members=TEAM, done=(LAYER, merge(0), merge(1))
    )
    step = next_round(seen)
    assert isinstance(step, Aggregate)
    assert step.wide
    assert "the same failure twice (c0: assert 1 == 2)" in step.reason


def test_then_the_reasoner_starts_anew_and_then_another_goes_on_from_the_best():
    wide = replace(merge(2), wide=True)
    stuck = (failing("m0", "1 == 2"), failing("m1", "1 == 2"), failing("m2", "1 == 2"))
    seen = state(DRAFT, *stuck, members=TEAM, done=(LAYER, merge(0), merge(1), wide), feedback_rounds=9)
    anew = next_round(seen)
    assert isinstance(anew, Refine)
    assert (anew.author, anew.candidate_id) == ("thinker", None)
    thought = failing("m3", "1 == 2", author="thinker", role="reasoner")
    seen = state(DRAFT, *stuck, thought, members=TEAM, done=(LAYER, merge(0), merge(1), wide, anew), feedback_rounds=9)
    onward = next_round(seen)
    assert isinstance(onward, Refine)
    assert onward.author == "small"
    assert onward.candidate_id == "draft"
    assert "small with 2 of 3" in onward.reason


def test_rounds_are_counted_whoever_writes():
    done = (LAYER, merge(0), merge(1), Refine(author="thinker", candidate_id=None, round=2, reason=""))
    assert next_round(state(DRAFT, members=TEAM, done=done, feedback_rounds=2)) is None
    assert next_round(state(DRAFT, members=TEAM, done=done, feedback_rounds=3)) is not None


def test_without_drafts_the_aggregator_writes_once():
    step = next_round(state(members=TEAM, done=(LAYER,)))
    assert isinstance(step, Aggregate)
    assert step.reason == "there is no draft to read: strong writes one"
    assert next_round(state(members=TEAM, done=(LAYER, merge(0)))) is None


def test_nobody_merges_where_there_is_no_aggregator():
    assert next_round(state(DRAFT, members=replace(TEAM, aggregator=""))) is None
