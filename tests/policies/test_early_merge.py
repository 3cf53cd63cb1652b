"""Merging while the search goes on: as soon as drafts mend every failing check between them, and only then."""

import pytest

from moa_code.core.brief import Baseline, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.run import Aggregate, Members, Propose, RunState
from moa_code.core.task import CheckId
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.policies.moa import next_steps

SEARCH = Members(proposers=("builtin:mutate",), aggregator="builtin:combine")
SEARCHING = Propose(proposers=SEARCH.proposers, round=0, reason="")
MERGE = Aggregate(aggregator="builtin:combine", round=0, reason="")


def failing(*names):
    return Baseline(results=tuple(CheckResult(check_id=CheckId(n), outcome=CheckOutcome.FAILED) for n in names))


def partial(name, *mended, broken=()):
    results = tuple(CheckResult(check_id=CheckId(n), outcome=CheckOutcome.PASSED) for n in mended)
    verdict = Verdict(
        candidate_id=name,
        patch_sha256="",
        outcome=Outcome.FAILED,
        integrity=Integrity.NONE,
        level=Level.COMPILES,
        counts=Counts(expected=2, run=2, passed=len(mended), failed=2 - len(mended)),
        results=results,
        regressed=tuple(CheckId(n) for n in broken),
    )
    patch = patch_of(FileChange(path="a.py", before=b"old\n", after=name.encode()))
    candidate = Candidate(candidate_id=name, patch=patch, origin=Origin(author="builtin:mutate", role="proposer"))
    return Judged(candidate=candidate, verdict=verdict)


def steps(baseline, *judged, members=SEARCH, done=(), running=(SEARCHING,)):
    named = next_steps(RunState(baseline=baseline, members=members, judged=judged, done=done, running=running))
    return tuple(type(step) for step in named)


TWO = failing("x", "y")


def test_partial_fixes_of_all_checks_are_merged_at_once():
    assert steps(TWO, partial("a", "x"), partial("b", "y")) == (Aggregate,)


@pytest.mark.parametrize(
    "judged",
    [
        (),
        (partial("a", "x"),),
        (partial("a", "x"), partial("b", "x")),
        (partial("a", "x"), partial("b", "y", broken=("z",))),
    ],
    ids=["nothing yet", "one of two", "the same twice", "the other one breaks something"],
)
def test_it_waits_while_some_check_is_mended_by_none(judged):
    assert steps(TWO, *judged) == ()


def test_one_failing_check_has_nothing_to_unite():
    assert steps(failing("x"), partial("a", "x")) == ()


def test_a_model_is_not_asked_before_the_layer_is_complete():
    members = Members(proposers=("builtin:mutate",), aggregator="strong")
    assert steps(TWO, partial("a", "x"), partial("b", "y"), members=members) == ()


def test_it_happens_once_and_again_when_the_search_has_ended():
    both = (partial("a", "x"), partial("b", "y"))
    assert steps(TWO, *both, running=(SEARCHING, MERGE)) == ()
    assert steps(TWO, *both, done=(MERGE,)) == ()
    assert steps(TWO, *both, done=(MERGE, SEARCHING), running=()) == (Aggregate,)
    assert Aggregate not in steps(TWO, *both, done=(MERGE, SEARCHING, MERGE), running=())
