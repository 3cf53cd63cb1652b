"""The seccomp profile: read from the recipe, and compiled by libseccomp for backends that want a raw filter.

The profile is in the engine's JSON form (sandbox/seccomp.json), so that one allow-list serves every backend.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import json
import os
from typing import TypedDict

ACT_ALLOW = 0x7FFF0000
ACT_ERRNO = 0x00050000
COMPARE = {"SCMP_CMP_EQ": 4, "SCMP_CMP_NE": 1, "SCMP_CMP_MASKED_EQ": 7, "SCMP_CMP_LT": 2, "SCMP_CMP_GE": 5}


class SeccompUnavailable(Exception):
    """libseccomp is not on this machine, or refuses the profile."""


class Arg(TypedDict, total=False):
    index: int
    value: int
    valueTwo: int
    op: str


class Rule(TypedDict, total=False):
    names: list[str]
    action: str
    args: list[Arg]
    errnoRet: int


class Profile(TypedDict):
    defaultAction: str
    defaultErrnoRet: int
    syscalls: list[Rule]


class _ArgCompare(ctypes.Structure):
    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    ]


def filter_program(profile_json: str, *, without: frozenset[str] = frozenset()) -> bytes:
    """The profile as a BPF program for this machine's architecture, but for the system calls in `without`.

    Raises `SeccompUnavailable`.
    """
    name = ctypes.util.find_library("seccomp") or "libseccomp.so.2"
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise SeccompUnavailable("libseccomp is not installed (apt-get install libseccomp2)") from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_ArgCompare)
    ]  # fmt: skip
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    profile: Profile = json.loads(profile_json)
    context = library.seccomp_init(ACT_ERRNO | profile.get("defaultErrnoRet", errno.EPERM))
    if not context:
        raise SeccompUnavailable("libseccomp could not be initialised")
    try:
        for rule in profile["syscalls"]:
            _add(library, context, rule, without)
        return _export(library, context)
    finally:
        library.seccomp_release(context)


def _add(library: ctypes.CDLL, context: int, rule: Rule, without: frozenset[str]) -> None:
    action = ACT_ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else ACT_ERRNO | rule.get("errnoRet", errno.EPERM)
    args = rule.get("args", [])
    array = (_ArgCompare * max(1, len(args)))()
    for place, arg in zip(array, args, strict=False):
        place.arg, place.op = arg["index"], COMPARE[arg["op"]]
        place.datum_a, place.datum_b = arg["value"], arg.get("valueTwo", 0)
    for syscall in (name for name in rule["names"] if name not in without):
        number = library.seccomp_syscall_resolve_name(syscall.encode())
        if number < 0:  # not a system call of this architecture, or newer than the library
            continue
        done = library.seccomp_rule_add_array(context, action, number, len(args), array)
        if done not in (0, -errno.EEXIST):
            raise SeccompUnavailable(f"libseccomp refuses the rule for {syscall} (error {-done})")


def _export(library: ctypes.CDLL, context: int) -> bytes:
    descriptor = os.memfd_create("bpf")
    try:
        if library.seccomp_export_bpf(context, descriptor) != 0:
            raise SeccompUnavailable("libseccomp could not export the filter")
        size = os.lseek(descriptor, 0, os.SEEK_END)
        return os.pread(descriptor, size, 0)
    finally:
        os.close(descriptor)
