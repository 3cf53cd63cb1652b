"""Whole runs over real boxes: search mends, combination unites, the journal holds all of it."""

from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from docker_bench import task_of

from moa_code.assets import tasks_dir
from moa_code.core.errors import BaselineFault
from moa_code.core.patch import EMPTY_PATCH
from moa_code.core.run import Status
from moa_code.core.verdict import Level, Outcome
from moa_code.engine.events import BaselineDone, CandidateJudged, Finished, Started, StepStarted
from moa_code.engine.search import SearchLimits
from moa_code.solve import solve
from moa_code.suites.task_folder import load_task, task_names

pytestmark = pytest.mark.docker
ROOT = tasks_dir()
NAMES = task_names([ROOT])

RATES = """
def gross(net, percent):
    return net - net * percent // 100
"""
TOTALS = """
def larger(a, b):
    return a if a < b else b
"""
TESTS = """
from rates import gross
from totals import larger


def test_gross():
    assert gross(100, 20) == 120


def test_gross_of_nothing():
    assert gross(0, 20) == 0


def test_larger():
    assert larger(3, 9) == 9


def test_larger_of_equals():
    assert larger(2, 2) == 2
"""


def run(bench, task):
    heard = []
    solved = bench.run(solve(bench.session, task, command="solve", listen=heard.append))
    return solved, heard


def one_bug():
    return task_of({"rates.py": RATES, "totals.py": TOTALS.replace("<", ">"), "tests/test_it.py": TESTS})


def test_search_mends_one_bug_and_the_journal_holds_the_run(bench):
    solved, heard = run(bench, one_bug())
    result, journal = solved.result, bench.session.journal
    assert (result.status, result.winner.verdict.outcome) == (Status.VERIFIED, Outcome.PASSED)
    assert result.winner.verdict.level >= Level.WHOLE_SUITE
    assert "+    return net + net * percent // 100" in solved.diff
    kinds = [type(event) for event in heard]
    assert kinds[:2] == [Started, BaselineDone]
    assert kinds[-1] is Finished
    assert {StepStarted, CandidateJudged} <= set(kinds)

    row = journal.run(solved.run_id)
    assert (row.status, row.winner) == ("verified", result.winner.candidate.candidate_id)
    assert row.result == solved.document
    steps = journal.steps(solved.run_id)
    kinds = [step["kind"] for step in steps]
    assert [kind for kind in kinds if kind != "distinguish"] == ["propose", "minimise", "confirm", "stop"]
    assert all(step["reason"] for step in steps)
    candidates = {c.candidate_id for c in journal.candidates(solved.run_id)}
    verdicts = journal.verdicts(solved.run_id)
    assert {v.candidate_id for v in verdicts} == candidates
    assert [v.outcome for v in verdicts if v.candidate_id == row.winner][-1] is Outcome.PASSED
    assert verdicts[-1].level >= Level.WHOLE_SUITE
    assert journal.patch_of(solved.run_id) == result.winner.candidate.patch


def test_combination_unites_the_fixes_of_two_files(bench, monkeypatch):
    # By itself the search would go on with rarer edits until its time is up.
    monkeypatch.setattr("moa_code.solve.SearchLimits", partial(SearchLimits, most_candidates=200))
    task = task_of({"rates.py": RATES, "totals.py": TOTALS, "tests/test_it.py": TESTS})
    solved, _ = run(bench, task)
    result = solved.result
    assert result.status is Status.VERIFIED, result.reason
    assert result.winner.candidate.patch.paths == ("rates.py", "totals.py")
    authors = {j.candidate.candidate_id: j.candidate.origin.author for j in result.judged}
    assert "builtin:combine" in authors.values()
    steps = [type(step).__name__ for step in result.steps]
    assert set(steps[:2]) == {"Propose", "Aggregate"}
    assert steps[-2:] == ["Confirm", "Stop"]
    assert result.winner.verdict.counts.passed == 4


def test_nothing_to_do_is_said_after_the_baseline(bench):
    mended = {"rates.py": RATES.replace("net - net", "net + net"), "totals.py": TOTALS.replace("<", ">")}
    solved, heard = run(bench, task_of({**mended, "tests/test_it.py": TESTS}))
    assert solved.result.status is Status.NOTHING_TO_DO
    assert not any(isinstance(event, StepStarted) for event in heard)
    assert bench.session.journal.run(solved.run_id).status == "nothing_to_do"


def test_a_bug_beyond_the_search_ends_unverified_without_a_patch(bench):
    tests = "from m import f\n\n\ndef test_f():\n    assert [f(3), f(4), f(9)] == ['fizz', '4!', 'q']\n"
    task = task_of({"m.py": "def f(x):\n    return x\n", "tests/test_m.py": tests})
    solved, _ = run(bench, task)
    assert solved.result.status is Status.UNVERIFIED
    assert solved.document["patch"] is None
    assert solved.document["verdict"] is None
    assert bench.session.journal.run(solved.run_id).status == "unverified"


def test_checks_that_hang_at_import_are_a_fault_of_the_environment(bench):
    task = task_of({"m.py": "x = 1\n", "tests/test_m.py": "while True:\n    pass\n"})
    task = replace(task, limits=replace(task.limits, cpu_s=0.5, wall_s=2.0))
    with pytest.raises(BaselineFault, match="do not come to an end"):
        run(bench, task)
    assert bench.session.journal.run("last").status == "failed"


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_task_fails_at_its_start_and_passes_with_its_reference(bench, name):
    loaded = load_task(ROOT / name)
    task = loaded.task
    baseline = bench.baseline(task)
    outcomes = Counter(r.outcome.value for r in baseline.results)
    assert baseline.flaky == ()
    assert outcomes["failed"]
    assert outcomes["passed"]
    assert bench.verify(task, baseline, EMPTY_PATCH).outcome is Outcome.FAILED
    reference = bench.confirm(task, baseline, loaded.solution)
    assert (reference.outcome, reference.level) == (Outcome.PASSED, Level.WHOLE_SUITE), reference.detail
    hidden = loaded.hidden
    for patch, outcome in ((loaded.solution, Outcome.PASSED), (EMPTY_PATCH, Outcome.FAILED)):
        graded = bench.run(
            bench.session.verifier.hold_out(task, patch, hidden.overlay(), hidden.targets, hidden.expected)
        )
        assert graded.outcome is outcome, graded.detail
