"""Runners: what a job does once it is confined. Each takes payload and report descriptor, returns an exit code.

Only the zygotes import from here: the supervisor stays small, because it forks for every job it cleans up after.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

Runner = Callable[[dict[str, Any], int], int]


def runner(entry: str) -> Runner:
    """The runner that goes by this name; the zygote has imported it."""
    run: Runner = importlib.import_module(f"box.runners.{entry}_run").run
    return run
