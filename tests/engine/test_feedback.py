"""What an aggregator is told of its last round."""

from dataclasses import replace

from engine_doubles import BASELINE, patch, verdict

from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.run import Members, RunState
from moa_code.core.verdict import CheckOutcome, CheckResult, Outcome
from moa_code.engine.feedback import DETAIL_TOKENS, MOST_CHECKS, feedback_for
from moa_code.prompts.tokens import estimate_tokens

COUNTEREXAMPLE = "E   Failing test case: test_add(\nE       a=50,\nE       b=[],  # or any other generated value\nE   )"


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
    assert text.count("characters left out") == MOST_CHECKS
    assert estimate_tokens(text) < MOST_CHECKS * (DETAIL_TOKENS + 30) + 100


def test_a_counterexample_comes_first_however_long_the_failure_is():
    detail = "t.py:3: in test_add\n" + "    noise\n" * 900 + "E   assert 49 == (50 + 1)\n" + COUNTEREXAMPLE
    one = judged("mine")
    result = CheckResult(check_id="t.py::test_add", outcome=CheckOutcome.FAILED, detail=detail)
    one = replace(one, verdict=replace(one.verdict, results=(result,)))
    text = feedback_for(state(one), 1)
    assert "t.py::test_add: failed\nCounterexample: test_add(a=50, b=[])\n" in text
    assert estimate_tokens(text) < 2 * DETAIL_TOKENS


def test_a_round_that_brought_nothing_says_nothing():
    assert feedback_for(state(), 1) == ""
