"""Watching one job from outside: its output, CPU time, memory, processes and disk, against its limits."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from box import kernel, workspace

SHARED_FOLDERS = ("/tmp", "/dev/shm")
DISK_RESERVE_BYTES = 64 * 1024
READ_BYTES = 1 << 16
MEMORY_SLACK_BYTES = 32 << 20  # for files in memory, within what the outer wall leaves


@dataclass
class Pipe:
    """One output of the job: what was kept, and whether more came than the cap allows."""

    fd: int
    kept: bytearray = field(default_factory=bytearray)
    open: bool = True

    def read(self) -> int:
        try:
            chunk = os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return 0
        if not chunk:
            self.open = False
        self.kept += chunk
        return len(chunk)


class Meter:
    """CPU seconds, processes and memory of the job, from the cgroup where there is one, else from /proc."""

    def __init__(self, cgroup: kernel.Cgroup, ours: frozenset[int], uids: frozenset[int] | None) -> None:
        self._cgroup = cgroup
        self._ours = ours
        self._uids = uids
        self._cpu_at_start = cgroup.cpu_s()
        self._memory_at_start = cgroup.memory_bytes()
        self._oom_at_start = cgroup.oom_kills() or 0
        self._refused_at_start = cgroup.pids_refused() or 0
        self._peak_cpu_s = 0.0
        self._own_s: dict[tuple[int, int], float] = {}

    def processes(self) -> list[kernel.Process]:
        return [p for p in kernel.processes(self._ours) if self._uids is None or p.uid in self._uids]

    def count(self) -> int:
        return sum(not p.zombie for p in self.processes())

    def cpu_s(self, alive: list[kernel.Process] | None = None) -> float:
        now = self._cgroup.cpu_s()
        if now is not None and self._cpu_at_start is not None:
            return now - self._cpu_at_start
        found = self.processes() if alive is None else alive
        self._own_s.update({(p.pid, p.started): p.own_s for p in found})
        # What has ended meanwhile stays counted, also where its parent ignored it and so never inherited its time.
        self._peak_cpu_s = max(self._peak_cpu_s, sum(p.cpu_s for p in found), sum(self._own_s.values()))
        return self._peak_cpu_s

    def resident(self, alive: list[kernel.Process]) -> int:
        """Resident bytes; pages shared between forks count once.

        Where a cgroup confines them we still look, before its wall is reached: there the kernel takes the largest
        process, and a job of many small ones that all ask to be spared would have it take the supervisor.
        """
        if self._cgroup.confines_memory:
            return self._cgroup.memory_bytes() - self._memory_at_start - MEMORY_SLACK_BYTES
        if len(alive) == 1:
            return alive[0].rss_bytes
        return sum(kernel.proportional_bytes(p) for p in alive)

    @property
    def oom_killed(self) -> bool:
        return (self._cgroup.oom_kills() or 0) > self._oom_at_start

    @property
    def pids_refused(self) -> bool:
        return (self._cgroup.pids_refused() or 0) > self._refused_at_start


class Watch:
    """The limits of one running job, and which of them it passed first (`passed`, empty while none)."""

    def __init__(
        self,
        limits: dict[str, Any],
        stdout: Pipe,
        stderr: Pipe,
        report: Pipe,
        meter: Meter,
        work: Path,
        started: float,
    ) -> None:
        self.stdout, self.stderr, self.report = stdout, stderr, report
        self.passed = ""
        self._limits = limits
        self.meter = meter
        self._work = work
        self._started = started
        self._checked = started
        self._room = workspace.fullness(work)
        self._shared_inodes = free_shared_inodes()

    def read(self, ready: list[Any]) -> None:
        for pipe in (self.stdout, self.stderr, self.report):
            if pipe.fd in ready and pipe.open:
                pipe.read()
        if len(self.stdout.kept) + len(self.stderr.kept) > self._limits["output_bytes"]:
            self.passed = self.passed or "output"
        if len(self.report.kept) > self._limits["report_bytes"]:
            self.passed = self.passed or "output"

    def due(self, tick: float) -> bool:
        return time.monotonic() - self._checked >= tick

    def over_limit(self, *, refresh: bool) -> bool:
        if self.passed or not refresh:
            return bool(self.passed)
        self._checked = time.monotonic()
        alive = self.meter.processes()
        free_bytes, free_inodes = workspace.fullness(self._work)
        if self.meter.oom_killed:
            self.passed = "memory"
        elif self.meter.pids_refused or sum(p.threads for p in alive) >= self._limits["pids"]:
            self.passed = "pids"
        elif self.meter.resident(alive) > self._limits["memory_bytes"]:
            self.passed = "memory"
        elif self._disk_used(free_bytes, free_inodes):
            self.passed = "disk"
        elif self.meter.cpu_s(alive) > self._limits["cpu_s"]:
            self.passed = "cpu_limit"
        elif self._checked - self._started > self._limits["wall_s"]:
            self.passed = "wall_limit"
        return bool(self.passed)

    def last_look(self) -> None:
        """What outlasts the main process is looked at once more: it may have filled the disk between two ticks."""
        if self.passed:
            return
        if self._disk_used(*workspace.fullness(self._work)):
            self.passed = "disk"
        elif sum(p.threads for p in self.meter.processes()) + 1 >= self._limits["pids"]:
            self.passed = "pids"

    def _disk_used(self, free_bytes: int, free_inodes: int) -> bool:
        used_bytes = self._room[0] - free_bytes
        used_inodes = self._room[1] - free_inodes
        return (
            used_bytes > self._limits["disk_bytes"]
            or max(0, used_inodes) + self._shared_inodes - free_shared_inodes() > self._limits["inodes"]
            or free_bytes < min(DISK_RESERVE_BYTES, self._room[0])  # full before this job: nothing of its doing
            or free_inodes < min(16, self._room[1])
        )


def free_shared_inodes() -> int:
    """Of the folders that hold few bytes, and as many empty files as memory has room for: each costs time to remove."""
    return sum(workspace.fullness(folder)[1] for folder in SHARED_FOLDERS)
