"""What the policy says of each trial, as data: refused unless it is listed here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from moa_code.core.box import Ended

ORDINARY = "ordinary work"
"""The one kind that must be allowed: where it is refused, refusals of the others tell nothing."""

_NO = frozenset({"EPERM", "EACCES", "ENOSYS"})
_NOT_THERE = _NO | {"EROFS", "ENOENT", "ENOTDIR", "ENXIO", "ENODEV"}

REFUSALS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "network": _NO | {"EAFNOSUPPORT"},
        "io_uring": _NO,
        "tracing": _NO,
        "namespaces": _NO | {"ENOENT"},  # an older kernel has fewer kinds
        "mounts": _NO,
        "keyrings": _NO,
        "kernel": _NO,
        "watchers": _NOT_THERE,
        "privileges": _NO | {"EINVAL"},  # an id that this user namespace does not have
        "devices": _NOT_THERE,
        "writing outside": _NOT_THERE | {"EMFILE"},  # a message queue: none may be had
        "reading": _NOT_THERE,
        "limits": _NO | {"ENOMEM", "EMFILE"},
    }
)
"""By kind of trial, the errors that are a refusal. Any other says that the operation was reached: that is a hole."""

KINDS = frozenset({ORDINARY, *REFUSALS})

OLD_ENTRY = "by the 32-bit entry"
"""Where a kernel has no such entry the processor faults."""

FILTERED = frozenset({"network", "io_uring", "tracing", "namespaces", "keyrings", "mounts", "kernel"})
NEVER_EXCUSED = frozenset({"a route to a network", "a socket of the machine", "mount() of a tmpfs"})
EXCUSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "seccomp": FILTERED,
        "separate uid": frozenset({"watchers", "a group beside its own"}),
    }
)
"""By what a backend says it misses (the words before the colon), the kinds and trials that it cannot refuse then."""

GREED: Mapping[str, tuple[str, int, frozenset[Ended]]] = MappingProxyType(
    {
        "more CPU time": ("cpu", 2, frozenset({Ended.CPU_LIMIT})),
        "more time": ("wall", 2, frozenset({Ended.WALL_LIMIT})),
        "more output": ("output", 1 << 20, frozenset({Ended.OUTPUT})),
        "twice the memory": ("memory", 128 << 20, frozenset({Ended.MEMORY})),
        "twice the memory, in children": ("children", 128 << 20, frozenset({Ended.MEMORY})),
        "a fork bomb": ("pids", 64, frozenset({Ended.PIDS})),
        "twice the disk": ("disk", 8 << 20, frozenset({Ended.DISK})),
        "twice the files": ("files", 400, frozenset({Ended.DISK})),
    }
)
"""Jobs that take more than `jobs.TIGHT` allows: what, how much, and how they must end."""

REFUSED_STATUS = 3  # of sandbox/probe/greedy.py: the kernel refused some of it
