"""What every policy promises, whatever happens in a run: it ends, claims nothing unproven, and always has a reason."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour, Ruling, Strength
from moa_code.core.brief import Baseline, Judged
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.profile import Posterior, Profile
from moa_code.core.run import (
    Aggregate,
    Arbitrate,
    Cancel,
    Confirm,
    Distinguish,
    Measure,
    Members,
    Minimise,
    Pending,
    Propose,
    Refine,
    RunState,
    Status,
    Stop,
    Vote,
    WriteChecks,
)
from moa_code.core.verdict import Counts, Integrity, Level, Outcome, Verdict
from moa_code.policies import auto, best_of, moa, single, tree

POLICIES = {
    "single": single.next_steps,
    "single strong": partial(single.next_steps, strong=True),
    "best-of": best_of.best_of,
    "vote": best_of.vote,
    "moa": moa.next_steps,
    "moa of three layers": partial(moa.next_steps, layers=3),
    "auto": partial(auto.next_steps, ladder=auto.Ladder()),
    "auto from the strong one": partial(auto.next_steps, ladder=auto.Ladder(entry="strong")),
    "auto that doubts everything": partial(auto.next_steps, ladder=auto.Ladder(threshold=1.0, singles=5)),
    "tree": partial(tree.next_steps, calls=6),
}
TEAMS = {
    "search": Members(proposers=("builtin:mutate",), aggregator="builtin:combine"),
    "models": Members(
        proposers=("small", "other"),
        aggregator="large",
        reasoner="thinker",
        strong="large",
        refiners=("small", "large"),
    ),
    "both": Members(proposers=("small", "builtin:mutate"), aggregator="large", strong="large", refiners=("small",)),
    "recordings": Members(proposers=("small", "other", "third"), aggregator="builtin:combine", strong="large"),
    "alone": Members(proposers=("small",), aggregator="builtin:combine"),
}
MOST_TURNS = 150


def profile(family, wrong):
    rate = Posterior(alpha=wrong * 100, beta=(1 - wrong) * 100)
    return Profile(family=family, false_accept=rate, solves=Posterior(alpha=1, beta=1))


PROFILES = {"small": profile("a", 0.16), "other": profile("b", 0.08), "large": profile("c", 0.02)}


class Run:
    """An engine in miniature, whose authors, verdicts and limits are drawn from `data`."""

    def __init__(self, policy, members, data):
        self.policy = policy
        self.data = data
        self.made = 0
        self.state = RunState(baseline=Baseline(results=()), members=members)

    def change(self, **changes):
        self.state = replace(self.state, **changes)

    def draw(self, strategy):
        return self.data.draw(strategy)

    def to_the_end(self):
        for _ in range(MOST_TURNS):
            for step in self.policy(self.state):
                assert step.reason, f"{step} has no reason"
                self.check(step)
                if isinstance(step, Stop):
                    return step
                self.change(running=(*self.state.running, step))
            assert self.state.running, "nothing runs and nothing is named: the run would never end"
            self.something_happens()
        raise AssertionError(f"no end after {MOST_TURNS} turns: {[type(s).__name__ for s in self.state.done]}")

    def check(self, step):
        members = self.state.members
        known = {j.candidate.candidate_id for j in self.state.judged}
        assert not (self.state.out_of_budget and isinstance(step, Propose | Refine | Arbitrate | WriteChecks)), (
            "a model is asked though the budget is spent"
        )
        match step:
            case Propose():
                assert step.proposers
                assert set(step.proposers) <= {*members.proposers, members.strong}
            case Refine():
                assert step.author in {*members.refiners, members.reasoner}
                assert step.candidate_id is None or step.candidate_id in known
            case Aggregate():
                assert step.aggregator == members.aggregator
            case Arbitrate():
                assert step.author == members.aggregator
                assert len(step.candidate_ids) > 1
            case Distinguish() | Vote():
                assert set(step.candidate_ids) <= known
                passed = {j.candidate.candidate_id for j in self.state.judged if j.verdict.passed}
                assert set(step.candidate_ids) <= passed, "what does not pass is compared"
            case Minimise() | Confirm() | Measure():
                assert step.candidate_id in known
            case Stop(status=Status.VERIFIED):
                fresh = self.state.confirmed[step.winner]
                assert fresh.passed
                assert fresh.level >= self.state.min_level
            case Stop():
                assert step.winner is None or step.winner in known
            case Cancel() | WriteChecks():
                pass

    def something_happens(self):
        """A draft comes, or a step ends; now and then a limit is reached."""
        running = self.state.running
        step = running[self.draw(st.integers(0, len(running) - 1))]
        if isinstance(step, Propose | Refine | Aggregate) and self.draw(st.booleans()):
            self.judge(step)
            return
        if self.draw(st.integers(0, 60)) == 0:
            self.change(out_of_budget=True)
        if self.draw(st.integers(0, 150)) == 0:
            self.change(out_of_time=True)
        if isinstance(step, Cancel):
            gone = [s for s in running if isinstance(s, Propose | Refine | Aggregate)]
            for one in gone:
                self.end(one)
        self.finish(step)
        self.end(step)

    def end(self, step):
        left = tuple(s for s in self.state.running if s is not step)
        self.change(running=left, done=(*self.state.done, step))

    def judge(self, step):
        author = {
            Propose: lambda: self.draw(st.sampled_from(step.proposers)),
            Refine: lambda: step.author,
            Aggregate: lambda: step.aggregator,
        }[type(step)]()
        if self.draw(st.integers(0, 5)) == 0:
            self.change(lost=(*self.state.lost, (author, "no answer")))
            return
        parents = (step.candidate_id,) if isinstance(step, Refine) and step.candidate_id else ()
        role = {Propose: "proposer", Refine: "refiner", Aggregate: "aggregator"}[type(step)]
        passed = self.draw(st.integers(0, 3)) == 0
        self.add(author, role, parents, passed)

    def add(self, author, role, parents, passed):
        self.made += 1
        name = f"c{self.made}"
        patch = patch_of(FileChange(path="a.py", before=b"old\n", after=name.encode()))
        origin = Origin(author=author, role=role, parents=parents)
        candidate = Candidate(candidate_id=name, patch=patch, origin=origin)
        right = 4 if passed else self.draw(st.integers(0, 3))
        self.change(judged=(*self.state.judged, Judged(candidate=candidate, verdict=verdict(name, right))))

    def finish(self, step):
        match step:
            case Minimise():
                if self.draw(st.booleans()):
                    author = next(j for j in self.state.judged if j.candidate.candidate_id == step.candidate_id)
                    self.add(author.candidate.origin.author, "minimiser", (step.candidate_id,), True)
            case Confirm():
                fresh = verdict(step.candidate_id, 4 if self.draw(st.booleans()) else 0, fresh=True)
                self.change(confirmed={**self.state.confirmed, step.candidate_id: fresh})
            case Distinguish():
                kinds = st.sampled_from(["one", "two"])
                answers = {name: (answer(self.draw(kinds)),) for name in step.candidate_ids}
                empty = self.draw(st.integers(0, 4)) == 0
                self.change(behaviour=Behaviour(note="no") if empty else Behaviour(calls=("f(1)",), answers=answers))
            case Measure():
                found = Strength(killed=self.draw(st.integers(0, 10)), tried=10)
                self.change(strengths={**self.state.strengths, step.candidate_id: found})
            case Arbitrate():
                chosen = self.draw(st.sampled_from([None, *step.candidate_ids]))
                self.change(rulings=(*self.state.rulings, Ruling(author=step.author, chosen=chosen, reason="so")))
            case _:
                pass


def answer(text):
    return Answer(kind=AnswerKind.VALUE, text=text, digest=text)


def verdict(name, right, *, fresh=False):
    passed = right == 4
    return Verdict(
        candidate_id=name,
        patch_sha256="",
        outcome=Outcome.PASSED if passed else Outcome.FAILED,
        integrity=Integrity.ORACLE,
        level=(Level.WHOLE_SUITE if fresh else Level.IMPACTED_CHECKS) if passed else Level.COMPILES,
        counts=Counts(expected=4, run=4, passed=right, failed=4 - right),
        detail="" if passed else f"{right} of 4",
    )


@pytest.mark.parametrize("team", TEAMS)
@pytest.mark.parametrize("policy", POLICIES)
@given(data=st.data())
@settings(max_examples=12)
def test_every_run_ends_with_what_was_proven(policy, team, data):
    members = replace(TEAMS[team], profiles=PROFILES)
    Run(POLICIES[policy], members, data).to_the_end()


@pytest.mark.parametrize("policy", POLICIES)
def test_the_first_step_asks_somebody(policy):
    for members in TEAMS.values():
        steps = POLICIES[policy](RunState(baseline=Baseline(results=()), members=members))
        assert steps
        assert all(isinstance(step, Propose) for step in steps)


@pytest.mark.parametrize("policy", POLICIES)
def test_an_interrupt_ends_it_at_once(policy):
    state = RunState(
        baseline=Baseline(results=()),
        members=TEAMS["models"],
        running=(Propose(proposers=("small",), round=0, reason=""),),
        pending=(Pending(author="small", waited_s=1.0),),
        interrupted=True,
    )
    (step,) = POLICIES[policy](state)
    assert isinstance(step, Stop)
    assert step.status is Status.INTERRUPTED
