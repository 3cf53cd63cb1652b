"""Becoming more than nobody: other ids, capabilities, files that lend their owner's rights, devices."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterator
from functools import partial

from probe.calls import call
from probe.trial import Held, Trial, each

PR_GET_NO_NEW_PRIVS, PR_CAP_AMBIENT, AMBIENT_RAISE = 39, 47, 2
CAP_SYS_ADMIN = 21
CAPABILITY_VERSION = 0x20080522
HARMLESS = frozenset({"console", "full", "null", "ptmx", "random", "tty", "urandom", "zero"})
PROGRAM_FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/moa/bin",
                   "/usr/lib/openssh", "/usr/lib/dbus-1.0", "/usr/libexec")  # fmt: skip


def trials() -> Iterator[Trial]:
    kind = "privileges"
    yield Trial(kind, "being root", lambda: _nothing_but([0], {*os.getresuid(), *os.getresgid()}))
    yield Trial(
        kind, "a group beside its own", lambda: _nothing_but(os.getgroups(), set(os.getgroups()) - {os.getgid()})
    )
    yield Trial(kind, "holding a capability", _capability)
    yield Trial(kind, "gaining from an executable", _new_privileges)
    yield Trial(kind, "setuid(0)", lambda: os.setuid(0))
    yield Trial(kind, "setreuid(0)", lambda: os.setreuid(0, 0))
    yield Trial(kind, "setgid(0)", lambda: os.setgid(0))
    yield Trial(kind, "setgroups(0)", lambda: os.setgroups([0]))
    yield Trial(kind, "capset()", _capset)
    yield Trial(kind, "prctl() for ambient capabilities", _ambient)
    yield Trial(kind, "giving a file to root", _chown)
    yield Trial(kind, "programs that run as their owner", _setuid_programs)
    kind = "devices"
    yield Trial(kind, "mknod() of memory", lambda: os.mknod("device", 0o600 | stat.S_IFCHR, os.makedev(1, 1)))
    yield Trial(kind, "mknod() of a disk", lambda: os.mknod("device", 0o600 | stat.S_IFBLK, os.makedev(8, 0)))
    yield Trial(kind, "mknod() of /dev/null", lambda: os.mknod("device", 0o600 | stat.S_IFCHR, os.makedev(1, 3)))
    yield Trial(kind, "opening a device that is not harmless", _device)
    yield Trial(kind, "a terminal", lambda: os.open("/dev/tty", os.O_RDWR))


def _nothing_but(unwanted: list[int], held: set[int]) -> str:
    found = held & set(unwanted)
    if not found:
        raise Held("there is none")
    return " ".join(map(str, sorted(found)))


def _capability() -> str:
    with open("/proc/self/status") as stream:
        status = dict(line.split(":", 1) for line in stream)
    held = [name for name in ("CapPrm", "CapEff", "CapAmb") if int(status[name], 16)]
    if not held:
        raise Held("none is held")
    return " ".join(f"{name} {status[name].strip()}" for name in held)


def _new_privileges() -> str:
    if call("prctl", PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1:
        raise Held("no_new_privs is set")
    return "no_new_privs is not set"


def _capset() -> None:
    header = ctypes.create_string_buffer(CAPABILITY_VERSION.to_bytes(4, "little"), 8)
    wanted = (1 << CAP_SYS_ADMIN).to_bytes(4, "little")
    call("capset", header, ctypes.create_string_buffer(wanted * 2, 24))


def _ambient() -> None:
    call("prctl", PR_CAP_AMBIENT, AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0)


def _chown() -> None:
    os.close(os.open("mine", os.O_CREAT | os.O_WRONLY, 0o700))
    os.chown("mine", 0, 0)


def _setuid_programs() -> str:
    """Such programs may lie there where nothing comes of it: the mount or the process refuses their owner's rights."""
    found = []
    for folder in PROGRAM_FOLDERS:
        for at, _, names in os.walk(folder):
            found += [path for name in names if _lends(path := os.path.join(at, name))]
    if not found:
        raise Held("there are none")
    _new_privileges()
    return found[0]


def _lends(path: str) -> bool:
    try:
        info = os.stat(path)
    except OSError:
        return False
    ours = info.st_uid == os.getuid() and info.st_gid == os.getgid()
    return stat.S_ISREG(info.st_mode) and bool(info.st_mode & (stat.S_ISUID | stat.S_ISGID)) and not ours


def _device() -> str:
    found = []
    for at, folders, names in os.walk("/dev"):
        folders[:] = [name for name in folders if name not in ("shm", "pts", "fd")]
        for name in names:
            path = os.path.join(at, name)
            mode = os.lstat(path).st_mode
            if (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and name not in HARMLESS:
                found.append(path)
    return each((path, partial(os.open, path, os.O_RDONLY | os.O_NONBLOCK)) for path in found)
