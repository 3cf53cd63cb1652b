"""One candidate's functions, asked one call after another in this very process, which has nothing else to lose."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import io
import json
import math
import os
import resource
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from box import kernel
from box.runners import answers

MOST_PRINTED = 10_000
IMPORT_CPU_S = 3.0
MOST_HANGS = 2  # calls of one child that may run out of time
OWN_BYTES = 256 << 20  # mapped before anything is asked
MOST_PROCESSES = 16
MOST_FILE_BYTES = 16 << 20
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


def in_child(payload: dict[str, Any], calls: list[Call], start: int, writing: int) -> NoReturn:
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
