"""The ladder: which rung it starts from, when it believes, whom it asks next, and what it says of it."""

from dataclasses import replace

import pytest
from test_moa import CANCEL, judged, merge, minimised, state

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour, Ruling, Strength
from moa_code.core.profile import Posterior, Profile
from moa_code.core.run import (
    Aggregate,
    Arbitrate,
    Confirm,
    Distinguish,
    Measure,
    Members,
    Pending,
    Propose,
    Status,
    Stop,
)
from moa_code.policies.auto import Ladder, next_steps


def profile(family, *, wrong=0.1, solves=0.7):
    weight = 1000
    return Profile(
        family=family,
        false_accept=Posterior(alpha=wrong * weight, beta=(1 - wrong) * weight),
        solves=Posterior(alpha=solves * weight, beta=(1 - solves) * weight),
    )


PROFILES = {
    "small": profile("a", wrong=0.16),
    "twin": profile("a", wrong=0.16),
    "other": profile("b", wrong=0.08),
    "large": profile("c", wrong=0.02, solves=0.9),
}
TEAM = Members(
    proposers=("small", "twin", "other"), aggregator="large", strong="large", refiners=("small",), profiles=PROFILES
)
RECORDED = replace(TEAM, aggregator="builtin:combine", refiners=())
FIRST = Propose(proposers=("small",), round=0, reason="")
SECOND = Propose(proposers=("twin",), round=0, reason="")
THIRD = Propose(proposers=("other",), round=0, reason="")
STRONG = Propose(proposers=("large",), round=0, reason="")


def steps(seen, **more):
    return next_steps(seen, ladder=Ladder(**more))


def only(seen, **more):
    (step,) = steps(seen, **more)
    return step


def answers(**texts):
    return Behaviour(
        calls=("f(1)",),
        answers={name: (Answer(kind=AnswerKind.VALUE, text=text, digest=text),) for name, text in texts.items()},
    )


def compared(*names):
    return Distinguish(candidate_ids=names, reason="")


STRENGTH = Strength(killed=9, tried=10)
PASS = judged("p1", True, author="small")
AGREES = judged("p2", True, author="other", lines=2)
FAILS = judged("f1", right=2, author="small")


def test_it_starts_with_one_model_and_says_why():
    step = only(state(members=TEAM))
    assert step.proposers == ("small",)
    assert step.reason == "one model first: small, which solves 70% of such tasks alone"


def test_a_search_costs_nothing_and_starts_beside_the_first():
    members = replace(TEAM, proposers=("small", "builtin:mutate"))
    assert only(state(members=members)).proposers == ("small", "builtin:mutate")
    keyless = Members(proposers=("builtin:mutate",), aggregator="builtin:combine")
    assert only(state(members=keyless)).proposers == ("builtin:mutate",)


@pytest.mark.parametrize(("entry", "first"), [("auto", ("small", "twin", "other")), ("cheap", ("small",))])
def test_what_is_known_to_be_hard_goes_to_the_whole_layer(entry, first):
    hard = replace(TEAM, profiles={**PROFILES, "small": profile("a", solves=0.2)})
    assert only(state(members=hard), entry=entry).proposers == first


def test_the_strong_one_answers_first_where_that_is_asked_for():
    assert only(state(members=TEAM), entry="strong").proposers == ("large",)


def test_a_doubtful_pass_is_measured_before_money_is_spent_on_it():
    assert only(state(PASS, members=TEAM, done=(FIRST,))) == Measure(
        candidate_id="p1", reason="see how hard the visible checks look at it"
    )


def test_then_another_family_is_asked_and_the_reason_is_in_numbers():
    seen = state(PASS, members=TEAM, done=(FIRST,), strengths={"p1": STRENGTH})
    step = only(seen)
    assert step.proposers == ("other",), "twin is of the family that wrote it"
    for part in (
        "small passed 3/3 visible checks",
        "its passes are wrong 16% of the time",
        "the checks notice 9 of 10 small mistakes",
        "is below 0.95",
        "a second family, other, is asked",
    ):
        assert part in step.reason


