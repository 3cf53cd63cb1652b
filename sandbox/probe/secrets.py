"""What a job must not get to read: the kernel's memory, the machine's secrets, what others left open."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from probe.trial import Held, Trial

KIND = "reading"
FILES = ("/proc/kcore", "/proc/kmsg", "/proc/vmallocinfo", "/dev/kmsg", "/dev/mem", "/dev/port",
         "/etc/shadow", "/etc/gshadow", "/root/.ssh/id_rsa", "/root/.docker/config.json", "/root/.git-credentials",
         "/root/.netrc", "/root/.bash_history", "/root/.profile")  # fmt: skip
FOLDERS = (
    "/root",
    "/home",
    "/mnt",
    "/srv",
    "/run/secrets",
    "/var/run/secrets",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
    "/var/lib/docker",
)
TELLTALE = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|SSH_AUTH|DBUS|DOCKER_HOST|PROXY", re.IGNORECASE)

_open_at_start: list[str] = []


def note_descriptors() -> None:
    """Remember what was open before we opened anything."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                _open_at_start.append(os.readlink(f"/proc/self/fd/{name}"))
            except OSError:  # the one that listed them
                continue


def trials() -> Iterator[Trial]:
    for path in FILES:
        yield Trial(KIND, path, partial(_read, path))
    for path in FOLDERS:
        yield Trial(KIND, f"what is in {path}", partial(_list, path))
    yield Trial(KIND, "a secret in the environment", _environment)
    yield Trial(KIND, "a descriptor that somebody left open", _descriptors)


def _read(path: str) -> None:
    with open(path, "rb", buffering=0) as stream:
        os.set_blocking(stream.fileno(), False)
        stream.read(1)


def _list(path: str) -> str:
    """Any file in it. A box without an image shows the interpreter, its packages and our code, wherever they lie."""
    shown = (sys.base_prefix, str(Path(sys.executable).parents[2]), "/usr")
    os.listdir(path)  # says why not
    for at, folders, names in os.walk(path):
        folders[:] = [name for name in folders if os.path.join(at, name) not in shown]
        for name in names:
            if os.access(os.path.join(at, name), os.R_OK):
                return os.path.join(at, name)
    raise Held("nothing in it can be read")


def _environment() -> str:
    for name in os.environ:
        if TELLTALE.search(name):
            return name
    raise Held("there is none")


def _descriptors() -> str:
    if not _open_at_start:
        raise Held("there is none")
    return _open_at_start[0]
