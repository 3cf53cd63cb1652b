"""Many drafts and one choice: by the author's reliability, or by the weight of a behaviour."""

from dataclasses import replace

from test_auto import PROFILES, answers, compared
from test_moa import judged, minimised, state

from moa_code.core.run import Cancel, Distinguish, Members, Pending, Propose
from moa_code.policies.best_of import best_of, vote

TEAM = Members(proposers=("small", "twin", "other"), aggregator="builtin:combine", profiles=PROFILES)
ASKED = Propose(proposers=TEAM.proposers, round=0, reason="")
SMALL = judged("s", True, author="small", lines=0)
TWIN = judged("t", True, author="twin", lines=2)
OTHER = judged("o", True, author="other", lines=9)
THREE = compared("s", "t", "o")


def only(policy, seen):
    (step,) = policy(seen)
    return step


def test_everybody_is_asked_and_waited_for():
    assert only(best_of, state(members=TEAM)).proposers == TEAM.proposers
    assert best_of(state(SMALL, members=TEAM, running=(ASKED,))) == ()


def test_who_keeps_all_others_waiting_is_not_waited_for():
    late = (Pending(author="other", waited_s=30.0),)
    step = only(best_of, state(SMALL, members=TEAM, running=(ASKED,), pending=late, latencies_s=(2.0, 3.0)))
    assert isinstance(step, Cancel)
    assert "other (silent for 30 s)" in step.reason


def test_the_most_reliable_authors_draft_wins_not_the_shortest():
    step = only(best_of, state(SMALL, OTHER, members=TEAM, done=(ASKED,)))
    assert step == replace(minimised("o"), reason=step.reason)


def test_between_drafts_of_one_model_the_smaller_change_wins():
    seats = replace(TEAM, profiles=dict.fromkeys(("small", "twin"), PROFILES["small"]))
    step = only(best_of, state(TWIN, SMALL, members=seats, done=(ASKED,)))
    assert step == replace(minimised("s"), reason=step.reason)


def test_a_vote_compares_first_and_then_weighs_heads():
    seen = state(SMALL, TWIN, OTHER, members=TEAM, done=(ASKED,))
    step = only(vote, seen)
    assert isinstance(step, Distinguish)
    assert set(step.candidate_ids) == {"s", "t", "o"}
    split = replace(seen, done=(ASKED, THREE), behaviour=answers(s="1", t="2", o="1"))
    assert only(vote, split).candidate_id in {"s", "o"}


def test_one_reliable_head_may_outweigh_two_of_one_family():
    sure = {**PROFILES, "other": replace(PROFILES["large"], family="b")}
    seen = state(
        SMALL, TWIN, OTHER, members=replace(TEAM, profiles=sure), done=(ASKED, THREE),
        behaviour=answers(s="1", t="1", o="2"),
    )  # fmt: skip
    assert only(vote, seen).candidate_id == "o"
