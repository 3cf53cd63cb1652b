"""Doors to the kernel that no check needs: io_uring, tracing, namespaces, mounts, keyrings, and the rest."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial

from probe.calls import AT_FDCWD, INTEL, X32, Iovec, call, call_32
from probe.trial import Held, Trial, each

NAMESPACES = {
    "time": 0x80, "mount": 0x20000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000,
    "pid": 0x20000000, "net": 0x40000000,
}  # fmt: skip
NAMESPACE_FILES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
CLONE_PARENT = 0x8000
PR_GET_SECCOMP = 21
CHILD = int(signal.SIGCHLD)
NOWHERE = b"/nonexistent"
TRACEME, ATTACH, SEIZE = 0, 16, 0x4206
BIND, REMOUNT, READ_ONLY, DETACH = 4096, 32, 1, 2


def trials() -> Iterator[Trial]:
    for kind, table in (
        ("io_uring", _io_uring()),
        ("tracing", _tracing()),
        ("namespaces", _namespaces()),
        ("mounts", _mounts()),
        ("keyrings", _keyrings()),
        ("kernel", _kernel()),
    ):
        for name, attempt in table:
            yield Trial(kind, name, attempt)


Table = Iterator[tuple[str, Callable[[], object]]]


def _io_uring() -> Table:
    yield "io_uring_setup()", partial(call, "io_uring_setup", 4, _room(120))
    yield "io_uring_enter()", partial(call, "io_uring_enter", -1, 0, 0, 0, 0, 0)
    yield "io_uring_register()", partial(call, "io_uring_register", -1, 0, 0, 0)
    yield "io_uring_setup() by the table with short pointers", partial(call, "io_uring_setup", 4, _room(120), table=X32)


def _tracing() -> Table:
    yield "ptrace(TRACEME)", partial(call, "ptrace", TRACEME, 0, 0, 0)
    yield "ptrace(ATTACH) of its own child", _on_child(lambda pid: call("ptrace", ATTACH, pid, 0, 0))
    yield "ptrace(SEIZE) of its own child", _on_child(lambda pid: call("ptrace", SEIZE, pid, 0, 0))
    yield "ptrace(TRACEME) by the 32-bit entry", partial(call_32, "ptrace", TRACEME)
    yield "process_vm_readv()", partial(_vm, "process_vm_readv")
    yield "process_vm_writev()", partial(_vm, "process_vm_writev")
    yield "pidfd_getfd()", _on_child(lambda pid: call("pidfd_getfd", os.pidfd_open(pid), 1, 0))
    yield "kcmp()", lambda: call("kcmp", os.getpid(), os.getpid(), 0, 0, 0)
    yield "seccomp()", partial(call, "seccomp", 2, 0, _room(4, 0x7FFF0000))


def _namespaces() -> Table:
    for name, flag in NAMESPACES.items():
        yield f"unshare({name})", partial(call, "unshare", flag)
        if name != "time":  # in clone() that bit is part of the signal
            yield f"clone({name})", partial(_clone, flag)
    yield "clone() of a sibling", partial(_clone, CLONE_PARENT)
    yield "clone3(user)", _clone3
    yield "unshare(user) by the 32-bit entry", partial(call_32, "unshare", NAMESPACES["user"])
    for name in NAMESPACE_FILES:
        yield f"setns() to its own {name}", partial(_setns, f"/proc/self/ns/{name}")
    yield "setns() to init's mounts", partial(_setns, "/proc/1/ns/mnt")


def _mounts() -> Table:
    here = os.fsencode(os.getcwd())
    yield "mount() of a tmpfs", partial(call, "mount", b"none", here, b"tmpfs", 0, 0)
    yield "mount() of proc", partial(call, "mount", b"none", here, b"proc", 0, 0)
    yield "mount() --bind", partial(call, "mount", b"/", here, b"", BIND, 0)
    yield "mount() of / to write", partial(call, "mount", b"none", b"/", b"", REMOUNT | BIND, 0)
    yield "mount() by the 32-bit entry", partial(call_32, "mount", 0, 0, 0)
    yield "umount2()", partial(call, "umount2", here, DETACH)
    yield "pivot_root()", partial(call, "pivot_root", here, here)
    yield "chroot()", partial(call, "chroot", here)
    yield "fsopen()", partial(call, "fsopen", b"tmpfs", 0)
    yield "fsconfig()", partial(call, "fsconfig", -1, 0, 0, 0, 0)
    yield "fsmount()", partial(call, "fsmount", -1, 0, 0)
    yield "fspick()", partial(call, "fspick", AT_FDCWD, b"/", 0)
    yield "open_tree()", partial(call, "open_tree", AT_FDCWD, b"/", 0)
    yield "open_tree() of a copy", partial(call, "open_tree", AT_FDCWD, b"/", 1)
    yield "move_mount()", partial(call, "move_mount", AT_FDCWD, here, AT_FDCWD, here, 0)
    yield "mount_setattr()", partial(call, "mount_setattr", AT_FDCWD, here, 0, _room(32), 32)


def _keyrings() -> Table:
    yield "add_key()", partial(call, "add_key", b"user", b"moa-code-probe", b"x", 1, -2)
    yield "request_key()", partial(call, "request_key", b"user", b"moa-code-probe", 0, 0)
    yield "keyctl() of the session", partial(call, "keyctl", 0, -3, 0)
    yield "keyctl() joining a session", partial(call, "keyctl", 1, b"moa-code-probe")
    yield "keyctl() by the 32-bit entry", partial(call_32, "keyctl", 0, -3, 0)


def _kernel() -> Table:
    yield "running without a filter", _unfiltered
    yield "bpf()", partial(call, "bpf", 0, _room(72, 2, 4, 4, 1), 72)
    yield "perf_event_open()", partial(call, "perf_event_open", _room(64, 1, 64), 0, -1, -1, 0)
    yield "userfaultfd()", partial(call, "userfaultfd", 1)
    yield "memfd_secret()", partial(call, "memfd_secret", 0)
    yield "fanotify_init()", partial(call, "fanotify_init", 0x200, 0)
    yield "syslog()", partial(call, "syslog", 10, 0, 0)
    yield "personality() without random addresses", partial(call, "personality", 0x0040000)
    yield "personality() with executable data", partial(call, "personality", 0x0400000)
    yield "name_to_handle_at()", partial(call, "name_to_handle_at", AT_FDCWD, b".", _room(136, 128), _room(4), 0)
    yield "open_by_handle_at()", partial(call, "open_by_handle_at", AT_FDCWD, _room(136, 8, 1), 0)
    yield "shmget()", partial(call, "shmget", 0, 4096, 0o1600)
    yield "msgget()", partial(call, "msgget", 0, 0o1600)
    yield "semget()", partial(call, "semget", 0, 1, 0o1600)
    yield "mq_open()", partial(call, "mq_open", b"moa-code-probe", os.O_CREAT | os.O_RDWR, 0o600, 0)
    yield "kexec_load()", partial(call, "kexec_load", 0, 1 << 20, 0, 0)
    yield "kexec_file_load()", partial(call, "kexec_file_load", -1, -1, 0, 0, 0)
    yield "init_module()", partial(call, "init_module", 0, 0, b"")
    yield "finit_module()", partial(call, "finit_module", -1, b"", 0)
    yield "delete_module()", partial(call, "delete_module", b"moa_code_none", os.O_NONBLOCK)
    yield "swapon()", partial(call, "swapon", NOWHERE, 0)
    yield "swapoff()", partial(call, "swapoff", NOWHERE)
    yield "reboot() with a wrong number", partial(call, "reboot", 0, 0, 0, 0)
    yield "settimeofday() to now", lambda: call("settimeofday", _now(1000), 0)
    yield "clock_settime() to now", lambda: call("clock_settime", 0, _now(1))
    yield "sethostname() to its own", partial(_rename, "sethostname", os.uname().nodename)
    yield "setdomainname()", partial(_rename, "setdomainname", "(none)")
    yield "acct()", partial(call, "acct", NOWHERE)
    yield "quotactl()", partial(call, "quotactl", 0x80000100, 0, 0, 0)
    if INTEL:
        yield "iopl()", partial(call, "iopl", 3)
        yield "ioperm()", partial(call, "ioperm", 0x80, 1, 1)
        yield "modify_ldt()", partial(call, "modify_ldt", 0, _room(64), 64)


def _unfiltered() -> str:
    if call("prctl", PR_GET_SECCOMP, 0, 0, 0, 0) == 2:
        raise Held("a filter is in force")
    return "no filter is in force"


def _room(size: int, *words: int) -> ctypes.Array[ctypes.c_char]:
    """`size` bytes that begin with 32-bit `words`; the rest is zero."""
    return ctypes.create_string_buffer(b"".join(word.to_bytes(4, "little") for word in words), size)


def _now(divisor: int) -> ctypes.Array[ctypes.c_char]:
    seconds, rest = divmod(time.time_ns(), 10**9)
    return ctypes.create_string_buffer(seconds.to_bytes(8, "little") + (rest // divisor).to_bytes(8, "little"), 16)


def _rename(name: str, to: str) -> int:
    return call(name, to.encode(), len(to.encode()))


def _on_child(attempt: Callable[[int], object]) -> Callable[[], object]:
    """`attempt` on a process of our own, so that a stranger's uid is not what refuses it."""

    def tried() -> object:
        pid = os.fork()
        if pid == 0:
            signal.alarm(5)
            signal.pause()
            os._exit(0)
        try:
            return attempt(pid)
        finally:
            os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)

    return tried


def _vm(name: str) -> int:
    """Its own memory: allowed to everybody, so that nothing but the filter can refuse it."""
    here, there = ctypes.create_string_buffer(8), ctypes.create_string_buffer(8)
    return call(name, os.getpid(), Iovec(ctypes.addressof(here), 8), 1, Iovec(ctypes.addressof(there), 8), 1, 0)


def _clone(flag: int) -> None:
    _bury(call("clone", flag | CHILD, 0, 0, 0, 0))


def _clone3() -> None:
    _bury(call("clone3", _room(64, NAMESPACES["user"], 0, 0, 0, 0, 0, 0, 0, CHILD), 64))


def _bury(pid: int) -> None:
    """In the child: be over. In its parent: wait for that, unless it was made a sibling."""
    if pid == 0:
        os._exit(0)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _setns(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    each([(path, lambda: call("setns", descriptor, 0))])
