"""Compile and lint files of the tree in one go, without importing any of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

from box.runners.report import Reporter

RUFF = str(Path(sys.executable).with_name("ruff"))


def run(payload: dict[str, Any], report: int) -> int:
    """Payload: within, paths, select (ruff rules; empty: no lint). File n lies at `within`/n/`paths[n]`: files
    of one batch may have one path. Reports `finding` lines and an `end` line for each file; one that does not compile
    is not linted.
    """
    reporter = Reporter(report, payload["nonce"])
    folder, paths = Path(payload["within"]), payload["paths"]
    sound = [at for at, path in enumerate(paths) if _compiles(folder, at, path, reporter)]
    if payload["select"] and sound:
        _lint(folder, sound, paths, payload["select"], reporter)
    for at in sound:
        reporter.send("end", at=at)
    return int(payload["exit_code"])


def _compiles(folder: Path, at: int, path: str, reporter: Reporter) -> bool:
    warnings.simplefilter("ignore")
    try:
        compile((folder / str(at) / path).read_bytes(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        line = getattr(error, "lineno", None) or 1
        reporter.send(
            "finding",
            at=at,
            tool="compile",
            code=type(error).__name__,
            path=path,
            line=line,
            message=str(error),
            text="",
        )
        reporter.send("end", at=at)
        return False
    return True


def _lint(folder: Path, sound: list[int], paths: list[str], select: str, reporter: Reporter) -> None:
    """One process for all, isolated from any configuration; suppressions in the source do not count."""
    done = subprocess.run(
        [
            RUFF,
            "check",
            "--isolated",
            "--no-cache",
            "--ignore-noqa",
            "--quiet",
            "--output-format=json",
            f"--select={select}",
            "--",
            *(str(folder / str(at) / paths[at]) for at in sound),
        ],
        capture_output=True,
        check=False,
        env={**os.environ, "RAYON_NUM_THREADS": "1"},  # a box has one core; starting more threads takes a millisecond
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"ruff ended with {done.returncode}: {done.stderr[-500:]!r}")
    sources: dict[int, list[str]] = {}
    for found in json.loads(done.stdout or b"[]"):
        at = int(os.path.relpath(found["filename"], folder).partition("/")[0])
        if at not in sources:
            sources[at] = (folder / str(at) / paths[at]).read_text("utf-8", "replace").splitlines()
        line = found["location"]["row"]
        lines = sources[at]
        reporter.send(
            "finding",
            at=at,
            tool="ruff",
            code=found["code"] or "syntax",
            path=paths[at],
            line=line,
            message=found["message"],
            text=lines[line - 1].strip() if 0 < line <= len(lines) else "",
        )
