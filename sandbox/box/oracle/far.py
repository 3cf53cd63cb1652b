"""The judge's end: asks the candidate's process, one question at a time, and believes nothing but exact built-ins.

What stands wrong in an answer is noted in `trouble` as well as raised, so that no check can swallow it.
"""

from __future__ import annotations

import builtins
import dis
import os
import sys
import time
import types
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from box.oracle import mirrors
from box.oracle.channel import Channel, Closed, Late, TooLong
from box.oracle.shared import Shared, TooMany
from box.oracle.values import EXCEPTION_NAMES, CannotCross, Decoder, Encoder, Malformed, TooDeep, bare_exception

LATE_GRACE_S = 0.5  # the candidate's own clock answers first, where it still ticks
MOST_MIRRORS = 200_000
MOST_NESTED = 40
MOST_LENT = 100_000  # kept from check to check: what is made at the head of a module may call them later
MOST_CLASSES = 10_000
MOST_NOTES = 50
SWEEP_KEPT_FROM = 1000
LARGE_BYTES, DEEP = 1 << 16, 20  # an answer beyond these may be why a question does not fit
LOADED_ONLY = frozenset(sys.stdlib_module_names) - {"unittest", "_pytest", "pytest"}


_BUILT_IN = type(len)
NEVER_LENT = frozenset({
    getattr, setattr, delattr, vars, dir, globals, locals, eval, exec, compile, open, __import__, breakpoint, input,
})  # fmt: skip
"""With these in its hands the candidate would reach into the judge."""


BOUND_TO_FAIL = frozenset({"assert False", "assert 0", "assert None"})


class CheckTimeout(BaseException):
    """A check used up its own time, here or in the candidate's process."""


class CandidateGone(BaseException):
    """The candidate's process has ended, or no longer answers. No `Exception`, so that no check wants it."""


class Tampered(BaseException):
    """The candidate's process said what none of ours would."""


class Overfull(CandidateGone):
    """What the candidate has said is too large or too deep to be said to it again."""


