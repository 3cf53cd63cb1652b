"""Those who watch the job: init, the supervisor, the zygote. Not to be signalled, read, written or robbed."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from functools import partial

from probe.calls import call
from probe.trial import Held, Trial, each

KIND = "watchers"
ATTACH = 16
OURS = os.getpid()
TREES = "/box/trees"
SEALED = "sealed.txt"


def trials() -> Iterator[Trial]:
    for name, attempt in (
        ("kill()", lambda pid: os.kill(pid, 0)),
        ("a signal through pidfd", _pidfd_signal),
        ("another limit", _limit),
        ("another priority", lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19)),
        ("ptrace(ATTACH)", lambda pid: call("ptrace", ATTACH, pid, 0, 0)),
        ("reading environ", partial(_read, "environ")),
        ("reading maps", partial(_read, "maps")),
        ("reading memory", partial(_read, "mem")),
        ("writing memory", partial(_write, "mem")),
        ("writing oom_score_adj", partial(_write, "oom_score_adj")),
        ("listing descriptors", partial(_list, "fd")),
        ("looking into the root", partial(_list, "root/")),
        ("looking into the folder", partial(_list, "cwd/")),
    ):
        yield Trial(KIND, f"{name} of those who watch", partial(_on_watchers, attempt))
    yield Trial(KIND, "listing the supervisor's trees", lambda: os.listdir(TREES))
    yield Trial(KIND, "a file among the supervisor's trees", lambda: os.mkdir(f"{TREES}/probe"))
    yield Trial(KIND, "a file beside the supervisor's trees", lambda: os.mkdir("/box/probe"))
    yield Trial(KIND, "a file beside the job's tree", lambda: os.mkdir("/box/job/probe"))
    yield Trial(KIND, "writing a sealed file", lambda: os.open(SEALED, os.O_WRONLY))
    yield Trial(KIND, "another mode for a sealed file", lambda: os.chmod(SEALED, 0o666))
    yield Trial(KIND, "renaming a sealed file", lambda: os.rename(SEALED, "renamed.txt"))
    yield Trial(KIND, "removing a sealed file", _remove)


def watchers() -> list[int]:
    """Every process but ours."""
    found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in found if pid not in (OURS, os.getpid())]


def _remove() -> None:
    os.unlink(SEALED if os.path.exists(SEALED) else "renamed.txt")


def _on_watchers(attempt: Callable[[int], object]) -> str:
    found = watchers()
    if not found:
        raise Held("they are not to be seen")
    return each((f"pid {pid}", partial(attempt, pid)) for pid in found)


def _pidfd_signal(pid: int) -> None:
    signal.pidfd_send_signal(os.pidfd_open(pid), 0)


def _limit(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_NOFILE)


def _read(name: str, pid: int) -> None:
    with open(f"/proc/{pid}/{name}", "rb") as stream:
        stream.read(1)


def _write(name: str, pid: int) -> None:
    os.close(os.open(f"/proc/{pid}/{name}", os.O_WRONLY))


def _list(name: str, pid: int) -> None:
    os.listdir(f"/proc/{pid}/{name}")
