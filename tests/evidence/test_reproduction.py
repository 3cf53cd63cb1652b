"""Whether a verdict came out the same again."""

from dataclasses import replace

import pytest

from moa_code.core.box import BoxInfo
from moa_code.core.verdict import (
    CheckOutcome,
    CheckResult,
    Counts,
    Integrity,
    Level,
    Outcome,
    Stage,
    StageOutcome,
    Verdict,
)
from moa_code.evidence.reproduction import ABSENT, Answer, reproduction

BOX = BoxInfo(backend="docker", image_digest="sha256:a", python="3.11.2")
PASSED = Verdict(
    candidate_id="c1",
    patch_sha256="p",
    outcome=Outcome.PASSED,
    integrity=Integrity.IN_PROCESS,
    level=Level.WHOLE_SUITE,
    counts=Counts(expected=2, run=2, passed=2),
    results=tuple(CheckResult(check_id=name, outcome=CheckOutcome.PASSED, duration_s=1.0) for name in ("a", "b")),
    box=BOX,
    seed=5,
)
FAILED = replace(
    PASSED,
    outcome=Outcome.FAILED,
    detail="b failed",
    results=(PASSED.results[0], CheckResult(check_id="b", outcome=CheckOutcome.FAILED, detail="E  assert 0")),
)


def rejected(stage):
    return replace(
        PASSED,
        outcome=Outcome.FAILED,
        results=(),
        stages=(Stage(name=stage, outcome=StageOutcome.FAILED, detail="why"),),
    )


def names(found):
    return [(d.name, d.stored, d.now) for d in found]


@pytest.mark.parametrize("verdict", [PASSED, FAILED, rejected("compile")])
def test_the_same_again_reproduces_however_long_it_took(verdict):
    slower = replace(verdict, duration_s=99.0, level=Level.TARGET_CHECKS, candidate_id="other")
    found = reproduction(verdict, slower)
    assert (found.answer, found.checks, found.environment) == (Answer.REPRODUCED, (), ())


@pytest.mark.parametrize(
    ("stored", "now", "differences"),
    [
        (PASSED, FAILED, [("outcome", "passed", "failed"), ("b", "passed", "failed")]),
        (FAILED, PASSED, [("outcome", "failed", "passed"), ("b", "failed", "passed")]),
        (
            FAILED,
            replace(FAILED, results=(FAILED.results[1],)),
            [("a", "passed", ABSENT)],
        ),
        (
            FAILED,
            replace(FAILED, outcome=Outcome.TIMED_OUT),
            [("outcome", "failed", "timed_out")],
        ),
        (rejected("compile"), rejected("lint"), [("failed stage", "compile", "lint")]),
        (
            rejected("compile"),
            FAILED,
            [("a", ABSENT, "passed"), ("b", ABSENT, "failed")],
        ),
    ],
)
def test_whatever_comes_out_otherwise_is_named(stored, now, differences):
    found = reproduction(stored, now)
    assert found.answer is Answer.DIFFERS
    assert names(found.checks) == differences


def test_what_a_check_said_goes_with_it():
    by_name = {d.name: d.detail for d in reproduction(PASSED, FAILED).checks}
    assert by_name == {"outcome": "b failed", "b": "E  assert 0"}


def test_our_own_failure_says_nothing():
    lost = replace(PASSED, outcome=Outcome.INCONCLUSIVE, results=(), detail="the box was lost")
    assert reproduction(PASSED, lost).answer is Answer.INCONCLUSIVE


def test_another_environment_is_named_and_is_no_difference_by_itself():
    box = replace(BOX, backend="bubblewrap", python="3.12.1")
    found = reproduction(PASSED, replace(PASSED, box=box), facts=({"kernel": "6.1"}, {"kernel": "6.8"}))
    assert found.answer is Answer.REPRODUCED
    assert names(found.environment) == [
        ("backend", "docker", "bubblewrap"),
        ("python", "3.11.2", "3.12.1"),
        ("kernel", "6.1", "6.8"),
    ]


def test_a_fact_that_one_side_does_not_know_is_named():
    assert names(reproduction(PASSED, PASSED, facts=({"kernel": "6.1"}, {})).environment) == [("kernel", "6.1", "")]
