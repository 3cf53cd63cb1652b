"""Which lines each check executes: coverage.py under pytest, one context a check, sent at the end of the session."""

from __future__ import annotations

import os
from collections.abc import Generator

import coverage
import pytest

from box.covered import lines_by_check
from box.runners.report import Reporter


class CoveragePlugin:
    """Traces everything below the tree; lines that run while modules are imported belong to no check."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._root = os.getcwd() + os.sep
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[self._root + "*"])
        self._coverage.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._coverage.switch_context("")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        for check, lines in lines_by_check(self._coverage, self._root).items():
            self._reporter.send("coverage", id=check, lines=lines)
