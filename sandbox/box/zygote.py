"""The zygote: loads what runners need once, then forks a confined child for every job.

It is forked from the supervisor before any tree, nonce or channel exists, so a job that reads its own memory finds
nothing but Python and pytest. One job at a time; one whose checks have a process of their own is two children, the
judge and the candidate, and ends with the judge.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import inspect
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from box import kernel

MAX_ORDER_BYTES = 1 << 20


class Gone(RuntimeError):
    """The zygote has ended; its box is of no more use."""


class Zygote:
    """The supervisor's end of it. `spawn` starts a job; `ended` is read once the socket is readable."""

    def __init__(self, pid: int, sock: socket.socket) -> None:
        self.pid = pid
        self._sock = sock

    def fileno(self) -> int:
        return self._sock.fileno()

    def spawn(self, order: dict[str, Any], payload_fd: int, fds: tuple[int, int, int]) -> int:
        """Fork a job that reads `payload_fd` and writes `fds` (stdout, stderr, report). Returns its pid."""
        rights = array.array("i", (payload_fd, *fds))
        data = json.dumps(order).encode()
        self._sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        return int(self._receive()["pid"])

    def ended(self) -> dict[str, Any]:
        """Wait status and resource use of the job: status, cpu_s, max_rss_bytes."""
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        data = self._sock.recv(MAX_ORDER_BYTES)
        if not data:
            raise Gone("the zygote is gone")
        answer: dict[str, Any] = json.loads(data)
        return answer


def start(preload: tuple[str, ...], keep_out: tuple[int, ...]) -> Zygote:
    """Fork the zygote, which imports everything in `preload` first. `keep_out`: fds it must not hold.

    Does not wait, so that two can load side by side: `ended` answers once it is ready.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        for descriptor in keep_out:
            os.close(descriptor)
        _serve(theirs, preload)
    theirs.close()
    return Zygote(pid, ours)


def _serve(sock: socket.socket, preload: tuple[str, ...]) -> NoReturn:
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    for name in preload:
        importlib.import_module(name)
    inspect.getmodule(_serve.__code__)  # fills its table of all modules, which every traceback would fill again
    gc.collect()
    gc.freeze()
    sock.send(json.dumps({"ready": True}).encode())
    while True:
        data, rights, _, _ = socket.recv_fds(sock, MAX_ORDER_BYTES, 8)
        if not data:
            os._exit(0)
        order = json.loads(data)
        _bury()
        pid = _fork_job(order, rights, sock)
        for descriptor in rights:
            os.close(descriptor)
        sock.send(json.dumps({"pid": pid}).encode())
        _, status, usage = os.wait4(pid, 0)
        sock.send(
            json.dumps(
                {
                    "status": status,
                    "cpu_s": usage.ru_utime + usage.ru_stime,
                    "max_rss_bytes": usage.ru_maxrss * 1024,
                }
            ).encode()
        )


def _fork_job(order: dict[str, Any], rights: list[int], sock: socket.socket) -> int:
    """The pid of the job's main process: the judge, where the job has one."""
    candidate = order.get("candidate")
    if candidate is None:
        pid = os.fork()
        if pid == 0:
            sock.close()
            _run(order, rights, None)
        return pid
    judges, candidates = socket.socketpair()
    if os.fork() == 0:
        for other in (sock, judges):
            other.close()
        for descriptor in (rights[0], rights[3]):  # the payload and the report are the judge's
            os.close(descriptor)
        _answer({**order, **candidate}, rights[1:3], candidates)
    pid = os.fork()
    if pid == 0:
        for other in (sock, candidates):
            other.close()
        _run(order, rights, judges)
    judges.close()
    candidates.close()
    return pid


def _answer(order: dict[str, Any], rights: list[int], channel: socket.socket) -> NoReturn:
    """Inside the candidate's process: confine, give up root, serve the judge."""
    try:
        _enter(order, *rights)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        sys.argv = [""]
        sys.modules["box.oracle.answer"].run(channel, order["sys_path"])
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(71)


def _run(order: dict[str, Any], rights: list[int], channel: socket.socket | None) -> NoReturn:
    """Inside the job's own process: confine, give up root, run, leave. Never returns into the zygote's loop."""
    code = 70
    try:
        payload_fd, stdout, stderr, report = rights
        with open(payload_fd, "rb") as stream:
            payload = json.load(stream)
        _enter(order, stdout, stderr)
        os.set_inheritable(report, False)
        if channel is None:
            # A job of the same uid must not be traced by its children, but /proc/self and /dev/stdin have to work.
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        else:
            payload["channel"] = channel.detach()
        sys.argv = [order["entry"]]
        code = sys.modules["box.runners"].runner(order["entry"])(payload, report)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 71
    except BaseException:
        traceback.print_exc()
        code = 71
    finally:
        os._exit(code & 0xFF)


def _enter(order: dict[str, Any], stdout: int, stderr: int) -> None:
    """A session, descriptors, environment, limits, user and folder of its own."""
    os.setsid()
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (stdout, 1), (stderr, 2)):
        os.dup2(source, target, inheritable=True)
    for descriptor in (null, stdout, stderr):
        os.close(descriptor)
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order["env"])
    _raise_oom_score()
    kernel.confine(order["limits"], address_space_bytes=order["address_space_bytes"])
    kernel.become(order["uid"])
    os.chdir(order["cwd"])


def _bury() -> None:
    """Wait for what a job gave us as children (CLONE_PARENT): its dead would count against the jobs after it."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _raise_oom_score() -> None:
    """Ask the kernel to take the job before the supervisor when memory runs out. A hostile job takes it back."""
    try:
        with open("/proc/self/oom_score_adj", "w") as stream:
            stream.write("1000")
    except OSError:  # a read-only /proc; the box is thrown away after an OOM kill in any case
        return