def test_two_that_pass_are_compared_first():
    step = only(state(PASS, AGREES, members=TEAM, done=(FIRST, THIRD)))
    assert step == replace(compared("p1", "p2"), reason=step.reason)


def test_agreement_of_families_is_believed_and_proven():
    same = answers(p1="3", p2="3")
    seen = state(PASS, AGREES, members=TEAM, done=(FIRST, THIRD, compared("p1", "p2")), behaviour=same)
    assert only(seen, threshold=0.9).candidate_id in {"p1", "p2"}


def test_disagreement_asks_on():
    seen = state(
        PASS, AGREES, members=TEAM, done=(FIRST, THIRD, compared("p1", "p2")),
        behaviour=answers(p1="3", p2="4"), strengths={"p1": STRENGTH, "p2": STRENGTH},
    )  # fmt: skip
    step = only(seen)
    assert isinstance(step, Propose)
    assert "behaves differently" in step.reason


def test_when_all_were_asked_and_differ_the_aggregator_is_asked_about_that_alone():
    done = (FIRST, THIRD, SECOND, STRONG, compared("p1", "p2"))
    seen = state(PASS, AGREES, members=TEAM, done=done, behaviour=answers(p1="3", p2="4"))
    step = only(seen)
    assert isinstance(step, Arbitrate)
    assert step.author == "large"
    assert set(step.candidate_ids) == {"p1", "p2"}


def test_a_ruling_decides_between_what_passes():
    done = (FIRST, THIRD, SECOND, STRONG, compared("p1", "p2"))
    for chosen in ("p1", "p2"):
        seen = state(
            PASS, AGREES, members=TEAM, done=done, behaviour=answers(p1="3", p2="4"),
            rulings=(Ruling(author="large", chosen=chosen, reason="the words say so"),),
        )  # fmt: skip
        assert only(seen) == replace(minimised(chosen), reason=only(seen).reason)


def test_an_abstention_leaves_the_most_believed_and_says_so():
    done = (FIRST, THIRD, SECOND, STRONG, compared("p1", "p2"))
    seen = state(
        PASS, AGREES, members=TEAM, done=done, behaviour=answers(p1="3", p2="4"),
        rulings=(Ruling(author="large", chosen=None, reason="none is right: f(1) must raise"),),
    )  # fmt: skip
    assert only(seen).candidate_id == "p2", "the author whose passes are wrong less often"
    confirmed = replace(
        seen,
        done=(*done, minimised("p2")),
        confirmed=state(confirmed={"p2": True}).confirmed,
    )
    assert "none is right: f(1) must raise" in only(confirmed).reason


def test_nothing_passes_one_after_the_other_then_the_rest_then_the_aggregator():
    assert only(state(FAILS, members=TEAM, done=(FIRST,))).proposers == ("twin",)
    third = only(state(FAILS, members=TEAM, done=(FIRST, SECOND)))
    assert third.proposers == ("other",)
    assert "small passes 2 of 3 checks" in third.reason
    assert isinstance(only(state(FAILS, members=TEAM, done=(FIRST, SECOND, THIRD))), Aggregate)


def test_where_nobody_can_merge_the_strong_one_is_asked():
    assert only(state(FAILS, members=RECORDED, done=(FIRST, SECOND, THIRD))).proposers == ("large",)


def test_failures_have_a_bound():
    seen = state(FAILS, members=RECORDED, done=(FIRST, SECOND))
    assert only(seen, most_failures=2).proposers == ("large",)
    assert only(seen, most_failures=3).proposers == ("other",)