class Unreturnable(CannotCross):
    """What the candidate has made is handed back to it and cannot be: that must not count as the check's doing."""


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
        self._driven: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._freed: list[int] = []
        self._lent: dict[int, Any] = {}  # callables and iterators of the check's, by number
        self._lent_ids: dict[object, int] = {}
        self._next_pid = 0
        self._nested = 0
        self._midway = False
        self._sweep_kept_at = SWEEP_KEPT_FROM
        self._cpu_s = 0.0
        self._deadline: float | None = None
        self.gone = ""
        self.overfull = ""
        self.unheard = ""
        self.tampered = ""
        self.inexpressible = ""
        self.timed_out = False
        self.notes: list[str] = []

    def start_check(self, cpu_s: float, wall_s: float) -> None:
        """A new check: its clocks, and no trouble yet but what lasts."""
        self._cpu_s = cpu_s
        self._deadline = time.monotonic() + wall_s
        self.inexpressible = self.overfull = self.unheard = ""
        self.timed_out = False
        self.notes = []
        if len(self._lent) > MOST_LENT:
            self._lent.clear()
            self._lent_ids.clear()

    @property
    def trouble(self) -> str:
        """Why the running check cannot have passed, whatever it made of it."""
        if self.tampered:
            return f"tampered: {self.tampered}"
        late = "CheckTimeout: out of time in the candidate's process" if self.timed_out else ""
        return self.gone or self.overfull or self.unheard or late

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

    def _uncrossed(self, error: CannotCross) -> BaseException:
        if isinstance(error, Unreturnable):
            self.overfull = self.overfull or f"the candidate was handed back {error}"
            return Overfull(self.overfull)
        return self._does_not_fit(str(error)) if isinstance(error, TooDeep) else self.cannot(str(error))

    def _does_not_fit(self, why: str) -> BaseException:
        """The check's own doing, unless an answer was so large that it may be the candidate's: that were a way out."""
        if self._channel.largest <= LARGE_BYTES and self._decoder.deepest <= DEEP:
            return self.cannot(why)
        self.overfull = self.overfull or f"after an answer of the candidate's: {why}"
        return Overfull(self.overfull)

    def note(self, words: str) -> None:
        """To be told with the check when it fails."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(words)

    @property
    def idle(self) -> bool:
        """Whether a question may be asked now: none when the collector of garbage comes by while one is under way."""
        return not self._midway and not self.trouble

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
            raise self._uncrossed(error) from error
        self._sweep_kept()
        freed = [oid for oid in self._freed if not self._alive(oid)]
        self._freed.clear()
        self._send([ident, op, freed, forgotten, updates, self._cpu_s, left, *encoded])
        self._nested += 1
        try:
            return self._answer(ident, _steps(op, arguments))
        finally:
            self._nested -= 1

    def attribute(self, target: Any, name: str) -> Any:
        found = self.ask("get", target, name)
        return mirrors.harmless_annotations(found) if name == "__annotations__" else found

    def _send(self, message: list[Any]) -> None:
        self._midway = True
        try:
            self._channel.send(message)
        except TooLong as error:
            self._midway = False
            raise self._does_not_fit(f"a value too large to send ({error})") from error
        except Closed as error:
            raise self._lost() from error
        self._midway = False

    def _answer(self, ident: str, steps: type[BaseException] | tuple[()]) -> Any:
        raised: Raised | None = None
        while True:
            message = self._receive()
            if len(message) < 2 or message[0] != ident:
                raise self._forged("an answer to what was not asked")
            try:
                match message[1:]:
                    case ["call", updates, int(pid), args, named]:
                        self._decoder.apply(updates)
                        arguments = self._decoder.decode(args), self._decoder.decode(named)
                        raised = self._called_back(ident, pid, *arguments) or raised
                        continue
                    case ["ok", updates, str(said), list(warned), value]:
                        self._decoder.apply(updates)
                        result = self._decoder.decode(value)
                    case ["raise", updates, str(said), list(warned), list(description)]:
                        self._decoder.apply(updates)
                        result = None
                        error = self._raised(description)
                    case ["timeout"]:
                        self.timed_out = True
                        raise CheckTimeout("out of time in the candidate's process")
                    case ["cannot", str(why)]:
                        raise CannotRead(why)
                    case _:
                        raise Malformed("no answer of ours")
            except Malformed as problem:
                raise self._forged(str(problem)) from problem
            except TooMany as problem:
                raise CannotRead(str(problem)) from problem
            if said:
                sys.stdout.write(said.encode("utf-8", "replace").decode())
            for category, text in self._warnings(warned):
                warnings.warn(text, category, stacklevel=4)
            if message[1] == "raise":
                if raised is not None and raised.is_told_by(error):
                    raise raised.error
                raise self._in_place(error, steps)
            if raised is not None and raised.claims:
                self.unheard = self.unheard or f"what the check claims in a function that it lends: {raised.error}"
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

    def _called_back(self, ident: str, pid: int, args: Any, named: Any) -> Raised | None:
        """Call what the check lent and tell the outcome; what it raised, if it did."""
        target = self._lent.get(pid)
        if target is None or type(args) is not tuple or type(named) is not dict:
            raise Malformed("a call of what was not lent")
        raised = None
        try:
            value, outcome = target(*args, **named), "ok"
        except (CheckTimeout, CandidateGone, Tampered, Inexpressible):
            raise
        except Exception as error:
            raised = Raised(error)
            value, outcome = raised.told, "raise"
        try:
            message = [ident, "back", self._encoder.updates(), outcome, self._encoder.encode(value)]
        except CannotCross as error:
            raise self._uncrossed(error) from error
        self._send(message)
        return raised

    def _lend(self, value: Any) -> int:
        same = value.iterator if type(value) is _Next else value
        # Every mention of a method makes a new object of it.
        key: object = (id(same.__self__), id(same.__func__)) if type(same) is types.MethodType else id(same)
        known = self._lent_ids.get(key)
        if known is None:
            known = self._next_pid
            self._next_pid += 1
            self._lent[known] = value
            self._lent_ids[key] = known
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
        if kind in (types.GeneratorType, types.CoroutineType) and value in self._driven:
            return ["H", mirrors.oid_of(self._driven[value])]
        if isinstance(value, BaseException) and value.__dict__.get("_answered"):
            raise Unreturnable(f"a {kind.__name__} that it raised itself")
        if isinstance(value, types.GeneratorType) or (hasattr(kind, "__next__") and hasattr(kind, "__iter__")):
            return ["I", self._lend(_Next(value))]
        if callable(value) and not isinstance(value, type) and not (kind is _BUILT_IN and value in NEVER_LENT):
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
                return self._drive(mirrors.generator, self._mirror(oid, self._class(cls, depth), None))
            case ["a", int(oid), cls]:
                return self._drive(mirrors.coroutine, self._mirror(oid, self._class(cls, depth), None))
            case ["m", str(name)]:
                return mirrors.FarModule(self, name, answered=True)
            case ["P", int(pid)] if pid in self._lent:
                lent = self._lent[pid]
                return lent.iterator if type(lent) is _Next else lent
            case ["X", int(oid), cls, args, str(text)]:
                return self._exception(oid, self._class(cls, depth), self._decoder.decode(args, depth + 1), text)
        raise Malformed(f"a {str(data[0])[:20]!r} that is not there or out of shape")

    def _drive(self, make: Callable[[Any], Any], mirror: Any) -> Any:
        """A generator or coroutine of ours that steps the candidate's; handed back, it is the candidate's again."""
        made = make(mirror)
        self._driven[made] = mirror
        return made

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
        if len(self._classes) >= MOST_CLASSES:
            raise TooMany(f"more than {MOST_CLASSES} classes")
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
            raise TooMany(f"more than {MOST_MIRRORS} objects at a time")
        made = mirrors.new_mirror(cls, oid, hashed)
        self._mirrors[oid] = weakref.ref(made, lambda ref: self._dropped(oid, ref))
        return made

    def _value_mirror(self, oid: int, cls: type, content: Any) -> Any:
        found = self._kept.get(oid)
        if found is None:
            if len(self._kept) >= MOST_MIRRORS:
                raise TooMany(f"more than {MOST_MIRRORS} objects at a time")
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
        made.__dict__["_answered"] = True
        if told:
            made.__notes__ = [told[:4000]]
        return made

    def _in_place(self, error: BaseException, steps: type[BaseException] | tuple[()]) -> BaseException:
        """What ends an iteration, only where one is stepped: elsewhere it would end the check's own loop unheard.

        Checks that name these exceptions ask for them.
        """
        if not isinstance(error, StopIteration | StopAsyncIteration) or isinstance(error, steps):
            return error
        kind = "StopIteration" if isinstance(error, StopIteration) else "StopAsyncIteration"
        return error if kind in self.named else mirrors.Foreign(f"{kind} from what is no iterator")

    def _warnings(self, warned: list[Any]) -> Iterator[tuple[type[Warning], str]]:
        for entry in warned[:20]:
            match entry:
                case [str(name), str(text)]:
                    kind = vars(builtins).get(name)
                    yield (kind if isinstance(kind, type) and issubclass(kind, Warning) else UserWarning), text[:2000]

    def _alive(self, oid: int) -> bool:
        found = self._mirrors.get(oid)
        return found is not None and found() is not None

    def _sweep_kept(self) -> None:
        """Let go of values that nothing here refers to. Looks when there are twice as many."""
        if len(self._kept) < self._sweep_kept_at:
            return
        for oid in list(self._kept):
            if sys.getrefcount(self._kept[oid]) <= 2:  # the table's, and getrefcount's argument
                del self._kept[oid]
                self._freed.append(oid)
        self._sweep_kept_at = max(SWEEP_KEPT_FROM, 2 * len(self._kept))

    def _dropped(self, oid: int, ref: weakref.ref[Any]) -> None:
        if self._mirrors.get(oid) is ref:
            del self._mirrors[oid]
        self._freed.append(oid)


class CannotRead(Exception):
    """The candidate's answer has no form here: nested too deep, too large. Its own doing, an ordinary failure."""


