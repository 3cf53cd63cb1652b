"""Asking reference programs for their answers, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moa_code.core.errors import EnvironmentFault

_WALL_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A program with a function `run`, and the argument lists to call it with, as text."""

    source: str
    inputs: tuple[str, ...]


def ask(questions: Sequence[Question], *, imports: Path, cpu_s: float) -> tuple[tuple[str | None, ...], ...]:
    """For each question, for each input, the answer's `repr`; `None` where the program raised or took over `cpu_s`.

    Programs import from `imports`. Raises `EnvironmentFault` when the process does not come to its end.
    """
    asked = {
        "path": str(imports),
        "cpu_s": cpu_s,
        "programs": [{"source": question.source, "inputs": list(question.inputs)} for question in questions],
    }
    worker = Path(__file__).with_name("reference_worker.py")
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", str(worker)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_WALL_S,
            env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(
            f"the reference programs in {imports} did not answer within {_WALL_S:g} s", remedy="try again when idle"
        ) from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise EnvironmentFault(
            f"the reference programs in {imports} could not be run (status {done.returncode}): {last[0]}",
            remedy="fetch the data set again",
        )
    return tuple(tuple(answers) for answers in json.loads(done.stdout))
