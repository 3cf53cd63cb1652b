"""One asyncio run a command, with Ctrl-C understood: once to finish and save, twice to stop at once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from moa_code.cli.evidence import evidence_lines
from moa_code.cli.live import Terminal, events_file
from moa_code.cli.output import emit, note
from moa_code.config import Config
from moa_code.core.errors import EnvironmentFault, ExitCode
from moa_code.core.run import Status
from moa_code.engine.events import Event, Listener
from moa_code.journal.store import Journal
from moa_code.solve import Solved
from moa_code.wiring.session import Session, open_sandbox, open_session

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

EXIT_CODES = {
    Status.VERIFIED: ExitCode.OK,
    Status.NOTHING_TO_DO: ExitCode.OK,
    Status.UNVERIFIED: ExitCode.UNVERIFIED,
    Status.BUDGET: ExitCode.BUDGET,
    Status.TIME_LIMIT: ExitCode.BUDGET,
    Status.INTERRUPTED: ExitCode.INTERRUPTED,
}


class Interrupts:
    """Ctrl-C: the first calls what was registered, or ends the run; the second ends it in any case."""

    def __init__(self) -> None:
        self._gentle: Callable[[], None] | None = None
        self._pressed = False
        self._ending = False

    def register(self, gentle: Callable[[], None]) -> None:
        """What to call at the first press. A press that came earlier, for what ran before, counts for this too."""
        self._gentle = gentle
        if self._pressed:
            gentle()

    def press(self, main: asyncio.Task[Any]) -> None:
        if self._ending:
            note("stopping: the boxes are being taken away")  # another cancel would leave them behind
        elif self._pressed or self._gentle is None:
            self._ending = True
            main.cancel()
        else:
            self._pressed = True
            note("\ninterrupted: finishing and saving; press Ctrl-C again to stop at once")
            self._gentle()


def run_interruptible(work: Callable[[Interrupts], Awaitable[T]]) -> T:
    """The only `asyncio.run` of a command. Raises `KeyboardInterrupt` when it was cancelled by the user."""

    async def main() -> T:
        interrupts = Interrupts()
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, interrupts.press, task)
        return await work(interrupts)

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except BrokenPipeError as error:  # not our output's: click would take it for that and end in silence
        raise EnvironmentFault(f"a connection broke in the middle: {error}", remedy="moa-code doctor") from error


def in_session(
    config: Config, progress: Callable[[str], None], work: Callable[[Session, Interrupts], Awaitable[T]]
) -> T:
    """`work` with a journal and a sandbox open, both closed again whatever happens.

    Raises what `open_session` and `work` raise, and `KeyboardInterrupt`.
    """
    progress("opening a sandbox")  # at once: what follows may take seconds
    Journal.open(config.journal).close()  # a disk that refuses is told before minutes of set-up
    sandbox = open_sandbox(config, progress)  # may build the image; outside of asyncio, so that Ctrl-C ends it at once

    async def main(interrupts: Interrupts) -> T:
        async with open_session(config, os.environ, progress, sandbox=sandbox) as session:
            return await work(session, interrupts)

    return run_interruptible(main)


class Output:
    """Where a command's progress goes: the terminal unless quiet, and the events file when one is named."""

    def __init__(self, *, quiet: bool, events: Path | None) -> None:
        self._terminal = None if quiet else Terminal()
        self._stack = ExitStack()
        self._listeners: list[Listener] = [] if self._terminal is None else [self._terminal]
        if events is not None:
            listener, close = events_file(events)
            self._listeners.append(listener)
            self._stack.callback(close)

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def listen(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def progress(self, text: str) -> None:
        if self._terminal is not None:
            self._terminal.progress(text)


def print_document(document: object) -> None:
    """One JSON document on standard output."""
    emit(json.dumps(document, indent=2))


def print_solved(solved: Solved, *, as_json: bool, quiet: bool, apply_words: str = "") -> ExitCode:
    """The result on standard output, the evidence on standard error; returns the exit code.

    `apply_words` say how the patch gets into the working tree, where `moa-code apply` is not the way.
    """
    result = solved.result
    if as_json:
        print_document(solved.document)
    elif result.status is Status.VERIFIED and solved.diff is not None:
        emit(solved.diff, newline=False)
    if not quiet:
        for line in evidence_lines(solved, apply_words or f"moa-code apply {solved.run_id}"):
            note(line)
    return ExitCode.PROVIDER if solved.unanswered else EXIT_CODES[result.status]
