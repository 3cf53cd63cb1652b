"""The candidate's end: imports its code, does what the judge asks, one question at a time, and tells what came of it.

It shares an interpreter with the code under test, so nothing it says is believed; it only has to serve honest code.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import importlib
import io
import os
import signal
import socket
import sys
import traceback
import types
import warnings
import weakref
from collections import UserList
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, NoReturn

from box.covered import lines_by_check
from box.oracle import program
from box.oracle.channel import Channel, Closed, TooLong
from box.oracle.mirrors import SPECIALS, VALUE_BASES
from box.oracle.shared import SHARED_TYPES, Shared
from box.oracle.values import (
    EXCEPTION_NAMES,
    TYPE_NAMES,
    CannotCross,
    Decoder,
    Encoder,
    Malformed,
)

MOST_SAID = 1 << 16
OF_SESSIONS = frozenset({"pytest", "_pytest", "hypothesis", "pluggy", "iniconfig"})
MOST_WARNINGS = 20
TRACE_FRAMES = 6
STEP_S = 0.001
CANCEL_S = 1.0


class CheckTimeout(BaseException):
    """The running call used up its time."""


class Lent:
    """A function of the check's: calling it asks the judge."""

    def __init__(self, answerer: Answerer, pid: int, name: str) -> None:
        self._answerer = answerer
        self._pid = pid
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._answerer.call_back(self._pid, args, named)


class LentIterator(Lent):
    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self()


class Said(io.TextIOBase):
    """Standard output of the code under test: told with the next answer, the surplus to the descriptor below."""

    def __init__(self, below: Any) -> None:
        self._below = below
        self._text: list[str] = []
        self._length = 0

    def write(self, text: str) -> int:
        if self._length > MOST_SAID:
            self._below.write(text)
        else:
            self._text.append(str(text))
            self._length += len(text)
        return len(text)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        if self._length > MOST_SAID:
            self._below.flush()

    def fileno(self) -> int:
        return int(self._below.fileno())

    def take(self) -> str:
        text = "".join(self._text)
        self._text.clear()
        self._length = 0
        return text


