"""The judge's end: asks the candidate's process, one question at a time, and believes nothing but exact built-ins.

What stands wrong in an answer is noted in `trouble` as well as raised, so that no check can swallow it.
"""

from __future__ import annotations

import builtins
import os
import sys
import time
import types
import warnings
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from box.oracle import mirrors
from box.oracle.channel import Channel, Closed, Late, TooLong
from box.oracle.shared import Shared
from box.oracle.values import CannotCross, Decoder, Encoder, Malformed, bare_exception

LATE_GRACE_S = 0.5  # the candidate's own clock answers first, where it still ticks
MOST_MIRRORS = 200_000
MOST_NESTED = 40
LOADED_ONLY = frozenset(sys.stdlib_module_names) - {"unittest", "_pytest", "pytest"}


class CheckTimeout(BaseException):
    """A check used up its own time, here or in the candidate's process."""


class CandidateGone(BaseException):
    """The candidate's process has ended, or no longer answers. No `Exception`, so that no check wants it."""


class Tampered(BaseException):
    """The candidate's process said what none of ours would."""


class Inexpressible(BaseException):
    """The check asks for what cannot be done across processes. Its own doing, never the candidate's."""


class Far:
    """The candidate's process, as the judge sees it."""

    def __init__(self, channel: Channel, named: Iterable[str] = ()) -> None:
        self._channel = channel
        self.named = frozenset(named)  # classes that the checks are about
        self._shared = Shared(0)
        self._encoder = Encoder(self._shared, self._encode_other)
        self._decoder = Decoder(self._shared, self._decode_other)
        self._classes: dict[int, type] = {}
        self._mirrors: dict[int, weakref.ref[Any]] = {}
        self._kept: dict[int, Any] = {}  # stand-ins that cannot be referred to weakly
        self._freed: list[int] = []
        self._lent: dict[int, Any] = {}  # callables and iterators of the check's, by number
        self._lent_ids: dict[int, int] = {}
        self._nested = 0
        self._midway = False
        self._cpu_s = 0.0
        self._deadline: float | None = None
        self.gone = ""
        self.tampered = ""
        self.inexpressible = ""
        self.timed_out = False
        self.notes: list[str] = []

    def start_check(self, cpu_s: float, wall_s: float) -> None:
        """A new check: its clocks, and no trouble yet but what lasts."""
        self._cpu_s = cpu_s
        self._deadline = time.monotonic() + wall_s
        self.inexpressible = ""
        self.timed_out = False
        self.notes = []
        self._lent.clear()
        self._lent_ids.clear()

    @property
    def trouble(self) -> str:
        """Why the running check cannot have passed, whatever it made of it."""
        if self.tampered:
            return f"tampered: {self.tampered}"
        return self.gone or ("CheckTimeout: out of time in the candidate's process" if self.timed_out else "")

    @property
    def seconds_left(self) -> float:
        return 60.0 if self._deadline is None else max(0.1, self._deadline - time.monotonic())

    def close(self) -> None:
        """At the end: nothing may be left that nobody asked for."""
        self._expect_silence()

    def cannot(self, why: str) -> Inexpressible:
        """The check, not the candidate, asks for something that does not work across processes."""
        self.inexpressible = self.inexpressible or why
        return Inexpressible(why)

    # Questions

    def ask(self, op: str, *arguments: Any) -> Any:
        """The answer to one question. Raises what the candidate's code raised."""
        if self.tampered:
            raise Tampered(self.tampered)
        if self._midway:
            self.gone = self.gone or "CheckTimeout: the candidate's process was asked and had no time to answer"
        if self.gone:
            raise CandidateGone(self.gone)
        if self._nested >= MOST_NESTED:
            raise RecursionError("calls between check and candidate nested too deep")
        if self._nested == 0:
            self._expect_silence()
        ident = os.urandom(6).hex()
        left = None if self._deadline is None else self._deadline - time.monotonic()
        if left is not None and left <= 0:
            self.timed_out = True
            raise CheckTimeout("out of time")
        try:
            forgotten = self._shared.unseen()
            updates = self._encoder.updates()
            encoded = [self._encoder.encode(argument) for argument in arguments]
        except CannotCross as error:
            raise self.cannot(str(error)) from error
        freed = [oid for oid in self._freed if not self._alive(oid)]
        self._freed.clear()
        self._send([ident, op, freed, forgotten, updates, self._cpu_s, left, *encoded])
        self._nested += 1
        try:
            return self._answer(ident)
        finally:
            self._nested -= 1

    def _send(self, message: list[Any]) -> None:
        try:
            self._channel.send(message)
        except TooLong as error:
            raise self.cannot(f"a value too large to send ({error})") from error
        except Closed as error:
            raise self._lost() from error

    def _answer(self, ident: str) -> Any:
        while True:
            message = self._receive()
            if len(message) < 2 or message[0] != ident:
                raise self._forged("an answer to what was not asked")
            try:
                match message[1:]:
                    case ["call", updates, int(pid), args, named]:
                        self._decoder.apply(updates)
                        self._called_back(ident, pid, self._decoder.decode(args), self._decoder.decode(named))
                        continue
                    case ["ok", updates, str(said), list(warned), value]:
                        self._decoder.apply(updates)
                        result = self._decoder.decode(value)
                    case ["raise", updates, str(said), list(warned), list(raised)]:
                        self._decoder.apply(updates)
                        result = None
                        error = self._raised(raised)
                    case ["timeout"]:
                        self.timed_out = True
                        raise CheckTimeout("out of time in the candidate's process")
                    case ["cannot", str(why)]:
                        raise CannotRead(why)
                    case _:
                        raise Malformed("no answer of ours")
            except Malformed as problem:
                raise self._forged(str(problem)) from problem
            if said:
                sys.stdout.write(said)
            for category, text in self._warnings(warned):
                warnings.warn(text, category, stacklevel=4)
            if message[1] == "raise":
                raise error
            return result

    def _receive(self) -> list[Any]:
        self._midway = True  # a clock of ours may break in and leave half a frame behind
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic()) + LATE_GRACE_S
        try:
            message = self._channel.receive(left)
        except Late:
            self.gone = "CheckTimeout: the candidate's process did not answer in time"
            self.timed_out = True
            raise CheckTimeout("no answer in time") from None
        except Closed as error:
            if error.partial:
                raise self._forged("a frame that breaks off") from error
            raise self._lost() from error
        except Malformed as error:
            raise self._forged(str(error)) from error
        self._midway = False
        return message

    def _expect_silence(self) -> None:
        """Between two questions the candidate has nothing to say."""
        if self.gone or self.tampered or not self._channel.waiting():
            return
        try:
            self._channel.receive(LATE_GRACE_S)
        except Closed as error:
            if not error.partial:
                raise self._lost() from None
        except (Late, Malformed):
            pass
        raise self._forged("something that was not asked for")

    def _lost(self) -> CandidateGone:
        self.gone = self.gone or "the candidate's process ended before it answered"
        return CandidateGone(self.gone)

    def _forged(self, why: str) -> Tampered:
        self.tampered = self.tampered or f"the candidate's process said {why}"
        return Tampered(self.tampered)

    # What the check lends to the candidate: functions and iterators, each under a number

    def _called_back(self, ident: str, pid: int, args: Any, named: Any) -> None:
        target = self._lent.get(pid)
        if target is None or type(args) is not tuple or type(named) is not dict:
            raise Malformed("a call of what was not lent")
        try:
            value, outcome = target(*args, **named), "ok"
        except (CheckTimeout, CandidateGone, Tampered, Inexpressible):
            raise
        except Exception as error:
            value, outcome = error, "raise"
        try:
            message = [ident, "back", self._encoder.updates(), outcome, self._encoder.encode(value)]
        except CannotCross as error:
            raise self.cannot(str(error)) from error
        self._send(message)

    def _lend(self, value: Any) -> int:
        known = self._lent_ids.get(id(value))
        if known is None:
            known = len(self._lent)
            self._lent[known] = value
            self._lent_ids[id(value)] = known
        return known

    # Values that are not built in

    def _encode_other(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if isinstance(value, mirrors.MirrorType):
            return ["C", value.__dict__["_cid"]]
        if isinstance(kind, mirrors.MirrorType):
            return ["H", mirrors.oid_of(value)]
        if isinstance(value, mirrors.FarModule):
            return ["m", value.__name__]
        if isinstance(value, types.GeneratorType) or (hasattr(kind, "__next__") and hasattr(kind, "__iter__")):
            return ["I", self._lend(_Next(value))]
        if callable(value) and not isinstance(value, type):
            return ["P", self._lend(value), getattr(value, "__name__", kind.__name__)]
        raise CannotCross(f"an object of {kind.__module__}.{kind.__qualname__}")

    def _decode_other(self, data: list[Any], depth: int) -> Any:
        try:
            return self._stand_in(data, depth)
        except (TypeError, ValueError) as error:
            raise Malformed(f"a {str(data[0])[:20]!r} that cannot be ({type(error).__name__})") from error

    def _stand_in(self, data: list[Any], depth: int) -> Any:
        match data:
            case ["C", int(cid)] if cid in self._classes:
                return self._classes[cid]
            case ["C", int(cid), *description] if cid not in self._classes:
                return self._new_class(cid, description, depth)
            case ["h", int(oid), cls, hashed] if hashed is None or type(hashed) is int:
                return self._mirror(oid, self._class(cls, depth), hashed)
            case ["v", int(oid), cls, content]:
                return self._value_mirror(oid, self._class(cls, depth), self._decoder.decode(content, depth + 1))
            case ["g", int(oid), cls]:
                return mirrors.generator(self._mirror(oid, self._class(cls, depth), None))
            case ["a", int(oid), cls]:
                return mirrors.coroutine(self, self._mirror(oid, self._class(cls, depth), None))
            case ["m", str(name)]:
                return mirrors.FarModule(self, name)
            case ["P", int(pid)] if pid in self._lent:
                return getattr(self._lent[pid], "iterator", self._lent[pid])
            case ["X", int(oid), cls, args, str(text)]:
                return self._exception(oid, self._class(cls, depth), self._decoder.decode(args, depth + 1), text)
        raise Malformed(f"a {str(data[0])[:20]!r} that is not there or out of shape")

    def _class(self, data: Any, depth: int) -> type:
        found = self._decoder.decode(data, depth + 1)
        if not isinstance(found, mirrors.MirrorType):
            raise Malformed("no class of the candidate's")
        return found

    def _new_class(self, cid: int, description: list[Any], depth: int) -> type:
        match description:
            case [str(name), str(module), list(bases), list(specials), str(kind)] if len(bases) <= 50:
                decoded = tuple(self._decoder.decode(base, depth + 1) for base in bases)
            case _:
                raise Malformed("no description of a class")
        try:
            made = mirrors.make_class(self, cid, name, module, decoded, specials, kind)
        except (TypeError, ValueError) as error:
            raise Malformed(f"a class that cannot be ({error})") from error
        self._classes[cid] = made
        return made

    def _mirror(self, oid: int, cls: type, hashed: int | None) -> Any:
        found = self._mirrors.get(oid)
        alive = found() if found is not None else None
        if alive is not None:
            if type(alive) is not cls:
                raise Malformed("one object of two classes")
            return alive
        if len(self._mirrors) >= MOST_MIRRORS:
            raise Malformed("too many objects")
        made = mirrors.new_mirror(cls, oid, hashed)
        self._mirrors[oid] = weakref.ref(made, lambda ref: self._dropped(oid, ref))
        return made

    def _value_mirror(self, oid: int, cls: type, content: Any) -> Any:
        found = self._kept.get(oid)
        if found is None:
            if len(self._kept) >= MOST_MIRRORS:
                raise Malformed("too many objects")
            found = self._kept[oid] = mirrors.new_value(cls, oid, content)
        return found

    def _exception(self, oid: int, cls: type, args: Any, text: str) -> BaseException:
        if type(args) is not tuple or not issubclass(cls, BaseException):
            raise Malformed("no exception")
        made = bare_exception(cls, ()) if not args else _with_args(cls, args)
        made.__dict__["_oid"] = oid
        made.__dict__["_text"] = text
        return made

    def _raised(self, data: list[Any]) -> BaseException:
        """What to raise here for what was raised there; what would end or skip our session comes as a stranger."""
        match data:
            case ["known", str(module), str(name), args, str(told)]:
                made = _library_exception(module, name, self._decoder.decode(args))
            case ["own", value, str(told)]:
                made = self._decoder.decode(value)
            case _:
                raise Malformed("no exception")
        if not isinstance(made, BaseException):
            raise Malformed("something raised that cannot be")
        if isinstance(made, KeyboardInterrupt | GeneratorExit):
            made = mirrors.Foreign(type(made).__name__)
        if told:
            made.__notes__ = [told[:4000]]
        return made

    def _warnings(self, warned: list[Any]) -> Iterator[tuple[type[Warning], str]]:
        for entry in warned[:20]:
            match entry:
                case [str(name), str(text)]:
                    kind = vars(builtins).get(name)
                    yield (kind if isinstance(kind, type) and issubclass(kind, Warning) else UserWarning), text[:2000]

    def _alive(self, oid: int) -> bool:
        found = self._mirrors.get(oid)
        return found is not None and found() is not None

    def _dropped(self, oid: int, ref: weakref.ref[Any]) -> None:
        if self._mirrors.get(oid) is ref:
            del self._mirrors[oid]
        self._freed.append(oid)


class CannotRead(Exception):
    """The candidate's answer has no form here: nested too deep, too large. Its own doing, an ordinary failure."""


class _Next:
    """`next` of an iterator that a check lends."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self.iterator = iterator

    def __call__(self) -> Any:
        return next(self.iterator)


def _with_args(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    made: BaseException = cls.__new__(cls) if issubclass(cls, OSError) else cls.__new__(cls, *args)
    made.args = args
    return made


def _library_exception(module: str, name: str, args: Any) -> BaseException:
    """An exception of the standard library, if the check's side has loaded that module itself."""
    if type(args) is not tuple:
        raise Malformed("arguments that are no tuple")
    holder = sys.modules.get(module) if module.partition(".")[0] in LOADED_ONLY else None
    kind: Any = holder.__dict__.get(name) if holder is not None else None
    if isinstance(kind, type) and issubclass(kind, Exception):
        return bare_exception(kind, args)
    return mirrors.Foreign(f"{module}.{name}", *args)
