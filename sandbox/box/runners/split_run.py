"""pytest as the judging process: checks are loaded here, what they import of the project is asked across the border.

No plugin, no collector and no assertion of this process can be reached from the code under test.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import Any

import pytest
from _pytest import skipping
from _pytest.mark import Mark

from box.oracle.channel import Channel
from box.oracle.far import CandidateGone, Far, Inexpressible, Tampered
from box.oracle.imports import install
from box.runners.oracle_run import JUDGE_GRACE_S
from box.runners.paths import prepare_path
from box.runners.pytest_run import Recorder, arguments
from box.runners.report import Reporter, shortened

LOCAL_ONLY = frozenset({
    "tmp_path", "tmp_path_factory", "tmpdir", "tmpdir_factory", "monkeypatch", "caplog", "capfd", "capfdbinary",
    "capsysbinary", "pytester", "testdir", "mocker", "record_property",
})  # fmt: skip
"""Fixtures that change or watch this process, of which the code under test sees nothing."""


class JudgingRecorder(Recorder):
    """Reports what the judge saw; what went wrong at the border outranks what a check made of it."""

    def __init__(self, payload: dict[str, Any], reporter: Reporter, far: Far) -> None:
        self._far = far
        self._unfit = frozenset(payload["unfit"])
        self._clocks = (float(payload["check_cpu_s"]), float(payload["check_wall_s"]))
        later = {"check_wall_s": self._clocks[1] + JUDGE_GRACE_S}
        super().__init__({**payload, **later}, reporter)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        super().pytest_runtest_setup(item)
        factor = self._properties.clock_factor(item.nodeid) if self._properties is not None else 1.0
        self._far.start_check(*(factor * seconds for seconds in self._clocks))
        module, _, inside = item.nodeid.partition("::")
        if f"{module}::{inside.partition('::')[0].partition('[')[0]}" in self._unfit:
            raise self._far.cannot("the check does more than call and compare")
        used = LOCAL_ONLY.intersection(getattr(item, "fixturenames", ()))
        if used:
            raise self._far.cannot(f"the check uses {min(used)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        super().pytest_collectreport(report)
        if report.failed and self._far.inexpressible and not self._far.tampered:
            self._reporter.send("inexpressible", id=report.nodeid, why=shortened(self._far.inexpressible))
            self._far.inexpressible = ""

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        outcome, detail, seconds = self._phases.get(nodeid, ("error", "no report", 0.0))
        if self._far.inexpressible and not self._far.tampered:
            self._reporter.send("inexpressible", id=nodeid, why=shortened(self._far.inexpressible))
        if self._far.trouble and outcome == "passed":
            outcome, detail = "failed", self._far.trouble
        if outcome != "passed" and self._far.notes:
            detail += "\n" + "\n".join(dict.fromkeys(self._far.notes))
        self._phases[nodeid] = (outcome, detail, seconds)
        failed_before = self._failed_in_gate
        super().pytest_runtest_logfinish(nodeid)
        if self._far.inexpressible:  # says nothing about the candidate
            self._failed_in_gate = failed_before


def refuse_foreign_conditions() -> None:
    """pytest evaluates a condition of `skipif` or `xfail` that is a text: here only one that stands in the check."""
    evaluate = skipping.evaluate_condition

    def guarded(item: pytest.Item, mark: Mark, condition: object) -> tuple[bool, str]:
        if isinstance(condition, str):
            written = type(condition) is str and condition in item.path.read_text("utf-8", "replace")
            if not written:
                pytest.fail("a condition that the check does not write itself is a text", pytrace=False)
        return evaluate(item, mark, condition)

    skipping.evaluate_condition = guarded


def run(payload: dict[str, Any], report: int) -> int:
    """Payload: that of `pytest_run`, far_paths, channel, named, unfit (`module::name` of what stays out)."""
    reporter = Reporter(report, payload.pop("nonce"))
    agreed = int(payload.pop("exit_code"))
    far = Far(Channel(socket.socket(fileno=payload["channel"])), payload["named"])
    prepare_path(payload["sys_path"])
    install(far, payload["far_paths"], payload["sys_path"])
    far.start_check(float(payload["check_cpu_s"]), float(payload["check_wall_s"]))  # what is imported while collecting
    refuse_foreign_conditions()
    recorder = JudgingRecorder(payload, reporter, far)
    code = pytest.main(arguments(payload), plugins=[recorder])
    with contextlib.suppress(Tampered, CandidateGone, Inexpressible):
        far.close()
    if far.tampered:
        reporter.send("tampered", detail=far.tampered)
    reporter.send("end", code=int(code))
    sys.stdout.flush()
    sys.stderr.flush()
    return agreed
