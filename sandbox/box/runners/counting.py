"""Counts what Hypothesis does with each example: importing this sets the counter between its engine and the tests.

An example that somebody discards counts for nothing, so who discards is looked at: the test and its strategies may.
"""

from __future__ import annotations

import functools
import os
import types
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
from hypothesis import core
from hypothesis.errors import HypothesisException, StopTest
from hypothesis.internal.conjecture.engine import RunIsComplete

__hypothesistracebackhide__ = True  # Hypothesis leaves our frame out of what it shows

CONTROL = (HypothesisException, StopTest, RunIsComplete)
"""With these a test tells Hypothesis that an example does not count. Code under test has no business raising one."""

COUNTED = "<counted>"  # Hypothesis explains failures by the lines that ran, and leaves out what has no file
PACKAGE = os.path.dirname(hypothesis.__file__) + os.sep


class Tally:
    """What was done with the examples of one check. `foreign`: discarded by code under test."""

    def __init__(self, is_test: Callable[[str], bool]) -> None:
        self._is_test = is_test
        self.valid = 0
        self.discarded = 0
        self.foreign = 0

    def discard(self, error: BaseException) -> None:
        self.discarded += 1
        self.foreign += not _was_asked(error, self._is_test)


current: Tally | None = None


def _install() -> bool:
    """Whether this Hypothesis has the place where examples can be counted."""
    state = getattr(core, "StateForActualGivenExecution", None)
    plain = getattr(state, "execute_once", None)
    if state is None or not isinstance(plain, types.FunctionType):
        return False

    @functools.wraps(plain)
    def execute_once(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        tally = current
        if tally is None:
            return plain(*arguments, **named)
        try:
            result = plain(*arguments, **named)
        except BaseException as error:
            if _is_control(error):
                tally.discard(error)
            raise
        tally.valid += 1
        return result

    counted: Any = execute_once
    counted.__code__ = counted.__code__.replace(co_filename=COUNTED)
    state.execute_once = counted
    return True


def _is_control(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_is_control, error.exceptions))
    return isinstance(error, CONTROL)


def _was_asked(error: BaseException, is_test: Callable[[str], bool]) -> bool:
    """Whether a test or one of its strategies threw the example away: the innermost code outside of Hypothesis is
    theirs, and names what it called, for an object may hide a call of `reject` behind an operator.
    """
    caller: types.FrameType | None = None
    called: types.FrameType | None = None
    for frame in _frames(error):
        if frame.f_code.co_filename.startswith(PACKAGE) or frame.f_globals.get("__hypothesistracebackhide__"):
            called = called or frame
        else:
            caller, called = frame, None
    if caller is None:
        return True  # Hypothesis's own strategies, which found nothing that fits
    return is_test(caller.f_code.co_filename) and _names(caller, called, type(error).__name__)


def _names(caller: types.FrameType, called: types.FrameType | None, error: str) -> bool:
    code = caller.f_code
    names = {*code.co_names, *code.co_freevars, *code.co_varnames}
    if called is None:
        return error in names  # it raises by hand
    if called.f_code.co_name in names:
        return True
    found = (caller.f_globals.get(name, caller.f_locals.get(name)) for name in names)
    return any(getattr(value, "__code__", None) is called.f_code for value in found)


def _frames(error: BaseException) -> Iterator[types.FrameType]:
    """The frames an error came through, outermost first; of a group, those of its first control error."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
    if isinstance(error, BaseExceptionGroup):
        yield from _frames(next(filter(_is_control, error.exceptions)))


CAN_COUNT = _install()
