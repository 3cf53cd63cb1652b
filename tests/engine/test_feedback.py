"""What an aggregator is told of its last round."""

from dataclasses import replace

from engine_doubles import BASELINE, patch, verdict

from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.run import Members, RunState
from moa_code.core.verdict import CheckOutcome, CheckResult, Outcome
from moa_code.engine.feedback import MOST_CHECKS, MOST_DETAIL_CHARS, feedback_for


def judged(name, *, role="aggregator", round_=0, **more):
    origin = Origin(author="strong", role=role, layer=1, round=round_)
    candidate = Candidate(candidate_id=name, patch=patch(name), origin=origin)
    return Judged(candidate=candidate, verdict=verdict(candidate, Outcome.FAILED, **more))


def state(*found):
    return RunState(baseline=BASELINE, members=Members(proposers=("a",), aggregator="strong"), judged=found)


def test_the_first_round_is_told_nothing():
    assert feedback_for(state(judged("m0")), 0) == ""


def test_only_the_round_before_and_only_ones_own():
    found = state(
        judged("mine", round_=1, detail="t.py::test_bad failed"),
        judged("older", round_=0, detail="x"),
        judged("foreign", role="proposer", round_=1),
    )
    text = feedback_for(found, 2)
    assert "(mine) was judged: failed. t.py::test_bad failed" in text
    assert "older" not in text
    assert "foreign" not in text


def test_it_holds_failures_and_what_broke_within_bounds():
    results = tuple(CheckResult(check_id=f"c{n}", outcome=CheckOutcome.FAILED, detail="x" * 5000) for n in range(20))
    results += (CheckResult(check_id="never", outcome=CheckOutcome.MISSING),)
    one = judged("mine")
    one = replace(one, verdict=replace(one.verdict, results=results, regressed=("c3",)))
    text = feedback_for(state(one), 1)
    assert "It broke what worked before: c3" in text
    assert "never" not in text
    assert text.count("x" * MOST_DETAIL_CHARS) == MOST_CHECKS
    assert len(text) < MOST_CHECKS * (MOST_DETAIL_CHARS + 100) + 500


def test_a_round_that_brought_nothing_says_nothing():
    assert feedback_for(state(), 1) == ""
