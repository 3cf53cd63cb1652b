"""Who owns a box: enough to tell later, from another process, whether that owner is still alive."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process of one boot of one host. A pid alone is reused, and means nothing in another PID namespace."""

    host: str
    boot: str
    namespace: str  # two containers may share the host's name and its engine, and not see each other's processes
    pid: int
    started: int  # clock ticks since boot

    def __str__(self) -> str:
        return f"{self.host}/{self.boot}/{self.namespace}/{self.pid}/{self.started}"

    @staticmethod
    def parse(text: str) -> Owner | None:
        """The owner a label names; None when the label is not ours to read."""
        parts = text.rsplit("/", 4)
        if len(parts) != 5 or not (_is_number(parts[3]) and _is_number(parts[4])):
            return None
        return Owner(host=parts[0], boot=parts[1], namespace=parts[2], pid=int(parts[3]), started=int(parts[4]))

    @property
    def is_visible(self) -> bool:
        """Whether we can tell if it lives: it is of this host, and of this boot and namespace or of an earlier boot."""
        if self.host != socket.gethostname():
            return False
        return self.boot != _boot_id() or self.namespace == _pid_namespace()


def this_process() -> Owner:
    return Owner(
        host=socket.gethostname(),
        boot=_boot_id(),
        namespace=_pid_namespace(),
        pid=os.getpid(),
        started=_start_time(os.getpid()) or 0,
    )


def is_dead(owner: Owner) -> bool:
    """Whether the owner has certainly ended. One that cannot be seen from here is never called dead."""
    return owner.is_visible and (owner.boot != _boot_id() or _start_time(owner.pid) != owner.started)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _pid_namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())


def _start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of the process; None when it has ended, waited for or not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
