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
import importlib
import importlib.util
import inspect
import io
import json
import math
import os
import resource
import select
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from box import kernel
from box.runners import answers
from box.runners.paths import prepare_path
from box.runners.report import Reporter

MOST_ANSWER_BYTES = 2 << 20  # of one child
MOST_PRINTED = 10_000
MOST_HANGS = 2  # calls of one child that may run out of time
IMPORT_CPU_S = 3.0
GRACE_S = 1.0
OWN_BYTES = 256 << 20  # mapped before anything is asked
MOST_PROCESSES = 16
MOST_FILE_BYTES = 16 << 20
TICK_S = 0.02
AGAIN = 3  # every third call is asked a second time


class OutOfTime(BaseException):
    """The call used up its time. No `Exception`, so that a call's own `except` seldom takes it."""


@dataclass(frozen=True)
class Call:
    """One call that every candidate answers: of target number `target`; `made` are the constructor's arguments."""

    target: int
    made: types.CodeType | None
    given: types.CodeType


NAMES = {"__builtins__": {}, "set": set, "frozenset": frozenset, "range": range, "inf": math.inf, "nan": math.nan}


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
        _in_child(payload, calls, start, writing)
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


def _in_child(payload: dict[str, Any], calls: list[Call], start: int, writing: int) -> NoReturn:
    """Import, answer, leave. First all calls once, then once more: who answers otherwise then is not stable."""
    write, encode, leave = os.write, json.dumps, os._exit
    try:
        os.setpgid(0, 0)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        null = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        _confine(payload)
        signal.signal(signal.SIGPROF, _out_of_time)
        signal.signal(signal.SIGALRM, _out_of_time)
        for found in Child(payload, calls).answers(start):
            data = (encode(found) + "\n").encode("utf-8", "replace")
            while data:
                data = data[write(writing, data) :]
    except BaseException:
        leave(1)
    finally:
        leave(0)


def _confine(payload: dict[str, Any]) -> None:
    """Less than the job may use in all, so that who wants too much is the only one to suffer."""
    cpu_s = int(payload["child_cpu_s"] + IMPORT_CPU_S) + 1
    for kind, most in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, int(payload["memory_bytes"]) * 3 // 4 + OWN_BYTES),
        (resource.RLIMIT_NPROC, MOST_PROCESSES),
        (resource.RLIMIT_FSIZE, MOST_FILE_BYTES),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


class Child:
    """One candidate's functions, asked in this very process."""

    def __init__(self, payload: dict[str, Any], calls: list[Call]) -> None:
        self._targets = payload["targets"]
        self._call_s = float(payload["call_cpu_s"])
        self._until = time.process_time() + float(payload["child_cpu_s"])
        self._calls = calls
        self._hangs = 0
        self._found: dict[int, Callable[..., Any] | list[str]] = {}

    def answers(self, start: int) -> Iterator[list[Any]]:
        """Each call's answer, then corrections: index among these, and the other answer."""
        first = []
        for call in self._calls[start:]:
            first.append(self._answer(call))
            yield first[-1]
        begun = time.process_time()
        for at in range(len(first) - 1, -1, -AGAIN):  # backwards: what depends on calls before shows too
            if self._hangs or time.process_time() - begun > self._call_s:
                return  # what is slow is not asked twice
            again = self._answer(self._calls[start + at])
            if again[0] != "timed_out" and again[::2] != first[at][::2]:
                yield [at, again[1]]

    def _answer(self, call: Call) -> list[str]:
        if self._hangs >= MOST_HANGS or time.process_time() > self._until:
            return ["timed_out", "not asked: calls before it ran out of time", "timed_out"]
        target = self._targets[call.target]
        if call.target not in self._found:
            self._found[call.target] = self._import(target)
        function = self._found[call.target]
        if isinstance(function, list):
            return function
        printed = Printed()
        try:
            with Clock(self._call_s), contextlib.redirect_stdout(printed):
                return self._asked(target, function, call, printed)
        except OutOfTime:
            self._hangs += 1
            return ["timed_out", f"no answer within {self._call_s:g} s", "timed_out"]
        except BaseException as error:
            return _raised(error)

    def _asked(self, target: dict[str, Any], function: Callable[..., Any], call: Call, printed: Printed) -> list[str]:
        """The value, and what the call did besides as far as that may be the point of it."""
        args, kwargs = eval(call.given, NAMES)  # noqa: S307  # what the host wrote; each time anew
        receiver = None
        if call.made is not None:
            made_args, made_kwargs = eval(call.made, NAMES)  # noqa: S307
            receiver = function(*made_args, **made_kwargs)
            function = getattr(receiver, target["name"].rpartition(".")[2])
        value = function(*args, **kwargs)
        if inspect.iscoroutine(value):
            import asyncio  # seldom, and not small

            value = asyncio.run(value)
        value = answers.taken(value)
        text, mark = answers.text_of(value), answers.digest(value)
        if receiver is not None:
            mark = answers.digest(mark, receiver)
        if value is None:  # a function that returns nothing is there for what it does
            after, before = answers.digest(args, kwargs), answers.digest(*eval(call.given, NAMES))  # noqa: S307
            if after != before:
                text += f"; the arguments became {', '.join(map(answers.text_of, args))}"
            if printed.text:
                text += f"; it prints {answers.text_of(printed.text)}"
            mark = answers.digest(mark, after if after != before else "", printed.text)
        return ["value", text, mark]

    def _import(self, target: dict[str, Any]) -> Callable[..., Any] | list[str]:
        try:
            with Clock(IMPORT_CPU_S):
                module = _module(target["module"], target["path"])
                found: Any = module
                parts = target["name"].split(".")
                for part in parts[:-1] if target["kind"] == "method" else parts:
                    found = getattr(found, part)
            return found  # type: ignore[no-any-return]  # a class or a function, else the call raises
        except OutOfTime:
            self._hangs = MOST_HANGS
            return ["timed_out", "its import ran out of time", "timed_out"]
        except BaseException as error:
            return _raised(error)


def _raised(error: BaseException) -> list[str]:
    name = type(error).__name__
    try:
        words = f"{name}: {error}"
    except Exception:
        words = name
    return ["raised", answers.ADDRESS.sub("", words)[: answers.MOST_TEXT], f"raised {name}"[:64]]


def _module(name: str, path: str) -> types.ModuleType:
    """The module at `path`, under its name; also where another of that name is loaded already."""
    full = os.path.realpath(path)
    known = sys.modules.get(name)
    if known is None:
        with contextlib.suppress(ModuleNotFoundError):
            known = importlib.import_module(name)
    if known is not None and os.path.realpath(getattr(known, "__file__", None) or "") == full:
        return known
    spec = importlib.util.spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Printed(io.StringIO):
    """Keeps the beginning of what is printed."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text[: MOST_PRINTED - len(self.text)]
        return len(text)


class Clock:
    """CPU seconds, and for what sleeps wall seconds, after which `OutOfTime` is raised, again and again."""

    def __init__(self, cpu_s: float) -> None:
        self._cpu_s = cpu_s

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, self._cpu_s, 0.05)
        signal.setitimer(signal.ITIMER_REAL, max(0.5, 4 * self._cpu_s), 0.05)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _out_of_time(number: int, frame: object) -> None:
    raise OutOfTime
