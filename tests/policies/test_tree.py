"""The tree: what it draws from, when it goes deeper, and that it asks more of what has worked."""

from collections import Counter
from dataclasses import replace

from test_moa import judged, state

from moa_code.core.candidate import Origin
from moa_code.core.profile import Posterior, Profile
from moa_code.core.run import Members, Propose, Refine, Status, Stop
from moa_code.policies.tree import next_steps, score

TEAM = Members(
    proposers=("weak", "able", "builtin:mutate"), aggregator="strong", strong="strong", refiners=("weak", "able")
)
MODELS = replace(TEAM, proposers=("weak", "able"), strong="")


def child(name, right, *, author="able", parent=None):
    found = judged(name, right=right)
    origin = Origin(author=author, role="refiner" if parent else "proposer", parents=(parent,) if parent else ())
    return replace(found, candidate=replace(found.candidate, origin=origin))


def first_steps(seen, seeds=200, **more):
    return [step for seed in range(seeds) for step in next_steps(replace(seen, seed=seed), **more)]


def test_a_search_runs_beside_it_from_the_start():
    (step,) = next_steps(state(members=TEAM))
    assert step.proposers == ("builtin:mutate",)


def test_two_authors_write_at_a_time():
    assert len(next_steps(state(members=MODELS), width=2)) == 2
    asked = Propose(proposers=("weak",), round=0, reason="")
    assert len(next_steps(state(members=MODELS, running=(asked,)), width=2)) == 1
    assert next_steps(state(members=MODELS, running=(asked, asked)), width=2) == ()


def test_it_decides_alike_for_the_same_seed_and_state():
    seen = state(child("c1", 1), child("c2", 2), members=MODELS, seed=7)
    assert next_steps(seen) == next_steps(seen)


def test_a_near_miss_is_gone_into_and_a_hopeless_one_is_left():
    near = [child("near", 2), *(child(f"bad{n}", 0, author="weak") for n in range(3))]
    done = tuple(Propose(proposers=(a,), round=0, reason="") for a in ("able", "weak", "weak", "weak"))
    steps = first_steps(state(*near, members=MODELS, done=done), calls=40)
    deeper = Counter(step.candidate_id for step in steps if isinstance(step, Refine))
    assert deeper["near"] > 3 * sum(n for name, n in deeper.items() if name != "near")
    assert sum(deeper.values()) > 0.3 * len(steps)


def test_the_model_whose_drafts_score_is_asked_more_often():
    seen = [child(f"a{n}", 2, author="able") for n in range(4)] + [child(f"w{n}", 0, author="weak") for n in range(4)]
    done = tuple(Propose(proposers=(j.candidate.origin.author,), round=0, reason="") for j in seen)
    steps = first_steps(state(*seen, members=MODELS, done=done), calls=40)
    asked = Counter(s.author if isinstance(s, Refine) else s.proposers[0] for s in steps)
    assert asked["able"] > 4 * asked["weak"]


def test_where_nobody_can_go_deeper_it_only_goes_wider():
    seen = state(child("near", 2), members=replace(MODELS, refiners=()))
    assert all(isinstance(step, Propose) for step in first_steps(seen, seeds=30))


def test_a_model_that_repeats_itself_is_not_asked_afresh_while_another_is_left():
    done = tuple(Propose(proposers=("able",), round=n, reason="") for n in range(2))
    seen = state(child("c1", 2), members=replace(MODELS, refiners=()), done=done)
    assert {s.proposers for s in first_steps(seen, seeds=30)} == {("weak",)}


def test_its_calls_are_counted():
    done = tuple(Propose(proposers=("able",), round=n, reason="") for n in range(5))
    (stop,) = next_steps(state(child("c1", 2), members=MODELS, done=done), calls=5)
    assert isinstance(stop, Stop)
    assert (stop.status, stop.winner) == (Status.UNVERIFIED, "c1")


def test_breaking_what_worked_costs_half():
    near = judged("near", right=2)
    assert score(near) == 2 / 3
    assert score(replace(near, verdict=replace(near.verdict, regressed=("c0",)))) == 1 / 3
    assert score(judged("good", True)) == 1.0


def test_what_is_known_of_a_model_counts_before_it_has_written():
    known = {
        name: Profile(family=name, false_accept=Posterior(alpha=1, beta=9), solves=Posterior(alpha=a, beta=10 - a))
        for name, a in (("weak", 2), ("able", 8))
    }
    steps = first_steps(state(members=replace(MODELS, profiles=known)), width=1)
    asked = Counter(step.proposers[0] for step in steps)
    assert asked["able"] > 8 * asked["weak"]
