"""What each author did, summed up at a run's end; and what held-out checks said of it later."""

import dataclasses
import sqlite3

import pytest

from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import Counts, Integrity, Level, Outcome, Verdict
from moa_code.journal import outcomes
from moa_code.journal.database import MIGRATIONS
from moa_code.journal.store import Journal

PASSED, FAILED, INCONCLUSIVE = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE
TASK = Task(
    task_id=TaskId("t"),
    mode=Mode.IMPLEMENT,
    instruction="",
    tree=MemorySnapshot(files={}),
    checks=Checks(kind=CheckKind.PYTEST, targets=(), expected=()),
)


class Clock:
    now = 1_795_348_800.0

    def __call__(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "j.sqlite", clock=Clock()) as opened:
        yield opened


@pytest.fixture
def run(journal):
    run_id = journal.start_run(kind="solve", task_id="t")
    journal.add_task(run_id, TASK)
    return run_id


def judged(journal, run_id, name, author, outcome, role="proposer", **origin):
    patch = patch_of(FileChange(path="a.py", before=b"", after=name.encode()))
    origin = Origin(author=author, role=role, **origin)
    journal.add_candidate(run_id, Candidate(candidate_id=CandidateId(name), patch=patch, origin=origin))
    verdict_on(journal, run_id, name, outcome)


def verdict_on(journal, run_id, name, outcome):
    journal.add_verdict(
        run_id,
        Verdict(
            candidate_id=name, patch_sha256="", outcome=outcome, integrity=Integrity.IN_PROCESS,
            level=Level.WHOLE_SUITE, counts=Counts(),
        ),
    )  # fmt: skip


def by_author(journal):
    return {row.author: row for row in journal.outcomes()}


def test_first_drafts_passes_and_losses(journal, run):
    judged(journal, run, "c1", "a", FAILED)
    judged(journal, run, "c2", "a", PASSED, round=1)
    judged(journal, run, "c3", "b", PASSED)
    journal.add_event(run, "lost", {"author": "c", "reason": "HTTP 500"})
    judged(journal, run, "c4", "d", INCONCLUSIVE)
    assert journal.outcomes() == ()
    journal.finish_run(run, "verified", {})
    rows = by_author(journal)
    assert {name: (row.first_passed, row.passed) for name, row in rows.items()} == {
        "a": (False, True),
        "b": (True, True),
        "c": (False, False),
        "d": (None, None),
    }
    assert {(row.task_id, row.mode, row.run_id) for row in rows.values()} == {("t", "implement", run)}
    assert journal.authors() == ("a", "b", "c", "d")


def test_the_last_verdict_counts(journal, run):
    """A pass that a fresh box takes back is none."""
    judged(journal, run, "c1", "a", PASSED)
    verdict_on(journal, run, "c1", FAILED)
    journal.finish_run(run, "unverified", {})
    assert by_author(journal)["a"].passed is False


def test_who_merged_or_refined_has_not_proposed(journal, run):
    judged(journal, run, "c1", "m", PASSED, role="aggregator")
    judged(journal, run, "p1", "user", PASSED, role="user")
    journal.add_call(run, {"model": "n", "role": "aggregator", "error": "429"})
    journal.add_event(run, "lost", {"author": "n", "reason": "429"})
    journal.finish_run(run, "verified", {})
    rows = by_author(journal)
    assert set(rows) == {"m", "n"}
    assert [(row.first_passed, row.passed) for row in rows.values()] == [(None, None)] * 2


def test_a_search_that_was_cut_off_says_nothing(journal, run):
    judged(journal, run, "c1", "builtin:mutate", FAILED)
    journal.finish_run(run, "verified", {})
    assert journal.outcomes() == ()


def test_a_search_is_one_draft(journal, run):
    judged(journal, run, "c1", "builtin:mutate", FAILED)
    judged(journal, run, "c2", "builtin:mutate", PASSED)
    journal.add_event(run, "screened", {"author": "builtin:mutate", "screened": 70})
    journal.finish_run(run, "verified", {})
    assert by_author(journal)["builtin:mutate"].first_passed is True


def test_a_search_that_found_nothing_has_tried(journal, run):
    journal.add_event(run, "screened", {"author": "builtin:mutate", "screened": 70})
    journal.finish_run(run, "unverified", {})
    assert by_author(journal)["builtin:mutate"].first_passed is False


def test_who_was_cancelled_has_done_nothing(journal, run):
    journal.add_call(run, {"model": "slow", "role": "proposer", "error": "cancelled"})
    journal.finish_run(run, "verified", {})
    assert journal.outcomes() == ()


def test_tokens_and_dollars_of_proposing(journal, run):
    known = {"model": "a", "prompt_tokens": 100, "completion_tokens": 10, "cost_usd": 0.5}
    journal.add_call(run, {**known, "role": "proposer"})
    journal.add_call(run, {**known, "role": "proposer"})
    journal.add_call(run, {**known, "role": "aggregator"})
    journal.add_call(run, {**known, "role": "proposer", "error": "cancelled", "cost_usd": None})
    judged(journal, run, "c1", "a", PASSED)
    journal.add_call(run, {**known, "model": "b", "role": "proposer", "cost_usd": None})
    judged(journal, run, "c2", "b", PASSED)
    journal.finish_run(run, "verified", {})
    rows = by_author(journal)
    assert (rows["a"].calls, rows["a"].prompt_tokens, rows["a"].cost_usd) == (2, 200, 1.0)
    assert (rows["b"].calls, rows["b"].completion_tokens, rows["b"].cost_usd) == (1, 10, None)


