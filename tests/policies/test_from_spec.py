"""Writing from a specification: when checks are written, when they vote, and what their votes may do."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_policy_contract import PROFILES, TEAMS, Run, answer, verdict

from moa_code.core.behaviour import Behaviour, WrittenCheck
from moa_code.core.brief import Baseline, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.run import (
    Cancel,
    Confirm,
    Distinguish,
    Measure,
    Members,
    Minimise,
    Propose,
    RunState,
    Status,
    Stop,
    Vote,
    WriteChecks,
)
from moa_code.policies import auto, best_of, from_spec, moa, single, tree
from moa_code.policies.finish import passing
from moa_code.policies.from_spec import Writing

LADDER = partial(auto.next_steps, ladder=auto.Ladder())
MEMBERS = Members(proposers=("small", "other"), aggregator="large", strong="large", profiles=PROFILES)
CHECKS = tuple(WrittenCheck(author="large", name=f"t{n}", code="", sentence="s") for n in range(4))


def steps(state, inner=LADDER, writing=Writing.ALWAYS, examples=5):
    return from_spec.next_steps(state, inner=inner, writing=writing, examples=examples)


def judged(name, author, right=4):
    patch = patch_of(FileChange(path="a.py", before=b"old\n", after=name.encode()))
    candidate = Candidate(candidate_id=name, patch=patch, origin=Origin(author=author, role="proposer"))
    return Judged(candidate=candidate, verdict=verdict(name, right))


def state(**changes):
    return RunState(baseline=Baseline(results=()), members=changes.pop("members", MEMBERS), **changes)


def asked(*names):
    return tuple(Propose(proposers=(name,), round=0, reason="r") for name in names)


WROTE = WriteChecks(author="large", reason="r")


def two(votes_a, votes_b, **changes):
    """a and b pass and behave differently; everybody was asked and compared, and the checks have voted."""
    a, b = judged("a", "small"), judged("b", "other")
    shown = {"a": (answer("1"),), "b": (answer("2"),)}
    return state(
        judged=(a, b),
        done=(
            *asked("small", "other", "large"),
            WROTE,
            Distinguish(candidate_ids=("a", "b"), reason="r"),
            Vote(candidate_ids=("a", "b"), reason="r"),
        ),
        behaviour=Behaviour(calls=("f(1)",), answers=shown),
        written=CHECKS,
        votes={"a": votes_a, "b": votes_b},
        **changes,
    )


def test_checks_are_written_beside_the_first_layer_before_a_draft_is_there():
    first, second = steps(state())
    assert isinstance(first, Propose)
    assert (type(second), second.author) == (WriteChecks, "large")
    assert steps(state(), writing=Writing.NEVER) == (first,)
    assert steps(state(), writing=Writing.WHEN_NEEDED) == (first,)


def test_a_team_without_a_strong_model_writes_none():
    members = replace(MEMBERS, aggregator="builtin:combine", strong="")
    assert not any(isinstance(s, WriteChecks) for s in steps(state(members=members)))


def test_few_examples_and_little_belief_need_checks():
    """Everybody was asked; what passes is a weak model's alone."""
    now = state(judged=(judged("a", "small"),), done=asked("small", "other", "large"))
    (step,) = steps(now, writing=Writing.WHEN_NEEDED, examples=1)
    assert isinstance(step, WriteChecks)
    assert "shows 1 example, belief 0." in step.reason
    assert isinstance(steps(now, writing=Writing.WHEN_NEEDED, examples=5)[0], Confirm)
    assert isinstance(steps(now, writing=Writing.NEVER, examples=0)[0], Confirm)


def test_writing_checks_does_not_keep_the_next_author_from_being_asked():
    failed = judged("a", "small", right=1)
    (step,) = steps(state(judged=(failed,), done=asked("small"), running=(WROTE,)))
    assert isinstance(step, Propose)


def test_what_passes_waits_for_the_checks_that_are_being_written():
    a = judged("a", "large")
    assert steps(state(judged=(a,), done=asked("small", "other", "large"), running=(WROTE,))) == ()


def test_no_one_is_cancelled_while_checks_are_being_written():
    """A cancel ends whatever is being written, the checks too."""
    a = judged("a", "large")
    sure = replace(MEMBERS, profiles={**PROFILES})
    running = (*asked("other"), WROTE)
    now = state(members=sure, judged=(a,), done=asked("large"), running=running)
    assert isinstance(moa.next_steps(replace(now, running=asked("other")))[0], Cancel)
    assert steps(now, inner=moa.next_steps) == ()


def test_the_checks_vote_before_anything_is_proven():
    a = judged("a", "large")
    now = state(judged=(a,), done=(*asked("small", "other", "large"), WROTE), written=CHECKS)
    (step,) = steps(now)
    assert isinstance(step, Vote)
    assert step.candidate_ids == ("a",)


