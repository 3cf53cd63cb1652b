"""The engine carrying out the mixture, over doubles."""

import asyncio

import pytest
from engine_doubles import BASELINE, Bench, Halves, RuleJudge, Script, draft, lost, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.core.errors import BudgetExhausted, ModelError, SandboxUnavailable
from moa_code.core.model import Usage
from moa_code.core.run import Propose, Status, Stop
from moa_code.core.verdict import Level, Outcome
from moa_code.engine.budget import Ledger
from moa_code.engine.events import AuthorLost, CandidateJudged, Finished, Minimised, StepStarted


def kinds(result):
    return [type(step).__name__ for step in result.steps]


def test_the_first_draft_that_passes_is_minimised_confirmed_and_kept():
    bench = Bench([Script("small", [draft("bad"), draft("good"), draft("good too")])])
    result = bench.run()
    assert (result.status, text_of(result.winner.candidate)) == (Status.VERIFIED, "good")
    assert kinds(result) in (
        ["Propose", "Minimise", "Confirm", "Stop"],
        ["Propose", "Cancel", "Minimise", "Confirm", "Stop"],
    )
    assert bench.judge.verified == ["bad", "good"]  # nobody reads on behind a pass
    assert result.winner.verdict.level >= Level.WHOLE_SUITE
    assert isinstance(bench.heard[-1], Finished)
    assert all(step.reason for step in result.steps)


def test_a_pass_cancels_a_proposer_that_hangs_and_closes_it():
    hanging, quick = Script("slow", [asyncio.Event()]), Script("quick", [draft("good", "quick")])
    result = Bench([hanging, quick]).run()
    assert result.status is Status.VERIFIED
    assert hanging.cancelled
    assert (hanging.closed, quick.closed) == (1, 1)
    assert "Cancel" in kinds(result)


def test_a_draft_is_verified_while_another_proposer_still_writes():
    """The slow one writes only when the fast one's draft was judged: a barrier would wait for ever."""
    judged = asyncio.Event()
    bench = Bench([Script("slow", [judged, draft("good", "slow")]), Script("fast", [draft("bad", "fast")])])

    def hear(event):
        if isinstance(event, CandidateJudged):
            judged.set()

    bench.listeners.append(hear)
    assert bench.run().status is Status.VERIFIED
    assert bench.judge.verified == ["bad", "good"]


def test_a_lost_proposer_is_recorded_and_the_mixture_goes_on():
    bench = Bench([Script("mute", [lost("the answer was empty", "mute")]), Script("small", [draft("good")])])
    result = bench.run()
    assert result.status is Status.VERIFIED
    assert result.lost == (("mute", "the answer was empty"),)
    assert ("lost", {"author": "mute", "reason": "the answer was empty"}) in bench.record.events
    assert [e.reason for e in bench.heard if isinstance(e, AuthorLost)] == ["the answer was empty"]


def test_all_lost_is_an_honest_end():
    result = Bench([Script("a", [lost("no key", "a")]), Script("b", [lost("refused", "b")])]).run()
    assert (result.status, result.winner) == (Status.UNVERIFIED, None)
    assert {author for author, _ in result.lost} == {"a", "b"}
    assert "no proposer brought a patch" in result.reason


def test_equal_patches_are_verified_once():
    bench = Bench([Script("a", [draft("bad", "a")]), Script("b", [draft("bad", "b"), draft("worse", "b")])])
    result = bench.run()
    assert sorted(bench.judge.verified) == ["bad", "worse"]
    assert len(result.judged) == 2


def test_what_failed_comes_back_to_the_aggregator_in_words():
    strong = Script("strong", [draft("merge one", "strong")], [draft("merge two", "strong")], [draft("good", "strong")])
    bench = Bench([Script("small", [draft("bad")])], strong)
    result = bench.run()
    assert result.status is Status.VERIFIED
    first, second, third = strong.briefs
    assert (first.round, second.round, third.round) == (0, 1, 2)
    assert first.feedback == ""
    assert [text_of(j.candidate) for j in first.judged] == ["bad"]
    assert "merge one failed" in second.feedback
    assert "merge two failed" in third.feedback
    assert "merge one" not in third.feedback
    assert strong.observed == [("merge one", Outcome.FAILED), ("merge two", Outcome.FAILED), ("good", Outcome.PASSED)]
    assert [(j.candidate.origin.role, j.candidate.origin.layer) for j in result.judged] == [("proposer", 0)] + [
        ("aggregator", 1)
    ] * 3


