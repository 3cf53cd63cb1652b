"""A benchmark whose boxes are lost: what was not attempted is no attempt, and the next time goes on from there."""

import asyncio
from types import SimpleNamespace

import pytest

from moa_code import bench
from moa_code.config import load_config
from moa_code.core.errors import BaselineFault, SandboxUnavailable
from moa_code.core.run import Status
from moa_code.core.verdict import Counts, Outcome
from moa_code.solve import Solved

GONE = SandboxUnavailable("the engine is gone")


class Suite:
    """Tasks by name, a `solve` and a grading from a script; remembers who was asked."""

    def __init__(self, monkeypatch, tmp_path, *names):
        self.out = tmp_path / "out" / "suite.jsonl"
        self.names = names
        self.script = {}
        self.grading = {}
        self.asked = []
        self.lost = []
        self.config = load_config(environment={"HOME": str(tmp_path)}, flags={})
        monkeypatch.setattr(bench, "solve", self._solve)

    async def _solve(self, session, task, **_):
        self.asked.append(task.task_id)
        trouble = self.script.get(task.task_id)
        if trouble is not None:
            raise trouble
        candidate = SimpleNamespace(candidate_id="c1", patch=task.task_id, origin=SimpleNamespace(note=""))
        winner = SimpleNamespace(candidate=candidate)
        result = SimpleNamespace(status=Status.VERIFIED, winner=winner, screened=0, judged=(), spent=(), belief=None)
        return Solved(run_id="r", result=result, diff="diff", document={})

    async def hold_out(self, task, patch, *_):
        outcome = self.grading.get(task.task_id, Outcome.PASSED)
        return SimpleNamespace(outcome=outcome, counts=Counts(expected=1), detail="the box was lost")

    def run(self):
        """What the suite's run returns, by task; `asked` and `lost` begin anew."""
        self.asked.clear()
        self.lost.clear()
        session = SimpleNamespace(
            config=self.config,
            verifier=SimpleNamespace(hold_out=self.hold_out),
            journal=SimpleNamespace(add_grade=lambda *grade: None),
        )
        attempts = asyncio.run(
            bench.run_suite(
                session,
                "suite",
                [self._task(name) for name in self.names],
                self.out,
                listen=lambda event: None,
                on_attempt=lambda attempt: None,
                on_start=lambda gentle: None,
                on_lost=lambda task_id, error: self.lost.append(task_id),
            )
        )
        return {a.task_id: a.held_out_passed for a in attempts}

    @staticmethod
    def _task(name):
        hidden = SimpleNamespace(
            files=SimpleNamespace(digest="h"), expected=("x",), targets=("hidden",), overlay=lambda: ()
        )
        task = SimpleNamespace(task_id=name, tree=SimpleNamespace(digest=name))
        return SimpleNamespace(task=task, hidden=hidden, stricter=None)


@pytest.fixture
def suite(monkeypatch, tmp_path):
    return Suite(monkeypatch, tmp_path, "a", "b", "c", "d")


def test_what_lost_its_boxes_is_attempted_the_next_time_and_nothing_twice(suite):
    suite.script = {"b": GONE}
    assert suite.run() == {"a": True, "c": True, "d": True}
    assert suite.lost == ["b"]
    suite.script = {}
    assert suite.run() == {"a": True, "b": True, "c": True, "d": True}
    assert (suite.asked, suite.lost) == (["b"], [])


def test_a_grading_that_lost_its_box_is_no_grade(suite):
    suite.grading = {"c": Outcome.INCONCLUSIVE}
    assert suite.run() == {"a": True, "b": True, "d": True}
    suite.grading = {"c": Outcome.FAILED}
    assert suite.run()["c"] is False
    assert suite.asked == ["c"]


def test_an_engine_that_is_gone_does_not_go_through_the_whole_suite(suite):
    suite.script = dict.fromkeys("bcd", GONE)
    assert suite.run() == {"a": True}
    assert (suite.asked, suite.lost) == (["a", "b", "c"], ["b", "c"])


def test_a_task_whose_checks_cannot_run_is_an_attempt_of_its_own(suite):
    suite.script = {"b": BaselineFault("no check was found")}
    assert suite.run() == {"a": True, "b": None, "c": True, "d": True}
    suite.run()
    assert suite.asked == []


def test_a_line_that_a_kill_cut_short_is_attempted_again(suite):
    suite.run()
    suite.out.write_bytes(suite.out.read_bytes()[:-40])
    assert suite.run() == {"a": True, "b": True, "c": True, "d": True}
    assert suite.asked == ["d"]
    suite.run()
    assert suite.asked == []