def test_opinions_have_a_bound():
    done = (FIRST, THIRD, compared("p1", "p2"))
    seen = state(
        PASS, AGREES, members=RECORDED, done=done, behaviour=answers(p1="3", p2="4"),
        strengths={"p1": STRENGTH, "p2": STRENGTH},
    )  # fmt: skip
    assert isinstance(only(seen, most_opinions=1), type(minimised("p1")))
    assert isinstance(only(seen, most_opinions=2), Propose)


def test_who_is_silent_is_not_waited_for_alone():
    waiting = state(members=TEAM, running=(FIRST,), pending=(Pending(author="small", waited_s=20.0),))
    step = only(waiting)
    assert step.proposers == ("twin",)
    assert step.reason == "small (silent for 20 s): twin is asked beside"
    assert steps(replace(waiting, pending=(Pending(author="small", waited_s=3.0),))) == ()


def test_belief_cancels_what_still_runs():
    seen = state(PASS, members=TEAM, done=(FIRST,), running=(SECOND,))
    assert steps(seen, threshold=0.99) == ()
    step = only(seen, threshold=0.5)
    assert replace(step, reason="") == CANCEL


def test_the_end_says_what_is_believed():
    seen = state(PASS, members=TEAM, done=(FIRST, minimised("p1")), confirmed={"p1": True})
    stop = only(seen, threshold=0.5)
    assert isinstance(stop, Stop)
    assert stop.status is Status.VERIFIED
    assert stop.belief is not None
    assert f"belief {stop.belief:.2f}" in stop.reason


def test_a_spent_budget_still_proves_what_passes():
    seen = state(PASS, members=TEAM, done=(FIRST,), out_of_budget=True)
    assert only(seen) == replace(minimised("p1"), reason=only(seen).reason)
    done = (FIRST, minimised("p1"))
    assert isinstance(only(state(PASS, members=TEAM, done=done, out_of_budget=True)), Confirm)


def test_rounds_come_after_the_layer():
    done = (FIRST, SECOND, THIRD, merge(0))
    step = only(state(FAILS, members=replace(TEAM, aggregator="strong"), done=done))
    assert isinstance(step, Aggregate)
    assert step.round == 1


def test_drafts_that_fail_alike_are_enough_and_the_end_names_the_check():
    """One more of the same says nothing new; a person should look at the check."""
    team = replace(RECORDED, proposers=("small", "twin", "other", "fourth"), strong="")
    alike = [judged(name, right=2, author=name) for name in ("small", "twin", "other")]
    done = (FIRST, SECOND, THIRD)
    assert isinstance(only(state(*alike, members=team, done=done)), Aggregate)
    differs = [alike[0], alike[1], judged("other", right=1, author="other")]
    assert only(state(*differs, members=team, done=done)).proposers == ("fourth",)
    merged = Aggregate(aggregator="builtin:combine", round=0, reason="")
    stop = only(state(*alike, members=team, done=(*done, merged)))
    assert "3 authors fail in exactly the same way, so look at the check too" in stop.reason


def test_the_best_attempt_is_that_of_the_most_reliable_author():
    near = [judged("s", right=2, author="small", lines=0), judged("o", right=2, author="other", lines=5)]
    merged = Aggregate(aggregator="builtin:combine", round=0, reason="")
    stop = only(state(*near, members=replace(RECORDED, strong=""), done=(FIRST, SECOND, THIRD, merged)))
    assert (stop.status, stop.winner) == (Status.UNVERIFIED, "o")


def test_what_a_search_found_does_not_hang_up_on_the_model_beside_it():
    """Its pass is not believed enough alone, and the model is being paid already; but who is silent is left."""
    members = replace(TEAM, proposers=("small", "builtin:mutate"))
    beside = Propose(proposers=members.proposers, round=0, reason="")
    found = judged("found", True, author="builtin:mutate")
    waiting = state(found, members=members, running=(beside,), pending=(Pending(author="small", waited_s=3.0),))
    assert steps(waiting) == ()
    other = replace(waiting, running=(FIRST,), pending=(Pending(author="small", waited_s=20.0),))
    assert replace(only(other), reason="") == CANCEL
