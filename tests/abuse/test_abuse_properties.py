"""Properties in real boxes: the same seed tries the same examples, and no candidate makes a property look less hard."""

import sys
from pathlib import Path

import pytest
from docker_bench import candidate_of, edit, task_of

sys.path.insert(0, str(Path(__file__).parents[1] / "box"))

from property_attacks import ATTACKS, FOUND_BY_THE_TESTS, HONEST, TESTS, WRONG

from moa_code.core.verdict import Outcome
from moa_code.prompts.failure import counterexamples

PROPERTY = "tests/test_m.py::test_double"
SHALLOW = WRONG.replace("x < 300", "x < 20000")  # some seeds find it


@pytest.fixture(scope="module")
def task():
    return task_of({"m.py": WRONG, "tests/test_m.py": TESTS})


@pytest.fixture(scope="module")
def baseline(judge, task):
    return judge.baseline(task)


def confirmed(judge, task, baseline, source, **more):
    candidate = candidate_of(edit(task, "m.py", source))
    return judge.run(judge.session.verifier.confirm(task, baseline, candidate, **more))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_property_cannot_be_weakened(judge, task, baseline, name):
    verdict = judge.verify(task, baseline, edit(task, "m.py", ATTACKS[name]))
    assert verdict.outcome in {Outcome.TAMPERED, Outcome.FAILED}
    assert verdict.outcome is Outcome.TAMPERED or name in FOUND_BY_THE_TESTS, verdict.detail


def test_the_honest_candidate_passes_after_all_of_them(judge, task, baseline):
    verdict = judge.verify(task, baseline, edit(task, "m.py", HONEST))
    assert verdict.outcome is Outcome.PASSED, verdict.detail
    assert {r.check_id: (r.examples.valid, r.examples.planned, r.examples.foreign) for r in verdict.results} == {
        PROPERTY: (100, 100, 0),
        PROPERTY + "_all": (60, 60, 0),
    }


def test_a_seed_is_recorded_and_replays(judge, task, baseline):
    """A candidate that some seeds catch: the seed in its verdict catches it again, with the same counterexample."""
    first = confirmed(judge, task, baseline, SHALLOW)
    again = confirmed(judge, task, baseline, SHALLOW + "# the same\n", seed=first.seed)
    assert first.seed is not None
    assert (again.seed, again.outcome) == (first.seed, first.outcome)
    assert [(r.check_id, r.outcome, r.examples) for r in again.results] == [
        (r.check_id, r.outcome, r.examples) for r in first.results
    ]
    assert [counterexamples(r.detail) for r in again.results] == [counterexamples(r.detail) for r in first.results]


def test_each_fresh_box_has_a_seed_that_nobody_could_know(judge, task, baseline):
    seeds = {confirmed(judge, task, baseline, f"{HONEST}# {n}\n").seed for n in range(3)}
    assert len(seeds) == 3


def test_the_shrunk_counterexample_is_in_the_verdict(judge, task, baseline):
    verdict = judge.verify(task, baseline, edit(task, "m.py", WRONG + "# again\n"))
    assert counterexamples(verdict.failing[0].detail) == ("test_double(n=300)",)