def test_a_proposer_of_the_first_layer_sees_nobody():
    small = Script("small", [draft("bad")])
    Bench([small, Script("other", [draft("worse", "other")])]).run()
    assert small.briefs[0].judged == ()
    assert small.briefs[0].feedback == ""
    assert small.briefs[0].baseline is BASELINE


def test_rounds_of_feedback_end():
    strong = Script("strong", [draft("m1", "strong")], [draft("m2", "strong")], [draft("m3", "strong")])
    result = Bench([Script("small", [draft("bad")])], strong, feedback_rounds=2).run()
    assert result.status is Status.UNVERIFIED
    assert kinds(result) == ["Propose", "Aggregate", "Aggregate", "Aggregate", "Stop"]
    assert len(strong.briefs) == 3
    assert result.winner is not None  # the closest attempt, and not called verified


def test_no_hidden_text_can_reach_a_brief():
    """A brief is made of the task, its baseline and verdicts on visible checks; none of them holds anything else."""
    strong = Script("strong", [draft("m1", "strong")], [draft("m2", "strong")])
    Bench([Script("small", [draft("bad")])], strong, feedback_rounds=1).run()
    visible = {r.check_id for r in BASELINE.results}
    for brief in strong.briefs:
        assert {r.check_id for j in brief.judged for r in j.verdict.results} <= visible
        assert not hasattr(brief.task, "hidden")


def test_a_minimised_patch_replaces_the_longer_one():
    bench = Bench([Script("small", [draft("good and long")])], reducer=Halves)
    result = bench.run()
    assert text_of(result.winner.candidate) == "good a"
    assert result.winner.candidate.origin.role == "minimiser"
    assert result.winner.candidate.origin.parents == (result.judged[0].candidate.candidate_id,)
    assert result.winner.verdict.level is Level.MINIMISED
    assert (result.lines_before, result.lines_after) == (13, 6)
    assert [e for e in bench.heard if isinstance(e, Minimised)] == [Minimised(lines_before=13, lines_after=6)]


def test_a_minimised_patch_that_is_not_confirmed_gives_way_to_the_one_before():
    """And that one is not called minimised: a smaller one was found, and did not hold."""
    judge = RuleJudge(confirms=lambda text: text == "good and long")
    result = Bench([Script("small", [draft("good and long")])], reducer=Halves, judge=judge).run()
    assert judge.confirmed == ["good a", "good and long"]
    assert (result.status, text_of(result.winner.candidate)) == (Status.VERIFIED, "good and long")
    assert result.winner.verdict.level is Level.WHOLE_SUITE
    assert (result.lines_before, result.lines_after) == (0, 0)


def test_a_pass_that_no_fresh_box_confirms_is_no_answer():
    judge = RuleJudge(confirms=lambda text: False)
    result = Bench([Script("small", [draft("good")])], judge=judge).run()
    assert result.status is Status.UNVERIFIED
    assert result.winner is None or not result.winner.verdict.passed


def test_the_time_limit_ends_a_run_that_hangs():
    judge = RuleJudge()
    hanging = Script("slow", [draft("bad", "slow"), asyncio.Event()])
    result = Bench([hanging], judge=judge, seconds=5, clock=lambda: 6.0 if judge.verified else 0.0).run()
    assert (result.status, text_of(result.winner.candidate)) == (Status.TIME_LIMIT, "bad")
    assert not result.winner.verdict.passed
    assert hanging.closed == 1


def test_an_interrupt_ends_a_run_that_hangs_and_keeps_what_is_known():
    hanging = Script("slow", [draft("bad", "slow"), asyncio.Event()])
    bench = Bench([hanging])

    async def after_a_moment():
        while not bench.judge.verified:
            await asyncio.sleep(0)
        bench.engine.interrupt()

    result = bench.run(after_a_moment())
    assert result.status is Status.INTERRUPTED
    assert bench.judge.verified == ["bad"]
    assert hanging.closed == 1


def test_an_interrupt_before_the_start_starts_nothing():
    small = Script("small", [draft("good")])
    bench = Bench([small])
    bench.engine.interrupt()
    assert bench.run().status is Status.INTERRUPTED
    assert small.briefs == []


@pytest.mark.parametrize("where", ["drafts", "verify", "merge", "search"])
def test_a_sandbox_that_is_gone_is_raised_as_itself(where):
    judge, gone = RuleJudge(), SandboxUnavailable("the engine is gone", remedy="moa-code doctor")
    other = Script("other", [asyncio.Event()])
    strong = Script("strong", [draft("merged", "strong")])
    proposers = [Script("small", [draft("bad")]), other]
    if where == "drafts":
        proposers = [Script("small", [gone]), other]
    if where == "verify":
        judge.trouble = gone
    if where == "merge":
        proposers, strong = [Script("small", [draft("bad")])], Script("strong", [gone])
    if where == "search":
        judge.trouble = gone
        proposers = [Script("builtin:mutate", [draft("good", "builtin:mutate")]), other]
    bench = Bench(proposers, strong, judge=judge)
    with pytest.raises(SandboxUnavailable, match="the engine is gone") as caught:
        bench.run()
    assert caught.value is gone
    if where != "merge":
        assert other.closed == 1


def test_a_budget_that_is_spent_does_not_keep_a_pass_from_being_proven():
    ledger = Ledger(limit_tokens=10)
    ledger.settle(ledger.reserve("small", worst_usd=None, worst_tokens=10), Usage(prompt_tokens=9, completion_tokens=1))
    with pytest.raises(BudgetExhausted):
        ledger.reserve("other", worst_usd=None, worst_tokens=1)
    proposers = [Script("small", [draft("good")]), Script("other", [lost("the budget is spent", "other")])]
    result = Bench(proposers, ledger=ledger).run()
    assert result.status is Status.VERIFIED
    assert [(s.model, s.calls, s.cost_usd) for s in result.spent] == [("small", 1, None)]


def test_a_budget_that_is_spent_without_a_pass_ends_the_run():
    ledger = Ledger(limit_tokens=0)
    with pytest.raises(BudgetExhausted):
        ledger.reserve("small", worst_usd=None, worst_tokens=1)
    strong = Script("strong", [draft("good", "strong")])
    result = Bench([Script("small", [draft("bad")])], strong, ledger=ledger).run()
    assert (result.status, strong.briefs) == (Status.BUDGET, [])


def test_the_record_is_told_of_steps_candidates_and_verdicts():
    bench = Bench([Script("small", [draft("bad"), draft("good")])])
    result = bench.run()
    told = bench.record
    assert [kind for kind, _ in told.steps] == [type(s).__name__.lower() for s in result.steps]
    assert [kind for kind, _ in told.steps][-1] == "stop"
    assert {c.candidate_id for c in told.candidates} == {v.candidate_id for v in told.verdicts}
    assert [v.outcome for v in told.verdicts] == [Outcome.FAILED, Outcome.PASSED, Outcome.PASSED]
    started = [e.step for e in bench.heard if isinstance(e, StepStarted)]
    assert {type(s) for s in started} == {type(s) for s in result.steps} - {Stop}


def test_a_candidate_is_written_down_before_its_verdict():
    order = []
    bench = Bench([Script("small", [draft("good")])])
    bench.record.candidate = lambda c: order.append(("candidate", c.candidate_id))
    bench.record.verdict = lambda v: order.append(("verdict", v.candidate_id))
    bench.run()
    assert order[:2] == [("candidate", "c1"), ("verdict", "c1")]


