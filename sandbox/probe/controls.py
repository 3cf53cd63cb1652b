"""What a job may do. Refused, it shows that the trials of the rest tell nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

from probe.calls import call
from probe.trial import Trial

KIND = "ordinary work"


def trials() -> Iterator[Trial]:
    for name, attempt in (
        ("a system call by its number", lambda: call("getpid")),
        ("clone() without flags", _clone),
        ("a thread", _thread),
        ("a process", lambda: subprocess.run([sys.executable, "-S", "-c", ""], check=True)),
        ("a signal to oneself", lambda: os.kill(os.getpid(), signal.SIGCONT)),
        ("socket(AF_UNIX)", lambda: socket.socket(socket.AF_UNIX).close()),
        ("socketpair(AF_UNIX)", lambda: socket.socketpair(socket.AF_UNIX)[0].close()),
        ("mkfifo()", _fifo),
        ("a random number", lambda: os.close(os.open("/dev/urandom", os.O_RDONLY))),
        ("writing to /dev/null", lambda: os.write(os.open("/dev/null", os.O_WRONLY), b"x")),
    ):
        yield Trial(KIND, name, attempt)
    for name in (".", os.environ["HOME"], os.environ["TMPDIR"], "/tmp", "/dev/shm"):
        yield Trial(KIND, f"a file in {name}", lambda name=name: _write(name))  # type: ignore[misc]  # bound now


def _clone() -> None:
    pid = call("clone", int(signal.SIGCHLD), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _thread() -> None:
    thread = threading.Thread(target=str)
    thread.start()
    thread.join()


def _fifo() -> None:
    os.mkfifo("fifo")
    os.unlink("fifo")


def _write(folder: str) -> None:
    name = os.path.join(folder, "probe-file")
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))
    os.unlink(name)
