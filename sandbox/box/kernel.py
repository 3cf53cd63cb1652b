"""The few system calls and kernel files the supervisor needs: prctl, limits, process and cgroup accounting."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
PR_SET_CHILD_SUBREAPER = 36
FILE_SLACK_BYTES = 1 << 20  # a single file that passes the disk limit must be seen to pass it
CAPABILITY_HEADER = (0x20080522).to_bytes(4, sys.byteorder) + bytes(4)  # version 3, ourselves
NOBODY = (1 << 29) - 1  # below the user of every job, and of none
FEW, FEW_PASSES = 8, 40  # processes that are killed one by one; looks until those have gone, some 0.1 ms each
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """Raises `OSError` when the kernel refuses."""
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@dataclass(frozen=True)
class Process:
    """One live process as /proc shows it. `cpu_s` includes children it has waited for, `own_s` does not.

    `started` (clock ticks since boot) tells it from a later process with the same number.
    """

    pid: int
    started: int
    uid: int
    threads: int
    cpu_s: float
    own_s: float
    rss_bytes: int
    zombie: bool


def processes(exclude: frozenset[int]) -> list[Process]:
    """All processes of this PID namespace but those in `exclude`; one that vanishes meanwhile is left out."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) in exclude:
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stream:
                stat = stream.read()
            uid = os.stat(f"/proc/{name}").st_uid
            with open(f"/proc/{name}/status", "rb") as stream:
                for line in stream:
                    if line.startswith(b"Uid:"):
                        uid = int(line.split()[1])
                        break
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = stat[stat.rindex(b")") + 2 :].split()
        own_ticks = int(fields[11]) + int(fields[12])
        ticks = own_ticks + int(fields[13]) + int(fields[14])
        found.append(
            Process(
                pid=int(name),
                started=int(fields[19]),
                uid=uid,
                threads=int(fields[17]),
                cpu_s=ticks / TICKS_PER_S,
                own_s=own_ticks / TICKS_PER_S,
                rss_bytes=int(fields[21]) * PAGE_BYTES,
                zombie=fields[0] in (b"Z", b"X"),
            )
        )
    return found


def proportional_bytes(process: Process) -> int:
    """Resident bytes, each shared page divided by its sharers; 0 once it has ended.

    Where we may not look (no CAP_SYS_PTRACE over another uid) shared pages count in full.
    """
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as stream:
            for line in stream:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except PermissionError:
        return process.rss_bytes
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0


class Cgroup:
    """Counters of the cgroup we live in, version 1 or 2; every one is `None` where the kernel does not show it."""

    def __init__(self, root: str = "/sys/fs/cgroup") -> None:
        base = Path(root)
        v2 = (base / "cgroup.controllers").exists()
        self.version = 2 if v2 else 1 if (base / "memory").exists() else 0
        self._cpu = base / ("cpu.stat" if v2 else "cpuacct/cpuacct.usage")
        self._memory = base / ("memory.events" if v2 else "memory/memory.oom_control")
        self._pids = base / ("pids.events" if v2 else "pids/pids.events")
        self._usage = base / ("memory.stat" if v2 else "memory/memory.stat")
        self._limit = base / ("memory.max" if v2 else "memory/memory.limit_in_bytes")
        self._pids_limit = base / ("pids.max" if v2 else "pids/pids.max")

    @property
    def confines_memory(self) -> bool:
        """Whether a real memory limit is set on us, so that the kernel and not we must enforce it."""
        value = _first_word(self._limit)
        return value is not None and value != "max" and int(value) < 1 << 50

    def cpu_s(self) -> float | None:
        if self.version == 2:
            usec = _counter(self._cpu, "usage_usec")
            return None if usec is None else usec / 1e6
        word = _first_word(self._cpu)
        return None if word is None else int(word) / 1e9

    def memory_bytes(self) -> int:
        """What processes and files in memory hold, without what the kernel can take back; 0 where it is not shown."""
        held = _counter(self._usage, "anon" if self.version == 2 else "rss") or 0
        return held + (_counter(self._usage, "shmem") or 0)

    def oom_kills(self) -> int | None:
        return _counter(self._memory, "oom_kill")

    def pids_refused(self) -> int | None:
        return _counter(self._pids, "max")

    def limits(self) -> dict[str, str]:
        """Effective limits by name, for the record."""
        found = {"memory": _first_word(self._limit), "pids": _first_word(self._pids_limit)}
        return {name: value for name, value in found.items() if value is not None}


def _first_word(path: Path) -> str | None:
    try:
        return path.read_text().split()[0]
    except (OSError, IndexError):
        return None


def _counter(path: Path, name: str) -> int | None:
    try:
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    except (OSError, ValueError):
        return None
    return None


def confine(limits: dict[str, int | float], *, address_space_bytes: int | None) -> None:
    """Resource limits of the calling process and all it starts; hard, so that they cannot be raised again.

    The CPU limit is a second line behind the supervisor's own count: whole seconds, a process each.
    """
    cpu = int(limits["cpu_s"]) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, value in (
        (resource.RLIMIT_FSIZE, int(limits["disk_bytes"]) + FILE_SLACK_BYTES),
        (resource.RLIMIT_NOFILE, int(limits["open_files"])),
        (resource.RLIMIT_NPROC, int(limits["pids"])),
        (resource.RLIMIT_MEMLOCK, 1 << 16),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 1024),
    ):
        _, hard = resource.getrlimit(kind)
        capped = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (capped, capped))
    if address_space_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))


def become(uid: int) -> None:
    """Give up root for good: no groups, no capability, nothing to gain from an executable."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    # What an executable could inherit; refused where the caller may not, and powerless without new privileges.
    _libc.capset(ctypes.create_string_buffer(CAPABILITY_HEADER, 8), ctypes.create_string_buffer(24))
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def kill_uids(uids: frozenset[int], deadline_s: float = 5.0) -> None:
    """Kill every process of these users, however it hides; they are used by one job at a time.

    Most jobs leave one or two behind, which are killed one by one. A process that forks as fast as it can would outrun
    that: then a child takes on the uid and signals -1, which the kernel delivers to all of them under one lock. It
    takes it on as effective user alone, which is enough to send signals and not to get any: a job that stops all it may
    stop would stop its own killer, and us with it. Raises `OSError` when some will not die.
    """
    deadline = time.monotonic() + deadline_s
    found = _alive(uids)
    for _ in range(FEW_PASSES):
        if len(found) > FEW:
            break
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        found = _alive(uids)
        if not found:
            return
    while time.monotonic() < deadline:
        for uid in {process.uid for process in found}:
            _kill_all_of(uid)
        found = _alive(uids)
        if not found:
            return
    raise OSError(f"processes of {sorted({process.uid for process in found})} will not die")


def _alive(uids: frozenset[int]) -> list[Process]:
    """The dying finish their system call, which may still make a file; so do threads whose leader is gone already."""
    return [p for p in processes(frozenset()) if p.uid in uids and (not p.zombie or p.threads > 1)]


def _kill_all_of(uid: int) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            os.setresgid(uid, uid, uid)
            os.setresuid(NOBODY, uid, NOBODY)
            # The kernel answers 0 whether it found one or not: who is left is seen from /proc.
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
