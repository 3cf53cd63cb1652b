"""One trial: an operation tried in a process of its own, and what the kernel said to it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

PATIENCE_S = 10.0
PLAIN = frozenset({"EPERM", "EACCES", "ENOSYS", "EROFS", "ENOENT", "ENOTDIR", "EAFNOSUPPORT", "ENXIO", "ENODEV"})
"""What a refusal looks like; of several answers, one that is none of these is told first."""


class Held(Exception):
    """The operation is impossible without the kernel having said so: there is nothing to do it on."""


@dataclass(frozen=True)
class Trial:
    """`attempt` returns when it succeeded (a string says with what), and raises `OSError` or `Held` when refused."""

    kind: str
    name: str
    attempt: Callable[[], object]


def each(attempts: Iterable[tuple[str, Callable[[], object]]]) -> str:
    """The first of `attempts` that succeeds, by name. All refused, it raises the least plain of the refusals."""
    refusal: OSError | None = None
    for name, attempt in attempts:
        try:
            attempt()
        except OSError as error:
            if refusal is None or (word(refusal) in PLAIN and word(error) not in PLAIN):
                refusal = error
            continue
        return name
    if refusal is None:
        raise Held("there is none")
    raise refusal


def word(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, str(error.errno))


def try_one(trial: Trial) -> dict[str, object]:
    """The line of one trial: kind, name, and one of `did`, `errno`, `held`, `signal` and `broken`."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _tell(writing, trial.attempt)
    os.close(writing)
    said, status = _listen(reading, pid)
    os.close(reading)
    line: dict[str, object] = {"kind": trial.kind, "name": trial.name}
    if said:
        answer: dict[str, object] = json.loads(said)
        return line | answer
    if status is None:
        return line | {"broken": f"no answer within {PATIENCE_S:g} s"}
    if os.WIFSIGNALED(status):
        return line | {"signal": signal.Signals(os.WTERMSIG(status)).name}
    return line | {"broken": f"ended with status {os.waitstatus_to_exitcode(status)} and said nothing"}


def _tell(writing: int, attempt: Callable[[], object]) -> NoReturn:
    """Never returns into the caller's loop, whatever the attempt does."""
    try:
        try:
            done = attempt()
            answer: dict[str, object] = {"did": done if isinstance(done, str) else ""}
        except OSError as error:
            answer = {"errno": word(error)}
        except Held as error:
            answer = {"held": str(error)}
        except BaseException as error:
            answer = {"broken": f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(answer).encode())
    finally:
        os._exit(0)


def _listen(reading: int, pid: int) -> tuple[bytes, int | None]:
    """What the child said and its wait status; the status is None when it had to be killed."""
    ready, _, _ = select.select([reading], [], [], PATIENCE_S)
    said = os.read(reading, 1 << 14) if ready else b""
    if not ready:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(ChildProcessError):  # where it may, a trial gives us children
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    return said, status if ready else None
