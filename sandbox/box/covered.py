"""What coverage.py saw, by check: one context each."""

from __future__ import annotations

import os
from typing import Any


def lines_by_check(coverage: Any, root: str) -> dict[str, dict[str, list[int]]]:
    """Executed lines by check and path below `root`; lines that belong to no check are left out. Ends the tracing."""
    coverage.stop()
    data = coverage.get_data()
    by_check: dict[str, dict[str, list[int]]] = {}
    for file in data.measured_files():
        path = os.path.relpath(file, root)
        for line, contexts in data.contexts_by_lineno(file).items():
            for context in filter(None, contexts):
                by_check.setdefault(context, {}).setdefault(path, []).append(line)
    return by_check
