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
    """Payload: paths, select (ruff rules; empty: no lint). Reports `finding` lines and an `end` line."""
    reporter = Reporter(report, payload["nonce"])
    paths: list[str] = payload["paths"]
    broken = [path for path in paths if not _compiles(path, reporter)]
    if payload["select"] and not broken and paths:
        _lint(paths, payload["select"], reporter)
    reporter.send("end", broken=len(broken))
    return int(payload["exit_code"])


def _compiles(path: str, reporter: Reporter) -> bool:
    warnings.simplefilter("ignore")
    try:
        compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        line = getattr(error, "lineno", None) or 1
        reporter.send(
            "finding", tool="compile", code=type(error).__name__, path=path, line=line, message=str(error), text=""
        )
        return False
    return True


def _lint(paths: list[str], select: str, reporter: Reporter) -> None:
    """Isolated from any configuration in the tree; suppressions in the source do not count."""
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
            *paths,
        ],
        capture_output=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"ruff ended with {done.returncode}: {done.stderr[-500:]!r}")
    sources: dict[str, list[str]] = {}
    for found in json.loads(done.stdout or b"[]"):
        path = os.path.relpath(found["filename"])
        if path not in sources:
            sources[path] = Path(path).read_text("utf-8", "replace").splitlines()
        line = found["location"]["row"]
        lines = sources[path]
        reporter.send(
            "finding",
            tool="ruff",
            code=found["code"] or "syntax",
            path=path,
            line=line,
            message=found["message"],
            text=lines[line - 1].strip() if 0 < line <= len(lines) else "",
        )
