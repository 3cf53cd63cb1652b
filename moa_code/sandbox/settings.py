"""What a backend is told when it is opened, and the walls both backends build from the same numbers."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field

from moa_code.core.box import Limits

SUPERVISOR_BYTES = 256 << 20  # the supervisor and its zygote beside the job, and room to see that the job is over
SHM_BYTES = 16 << 20
TMP_BYTES = 64 << 20
TREE_BYTES = 256 << 20  # base trees, beside what the job writes
TREE_INODES = 200_000
SUPERVISOR_PIDS = 8
FILE_SLACK_BYTES = 1 << 20  # one file may pass the disk limit by this much, so that passing it is seen
UID_COUNT = 10_000
SUPERVISOR_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
"""What the supervisor needs to give each job its own uid and to clean up after it. A job holds none."""
COUNTING_CAPABILITY = "SYS_PTRACE"
"""Where no cgroup counts memory, the supervisor reads how much of it each process of another uid shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """How many boxes, and how much of the machine each may use. `limits` are those a warm box starts with."""

    slots: int = 2
    cpus: float = 1.0
    limits: Limits = field(default_factory=Limits)


def supervisor_settings(separate_uids: bool) -> str:
    """The supervisor's argument. The first uid is random, so that two boxes do not share a per-uid limit."""
    base = secrets.randbelow(1 << 29) + (1 << 29) if separate_uids else 0
    return json.dumps({"root": "/box", "uid_base": base, "uid_count": UID_COUNT})


def environment(hash_seed: int) -> dict[str, str]:
    """The whole environment of a supervisor."""
    return {
        "PATH": "/opt/moa/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }
