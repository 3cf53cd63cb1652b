"""The mixture's decisions: a table of states, and simulated runs whose events come in any order."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.core.brief import Baseline, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.run import Aggregate, Cancel, Confirm, Members, Minimise, Propose, RunState, Status, Stop
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.policies.moa import next_steps

MODELS = Members(proposers=("small", "other"), aggregator="strong")
SEARCH = Members(proposers=("builtin:mutate",), aggregator="builtin:combine")
BOTH = Members(proposers=("builtin:mutate", "small"), aggregator="strong")
PROPOSE = Propose(proposers=MODELS.proposers, round=0, reason="")
SEARCHING = Propose(proposers=SEARCH.proposers, round=0, reason="")
BOTH_PROPOSE = Propose(proposers=BOTH.proposers, round=0, reason="")


def verdict_of(name, passed, *, right=0, fresh=False):
    results = tuple(
        CheckResult(check_id=f"c{n}", outcome=CheckOutcome.PASSED if passed or n < right else CheckOutcome.FAILED)
        for n in range(3)
    )
    return Verdict(
        candidate_id=name,
        patch_sha256="",
        outcome=Outcome.PASSED if passed else Outcome.FAILED,
        integrity=Integrity.IN_PROCESS,
        level=(Level.WHOLE_SUITE if fresh else Level.IMPACTED_CHECKS) if passed else Level.COMPILES,
        counts=Counts(expected=3, run=3, passed=3 if passed else right, failed=0 if passed else 3 - right),
        results=results,
    )


def judged(name, passed=False, *, author="small", role="proposer", right=0, lines=1, parents=()):
    after = b"".join(b"%d\n" % n for n in range(lines)) + name.encode()
    patch = patch_of(FileChange(path="a.py", before=b"old\n", after=after))
    candidate = Candidate(candidate_id=name, patch=patch, origin=Origin(author=author, role=role, parents=parents))
    return Judged(candidate=candidate, verdict=verdict_of(name, passed, right=right))


def state(*candidates, members=MODELS, done=(), running=(), confirmed=None, **more):
    fresh = {name: verdict_of(name, passed, fresh=True) for name, passed in (confirmed or {}).items()}
    return RunState(
        baseline=Baseline(results=()), members=members, judged=candidates, done=done, running=running,
        confirmed=fresh, **more,
    )  # fmt: skip


def merge(n):
    return Aggregate(aggregator="strong", round=n, reason="")


def minimised(name):
    return Minimise(candidate_id=name, reason="")


def shape(steps):
    """The steps without their words."""
    return tuple(
        replace(step, reason="", belief=None) if isinstance(step, Stop) else replace(step, reason="") for step in steps
    )


BAD, GOOD = judged("bad", right=2), judged("good", True)
SHORT = judged("short", True, role="minimiser", lines=0, parents=("good",))
FOUND = judged("found", True, author="builtin:mutate")
CANCEL = Cancel(reason="")
TABLE = {
    "nothing yet": (state(), (PROPOSE,)),
    "proposing, nothing judged": (state(running=(PROPOSE,)), ()),
    "proposing, one failed": (state(BAD, running=(PROPOSE,)), ()),
    "a model passes while others are asked": (state(GOOD, running=(PROPOSE,)), (CANCEL,)),
    "the cancelling is under way": (state(GOOD, running=(PROPOSE, CANCEL)), ()),
    "a merge passes while it goes on": (state(BAD, GOOD, done=(PROPOSE,), running=(merge(0),)), (CANCEL,)),
    "a search's patch passes: it looks on": (state(FOUND, members=SEARCH, running=(SEARCHING,)), ()),
    "a search's patch passes beside a model": (state(FOUND, members=BOTH, running=(BOTH_PROPOSE,)), ()),
    "a model passes beside a search": (state(GOOD, members=BOTH, running=(BOTH_PROPOSE,)), (CANCEL,)),
    "cancelled: minimise": (state(GOOD, done=(PROPOSE, CANCEL)), (minimised("good"),)),
    "minimising": (state(GOOD, done=(PROPOSE,), running=(minimised("good"),)), ()),
    "nothing smaller: confirm": (
        state(GOOD, done=(PROPOSE, minimised("good"))),
        (Confirm(candidate_id="good", reason=""),),
    ),
    "smaller: confirm that": (
        state(GOOD, SHORT, done=(PROPOSE, minimised("good"))),
        (Confirm(candidate_id="short", reason=""),),
    ),
    "confirming": (state(GOOD, done=(minimised("good"),), running=(Confirm(candidate_id="good", reason=""),)), ()),
    "confirmed: stop": (
        state(GOOD, done=(PROPOSE, minimised("good")), confirmed={"good": True}),
        (Stop(status=Status.VERIFIED, reason="", winner="good"),),
    ),
    "confirmed, and more evidence was asked for": (
        state(GOOD, done=(PROPOSE, minimised("good")), confirmed={"good": True}, min_level=Level.DIFFERENTIAL),
        (Stop(status=Status.UNVERIFIED, reason="", winner="good"),),
    ),
    "confirmation of the smaller fails: the one before": (
        state(GOOD, SHORT, done=(PROPOSE, minimised("good")), confirmed={"short": False}),
        (Confirm(candidate_id="good", reason=""),),
    ),
    "confirmation fails: the next best": (
        state(GOOD, judged("next", True, lines=5), done=(PROPOSE, minimised("good")), confirmed={"good": False}),
        (minimised("next"),),
    ),
    "confirmation fails and nothing else passes: merge": (
        state(GOOD, done=(PROPOSE, minimised("good")), confirmed={"good": False}),
        (merge(0),),
    ),
    "nothing passes: merge": (state(BAD, done=(PROPOSE,)), (merge(0),)),
    "a merge fails: once more": (state(BAD, done=(PROPOSE, merge(0))), (merge(1),)),
    "the last round of feedback": (state(BAD, done=(PROPOSE, *map(merge, range(3)))), (merge(3),)),
    "all rounds used": (
        state(BAD, done=(PROPOSE, *map(merge, range(4)))),
        (Stop(status=Status.UNVERIFIED, reason="", winner="bad"),),
    ),
    "no rounds of feedback asked for": (
        state(BAD, done=(PROPOSE, merge(0)), feedback_rounds=0),
        (Stop(status=Status.UNVERIFIED, reason="", winner="bad"),),
    ),
    "combination is tried once": (
        state(BAD, members=SEARCH, done=(SEARCHING,)),
        (Aggregate(aggregator="builtin:combine", round=0, reason=""),),
    ),
    "combination is not tried again": (
        state(BAD, members=SEARCH, done=(SEARCHING, Aggregate(aggregator="builtin:combine", round=0, reason=""))),
        (Stop(status=Status.UNVERIFIED, reason="", winner="bad"),),
    ),
    "all lost: the aggregator writes": (state(done=(PROPOSE,), lost=(("small", "no key"),)), (merge(0),)),
    "all lost, the aggregator too": (
        state(done=(PROPOSE, merge(0)), lost=(("small", "no key"), ("strong", "no key"))),
        (Stop(status=Status.UNVERIFIED, reason=""),),
    ),
    "interrupted before anything": (state(interrupted=True), (Stop(status=Status.INTERRUPTED, reason=""),)),
    "interrupted while proposing": (
        state(BAD, running=(PROPOSE,), interrupted=True),
        (Stop(status=Status.INTERRUPTED, reason="", winner="bad"),),
    ),
    "interrupted with a pass that is not confirmed": (
        state(GOOD, done=(PROPOSE,), interrupted=True),
        (Stop(status=Status.INTERRUPTED, reason="", winner="good"),),
    ),
    "interrupted with a confirmed one": (
        state(GOOD, done=(PROPOSE,), confirmed={"good": True}, interrupted=True),
        (Stop(status=Status.VERIFIED, reason="", winner="good"),),
    ),
    "out of time": (
        state(BAD, running=(PROPOSE,), out_of_time=True),
        (Stop(status=Status.TIME_LIMIT, reason="", winner="bad"),),
    ),
    "out of time with a refuted one": (
        state(GOOD, confirmed={"good": False}, out_of_time=True),
        (Stop(status=Status.TIME_LIMIT, reason="", winner="good"),),
    ),
    "out of time with a confirmed one": (
        state(GOOD, confirmed={"good": True}, out_of_time=True),
        (Stop(status=Status.VERIFIED, reason="", winner="good"),),
    ),
    "out of budget": (
        state(BAD, done=(PROPOSE,), out_of_budget=True),
        (Stop(status=Status.BUDGET, reason="", winner="bad"),),
    ),
    "out of budget while others still answer": (state(BAD, running=(PROPOSE,), out_of_budget=True), ()),
    "out of budget with a pass: proving it costs no tokens": (
        state(GOOD, done=(PROPOSE,), out_of_budget=True),
        (minimised("good"),),
    ),
    "out of budget with a confirmed one": (
        state(GOOD, done=(minimised("good"),), confirmed={"good": True}, out_of_budget=True),
        (Stop(status=Status.VERIFIED, reason="", winner="good"),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_what_follows_a_state(name):
    seen, steps = TABLE[name]
    assert shape(next_steps(seen)) == steps
    assert all(step.reason for step in next_steps(seen))


def test_reasons_name_numbers_a_user_can_check():
    (stop,) = next_steps(state(BAD, done=(PROPOSE, *map(merge, range(4))), screened=41))
    assert stop.reason == "none of 42 candidates passes every check"
    (stop,) = next_steps(state(done=(PROPOSE, merge(0)), lost=(("small", "no key"),)))
    assert stop.reason == "no proposer brought a patch; small: no key"
    (again,) = next_steps(state(BAD, done=(PROPOSE,)))
    assert again.reason == "no draft passes; closest: small with 2 of 3"
    (stop,) = next_steps(state(GOOD, done=(minimised("good"),), confirmed={"good": True}))
    assert stop.reason == "small: 3 of 3 checks pass, confirmed in a fresh box"


NAMES = ["a", "b", "c", "d"]
CANDIDATES = st.lists(
    st.builds(
        judged,
        st.sampled_from(NAMES),
        st.booleans(),
        author=st.sampled_from(["small", "builtin:mutate", "strong"]),
        role=st.sampled_from(["proposer", "aggregator", "minimiser"]),
        right=st.integers(0, 3),
        lines=st.integers(0, 3),
    ),
    max_size=4,
    unique_by=lambda one: one.candidate.candidate_id,
)
STEPS = st.lists(
    st.sampled_from([PROPOSE, SEARCHING, CANCEL, *map(merge, range(4)), *map(minimised, NAMES)]), max_size=6
).map(tuple)
STATES = st.builds(
    lambda found, **more: state(*found, **more),
    CANDIDATES,
    members=st.sampled_from([MODELS, SEARCH, BOTH]),
    done=STEPS,
    running=STEPS,
    confirmed=st.dictionaries(st.sampled_from(NAMES), st.booleans()),
    out_of_time=st.booleans(),
    out_of_budget=st.booleans(),
    interrupted=st.booleans(),
    feedback_rounds=st.integers(0, 3),
    min_level=st.sampled_from(list(Level)),
)


@given(STATES)
def test_verified_is_said_of_a_confirmed_pass_alone(seen):
    for step in next_steps(seen):
        if isinstance(step, Stop):
            by_name = {j.candidate.candidate_id: j for j in seen.judged}
            assert step.winner is None or step.winner in by_name
            if step.status is Status.VERIFIED:
                assert by_name[step.winner].verdict.passed
                assert seen.confirmed[step.winner].passed
                assert seen.confirmed[step.winner].level >= seen.min_level


@given(STATES)
def test_something_runs_or_something_is_named(seen):
    """Nothing to do while nothing runs would be a run that never ends."""
    steps = next_steps(seen)
    assert steps or seen.running
    assert len(steps) <= 1
    names = {j.candidate.candidate_id for j in seen.judged}
    assert all(step.candidate_id in names for step in steps if isinstance(step, Minimise | Confirm))


@given(st.data(), st.sampled_from([MODELS, SEARCH, BOTH]), st.integers(0, 3))
@settings(max_examples=150)
def test_every_run_ends_whatever_happens_in_it(data, members, rounds):
    """An engine in miniature: steps end, drafts are judged, confirmations hold or fail, limits come, in any order."""
    seen = RunState(baseline=Baseline(results=()), members=members, feedback_rounds=rounds)
    made = 0
    for _ in range(80):
        steps = next_steps(seen)
        for step in steps:
            if isinstance(step, Stop):
                assert step.status is not Status.VERIFIED or seen.confirmed[step.winner].passed
                return
        seen = replace(seen, running=(*seen.running, *steps))
        assert seen.running
        step = data.draw(st.sampled_from(seen.running))
        brings = isinstance(step, Propose | Aggregate) and made < 12 and data.draw(st.integers(0, 2))
        if brings:
            made += 1
            author = step.aggregator if isinstance(step, Aggregate) else data.draw(st.sampled_from(step.proposers))
            role = "aggregator" if isinstance(step, Aggregate) else "proposer"
            one = judged(f"n{made}", data.draw(st.booleans()), author=author, role=role, lines=made)
            seen = replace(seen, judged=(*seen.judged, one))
            continue
        ended = [step]
        if isinstance(step, Cancel):
            ended += [s for s in seen.running if isinstance(s, Propose | Aggregate)]
        if isinstance(step, Minimise) and data.draw(st.booleans()):
            made += 1
            one = judged(f"n{made}", data.draw(st.booleans()), role="minimiser", lines=0)
            seen = replace(seen, judged=(*seen.judged, one))
        if isinstance(step, Confirm):
            name = step.candidate_id
            fresh = verdict_of(name, data.draw(st.booleans()), fresh=True)
            seen = replace(seen, confirmed={**seen.confirmed, name: fresh})
        running = tuple(s for s in seen.running if not any(s is one for one in ended))
        seen = replace(seen, running=running, done=(*seen.done, *ended))
        if data.draw(st.integers(0, 30)) == 0:
            seen = replace(seen, **{data.draw(st.sampled_from(["interrupted", "out_of_time", "out_of_budget"])): True})
    raise AssertionError("80 events did not end the run")
