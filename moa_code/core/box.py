"""What goes into the box and what is seen of it: jobs and observations. Nothing here knows what a test is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from moa_code.core.patch import FileChange
from moa_code.core.tree import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps on one job. CPU time is what counts, so that a loaded machine does not change verdicts."""

    cpu_s: float = 30.0  # summed over the job's processes
    wall_s: float = 120.0
    memory_bytes: int = 1 << 30
    pids: int = 64
    output_bytes: int = 256 * 1024  # of stdout and stderr together; what follows is dropped and flagged
    report_bytes: int = 16 * 1024 * 1024
    disk_bytes: int = 256 * 1024 * 1024
    inodes: int = 50_000
    open_files: int = 256


class Ended(StrEnum):
    """How a job ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    CPU_LIMIT = "cpu_limit"
    WALL_LIMIT = "wall_limit"
    MEMORY = "memory"
    PIDS = "pids"
    DISK = "disk"
    OUTPUT = "output"
    LOST = "lost"  # our side broke: the box vanished, the channel was cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work in a box, on `tree` with `overlay` laid over it.

    `entry` names an in-box runner (`sandbox/runners/`) and `payload` is what that runner reads (JSON values).
    `sealed` paths (exact, or ending in `/` for a folder) are owned by the supervisor in the box: the job reads
    them and cannot replace them. Where `judged` names files, the job is two processes under two users: the runner,
    which alone gets these files, and one with the rest of the tree that answers its questions. `seed` feeds whatever
    the runner makes random.
    """

    tree: Snapshot
    entry: str
    payload: Mapping[str, object]
    limits: Limits
    overlay: tuple[FileChange, ...] = ()
    sealed: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the box saw of one job. Facts alone; `verify/` grades them.

    `exit_code` is set exactly when `ended` is EXITED, `signal` exactly when it is SIGNALLED. `report` is what came over
    the runner's private channel, which the job's own output cannot reach; `report_complete` says that the
    channel was closed by its writer within the cap.
    """

    ended: Ended
    exit_code: int | None = None
    signal: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    output_truncated: bool = False
    report: bytes = b""
    report_complete: bool = False
    cpu_s: float = 0.0
    wall_s: float = 0.0
    max_rss_bytes: int | None = None
    leftover_processes: int = 0  # still alive when the main process had ended; killed
    broken_seal: str = ""  # the first sealed file that was no longer ours afterwards
    box_id: str = ""
    detail: str = ""  # for LOST: what broke


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxInfo:
    """Which box it was, and what it really enforces. Stands in every verdict.

    `enforced` maps a limit's name to its effective value; `missing` names promises this backend cannot keep here,
    each with its reason.
    """

    backend: str
    image_digest: str
    python: str = ""
    kernel: str = ""  # its release; empty: this machine's
    enforced: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
