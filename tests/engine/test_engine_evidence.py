"""Steps that bring evidence: what the engine asks for, what it notes, what a policy then sees."""

import asyncio
from functools import partial

from engine_doubles import BASELINE, Bench, Halves, RuleJudge, Script, Whole, draft, text_of

from moa_code.core.behaviour import Ruling, WrittenCheck
from moa_code.core.profile import Posterior, Profile
from moa_code.core.run import (
    Arbitrate,
    Distinguish,
    Members,
    Propose,
    Refine,
    RunState,
    Status,
    Stop,
    Vote,
    WriteChecks,
)
from moa_code.core.task import Mode
from moa_code.core.verdict import Level
from moa_code.engine.events import Compared, Measured, Ruled, Wrote
from moa_code.evidence.belief import Weights
from moa_code.policies import auto

WRONG = Posterior(alpha=16, beta=84)


def members(*names, strong="", **more):
    profiles = {
        name: Profile(family=name, false_accept=WRONG, solves=Posterior(alpha=9, beta=1)) for name in (*names, strong)
    }
    return Members(proposers=names, aggregator="builtin:combine", strong=strong, profiles=profiles, **more)


def ladder(**more):
    """A ladder to which a second family is worth much, whatever the shipped weights say."""
    weights = Weights(constant=0.0, quality=1.0, support=3.0, failures=-0.5, strength=0.3)
    return partial(auto.next_steps, ladder=auto.Ladder(weights=weights, **more))


def steps_of(bench):
    return [kind for kind, _ in bench.record.steps]


def test_a_doubtful_pass_is_measured_and_a_second_family_asked():
    bench = Bench(
        [Script("small", [draft("good 1", "small")]), Script("other", [draft("good 2", "other")])],
        policy=ladder(threshold=0.9),
        members=members("small", "other"),
    )
    result = bench.run()
    assert result.status is Status.VERIFIED
    assert bench.judge.measured == ["good 1"]
    assert bench.judge.compared == [["good 1", "good 2"]]
    (compared,) = (detail for kind, detail in bench.record.events if kind == "compared")
    assert (compared["clusters"], compared["entropy_bits"]) == ([["c1", "c2"]], 0.0)
    assert result.belief is not None
    assert result.belief > 0.9
    reasons = [reason for kind, reason in bench.record.steps if kind == "propose"]
    assert "small passed 2/2 visible checks" in reasons[1]
    assert "wrong 16% of the time" in reasons[1]
    assert "a second family, other, is asked" in reasons[1]
    assert [type(e) for e in bench.heard if isinstance(e, Measured | Compared)] == [Measured, Compared]


def test_enough_belief_asks_nobody_else():
    second = Script("other", [draft("good 2", "other")])
    bench = Bench(
        [Script("small", [draft("good 1", "small")]), second],
        policy=ladder(threshold=0.5),
        members=members("small", "other"),
    )
    assert bench.run().status is Status.VERIFIED
    assert second.briefs == []
    assert bench.judge.measured == []


def test_the_same_patch_from_another_family_is_agreement_and_verified_once():
    bench = Bench(
        [Script("small", [draft("good 1", "small")]), Script("other", [draft("good 1", "other")])],
        policy=ladder(threshold=0.9),
        members=members("small", "other"),
    )
    result = bench.run()
    assert result.status is Status.VERIFIED
    assert bench.judge.verified == ["good 1"]
    assert ("agrees", {"author": "other", "candidate_id": "c1"}) in bench.record.events
    assert result.belief > 0.9


def scripted(*steps):
    """A policy that names these steps one after the other, each when nothing runs any more."""
    left = list(steps)

    def policy(state: RunState):
        if state.running:
            return ()
        return (left.pop(0),) if left else (Stop(status=Status.UNVERIFIED, reason="end"),)

    return policy


FIRST = Propose(proposers=("small", "other"), round=0, reason="-")
SMALL = [Script("small", [draft("good 1", "small")]), Script("other", [draft("gone 2", "other")])]


def two_that_pass():
    return [Script("small", [draft("good 1", "small")]), Script("other", [draft("gone 2", "other")])]


class Judge(RuleJudge):
    def __init__(self):
        super().__init__(lambda text: text.startswith("go"))


class Arbiter:
    name = "strong"

    def __init__(self):
        self.asked = []

    async def rule(self, brief, behaviour, choices):
        self.asked.append((brief, behaviour, choices))
        await asyncio.sleep(0)
        return Ruling(author="strong", chosen=choices[1], reason="the words say so")


