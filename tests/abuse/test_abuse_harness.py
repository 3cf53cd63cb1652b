"""The harness notices what it is there to notice; no box is needed."""

from types import SimpleNamespace

import pytest
from abuse_cases import FAILED, HostCase, VerdictCase
from abuse_harness import _broken_attack, _late, _may_be_ours, run_case, tree_hash

from moa_code.core.box import Ended, Limits, Observation
from moa_code.core.verdict import CheckOutcome, CheckResult, Integrity, Outcome, Stage, StageOutcome


def test_a_tree_that_changed_has_another_hash(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/f").write_text("x")
    seen = [tree_hash(tmp_path)]
    for change in (
        lambda: (tmp_path / "a/f").write_text("y"),
        lambda: (tmp_path / "a/f").chmod(0o755),
        lambda: (tmp_path / "a/g").touch(),
        lambda: (tmp_path / "link").symlink_to("a"),
    ):
        change()
        seen.append(tree_hash(tmp_path))
    assert len(set(seen)) == len(seen)
    assert tree_hash(tmp_path) == seen[-1]


@pytest.mark.parametrize(("wall_s", "waited_s", "faults"), [(1.5, 2.0, 0), (90.0, 2.0, 1), (1.0, 90.0, 1)])
def test_a_job_that_went_on_is_told(wall_s, waited_s, faults):
    seen = SimpleNamespace(
        limits=Limits(wall_s=1.0), observation=Observation(ended=Ended.WALL_LIMIT, wall_s=wall_s), waited_s=waited_s
    )
    assert len(_late(seen)) == faults


@pytest.mark.parametrize(
    ("mount", "ours"),
    [("/mnt/x", True), ("/tmp/abuse-1/small", True), ("/tmp/other", False), ("/var/lib/docker/overlay2/x", False)],
)
def test_mounts_of_others_are_left_out(mount, ours):
    assert _may_be_ours(mount, SimpleNamespace(home="/tmp/abuse-1")) is ours


@pytest.mark.parametrize(
    ("stage", "said", "integrity", "broken"),
    [
        ("target", "assert 1 == 2", Integrity.IN_PROCESS, False),
        ("target", "NameError: name 'o' is not defined", Integrity.IN_PROCESS, True),
        ("target", "NameError: name 'o' is not defined", Integrity.ORACLE, False),
        ("lint", "", Integrity.NONE, True),
    ],
)
def test_an_attack_that_never_came_to_its_point_is_no_evidence(stage, said, integrity, broken):
    verdict = SimpleNamespace(
        stages=(Stage(name=stage, outcome=StageOutcome.FAILED),),
        results=(CheckResult(check_id="t::a", outcome=CheckOutcome.FAILED, detail=said),),
        outcome=Outcome.FAILED,
        integrity=integrity,
        passed=False,
        detail="",
    )
    assert bool(_broken_attack(VerdictCase(row=1, name="x", files={}, expected=FAILED), verdict)) is broken


@pytest.mark.parametrize(("outcome", "ok"), [("rejected", True), ("accepted", False)])
def test_a_case_of_the_host_is_judged_by_what_it_comes_to(outcome, ok):
    assert run_case(HostCase(row=53, name="x", attempt=lambda: outcome)).ok is ok
