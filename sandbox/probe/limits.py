"""Limits that the kernel itself keeps for one process: none can be raised, and they are there."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Iterator
from functools import partial

from probe.calls import call
from probe.trial import Trial

KIND = "limits"
UNLIMITED = (1 << 64) - 1
RAISED = {
    "CPU time": resource.RLIMIT_CPU, "processes": resource.RLIMIT_NPROC, "open files": resource.RLIMIT_NOFILE,
    "file size": resource.RLIMIT_FSIZE, "core files": resource.RLIMIT_CORE, "locked memory": resource.RLIMIT_MEMLOCK,
}  # fmt: skip


def trials(open_files: int) -> Iterator[Trial]:
    for name, kind in RAISED.items():
        yield Trial(KIND, f"no limit on {name}", partial(_raise, int(kind)))
    yield Trial(KIND, "more open files than the limit", partial(_open, open_files + 1))
    yield Trial(KIND, "locking 16 MiB of memory", _lock)
    yield Trial(KIND, "a core file", _core)
    yield Trial(KIND, "a better priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))
    yield Trial(KIND, "a priority of real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
    yield Trial(KIND, "being spared when memory runs out", _spared)


def _raise(kind: int) -> None:
    wanted = ctypes.create_string_buffer(UNLIMITED.to_bytes(8, "little") * 2, 16)
    call("prlimit64", 0, kind, wanted, 0)


def _open(count: int) -> str:
    for _ in range(count):
        os.open("/dev/null", os.O_RDONLY)
    return str(count)


def _lock() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    room = ctypes.create_string_buffer(16 << 20)
    if libc.mlock(room, ctypes.c_size_t(16 << 20)) != 0:
        raise OSError(ctypes.get_errno(), "mlock")


def _core() -> str:
    if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
        return str(resource.getrlimit(resource.RLIMIT_CORE))
    raise PermissionError(1, "the limit is zero")


def _spared() -> None:
    with open("/proc/self/oom_score_adj", "w") as stream:
        stream.write("-1000")
