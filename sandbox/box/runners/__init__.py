"""Runners: what a job does once it is confined. Each takes payload and report descriptor, returns an exit code.

The zygote imports PRELOAD before the first job, so that a job pays for none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from box.runners import command_run, pytest_run, screen_run, static_run

Runner = Callable[[dict[str, Any], int], int]

RUNNERS: dict[str, Runner] = {
    "command": command_run.run,
    "pytest": pytest_run.run,
    "screen": screen_run.run,
    "static": static_run.run,
}

PRELOAD = (
    "_pytest.assertion.rewrite",
    "_pytest.doctest",
    "_pytest.fixtures",
    "_pytest.legacypath",
    "_pytest.logging",
    "_pytest.monkeypatch",
    "_pytest.python",
    "_pytest.raises",
    "_pytest.recwarn",
    "_pytest.skipping",
    "_pytest.terminal",
    "_pytest.tmpdir",
    "_pytest.unittest",
    "_pytest.warnings",
    "asyncio",
    "collections.abc",
    "coverage",
    "dataclasses",
    "decimal",
    "fractions",
    "hypothesis",
    "hypothesis.internal.conjecture.engine",
    "hypothesis.strategies",
    "pytest",
    "unittest.mock",
)
