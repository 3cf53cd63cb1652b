"""Where a runner's imports come from."""

from __future__ import annotations

import os
import sys


def prepare_path(entries: list[str]) -> None:
    """What `python -m pytest` in the tree would import from; the supervisor's own modules leave the path."""
    own = {os.path.dirname(os.path.dirname(os.path.dirname(__file__))), os.path.dirname(os.path.dirname(__file__))}
    root = os.getcwd()
    added = [os.path.normpath(os.path.join(root, entry)) for entry in entries]
    sys.path[:] = [*added, *(entry for entry in sys.path if entry not in own)]
    sys.dont_write_bytecode = True