class Answerer:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._shared = Shared(1)
        self._encoder = Encoder(self._shared, self._encode_other)
        self._decoder = Decoder(self._shared, self._decode_other)
        self._objects: dict[int, Any] = {}
        self._oids: dict[int, int] = {}
        self._classes: dict[int, type] = {}
        self._cids: dict[type, int] = {}
        self._next_oid = 0
        self._lent: weakref.WeakValueDictionary[int, Lent] = weakref.WeakValueDictionary()
        self._ident = ""
        self._said = Said(sys.stdout)
        self._warned: list[list[str]] = []
        self._coverage: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[int, asyncio.Future[Any]] = {}
        self._operations: dict[str, Callable[..., Any]] = {
            "import": self._import,
            "get": getattr,
            "set": setattr,
            "del": delattr,
            "dir": lambda target: [name for name in dir(target) if type(name) is str],
            "public": _public_names,
            "call": lambda target, args, named: target(*args, **named),
            "special": _special,
            "item": lambda target, key: target[key],
            "content": _content,
            "copy": lambda target, deep: copy.deepcopy(target) if deep else copy.copy(target),
            "send": lambda target, value: target.send(value),
            "throw": lambda target, error: target.throw(error),
            "close": lambda target: target.close(),
            "start": self._start,
            "step": self._step,
            "cancel": self._cancel,
            "await": lambda number: self._tasks.pop(number).result(),
            "dataclass": lambda name, target, args, named: getattr(dataclasses, name)(target, *args, **named),
            "program": program.run_program,
            "context": self._context,
            "coverage": self._covered,
        }

    def serve(self) -> None:
        """Answer until the judge has gone."""
        sys.stdout = self._said
        warnings.simplefilter("always")
        warnings.showwarning = self._show_warning
        for number in (signal.SIGPROF, signal.SIGALRM):
            signal.signal(number, _out_of_time)
        with contextlib.suppress(Closed):
            while True:
                self._answer(self._channel.receive())

    def _answer(self, message: list[Any]) -> None:
        ident, op, freed, forgotten, updates, cpu_s, wall_s, *encoded = message
        outer, self._ident = self._ident, ident
        for oid in freed:
            value = self._objects.pop(oid, None)
            if value is not None:
                del self._oids[id(value)]
        self._shared.forget(forgotten)
        self._decoder.apply(updates)
        arguments = [self._decoder.decode(argument) for argument in encoded]
        answer: list[Any]
        try:
            if not outer:
                _start_clock(cpu_s, wall_s)
            try:
                value = self._operations[op](*arguments)
            finally:
                if not outer:
                    _stop_clock()
            answer = self._told("ok", self._encoder.encode, value)
        except CheckTimeout:
            answer = [ident, "timeout"]
        except CannotCross as error:
            answer = [ident, "cannot", f"the candidate's answer is {error}"]
        except Closed:
            raise
        except BaseException as error:
            answer = self._told("raise", self._raised, error)
        try:
            self._channel.send(answer)
        except TooLong as error:
            self._channel.send([ident, "cannot", f"the candidate's answer is too large ({error})"])
        except (ValueError, RecursionError):
            self._channel.send([ident, "cannot", "the candidate's answer has no form that can be sent"])
        self._ident = outer

    def _told(self, kind: str, encode: Callable[[Any], Any], value: Any) -> list[Any]:
        warned, self._warned = self._warned[:MOST_WARNINGS], []
        updates = self._encoder.updates()
        return [self._ident, kind, updates, self._said.take(), warned, encode(value)]

    def call_back(self, pid: int, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """What a function of the check's returns or raises."""
        ident = self._ident
        if not ident:
            raise RuntimeError("a function of the check's can be called only while the check waits")
        updates = self._encoder.updates()
        self._channel.send([ident, "call", updates, pid, self._encoder.encode(args), self._encoder.encode(dict(named))])
        while True:
            message = self._channel.receive()
            if len(message) == 5 and message[0] == ident and message[1] == "back":
                _, _, updates, outcome, encoded = message
                self._decoder.apply(updates)
                value = self._decoder.decode(encoded)
                if outcome == "raise":
                    raise value
                return value
            self._answer(message)

    # Operations

    def _import(self, name: str) -> None:
        importlib.import_module(name)

    def _start(self, target: Any) -> int:
        """The number of a task, which `step` moves on."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)  # for futures that code makes outside coroutines
        number = max(self._tasks, default=0) + 1
        self._tasks[number] = asyncio.ensure_future(target, loop=self._loop)
        return number

    def _step(self, number: int) -> bool:
        """Whether the task has ended after going on for a moment, the others beside it."""
        task = self._tasks[number]
        if self._loop is not None and not task.done():
            self._loop.run_until_complete(asyncio.wait([task], timeout=STEP_S))
        return task.done()

    def _cancel(self, number: int) -> None:
        task = self._tasks.pop(number)
        task.cancel()
        if self._loop is not None and not task.done():
            self._loop.run_until_complete(asyncio.wait([task], timeout=CANCEL_S))

    def _context(self, name: str) -> None:
        if self._coverage is None:
            import coverage

            self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[os.getcwd() + os.sep + "*"])
            self._coverage.start()
        self._coverage.switch_context(name)

    def _covered(self) -> dict[str, dict[str, list[int]]]:
        return lines_by_check(self._coverage, os.getcwd())

    # Values that are not built in

    def _encode_other(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is Lent or kind is LentIterator:
            return ["P", value._pid]
        if isinstance(value, type):
            return self._class(value, depth)
        if kind is types.ModuleType:
            return ["m", value.__name__]
        for base in VALUE_BASES.values():
            if isinstance(value, base):
                content = base.__new__(base, *_base_content(base, value))
                return ["v", self._oid(value), self._class(kind, depth), self._encoder.encode(content, depth + 1)]
        if isinstance(value, BaseException):
            return self._exception(value, depth)
        tag = {types.GeneratorType: "g", types.CoroutineType: "a"}.get(kind)
        if tag is not None:
            return [tag, self._oid(value), self._class(kind, depth)]
        return ["h", self._oid(value), self._class(kind, depth), _hash(value)]

    def _exception(self, value: BaseException, depth: int) -> list[Any]:
        kind = type(value)
        try:
            args = self._encoder.encode(tuple(value.args), depth + 1)
        except CannotCross:
            args = ["t"]
        return ["X", self._oid(value), self._class(kind, depth), args, _text_of(value)]

    def _raised(self, error: BaseException) -> list[Any]:
        kind = type(error)
        told = _trace(error)
        error.__traceback__ = None  # with what it holds of every frame
        if kind in EXCEPTION_NAMES:
            with contextlib.suppress(CannotCross):
                return ["own", ["x", EXCEPTION_NAMES[kind], self._encoder.encode(tuple(error.args))], told]
            return ["own", ["x", EXCEPTION_NAMES[kind], ["t", _text_of(error)]], told]
        top = kind.__module__.partition(".")[0]
        if top in sys.stdlib_module_names or top in ("_pytest", "hypothesis"):
            try:
                args = self._encoder.encode(tuple(error.args))
            except CannotCross:
                args = ["t", _text_of(error)]
            return ["known", kind.__module__, kind.__qualname__, args, told]
        return ["own", self._exception(error, 0), told]

    def _class(self, kind: type, depth: int) -> list[Any]:
        cid = self._cids.get(kind)
        if cid is not None:
            return ["C", cid]
        cid = len(self._cids)
        self._cids[kind] = cid
        self._classes[cid] = kind
        bases: list[Any] = []
        for base in kind.__bases__:
            if base is object or base in VALUE_BASES.values():
                continue
            if base in EXCEPTION_NAMES:
                bases.append(["T", EXCEPTION_NAMES[base]])
            elif base in SHARED_TYPES:
                bases.append(["T", TYPE_NAMES[base]])
            elif base not in TYPE_NAMES:
                bases.append(self._class(base, depth + 1))
        category = "plain"
        if issubclass(kind, BaseException):
            category = "exception"
        else:
            category = next((name for name, base in VALUE_BASES.items() if issubclass(kind, base)), "plain")
        specials = sorted(
            name for name in SPECIALS if any(name in vars(k) for k in kind.__mro__[:-1]) and _defined(kind, name)
        )
        if kind.__hash__ is None:
            specials.append("unhashable")
        return ["C", cid, kind.__name__, str(kind.__module__), bases, specials, category]

    def _oid(self, value: Any) -> int:
        oid = self._oids.get(id(value))
        if oid is None:
            oid = self._next_oid
            self._next_oid += 1
            self._oids[id(value)] = oid
            self._objects[oid] = value
        return oid

    def _decode_other(self, data: list[Any], depth: int) -> Any:
        match data:
            case ["H", oid]:
                return self._objects[oid]
            case ["C", cid]:
                return self._classes[cid]
            case ["m", name]:
                return importlib.import_module(name)
            case ["P", pid, name]:
                return self._lent.get(pid) or self._lent.setdefault(pid, Lent(self, pid, name))
            case ["I", pid]:
                return self._lent.get(pid) or self._lent.setdefault(pid, LentIterator(self, pid, "next"))
        raise Malformed("unknown tag")

    def _show_warning(self, message: Any, category: type, *rest: Any, **named: Any) -> None:
        self._warned.append([category.__name__, str(message)])


def run(sock: socket.socket, sys_path: list[str]) -> NoReturn:
    """Serve the judge on `sock`; never returns."""
    root = os.getcwd()
    sys.path[:] = [*(os.path.normpath(os.path.join(root, entry)) for entry in sys_path), *sys.path]
    sys.dont_write_bytecode = True
    sys.setrecursionlimit(max(1000, sys.getrecursionlimit()))
    # The code under test is in no test session here and must not seem to be in one. Kept: freeing costs too much.
    _kept = [sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in OF_SESSIONS]
    code = 0
    try:
        Answerer(Channel(sock)).serve()
    except BaseException:
        traceback.print_exc()
        code = 71
    finally:
        os._exit(code)


def _out_of_time(number: int, frame: object) -> None:
    raise CheckTimeout("out of time: the check used up its own limit")


def _start_clock(cpu_s: float, wall_s: float | None) -> None:
    signal.setitimer(signal.ITIMER_PROF, cpu_s or 0.0, 0.2)
    signal.setitimer(signal.ITIMER_REAL, wall_s or 0.0, 0.2)


def _stop_clock() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _public_names(module: Any) -> list[str]:
    names = getattr(module, "__all__", None)
    return [str(name) for name in (names if names is not None else vars(module)) if names or name[:1] != "_"]


def _special(target: Any, name: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    return getattr(type(target), name)(target, *args, **named)


def _content(value: Any) -> Any:
    """What a subclass of a built-in container holds, read past whatever it overrides."""
    if isinstance(value, list):
        return list.__getitem__(value, slice(None))
    if isinstance(value, dict):
        return dict(zip(dict.keys(value), dict.values(value), strict=True))
    if isinstance(value, set):
        return set(set.__iter__(value))
    if isinstance(value, Mapping):
        return {key: value[key] for key in value}
    if isinstance(value, Set):
        return set(value)
    return list(value) if isinstance(value, UserList) else None


def _base_content(base: type, value: Any) -> tuple[Any, ...]:
    if base is tuple:
        return (tuple.__getitem__(value, slice(None)),)
    if base is frozenset:
        return (list(frozenset.__iter__(value)),)
    if base is str:
        return (str.__str__(value),)
    if base is bytes:
        return (bytes.__getitem__(value, slice(None)),)
    if base is complex:
        return (complex.real.__get__(value), complex.imag.__get__(value))
    if base is int:
        return (int.__int__(value),)
    return (float.__float__(value),)


def _defined(kind: type, name: str) -> bool:
    found = getattr(kind, name, None)
    return found is not None and found is not getattr(object, name, None)


def _hash(value: Any) -> int | None:
    own: object = type(value).__hash__
    if own is None or own is object.__hash__:
        return None
    try:
        return hash(value) & ((1 << 52) - 1)
    except Exception:
        return None


def _text_of(value: BaseException) -> str:
    try:
        return str(value)[:4000]
    except Exception:
        return ""


def _trace(error: BaseException) -> str:
    """The last frames in the code under test: where, and which line."""
    root = os.getcwd() + os.sep
    lines = []
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(root)]
    for frame in frames[-TRACE_FRAMES:]:
        lines.append(f"{os.path.relpath(frame.filename)}:{frame.lineno}: in {frame.name}\n    {frame.line}")
    return "\n".join(lines)
