"""Who owns a box: enough to tell later, from another process, whether that owner is still alive."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process of one boot of one host. A pid alone is reused; with its start time it is not."""

    host: str
    boot: str
    pid: int
    started: int  # clock ticks since boot

    def __str__(self) -> str:
        return f"{self.host}/{self.boot}/{self.pid}/{self.started}"

    @staticmethod
    def parse(text: str) -> Owner | None:
        """The owner a label names; None when the label is not ours to read."""
        parts = text.rsplit("/", 3)
        if len(parts) != 4 or not (parts[2].isdigit() and parts[3].isdigit()):
            return None
        return Owner(host=parts[0], boot=parts[1], pid=int(parts[2]), started=int(parts[3]))


def this_process() -> Owner:
    return Owner(host=socket.gethostname(), boot=_boot_id(), pid=os.getpid(), started=_start_time(os.getpid()) or 0)


def is_dead(owner: Owner) -> bool:
    """Whether the owner has certainly ended. An owner on another host is never called dead."""
    if owner.host != socket.gethostname():
        return False
    return owner.boot != _boot_id() or _start_time(owner.pid) != owner.started


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_time(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(stat[stat.rindex(b")") + 2 :].split()[19])