def test_nothing_is_minimised():
    now = state(judged=(judged("a", "large"),), done=asked("small", "other", "large"))
    assert isinstance(LADDER(now)[0], Minimise)
    assert isinstance(steps(now, writing=Writing.NEVER)[0], Confirm)


def test_the_votes_choose_between_candidates_that_pass():
    """b's author is the more reliable one; all checks speak for a."""
    (step,) = steps(two((None,) * 4, (None,) * 4), inner=moa.next_steps)
    assert (type(step), step.candidate_id) == (Confirm, "b")
    (step,) = steps(two((True,) * 4, (False,) * 4), inner=moa.next_steps)
    assert (type(step), step.candidate_id) == (Confirm, "a")
    (step,) = steps(two((False,) * 4, (True,) * 4), inner=moa.next_steps)
    assert (type(step), step.candidate_id) == (Confirm, "b")


def test_one_check_alone_does_not_overrule_what_is_known():
    told = from_spec.opinion(two((True, None, None, None), (False, None, None, None)))
    assert told.candidates["a"] < 0.9


@pytest.mark.parametrize(("failed", "asks"), [(0, False), (1, False), (2, True), (4, True)])
def test_somebody_else_is_asked_when_what_passes_fails_written_checks(failed, asks):
    """The checks or the candidate are wrong; another candidate tells which. With fewer the strategy goes on with it."""
    votes = (False,) * failed + (True,) * (4 - failed)
    done = (*asked("large"), WROTE, Vote(candidate_ids=("a",), reason="r"))
    now = state(judged=(judged("a", "large"),), done=done, written=CHECKS, votes={"a": votes})
    assert isinstance(steps(now)[0], Propose) is asks
    spent = replace(now, out_of_budget=True)
    assert isinstance(steps(spent)[0], Confirm)


def test_a_strategy_that_asks_nobody_else_keeps_what_passes():
    done = (*asked("small"), WROTE, Vote(candidate_ids=("a",), reason="r"))
    now = state(judged=(judged("a", "small"),), done=done, written=CHECKS, votes={"a": (False,) * 4})
    assert isinstance(steps(now, inner=single.next_steps)[0], Confirm)


def test_soft_evidence_never_turns_a_pass_into_a_failure():
    """Nobody is left to ask: what passes is proven, with what is believed of it said."""
    a = judged("a", "small")
    now = state(
        judged=(a,),
        done=(*asked("small", "other", "large"), WROTE, Vote(candidate_ids=("a",), reason="r")),
        written=CHECKS,
        votes={"a": (False,) * 4},
    )
    assert isinstance(steps(now)[0], Confirm)
    proven = replace(now, confirmed={"a": verdict("a", 4, fresh=True)})
    (stop,) = steps(proven)
    assert (stop.status, stop.winner) == (Status.VERIFIED, "a")
    assert "written checks' votes" in stop.reason
    assert stop.belief == pytest.approx(from_spec.opinion(proven).candidates["a"])


def test_a_limit_ends_it_at_once():
    (step,) = steps(state(running=(WROTE, *asked("small")), interrupted=True))
    assert (type(step), step.status) == (Stop, Status.INTERRUPTED)


class SpecRun(Run):
    """The engine in miniature, with checks that are written and vote."""

    def finish(self, step):
        match step:
            case WriteChecks():
                self.change(written=CHECKS[: self.draw(st.integers(0, 4))])
            case Vote():
                row = st.lists(st.sampled_from([True, False, None]), min_size=4, max_size=4)
                new = {name: tuple(self.draw(row))[: len(self.state.written)] for name in step.candidate_ids}
                self.change(votes={**self.state.votes, **new})
            case Minimise():
                raise AssertionError("a function from a specification is not minimised")
            case _:
                super().finish(step)

    def check(self, step):
        super().check(step)
        if isinstance(step, Stop) and step.status is Status.UNVERIFIED:
            assert not passing(self.state), "soft evidence took an answer away"
        if isinstance(step, WriteChecks):
            steps = (*self.state.done, *self.state.running)
            assert not any(isinstance(s, WriteChecks) for s in steps), "checks are written once"
        if isinstance(step, Measure):
            assert step.candidate_id not in self.state.strengths


INSIDE = {
    "auto": LADDER,
    "moa": moa.next_steps,
    "vote": best_of.vote,
    "single": single.next_steps,
    "tree": partial(tree.next_steps, calls=6),
}


@pytest.mark.parametrize("inner", INSIDE.values(), ids=INSIDE)
@pytest.mark.parametrize("writing", Writing)
@pytest.mark.parametrize("team", TEAMS)
@given(data=st.data())
@settings(max_examples=8)
def test_every_run_ends_with_what_was_proven(team, writing, inner, data):
    policy = partial(from_spec.next_steps, inner=inner, writing=writing, examples=1)
    SpecRun(policy, replace(TEAMS[team], profiles=PROFILES), data).to_the_end()
