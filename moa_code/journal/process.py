"""Which process a run belongs to, and whether that process still lives. Linux's /proc."""

from __future__ import annotations

import os
from pathlib import Path


def this_process() -> str:
    """Name of this process that no other ever has: boot, pid namespace, pid and start time."""
    return f"{_boot()} {_namespace()} {os.getpid()} {_start(os.getpid())}"


def is_gone(owner: str) -> bool:
    """Whether the process with this name has certainly ended.

    A live process of another container of the same boot cannot be seen from here, so it counts as alive.
    """
    boot, namespace, pid, start = owner.split(" ")
    if boot != _boot():
        return True
    if namespace != _namespace():
        return False
    return _start(int(pid)) != start


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())


def _start(pid: int) -> str:
    """Clock ticks from boot to the start of the process; empty when there is none, or a dead one nobody waited for."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return "" if fields[0] in "ZX" else fields[19]
