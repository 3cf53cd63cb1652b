"""Hardened pytest: run named checks and report each by its exact id, with canaries among them.

Tests and candidate share this interpreter; what is reported here is believed only as far as an `in_process` verdict
goes. The result goes over a descriptor that no test is told of, every line led by a nonce.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from _pytest.fixtures import FuncFixtureInfo
from _pytest.nodes import Node

from box.runners.claims import accepted_wrongly, property_accepted_wrongly
from box.runners.coverage_plugin import CoveragePlugin
from box.runners.paths import prepare_path
from box.runners.profile import set_up_properties
from box.runners.properties import PropertyWatch
from box.runners.report import Reporter, shortened

# Without what costs time and no check leans on. `debugging` (whose options unittest cases read) and `junitxml` (whose
# `record_property` checks use) are no such thing, nor is a plugin whose settings projects have in their configuration.
HUNG_WALL_S = 1.5  # for checks that hang, once one has
SLIM = (
    "cacheprovider", "doctest", "pastebin", "stepwise", "setuponly", "setupplan", "unraisableexception",
    "threadexception",
)  # fmt: skip


class CheckTimeout(BaseException):
    """A check used up its own CPU or wall time. Not an `Exception`: code under test must not swallow it by accident."""


class Free(pytest.Function):
    """A check that the marks and fixtures of the module around it do not reach: a project that skips, or whose set-up
    breaks, says nothing about a check of ours.
    """

    def iter_markers_with_node(self, name: str | None = None) -> Iterator[tuple[Node, pytest.Mark]]:
        return iter(())


class Recorder:
    """A pytest plugin that reports collection, results and the end of the session."""

    def __init__(self, payload: dict[str, Any], reporter: Reporter) -> None:
        self._reporter = reporter
        self._canaries: list[tuple[str, str]] = [(name, kind) for name, kind in payload.get("canaries", [])]
        self._check_cpu_s: float = payload.get("check_cpu_s") or 0.0
        self._check_wall_s: float = payload.get("check_wall_s") or 0.0
        self._hung_cpu_s: float = payload.get("hung_cpu_s") or 0.0
        self._hung: set[str] = set(payload.get("hung", ()))
        self._has_hung = False
        self._first = {name: place for place, name in enumerate(payload.get("first", ()))}
        self._gate = 0
        self._random = random.Random(payload["seed"])
        self._properties = PropertyWatch(reporter, payload["seed"]) if payload.get("hypothesis") else None
        self._phases: dict[str, tuple[str, str, float]] = {}
        self._failed_in_gate = False
        self._done = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self._first.get(item.nodeid, len(self._first)))  # stable: the rest keeps its order
        self._gate = sum(item.nodeid in self._first for item in items)
        parents = [item.parent for item in items if isinstance(item, pytest.Function)]
        for name, kind in self._canaries if parents else ():
            canary = Free.from_parent(
                self._random.choice(parents),
                name=name,
                callobj=_canary(kind, properties=self._properties is not None),
                fixtureinfo=_no_fixtures(),
            )
            items.insert(self._random.randrange(self._gate, len(items) + 1), canary)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self._properties is not None:
            self._properties.watch(session.items)
        self._reporter.send("collected", ids=[item.nodeid for item in session.items])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._reporter.send("broken", id=report.nodeid, detail=shortened(report.longreprtext))
        elif report.skipped and report.nodeid:
            self._reporter.send("skipped_module", id=report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        short = self._hung_cpu_s and (self._has_hung or item.nodeid in self._hung)
        factor = self._properties.clock_factor(item.nodeid) if self._properties is not None else 1.0
        cpu_s = self._hung_cpu_s if short else self._check_cpu_s * factor
        wall_s = min(self._check_wall_s, HUNG_WALL_S) if short else self._check_wall_s * factor
        if self._check_cpu_s:
            signal.signal(signal.SIGPROF, _out_of_time)
            signal.setitimer(signal.ITIMER_PROF, cpu_s, 0.2)
        if self._check_wall_s:
            signal.signal(signal.SIGALRM, _out_of_time)
            signal.setitimer(signal.ITIMER_REAL, wall_s, 0.2)
        if self._properties is not None:
            self._properties.begin(item.nodeid, min(filter(None, (cpu_s, wall_s)), default=0.0))
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome, detail, duration = self._phases.get(report.nodeid, ("passed", "", 0.0))
        if report.skipped and outcome == "passed":
            outcome, detail = "skipped", _reason(report)
        elif report.failed and outcome in ("passed", "skipped"):
            outcome, detail = ("failed" if report.when == "call" else "error"), shortened(report.longreprtext)
            self._has_hung = self._has_hung or "CheckTimeout" in detail
        elif report.failed and report.when == "teardown":
            detail = shortened(detail + "\n" + report.longreprtext)
        if report.passed and hasattr(report, "wasxfail"):
            outcome, detail = "skipped", "xpass: " + report.wasxfail
        self._phases[report.nodeid] = (outcome, detail, duration + report.duration)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        outcome, detail, duration = self._phases.pop(nodeid, ("error", "no report", 0.0))
        examples = self._properties.examples(nodeid) if self._properties is not None else None
        more = {} if examples is None else {"examples": examples}
        self._reporter.send("result", id=nodeid, outcome=outcome, detail=detail, duration_s=duration, **more)
        self._done += 1
        if outcome != "passed" and self._done <= self._gate:
            self._failed_in_gate = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Stop behind the gate when a check before it failed: nothing later can save this candidate."""
        if self._failed_in_gate and self._done >= self._gate:
            item.session.shouldstop = "a target check failed"

    def pytest_internalerror(self, excrepr: object) -> None:
        self._reporter.send("internal_error", detail=shortened(str(excrepr)))