def test_a_model_error_that_escapes_a_proposer_is_raised_as_itself():
    with pytest.raises(ModelError, match="broken port"):
        Bench([Script("small", [ModelError("broken port")]), Script("other", [asyncio.Event()])]).run()


def test_two_equal_steps_running_at_once_both_end():
    """A policy that names the same step again while it runs must not make the engine lose sight of the first."""
    gate = asyncio.Event()
    step = Propose(proposers=("small",), round=0, reason="again")
    asked = []

    def policy(state):
        asked.append(state)
        if len(asked) <= 2:
            return (Propose(proposers=("small",), round=0, reason="again"),)
        if not state.running:
            return (Stop(status=Status.UNVERIFIED, reason="over"),)
        gate.set()
        return ()

    small = Script("small", [draft("bad"), gate], [draft("worse"), gate])
    result = Bench([small], policy=policy).run()
    assert result.steps == (step, step, Stop(status=Status.UNVERIFIED, reason="over"))
    assert small.closed == 2


TEXTS = st.sampled_from(["good", "good b", "bad", "bad b", "worse"])


@given(
    st.lists(st.lists(TEXTS, max_size=3), min_size=1, max_size=3),
    st.lists(st.lists(TEXTS, max_size=2), min_size=1, max_size=3),
    st.dictionaries(TEXTS, st.tuples(st.booleans(), st.booleans())),
    st.integers(0, 2),
)
@settings(max_examples=80, deadline=None)
def test_a_verified_answer_is_always_a_confirmed_one(proposals, merges, truth, rounds):
    """Whatever judges say: VERIFIED is a pass that a fresh box confirmed, and an answer is never worse than that."""
    judge = RuleJudge(lambda t: truth.get(t, (False, False))[0], confirms=lambda t: truth.get(t, (False, False))[1])
    proposers = [Script(f"p{n}", [draft(t, f"p{n}") for t in texts]) for n, texts in enumerate(proposals)]
    strong = Script("strong", *[[draft(t, "strong") for t in texts] for texts in merges])
    result = Bench(proposers, strong, judge=judge, feedback_rounds=rounds).run()
    if result.status is Status.VERIFIED:
        assert truth[text_of(result.winner.candidate)] == (True, True)
        assert result.winner.verdict.level >= Level.WHOLE_SUITE
    else:
        assert result.status is Status.UNVERIFIED
        held = {t for t in judge.verified if truth.get(t) == (True, True)}
        assert not held, "something passed and would have been confirmed"
        assert result.winner is None or result.winner.verdict.level < Level.WHOLE_SUITE


def test_who_could_not_be_judged_has_not_failed():
    """One draft failed, one was never judged: the reason says so."""
    judge = RuleJudge()
    judge.loses = lambda text: text == "lost"
    bench = Bench([Script("small", [draft("bad"), draft("lost")])], Script("strong", []), judge=judge)
    result = bench.run()
    assert result.status is Status.UNVERIFIED
    assert "1 of them could not be judged (the box was lost)" in result.reason
    assert result.winner is not None
    assert text_of(result.winner.candidate) == "bad"


def test_where_nobody_could_be_judged_it_is_our_fault():
    judge = RuleJudge()
    judge.loses = lambda text: True
    with pytest.raises(SandboxUnavailable, match="no candidate could be judged: the box was lost"):
        Bench([Script("small", [draft("good"), draft("bad")])], Script("strong", []), judge=judge).run()


def test_a_box_lost_under_a_confirmation_costs_the_winner_nothing():
    judge = RuleJudge()
    judge.confirmations_lost = 1
    result = Bench([Script("small", [draft("good")])], Script("strong", []), judge=judge).run()
    assert (result.status, judge.confirmed) == (Status.VERIFIED, ["good", "good"])


def test_a_pass_that_can_never_be_confirmed_is_our_fault_and_no_answer():
    judge = RuleJudge()
    judge.confirmations_lost = 100
    with pytest.raises(SandboxUnavailable, match="could not be confirmed in a fresh box: the box was lost"):
        Bench([Script("small", [draft("good")])], Script("strong", []), judge=judge).run()
    assert judge.confirmed == ["good", "good"]
