"""What an author is told of its last letter's end."""

from dataclasses import replace

import pytest
from engine_doubles import BASELINE, patch, verdict

from moa_code.core.brief import Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.run import Aggregate, Members, Propose, Refine, RunState
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Outcome
from moa_code.engine.feedback import DETAIL_TOKENS, MOST_CHECKS, feedback_for
from moa_code.prompts.tokens import estimate_tokens

COUNTEREXAMPLE = "E   Failing test case: test_add(\nE       a=50,\nE       b=[],  # or any other generated value\nE   )"
P, F, M = CheckOutcome.PASSED, CheckOutcome.FAILED, CheckOutcome.MISSING


def judged(name, *, role="aggregator", round_=0, author="strong", checks=None, regressed=(), **more):
    """`checks` maps ids to the text of a failure, or True for a pass."""
    origin = Origin(author=author, role=role, layer=1, round=round_)
    candidate = Candidate(candidate_id=name, patch=patch(name), origin=origin)
    found = verdict(candidate, Outcome.FAILED, **more)
    if checks is not None:
        results = tuple(
            CheckResult(check_id=c, outcome=P if d is True else F, detail="" if d is True else d)
            for c, d in checks.items()
        )
        passed = sum(r.outcome is P for r in results)
        counts = Counts(expected=len(results), run=len(results), passed=passed, failed=len(results) - passed)
        found = replace(found, results=results, counts=counts, regressed=regressed)
    return Judged(candidate=candidate, verdict=found)


def state(*found, **more):
    return RunState(baseline=BASELINE, members=Members(proposers=("a",), aggregator="strong"), judged=found, **more)


def test_the_first_round_is_told_nothing():
    assert feedback_for(state(judged("m0")), 0) == ""


def test_who_was_never_asked_is_told_nothing():
    assert feedback_for(state(judged("m0")), 3, "reasoner") == ""


def test_only_ones_own_last_round():
    found = state(
        judged("older", round_=0, checks={"t": "E   assert 1 == 2"}),
        judged("mine", round_=1, checks={"t": "E   assert 3 == 2"}),
        judged("foreign", role="proposer", author="a", round_=1, checks={"t": "E   assert 9 == 2"}),
    )
    text = feedback_for(found, 2)
    assert text.startswith("Your candidate mine: failed, 0 of 1 checks pass.\nt: failed\nE   assert 3 == 2")
    assert "assert 1" not in text
    assert "assert 9" not in text


def test_the_letter_in_full():
    """A golden: a regression named against the best so far, an old failure as such, a new one with what it says."""
    best = judged("c4", checks={"t::x": True, "t::y": "E   assert 1 == 2", "t::z": True})
    first = judged("c5", checks={"t::x": True, "t::y": "E   assert 1 == 2", "t::z": "E   KeyError: 3"})
    again = judged(
        "c7",
        round_=1,
        checks={"t::x": "t.py:3: in test_x\n    go()\nE   ValueError: no", "t::y": "E   assert 1 == 2", "t::z": True},
        regressed=("t::x",),
    )
    best = replace(best, candidate=replace(best.candidate, origin=replace(best.candidate.origin, author="a")))
    assert feedback_for(state(best, first, again), 2) == (
        "Your candidate c7: failed, 1 of 3 checks pass.\n"
        "Candidate c4 passed t::x, your candidate c7 breaks it.\n"
        "t::x: failed: go() raised ValueError: no, at t.py:3 in test_x\n"
        "t::y: failed, as in round 0: assert 1 == 2\n"
        "\n"
        "Best so far: candidate c4 (by another author), failed, 2 of 3 checks pass; it fails t::y."
    )


def test_what_the_untouched_code_passed_and_the_best_does_not_is_named_too():
    one = judged("c1", checks={"t::x": "E   boom"}, regressed=("t::x",))
    assert "The untouched code passed t::x, your candidate c1 breaks it." in feedback_for(state(one), 1)


