"""System calls by number, for those that Python and libc do not offer or would soften."""

from __future__ import annotations

import ctypes
import mmap
import os
import platform

from probe.trial import Held

NUMBERS = {
    "acct": (163, 89), "add_key": (248, 217), "bpf": (321, 280), "capset": (126, 91), "chroot": (161, 51),
    "clock_settime": (227, 112), "clone": (56, 220), "clone3": (435, 435), "delete_module": (176, 106),
    "fanotify_init": (300, 262), "finit_module": (313, 273), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fsopen": (430, 430), "fspick": (433, 433), "getpid": (39, 172), "init_module": (175, 105),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "io_uring_setup": (425, 425), "ioperm": (173, None),
    "iopl": (172, None), "kcmp": (312, 272), "kexec_file_load": (320, 294), "kexec_load": (246, 104),
    "keyctl": (250, 219), "memfd_secret": (447, 447), "modify_ldt": (154, None), "mount": (165, 40),
    "mount_setattr": (442, 442), "move_mount": (429, 429), "mq_open": (240, 180), "msgget": (68, 186),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "open_tree": (428, 428),
    "perf_event_open": (298, 241), "personality": (135, 92), "pidfd_getfd": (438, 438), "pivot_root": (155, 41),
    "prctl": (157, 167), "prlimit64": (302, 261), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "ptrace": (101, 117), "quotactl": (179, 60), "reboot": (169, 142), "request_key": (249, 218),
    "seccomp": (317, 277), "semget": (64, 190), "setdomainname": (171, 162), "sethostname": (170, 161),
    "setns": (308, 268), "settimeofday": (164, 170), "shmget": (29, 194), "socket": (41, 198), "swapoff": (168, 225),
    "swapon": (167, 224), "syslog": (103, 116), "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282),
}  # fmt: skip
"""By architecture: x86_64, and the generic table that aarch64 uses. None: it has no such call."""

X32 = 0x40000000  # of x86_64's table, the one with short pointers
INTEL_32 = {"keyctl": 288, "mount": 21, "ptrace": 26, "socket": 359, "unshare": 310}
AT_FDCWD = -100
INTEL = platform.machine() == "x86_64"
COLUMN = 0 if INTEL else 1

Argument = int | bytes | ctypes.Structure | ctypes.Array[ctypes.c_char]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# push rbx; mov eax, edi; mov ebx, esi; xchg ecx, edx; int 0x80; pop rbx; ret
_OLD_ENTRY = bytes.fromhex("53 89f8 89f3 87d1 cd80 5b c3")


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def call(name: str, *arguments: Argument, table: int = 0) -> int:
    """What the system call returned. Raises `OSError`, and `Held` where this architecture has no such call."""
    number = NUMBERS[name][COLUMN]
    if number is None:
        raise Held("this architecture has no such call")
    ctypes.set_errno(0)
    answer = int(_libc.syscall(ctypes.c_long(number | table), *(_passed(argument) for argument in arguments)))
    if answer == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def call_32(name: str, *arguments: int) -> int:
    """The same through the entry for 32-bit programs, whose numbers are others. Raises `OSError` and `Held`."""
    if not INTEL:
        raise Held("this architecture has no such entry")
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(_OLD_ENTRY)
    entry = ctypes.CFUNCTYPE(ctypes.c_int, *(ctypes.c_int for _ in range(4)))(
        ctypes.addressof(ctypes.c_char.from_buffer(page))
    )
    first, second, third, *_ = (*arguments, 0, 0, 0)
    answer = int(entry(INTEL_32[name], first, second, third))
    if -4096 < answer < 0:
        raise OSError(-answer, os.strerror(-answer))
    return answer


def _passed(argument: Argument) -> object:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    return ctypes.c_char_p(argument) if isinstance(argument, bytes) else ctypes.byref(argument)
