"""Which stored verdict is asked again, with what, and what cannot be."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from moa_code.config import load_config
from moa_code.core.box import BoxInfo, Limits
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.errors import TaskError
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.evidence.reproduction import Answer
from moa_code.journal import tasks
from moa_code.journal.store import Journal
from moa_code.reverify import recheck, settings_of, stored_run

BOX = BoxInfo(backend="docker", image_digest="sha256:a", python="3.11.2", kernel="6.1")
TASK = Task(
    task_id=TaskId("shop"),
    mode=Mode.FIX,
    instruction="",
    tree=MemorySnapshot(files={"a.py": b"x = 1\n"}),
    checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
    limits=Limits(cpu_s=3.0),
    rules=EditRules(protected=("tests/**",)),
)


def candidate(name, path="a.py"):
    change = FileChange(path=path, before=b"x = 1\n" if path == "a.py" else None, after=f"x = '{name}'\n".encode())
    return Candidate(candidate_id=CandidateId(name), patch=patch_of(change), origin=Origin(author="m", role="proposer"))


def verdict(name, outcome=Outcome.FAILED, *, passed=1, seed=1, **more):
    outcomes = [CheckOutcome.PASSED] * passed + [CheckOutcome.FAILED] * (3 - passed)
    return Verdict(
        candidate_id=name,
        patch_sha256=name,
        outcome=outcome,
        integrity=Integrity.IN_PROCESS,
        level=Level.WHOLE_SUITE,
        counts=Counts(expected=3, run=3, passed=passed, failed=3 - passed),
        results=tuple(CheckResult(check_id=f"t::{n}", outcome=o) for n, o in enumerate(outcomes)),
        box=BOX,
        seed=seed,
        **more,
    )


WON = verdict("c2", Outcome.PASSED, passed=3, seed=77)


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "j.sqlite") as opened:
        yield opened


def run_of(journal, *verdicts, winner=None, status="unverified", keep=True, settings=None):
    run = journal.start_run(kind="fix", task_id="shop", directory="/shop", settings=settings or {})
    if keep:
        journal.add_task(run, TASK)
    for one in verdicts:
        journal.add_candidate(run, candidate(one.candidate_id))
        journal.add_verdict(run, one)
    journal.finish_run(run, status, {}, winner=winner)
    return run


def test_the_winners_last_verdict_is_asked_again(journal):
    run = run_of(journal, verdict("c1", passed=2), verdict("c2", Outcome.PASSED, passed=3), WON, winner="c2")
    stored = stored_run(journal, run)
    assert stored.verdict == WON
    assert stored.candidate == candidate("c2")
    assert stored.task == TASK


def test_another_candidate_may_be_named(journal):
    run = run_of(journal, verdict("c1"), WON, winner="c2")
    assert stored_run(journal, run, "c1").candidate == candidate("c1")
    with pytest.raises(TaskError, match="no verdict on a candidate c9"):
        stored_run(journal, run, "c9")


def test_without_a_winner_the_best_is_asked_again(journal):
    lost = verdict("c3", Outcome.INCONCLUSIVE, passed=3)
    run = run_of(journal, verdict("c1", passed=1), verdict("c2", passed=2), lost)
    assert stored_run(journal, run).candidate.candidate_id == "c2"


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [((), "judged no candidate"), ((verdict("c1", Outcome.INCONCLUSIVE, detail="box lost"),), "nothing to compare")],
)
def test_a_run_without_a_verdict_says_so(journal, verdicts, why):
    run = run_of(journal, *verdicts, status="nothing_to_do")
    with pytest.raises(TaskError, match=why) as caught:
        stored_run(journal, run)
    assert run in caught.value.remedy


def test_a_run_of_an_older_version_has_no_task(journal):
    run = run_of(journal, WON, winner="c2", keep=False)
    with pytest.raises(TaskError, match="did not keep its task") as caught:
        stored_run(journal, run)
    assert "runs diff" in caught.value.remedy


def test_a_tree_that_was_too_large_comes_from_the_repository(journal, monkeypatch, tmp_path):
    monkeypatch.setattr(tasks, "MOST_TREE_BYTES", 0)
    run = run_of(journal, WON, winner="c2")
    with pytest.raises(TaskError, match="too large") as caught:
        stored_run(journal, run)
    assert caught.value.remedy == f"moa-code verify --run {run} --repo /shop"
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "a.py").write_bytes(b"x = 1\n")
    found = stored_run(journal, run, repository=shop)
    assert found.task.tree.digest == TASK.tree.digest
    assert found.verdict == WON
    (shop / "a.py").write_bytes(b"x = 2\n")
    with pytest.raises(TaskError, match="not what the run has seen"):
        stored_run(journal, run, repository=shop)


def test_the_runs_limits_and_lint_count_not_this_machines(journal, tmp_path):
    run = run_of(journal, WON, winner="c2", settings={"lint": False})
    config = load_config(environment={"HOME": str(tmp_path)}, flags={"limits.cpu_s": 99})
    used = settings_of(stored_run(journal, run), config)
    assert (used.limits, used.verify.lint) == (TASK.limits, False)


class Again:
    """A verifier that answers one verdict and remembers what it was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def baseline(self, task):
        return SimpleNamespace(baseline=Baseline(results=()))

    async def confirm(self, task, baseline, candidate, *, seed):
        self.asked.append((task, candidate, seed))
        return self.answer


def asked_again(journal, run, answer, tmp_path):
    verifier = Again(answer)
    config = load_config(environment={"HOME": str(tmp_path)})
    session = SimpleNamespace(verifier=verifier, sandbox=SimpleNamespace(info=BOX), config=config)
    stored = stored_run(journal, run)
    return asyncio.run(recheck(session, stored)), verifier


def test_it_is_judged_with_the_stored_seed(journal, tmp_path):
    run = run_of(journal, WON, winner="c2", settings={"lint": True})
    found, verifier = asked_again(journal, run, WON, tmp_path)
    assert verifier.asked == [(TASK, candidate("c2"), 77)]
    assert found.reproduction.answer is Answer.REPRODUCED


def test_what_differs_is_told_with_what_may_explain_it(journal, tmp_path):
    run = run_of(journal, WON, winner="c2", settings={"kernel": "5.10", "lint": True})
    elsewhere = replace(verdict("c2", passed=2), box=replace(BOX, python="3.13.0"))
    found, _ = asked_again(journal, run, elsewhere, tmp_path)
    assert found.reproduction.answer is Answer.DIFFERS
    assert [d.name for d in found.reproduction.checks] == ["outcome", "t::2"]
    assert {(d.name, d.stored) for d in found.reproduction.environment} == {("python", "3.11.2"), ("kernel", "5.10")}


def test_what_policy_refuses_needs_no_baseline(journal, tmp_path):
    run = journal.start_run(kind="verify", task_id="shop")
    journal.add_task(run, TASK)
    forbidden = candidate("p1", "tests/test_a.py")
    journal.add_candidate(run, forbidden)
    refused = replace(verdict("p1", Outcome.REJECTED), results=(), seed=None)
    journal.add_verdict(run, refused)
    journal.finish_run(run, "unverified", {}, winner=CandidateId("p1"))
    found, verifier = asked_again(journal, run, WON, tmp_path)
    assert verifier.asked == []
    assert found.verdict.outcome is Outcome.REJECTED
