"""What several candidates answer to the same calls, in one job.

One candidate after another: its files are laid over the tree, a child is forked that imports them and answers all
calls, and the child's whole family is killed before the next one's turn. Answers come back over a pipe of the child's
own and are told under the number that this process gave it, so no candidate can answer for another.

What this is good for: seeing where candidates that mean well differ. What it is not: a verdict. A candidate computes
its own answers and their digests in its own process, so a hostile one may answer what it likes, for itself; and it has
the user of this process, so it may end the job, or leave files in the tree that the next one finds. It cannot write the
report: this process cannot be traced, and the report's descriptor is closed in the child.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import time
from typing import Any

from box import kernel
from box.runners import answers
from box.runners.asked import IMPORT_CPU_S, MOST_HANGS, Call, in_child
from box.runners.paths import prepare_path
from box.runners.report import Reporter

MOST_ANSWER_BYTES = 2 << 20  # of one child
GRACE_S = 1.0
TICK_S = 0.02


def run(payload: dict[str, Any], report: int) -> int:
    """Payload: targets [{path, module, name, kind}], calls [[target, made, given]], sys_path, call_cpu_s, child_cpu_s,
    memory_bytes, candidates [{path: source, or null where it is deleted}]. `kind` is method or function; `given` and,
    for a method's object, `made` are source of a tuple of positional and a dictionary of named arguments.

    Reports an `answers` line for each candidate: `at`, its index, and answers: [[kind, text, digest]], one a call.
    `kind`: value | raised | timed_out | died | unstable.
    """
    reporter = Reporter(report, payload.pop("nonce"))
    agreed = int(payload.pop("exit_code"))
    prepare_path(payload["sys_path"])
    calls = [
        Call(target, compile(made, "made", "eval") if made else None, compile(given, "given", "eval"))
        for target, made, given in payload["calls"]
    ]
    with contextlib.suppress(OSError):
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    gc.collect()
    gc.freeze()
    for at, files in enumerate(payload["candidates"]):
        with Overlaid(files) as refused:
            if refused:
                found = [["died", f"not run: {refused}", "died"] for _ in calls]
            else:
                found = _ask(payload, calls, report)
        reporter.send("answers", at=at, answers=found)
    reporter.send("end", code=0)
    return agreed


class Overlaid:
    """The tree with one candidate's files in it; what was there comes back afterwards. Enters with what went wrong."""

    def __init__(self, files: dict[str, str | None]) -> None:
        self._files = files
        self._before: dict[str, bytes | None] = {}

    def __enter__(self) -> str:
        try:
            for path, text in self._files.items():
                self._before[path] = _read(path)
                _put(path, None if text is None else text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            return f"{error.strerror}: {error.filename}"
        return ""

    def __exit__(self, *_: object) -> None:
        for path, content in self._before.items():
            with contextlib.suppress(OSError):
                _put(path, content)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _put(path: str, content: bytes | None) -> None:
    """Write a file anew, whatever an earlier child has put in its place."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    if content is None:
        return
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "xb") as stream:
        stream.write(content)


def _ask(payload: dict[str, Any], calls: list[Call], report: int) -> list[list[str]]:
    """The candidate's answers, one a call. Where a child had to be killed, another one goes on behind that call."""
    found: list[list[str]] = []
    kills = 0
    deadline = time.monotonic() + 4 * payload["child_cpu_s"] + GRACE_S
    while len(found) < len(calls):
        told, silent = _one_child(payload, calls, len(found), report, deadline)
        found += told[: len(calls) - len(found)]
        if len(found) == len(calls):
            break
        kills += 1
        if silent == "hung" and kills < MOST_HANGS and time.monotonic() < deadline:
            found.append(["timed_out", "ran out of time and could not be interrupted", "timed_out"])
            continue
        found += [["died", f"its process {silent}", "died"]] * (len(calls) - len(found))
    return found


def _one_child(
    payload: dict[str, Any], calls: list[Call], start: int, report: int, deadline: float
) -> tuple[list[list[str]], str]:
    """Answers from call `start` on, and how the child ended where they are not all there."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.close(report)
        in_child(payload, calls, start, writing)
    os.close(writing)
    descriptor = os.pidfd_open(pid)
    # Between two words of an honest child lies at most an import, or one call that minds the clock.
    patience = max(4 * payload["call_cpu_s"], 0.5) + GRACE_S
    data, silent, heard = bytearray(), "", time.monotonic() + IMPORT_CPU_S
    try:
        while not silent:
            # Not woken by every word: reading now and then is cheaper.
            ended = bool(select.select([descriptor], [], [], TICK_S)[0])
            size = len(data)
            _drain(reading, data)
            now = time.monotonic()
            heard = max(heard, now) if len(data) > size else heard
            if len(data) > MOST_ANSWER_BYTES:
                silent = "said too much"
            elif ended:
                silent = "ended"
            elif now > min(deadline, heard + patience):
                silent = "hung"
    finally:
        os.close(descriptor)
        os.close(reading)
        _bury(pid)
    return _read_answers(bytes(data)), silent


def _drain(descriptor: int, data: bytearray) -> None:
    """Append what is there to be read."""
    with contextlib.suppress(BlockingIOError):
        while len(data) <= MOST_ANSWER_BYTES and (chunk := os.read(descriptor, 1 << 16)):
            data += chunk


def _bury(pid: int) -> None:
    """Kill the child and all that comes from it: what it left behind became our child, and ours are killed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    for _ in range(100):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        for other in _children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)
        time.sleep(0.001)


def _children() -> list[int]:
    """Processes whose parent this one is."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as stream:
                    stat = stream.read()
                if int(stat[stat.rindex(b")") + 2 :].split()[1]) == os.getpid():
                    found.append(int(name))
    return found


KINDS = ("value", "raised", "timed_out", "died", "unstable")


def _read_answers(data: bytes) -> list[list[str]]:
    """Whole lines of the right form; what follows another is not read."""
    found: list[list[str]] = []
    for line in data.split(b"\n")[:-1]:
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            break
        match answer:
            case [str(kind), str(text), str(digest)] if kind in KINDS:
                found.append([kind, text[: 3 * answers.MOST_TEXT], digest[:64]])
            case [int(at), str(text)] if 0 <= at < len(found):
                found[at] = ["unstable", f"{found[at][1]}, then {text}"[: 3 * answers.MOST_TEXT], "unstable"]
            case _:
                break
    return found
