"""Answers of reference programs, computed in a process of its own. Run as a script; imports nothing of ours.

Reads JSON from stdin: {"path": folder for imports, "cpu_s": CPU seconds a call may take, "programs": [{"source",
"inputs": [text of an argument list]}]}. Writes JSON to stdout: for each program, for each input, the text of the
answer, or null where the program raised or took too long.
"""

from __future__ import annotations

import ast
import json
import signal
import sys
from types import FrameType
from typing import Any


class _TooSlow(BaseException):
    """The call used up its CPU time. Not an Exception, so that a program's own handlers let it pass."""


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise _TooSlow


def answers(source: str, inputs: list[str], cpu_s: float) -> list[str | None]:
    """The text of `run(*args)` for each input."""
    names: dict[str, Any] = {}
    exec(compile(source, "<reference>", "exec"), names)  # noqa: S102  # the data set's own reference programs
    found: list[str | None] = []
    for text in inputs:
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
        try:
            found.append(repr(names["run"](*ast.literal_eval(text))))
        except (_TooSlow, Exception):  # noqa: BLE001  # whatever it raises, the input is outside what it can do
            found.append(None)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return found


def main() -> None:
    asked = json.load(sys.stdin)
    sys.path.insert(0, asked["path"])
    signal.signal(signal.SIGVTALRM, _stop)
    json.dump([answers(one["source"], one["inputs"], asked["cpu_s"]) for one in asked["programs"]], sys.stdout)


if __name__ == "__main__":
    main()
