"""A command of the user's: its exit status is all we learn."""

from __future__ import annotations

import os
from typing import Any


def run(payload: dict[str, Any], report: int) -> int:
    """Becomes the command. 127 when it cannot be started."""
    del report  # not inherited: a command's verdict is its exit status
    argv = [str(part) for part in payload["argv"]]
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        return 127
