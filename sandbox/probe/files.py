"""Writing outside of the job's own folders."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import partial

from probe.trial import Trial, each

KIND = "writing outside"
FOLDERS = ("/", "/opt/moa", "/opt/moa/box", "/etc", "/usr", "/usr/bin", "/usr/lib", "/var", "/run", "/home", "/root",
           "/dev", "/proc", "/sys", "/sys/fs/cgroup")  # fmt: skip
FILES = ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe",
         "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger",
         "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent", "/opt/moa/box/server.py", "/etc/passwd",
         "/etc/ld.so.cache", "/etc/hosts", "/etc/resolv.conf")  # fmt: skip
DEPTH = 4
ELSEWHERE = ("/tmp", "/dev/shm", "/dev/pts", "/proc", "/box")
"""Its own, or tried by others: /box is the supervisor's."""


def trials() -> Iterator[Trial]:
    for folder in dict.fromkeys((*FOLDERS, os.path.dirname(sys.executable), sysconfig.get_path("stdlib"))):
        yield Trial(KIND, f"a file in {_said(folder)}", partial(_create, folder))
    for path in FILES:
        yield Trial(KIND, path, partial(os.open, path, os.O_WRONLY))
    yield Trial(KIND, "the interpreter", lambda: os.open(os.path.realpath(sys.executable), os.O_WRONLY))
    yield Trial(KIND, "the map of its user ids", _map)
    yield Trial(KIND, "a setting of the kernel", partial(_any_file, "/proc/sys", _rewrite))
    yield Trial(KIND, "a file of a cgroup", partial(_any_file, "/sys/fs/cgroup", _open))
    yield Trial(KIND, "a folder that is not its own", _any_folder)


def _said(folder: str) -> str:
    """Without what differs between two machines, so that findings can be compared."""
    if folder == os.path.dirname(sys.executable):
        return "the interpreter's folder"
    return "the standard library" if folder == sysconfig.get_path("stdlib") else folder


def _create(folder: str) -> None:
    name = os.path.join(folder, "moa-code-probe")
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))
    os.unlink(name)


def _map() -> None:
    with open("/proc/self/uid_map", "w") as stream:
        stream.write(f"0 {os.getuid()} 1")


def _any_file(root: str, attempt: Callable[[str], object]) -> str:
    found = [
        path for at, _, names in os.walk(root) for name in names if os.access(path := os.path.join(at, name), os.W_OK)
    ]
    return each((path, partial(attempt, path)) for path in found)


def _open(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY))


def _rewrite(path: str) -> None:
    """With what it says already: some may be opened by everybody and refuse what is written."""
    with open(path, "rb", buffering=0) as stream:
        value = stream.read()
    with open(path, "wb", buffering=0) as stream:
        stream.write(value)


def _any_folder() -> str:
    with open("/proc/self/mounts") as stream:
        tops = {line.split()[1] for line in stream}
    found = []
    for top in sorted({"/", *tops}):
        for at, folders, _ in os.walk(top):
            if any(at == name or at.startswith(f"{name}/") for name in ELSEWHERE):
                folders.clear()
                continue
            if at.count("/") >= DEPTH:
                folders.clear()
            if os.access(at, os.W_OK):
                found.append(at)
    return each((folder, partial(_create, folder)) for folder in found)
