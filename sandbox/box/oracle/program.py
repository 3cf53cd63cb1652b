"""A program of the candidate's, run from standard input to standard output in a process of its own."""

from __future__ import annotations

import atexit
import io
import os
import runpy
import select
import signal
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

MOST_OUTPUT = 8 << 20
CHUNK = 1 << 16
STDERR_KEPT = 4000


def run_program(path: str, argv: list[str], stdin: bytes, wall_s: float) -> dict[str, Any]:
    """Exit status (None when killed), standard output, the end of standard error; `late` when it had to be stopped.

    A Python file runs in a fork, which has what the zygote has loaded; anything else is executed.
    """
    pairs = [os.pipe() for _ in range(3)]
    pid = os.fork()
    if pid == 0:
        _become(path, argv, pairs)
    (stdin_read, stdin_write), (out_read, out_write), (err_read, err_write) = pairs
    for descriptor in (stdin_read, out_write, err_write):
        os.close(descriptor)
    try:
        out, err, late = _feed(stdin, stdin_write, out_read, err_read, time.monotonic() + wall_s)
    finally:
        for number in (out_read, err_read):
            os.close(number)
        status = _end(pid)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) and not late else None
    return {"exit": code, "stdout": out, "stderr": err[-STDERR_KEPT:], "late": late}


def _feed(stdin: bytes, to: int, out_fd: int, err_fd: int, deadline: float) -> tuple[bytes, bytes, bool]:
    out, err = bytearray(), bytearray()
    kept = {out_fd: out, err_fd: err}
    os.set_blocking(to, False)
    poll = select.poll()
    for descriptor in kept:
        poll.register(descriptor, select.POLLIN)
    view = memoryview(stdin)
    if view:
        poll.register(to, select.POLLOUT)
    else:
        os.close(to)
    open_ends = set(kept)
    late = False
    while open_ends:
        left = deadline - time.monotonic()
        if left <= 0:
            late = True
            break
        for descriptor, _ in poll.poll(left * 1000):
            if descriptor == to:
                try:
                    view = view[os.write(to, view[:CHUNK]) :]
                except BlockingIOError:
                    continue
                except OSError:
                    view = view[len(view) :]
                if not view:
                    poll.unregister(to)
                    os.close(to)
                continue
            chunk = os.read(descriptor, CHUNK)
            kept[descriptor] += chunk
            if not chunk or len(kept[descriptor]) > MOST_OUTPUT:
                poll.unregister(descriptor)
                open_ends.discard(descriptor)
    if view:
        os.close(to)
    return bytes(out), bytes(err), late


def _end(pid: int) -> int:
    """The status of a program that has closed its output: it has a moment to leave, then its group is killed."""
    for _ in range(200):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.001)
    else:
        _kill_group(pid)
        _, status = os.waitpid(pid, 0)
    _kill_group(pid)
    return status


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        return


def _become(path: str, argv: list[str], pairs: list[tuple[int, int]]) -> NoReturn:
    code = 1
    try:
        os.setpgid(0, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in (signal.SIGPROF, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        for descriptor, target in ((pairs[0][0], 0), (pairs[1][1], 1), (pairs[2][1], 2)):
            os.dup2(descriptor, target)
        os.closerange(3, 256)
        if not path.endswith(".py"):
            os.execv(os.path.abspath(path), [path, *argv])
        atexit._clear()
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0)), encoding="utf-8")
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w")), encoding="utf-8")
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="utf-8", write_through=True)
        sys.argv = [path, *argv]
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        code = _main(path)
        getattr(threading, "_shutdown")()  # noqa: B009  as an interpreter that ends; typeshed does not know it
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        try:
            sys.stdout.flush()
        except BaseException:
            code = code or 120
        os._exit(code & 0xFF)


def _main(path: str) -> int:
    """The exit status that Python would have."""
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as leaving:
        return _status(leaving.code)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1