def test_the_same_failure_twice_is_one_line_and_asks_for_another_approach():
    checks = {"t::x": "t.py:3: in test_x\nE   ValueError: at 0x7f00", "t::y": "E   assert 1 == 2"}
    other = {**checks, "t::x": "t.py:4: in test_x\nE   ValueError: at 0x7f99"}
    text = feedback_for(state(judged("c1", checks=checks), judged("c2", round_=1, checks=other)), 2)
    assert "Your candidate c2 fails exactly as your candidate c1 did in round 0: it fails t::x, t::y. Do" in text
    assert "ValueError" not in text


def test_a_failure_of_the_untouched_code_is_not_repeated():
    baseline_text = BASELINE.failing[0].detail
    text = feedback_for(state(judged("c1", checks={"t.py::test_bad": baseline_text + "\nE   + much more"})), 1)
    assert "t.py::test_bad: failed, as on the untouched code: assert 0 == 1" in text
    assert "much more" not in text


def test_two_candidates_of_one_round_share_what_they_fail_with():
    long = "E   assert got in wanted\n" + "x" * 300
    one, two = judged("c1", checks={"t": long, "u": True}), judged("c2", checks={"t": long, "u": "E   KeyError: 2"})
    text = feedback_for(state(one, two), 1)
    assert text.count("x" * 300) == 1
    assert "t: failed, as with candidate c1: assert got in wanted" in text


def test_checks_that_share_a_text_are_named_together():
    text = feedback_for(state(judged("c1", checks={"t": "E   ImportError: a", "u": "E   ImportError: a"})), 1)
    assert "t, u: failed: raised ImportError: a" in text


@pytest.mark.parametrize(
    "step",
    [
        Propose(proposers=("b", "a"), round=4, reason=""),
        Refine(author="a", candidate_id=None, round=4, reason=""),
        Aggregate(aggregator="a", round=4, reason=""),
    ],
)
def test_an_answer_without_a_patch_is_told_why(step):
    lost = (("a", "older"), ("b", "busy"), ("a", "no edit could be read"))
    text = feedback_for(state(judged("c1", author="b"), lost=lost, done=(step,)), 5, "a")
    assert text.startswith("Your last answer brought no patch: no edit could be read")
    assert "Best so far: candidate c1 (by another author)" in text


def test_a_patch_that_another_wrote_first_is_ones_own_too():
    one = judged("c1", author="b", checks={"t": "E   KeyError: 1"})
    assert "Your candidate c1: failed" in feedback_for(state(one, agreed={"c1": ("a",)}), 1, "a")


def test_what_the_minimiser_made_is_nobodys_letter():
    assert feedback_for(state(judged("c1", role="minimiser")), 1) == ""


def test_it_holds_failures_and_what_broke_within_bounds():
    results = tuple(CheckResult(check_id=f"c{n}", outcome=F, detail=f"{n}" + "x" * 5000) for n in range(20))
    results += (CheckResult(check_id="never", outcome=M),)
    one = judged("mine")
    one = replace(one, verdict=replace(one.verdict, results=results, regressed=("c3",)))
    text = feedback_for(state(one), 1)
    assert "The untouched code passed c3, your candidate mine breaks it." in text
    assert "never" not in text
    assert "14 more checks fail." in text
    assert text.count("characters left out") == MOST_CHECKS
    assert estimate_tokens(text) < MOST_CHECKS * (DETAIL_TOKENS + 30) + 100


def test_a_verdict_without_checks_says_its_reason():
    one = judged("mine", detail="F821 undefined name")
    one = replace(one, verdict=replace(one.verdict, results=(), counts=Counts()))
    assert feedback_for(state(one), 1) == "Your candidate mine: failed: F821 undefined name; the best so far."


def test_a_counterexample_comes_first_however_long_the_failure_is():
    detail = "t.py:3: in test_add\n" + "    noise\n" * 900 + "E   assert 49 == (50 + 1)\n" + COUNTEREXAMPLE
    text = feedback_for(state(judged("mine", checks={"t.py::test_add": detail})), 1)
    assert "t.py::test_add: failed\nCounterexample: test_add(a=50, b=[])\n" in text
    assert estimate_tokens(text) < 2 * DETAIL_TOKENS


def test_a_round_that_brought_nothing_says_nothing():
    assert feedback_for(state(), 1) == ""