def test_a_grade_comes_after_the_run_and_may_come_again(journal, run):
    judged(journal, run, "c1", "a", PASSED)
    judged(journal, run, "c2", "b", PASSED)
    judged(journal, run, "c3", "c", FAILED)
    journal.finish_run(run, "verified", {}, winner=CandidateId("c1"))
    for passed in (True, False, False):
        journal.add_grade(run, "c1", passed)
    journal.add_grade(run, "c3", False)
    rows = by_author(journal)
    graded = {name: (row.held_out, row.passes_right, row.passes_wrong) for name, row in rows.items()}
    assert graded == {"a": (False, 0, 1), "b": (None, 0, 0), "c": (None, 0, 0)}
    assert journal.graded_passes("a", 9) == (("implement", 0, 1),)
    assert journal.graded_passes("b", 9) == ()
    assert journal.first_drafts("a", 9) == (("implement", True),)


def test_a_grade_of_the_minimised_is_the_drafts_and_of_all_who_wrote_it(journal, run):
    judged(journal, run, "c1", "a", PASSED)
    judged(journal, run, "c2", "a", PASSED, role="minimiser", parents=("c1",))
    journal.add_event(run, "agrees", {"author": "b", "candidate_id": "c1"})
    journal.finish_run(run, "verified", {}, winner=CandidateId("c2"))
    journal.add_grade(run, "c2", False)
    rows = by_author(journal)
    assert [(rows[n].first_passed, rows[n].held_out, rows[n].passes_wrong) for n in "ab"] == [(True, False, 1)] * 2


def test_a_drafts_own_grade_is_not_that_of_its_smaller_one(journal, run):
    judged(journal, run, "c1", "a", PASSED)
    judged(journal, run, "c2", "a", PASSED, role="minimiser", parents=("c1",))
    journal.finish_run(run, "verified", {}, winner=CandidateId("c2"))
    journal.add_grade(run, "c1", True)
    journal.add_grade(run, "c2", False)
    assert (by_author(journal)["a"].passes_right, by_author(journal)["a"].passes_wrong) == (1, 0)


def test_what_was_seen_outlives_the_run(journal, run):
    judged(journal, run, "c1", "a", PASSED)
    journal.finish_run(run, "verified", {})
    journal.add_grade(run, "c1", True)
    assert journal.forget(keep=0) == 1
    assert by_author(journal)["a"].passes_right == 1
    journal.add_grade(run, "c1", False) if journal.runs(1) else None
    assert by_author(journal)["a"].passes_right == 1


def test_old_rows_go(journal, monkeypatch):
    monkeypatch.setattr(outcomes, "MOST_KEPT", 3)
    for number in range(6):
        run_id = journal.start_run(kind="solve", task_id=f"t{number}")
        judged(journal, run_id, "c1", "a", PASSED)
        journal.finish_run(run_id, "verified", {})
    assert [row.task_id for row in journal.outcomes()] == ["t5", "t4", "t3"]


def test_runs_of_an_earlier_version_and_of_dead_processes_are_caught_up(tmp_path):
    path = tmp_path / "j.sqlite"
    with Journal.open(path) as journal:
        for outcome in (PASSED, FAILED):
            run_id = journal.start_run(kind="solve", task_id="t")
            judged(journal, run_id, "c1", "a", outcome)
            journal.finish_run(run_id, "x", {})
        idle = journal.start_run(kind="fix", task_id="t")
        journal.finish_run(idle, "nothing_to_do", {})
        going = journal.start_run(kind="fix", task_id="t")
        judged(journal, going, "c1", "a", PASSED)
    database = sqlite3.connect(path)
    for name in ("outcomes", "grades"):
        database.execute(f"DROP TABLE {name}")
    database.execute("DELETE FROM migrations WHERE version > 2")
    database.commit()
    database.close()
    with Journal.open(path) as journal:
        assert journal.outcomes() == ()
        journal.catch_up()
        assert [(row.passed, row.mode) for row in journal.outcomes()] == [(False, ""), (True, "")]
        journal.catch_up()
        assert len(journal.outcomes()) == 2
    assert len(MIGRATIONS) >= 3


def test_a_row_has_every_column(journal, run):
    judged(journal, run, "c1", "a", PASSED)
    journal.finish_run(run, "verified", {})
    (row,) = journal.outcomes("a")
    assert dataclasses.asdict(row) == {
        "run_id": run, "task_id": "t", "digest": TASK.tree.digest,
        "mode": "implement", "at": journal.run(run).finished_at, "author": "a",
        "first_passed": True, "passed": True, "held_out": None, "passes_right": 0, "passes_wrong": 0, "calls": 0,
        "prompt_tokens": None, "completion_tokens": None, "cost_usd": None,
    }  # fmt: skip
