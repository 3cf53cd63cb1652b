"""What a benchmark writes of an attempt: grades of the winner, of the stricter checks, of what was not chosen."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from moa_code import bench
from moa_code.config import load_config
from moa_code.core.run import Spent, Status
from moa_code.core.verdict import Counts, Outcome
from moa_code.solve import Solved


def judged(name, *, passed=True):
    patch = SimpleNamespace(sha256=f"sha of {name}", name=name)
    candidate = SimpleNamespace(candidate_id=name, patch=patch, origin=SimpleNamespace(note=""))
    return SimpleNamespace(candidate=candidate, verdict=SimpleNamespace(passed=passed))


class Bench:
    """One task, a run from a script, and hidden checks that the named candidates pass."""

    def __init__(self, monkeypatch, tmp_path):
        self.out = tmp_path / "suite.jsonl"
        self.config = load_config(environment={"HOME": str(tmp_path)}, flags={})
        self.candidates = [judged("c1"), judged("c2"), judged("c3", passed=False)]
        self.winner = self.candidates[0]
        self.status = Status.VERIFIED
        self.right, self.strict = {"c1"}, set()
        self.grades, self.graded = {}, []
        self.spent = (Spent(model="m", calls=2, prompt_tokens=10, completion_tokens=5, cost_usd=0.25),)
        self.stricter = None
        self.runs = 0
        monkeypatch.setattr(bench, "solve", self._solve)

    async def _solve(self, session, task, **_):
        self.runs += 1
        result = SimpleNamespace(
            status=self.status,
            winner=self.winner,
            screened=0,
            judged=tuple(self.candidates),
            spent=self.spent,
            belief=0.9,
            reason="nothing passes",
        )
        return Solved(run_id="r1", result=result, diff="diff", document={})

    async def hold_out(self, task, patch, overlay, targets, expected):
        assert self.runs, "hidden checks run after the run has ended"
        self.graded.append((patch.name, targets))
        passed = patch.name in (self.strict if targets == ("plus",) else self.right)
        return SimpleNamespace(
            outcome=Outcome.PASSED if passed else Outcome.FAILED, counts=Counts(expected=1), detail="why"
        )

    def attempt(self, *, seed=0, **options):
        journal = SimpleNamespace(add_grade=lambda run, name, passed: self.grades.update({name: passed}))
        session = SimpleNamespace(
            config=replace(self.config, seed=seed), verifier=SimpleNamespace(hold_out=self.hold_out), journal=journal
        )
        files = SimpleNamespace(digest="h")
        hidden = SimpleNamespace(files=files, expected=("x",), targets=("hidden",), overlay=lambda: ())
        task = SimpleNamespace(task_id="t", tree=SimpleNamespace(digest="d"))
        loaded = SimpleNamespace(task=task, hidden=hidden, stricter=self.stricter)
        (found,) = asyncio.run(
            bench.run_suite(
                session,
                "suite",
                [loaded],
                self.out,
                listen=lambda event: None,
                on_attempt=lambda attempt: None,
                on_start=lambda gentle: None,
                on_lost=lambda task_id, error: None,
                **options,
            )
        )
        assert bench.read_attempts(self.out)[found.key] == found
        return found


@pytest.fixture
def suite(monkeypatch, tmp_path):
    return Bench(monkeypatch, tmp_path)


def test_the_winner_alone_is_graded(suite):
    found = suite.attempt()
    assert (found.held_out_passed, found.any_passed, found.stricter_passed) == (True, None, None)
    assert suite.grades == {"c1": True}
    assert (found.calls, found.tokens, found.cost_usd, found.belief) == (2, 15, 0.25, 0.9)


def test_with_arms_everything_that_passed_is(suite):
    suite.right = {"c2"}
    found = suite.attempt(arm="a", grade_all=True)
    assert (found.held_out_passed, found.any_passed) == (False, True)
    assert suite.grades == {"c1": False, "c2": True}
    assert [name for name, _ in suite.graded] == ["c1", "c2"]


def test_equal_patches_are_graded_once(suite):
    twin = judged("c4")
    twin.candidate.patch = suite.candidates[0].candidate.patch
    suite.candidates.append(twin)
    suite.attempt(arm="a", grade_all=True)
    assert [name for name, _ in suite.graded] == ["c1", "c2"]


@pytest.mark.parametrize(
    ("right", "strict", "found"), [({"c1"}, {"c1"}, True), ({"c1"}, set(), False), (set(), {"c1"}, False)]
)
def test_the_stricter_checks_are_on_top_of_the_others(suite, right, strict, found):
    suite.stricter = SimpleNamespace(expected=("y",), targets=("plus",), overlay=lambda: ())
    suite.right, suite.strict = right, strict
    assert suite.attempt().stricter_passed is found


def test_without_a_verified_patch_nothing_is_right_and_the_winner_is_not_graded(suite):
    suite.status = Status.UNVERIFIED
    found = suite.attempt()
    assert (found.held_out_passed, suite.grades) == (False, {})


def test_one_unknown_price_makes_the_cost_unknown(suite):
    suite.spent += (Spent(model="n", calls=1, prompt_tokens=1, completion_tokens=1, cost_usd=None),)
    assert suite.attempt().cost_usd is None


def test_arms_and_seeds_are_attempts_of_their_own_and_none_is_made_twice(suite):
    keys = {suite.attempt(arm=arm, seed=seed).key for arm in ("a", "b") for seed in (0, 1)}
    assert (len(keys), suite.runs) == (4, 4)
    again = suite.attempt(arm="b", seed=1)
    assert (again.arm, again.seed, suite.runs) == ("b", 1, 4)