class Raised:
    """What a function raised that a check lent, and the built-in exception by which it is told."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        kind = type(error)
        base = next(base for base in kind.__mro__ if base in EXCEPTION_NAMES)
        crosses = kind is base or isinstance(kind, mirrors.MirrorType)
        self.told = error if crosses else bare_exception(base, (str(error),))
        # Words that pytest gives to statements; a check may well hand out a function that is bound to fail.
        lines = str(error).splitlines() if isinstance(error, AssertionError) else []
        told = any(line.startswith("assert ") for line in lines) and str(error) not in BOUND_TO_FAIL
        self.claims = told or (isinstance(error, AssertionError) and _by_statement(error))

    def is_told_by(self, answer: BaseException) -> bool:
        """Whether `answer` is this one, come back."""
        return self.told is not self.error and type(answer) is type(self.told) and answer.args == self.told.args


def _by_statement(error: AssertionError) -> bool:
    """Whether an `assert` that could have held raised it, and no `raise`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    before, claimed = "", False
    for step in dis.get_instructions(trace.tb_frame.f_code):
        if step.opname == "LOAD_ASSERTION_ERROR":
            claimed = before.startswith("POP_JUMP")
        elif step.offset == trace.tb_lasti:
            return claimed
        elif step.opname == "RAISE_VARARGS":
            claimed = False
        before = step.opname
    return False


class _Next:
    """`next` of an iterator that a check lends."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self.iterator = iterator

    def __call__(self) -> Any:
        return next(self.iterator)


def _steps(op: str, arguments: tuple[Any, ...]) -> type[BaseException] | tuple[()]:
    """Which exception ends an iteration, where this question steps one."""
    if op in ("send", "throw") or (op == "special" and arguments[1] == "__next__"):
        return StopIteration
    return StopAsyncIteration if op == "await" else ()


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
