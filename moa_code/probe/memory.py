"""What is remembered of a box that was found tight: one small file for each kind of box. Never of one that was not."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from moa_code.probe.findings import ProbeReport, Standing

VERSION = 1

Key = Mapping[str, str]
"""All that a finding depends on: backend, engine, image, kernel, the trials, the walls. Equal keys, equal boxes."""


def remembered(folder: Path, key: Key) -> bool:
    """Whether a box of this kind was found tight. A file that says anything else than that is as good as none."""
    try:
        found = json.loads(_place(folder, key).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("version") == VERSION and found.get("tight") is True and (
        found.get("key") == dict(key)
    )  # fmt: skip


def remember(folder: Path, key: Key, report: ProbeReport) -> None:
    """Keep a report that is tight; forget what was kept when it is not. Raises `OSError` where it cannot be written.

    Two processes may do so at the same time: each writes a whole file and puts it in place at once.
    """
    place = _place(folder, key)
    if not report.tight:
        place.unlink(missing_ok=True)
        return
    counts = {standing.value: sum(f.standing is standing for f in report.findings) for standing in Standing}
    found = {"version": VERSION, "tight": True, "key": dict(key), "found": counts, "at": round(time.time())}
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".probe-")
    try:
        with os.fdopen(descriptor, "w") as stream:
            json.dump(found, stream, indent=1)
        Path(name).replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _place(folder: Path, key: Key) -> Path:
    text = json.dumps(dict(key), sort_keys=True)
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"