def run(payload: dict[str, Any], report: int) -> int:
    """Payload: select, sys_path, nonce, exit_code, seed; optional canaries, first, check_cpu_s,
    check_wall_s, hung_cpu_s, hung, coverage. Returns the agreed exit code once pytest has come back by itself.
    """
    reporter = Reporter(report, payload.pop("nonce"))
    agreed = int(payload.pop("exit_code"))
    prepare_path(payload["sys_path"])
    recorder = Recorder(payload, reporter)
    plugins: list[object] = [recorder]
    if payload.get("coverage"):
        plugins.append(CoveragePlugin(reporter))
    code = pytest.main(arguments(payload), plugins=plugins)
    reporter.send("end", code=int(code))
    sys.stdout.flush()
    sys.stderr.flush()
    return agreed


def arguments(payload: dict[str, Any]) -> list[str]:
    """pytest's command line. Options of the project's configuration do not count; its other settings do."""
    set_up_properties()
    slim = [part for name in SLIM for part in ("-p", f"no:{name}")]
    options: list[str] = ["-q", "--capture=no", "--tb=short", "--no-header", "--color=no", f"--rootdir={os.getcwd()}"]
    # A module that cannot be collected must not keep the checks of the others from being known.
    options += ["-o", "addopts=", "--continue-on-collection-errors"]
    if payload.get("hypothesis"):
        options += ["-p", "_hypothesis_pytestplugin", f"--hypothesis-seed={payload['seed']}"]
    if not payload.get("legacy_paths"):
        options += ["-p", "no:legacypath"]
    return [*options, *slim, *payload["select"]]


def _out_of_time(number: int, frame: object) -> None:
    clock = "CPU" if number == signal.SIGPROF else "wall"
    raise CheckTimeout(f"out of time: the check used up its own {clock} time")


def _no_fixtures() -> FuncFixtureInfo:
    return FuncFixtureInfo(argnames=(), initialnames=(), names_closure=[], name2fixturedefs={})


def _canary(kind: str, *, properties: bool) -> Any:
    def must_pass() -> None:
        assert [1, 2] == [1, 2]

    def must_fail() -> None:
        if accepted_wrongly() or (properties and property_accepted_wrongly()):
            return
        value = [1, 2]
        assert value == [1, 3]

    return must_pass if kind == "pass" else must_fail


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
