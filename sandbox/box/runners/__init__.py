"""Runners: what a job does once it is confined. Each takes payload and report descriptor, returns an exit code.

Only the zygote imports this package: the supervisor stays small, because it forks for every job it cleans up after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from box.runners import command_run, oracle_run, pytest_run, screen_run, split_run, static_run

Runner = Callable[[dict[str, Any], int], int]

RUNNERS: dict[str, Runner] = {
    "command": command_run.run,
    "oracle": oracle_run.run,
    "pytest": pytest_run.run,
    "screen": screen_run.run,
    "split": split_run.run,
    "static": static_run.run,
}