def test_who_arbitrates_sees_the_differing_answers_and_no_draft():
    arbiter = Arbiter()
    bench = Bench(
        two_that_pass(),
        judge=Judge(),
        policy=scripted(
            FIRST,
            Distinguish(candidate_ids=("c1", "c2"), reason="-"),
            Arbitrate(author="strong", candidate_ids=("c1", "c2"), reason="-"),
        ),
        parts={"arbiters": {"strong": arbiter}},
    )
    result = bench.run()
    ((brief, behaviour, choices),) = arbiter.asked
    assert brief.judged == ()
    assert set(behaviour.answers) == {"c1", "c2"}
    assert choices == ("c1", "c2")
    assert result.rulings[0].chosen == "c2"
    assert [e.ruling.reason for e in bench.heard if isinstance(e, Ruled)] == ["the words say so"]


class Writer:
    name = "strong"

    async def checks(self, brief):
        await asyncio.sleep(0)
        self.brief = brief
        return tuple(
            WrittenCheck(author="strong", name=name, code="", sentence="it adds") for name in ("test_a", "test_b")
        )


def test_written_checks_are_unseen_by_others_and_vote_for_each_candidate():
    judge, writer = Judge(), Writer()
    judge.votes = lambda text, check: None if check == "test_b" else text.startswith("good")
    bench = Bench(
        two_that_pass(),
        judge=judge,
        policy=scripted(WriteChecks(author="strong", reason="-"), FIRST, Vote(candidate_ids=("c1", "c2"), reason="-")),
        parts={"check_writers": {"strong": writer}},
    )
    seen = []
    bench.listeners.append(lambda event: seen.append(event))
    result = bench.run()
    assert writer.brief.judged == ()
    assert [check.name for check in result.written] == ["test_a", "test_b"]
    assert any(isinstance(event, Wrote) for event in seen)
    assert sorted(judge.voted) == ["gone 2", "good 1"]


def test_refining_shows_one_candidate_and_no_other():
    refiner = Script("other", [draft("good 3", "other")])
    bench = Bench(
        [Script("small", [draft("bad one", "small")]), Script("other", [draft("bad two", "other")])],
        policy=scripted(FIRST, Refine(author="other", candidate_id="c1", round=1, reason="-")),
        parts={"refiners": {"other": refiner}},
    )
    result = bench.run()
    (brief,) = refiner.briefs
    assert [text_of(j.candidate) for j in brief.judged] == ["bad one"]
    assert not brief.anew
    assert [j.candidate.origin.role for j in result.judged] == ["proposer", "proposer", "refiner"]


def test_starting_anew_is_told_all_failures():
    refiner = Script("thinker", [draft("good 3", "thinker")])
    bench = Bench(
        [Script("small", [draft("bad one", "small")]), Script("other", [draft("bad two", "other")])],
        policy=scripted(FIRST, Refine(author="thinker", candidate_id=None, round=1, reason="-")),
        parts={"refiners": {"thinker": refiner}},
    )
    bench.run()
    (brief,) = refiner.briefs
    assert len(brief.judged) == 2
    assert brief.anew


def test_an_early_draft_is_verified_while_its_author_goes_on_and_a_pass_hangs_up():
    """The author says more only once its first draft was judged; after a pass it is not listened to."""
    for first, then in (("bad", ["bad", "good"]), ("good", ["good"])):
        judged = asyncio.Event()
        author = Script("small", [draft(first), judged, draft("good"), asyncio.Event()])
        bench = Bench([author])
        bench.listeners.append(lambda event, judged=judged: judged.set() if hasattr(event, "verdict") else None)
        assert bench.run().status is Status.VERIFIED
        assert bench.judge.verified == then
        assert author.closed == 1


def test_a_policy_sees_who_is_late_without_anything_happening():
    """No event comes while an author is silent: the clock alone brings the policy back."""
    seen = []

    def policy(state: RunState):
        seen.append(state.pending)
        if len(seen) > 3:
            return (Stop(status=Status.UNVERIFIED, reason="seen enough"),)
        return () if state.running else (Propose(proposers=("slow",), round=0, reason="-"),)

    bench = Bench([Script("slow", [asyncio.Event()])], policy=policy)
    assert bench.run().status is Status.UNVERIFIED
    waits = [pending[0].waited_s for pending in seen[2:]]
    assert waits == sorted(waits)
    assert {pending[0].author for pending in seen[2:]} == {"slow"}
    assert BASELINE.failing


def test_lines_no_check_exercises_are_kept_and_named():
    judge = RuleJudge()
    judge.unexercised = {"a.py": (2, 3)}
    given = []

    class Reducer(Whole):
        def __init__(self, patch, unexercised=None):
            super().__init__(patch, unexercised)
            given.append(unexercised)

    result = Bench([Script("small", [draft("good 1")])], judge=judge, reducer=Reducer).run()
    assert given == [{"a.py": (2, 3)}]
    assert result.unexercised == {"a.py": (2, 3)}


def test_what_is_written_anew_is_not_cut_down_to_what_a_few_examples_need():
    bench = Bench([Script("small", [draft("good and more", "small")])], reducer=Halves, mode=Mode.IMPLEMENT)
    result = bench.run()
    assert text_of(result.winner.candidate) == "good and more"
    assert result.winner.verdict.level is Level.WHOLE_SUITE
