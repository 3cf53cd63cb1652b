"""Progress on standard error: one line a candidate, one line that moves while a search goes on."""

from __future__ import annotations

import io
import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TextIO, assert_never

import click

from moa_code.cli.output import note, silence
from moa_code.core.errors import ConfigError
from moa_code.core.run import (
    Aggregate,
    Arbitrate,
    Cancel,
    Confirm,
    Distinguish,
    Measure,
    Minimise,
    Propose,
    Refine,
    Step,
    Stop,
    Vote,
    WriteChecks,
)
from moa_code.core.verdict import Outcome, Verdict
from moa_code.engine.events import (
    AuthorLost,
    BaselineDone,
    CandidateJudged,
    Compared,
    Event,
    Finished,
    Listener,
    Measured,
    Minimised,
    Ruled,
    Screening,
    Started,
    StepStarted,
    Wrote,
)
from moa_code.evidence.clusters import clusters

MARKS = {
    Outcome.PASSED: ("pass", "green"),
    Outcome.FAILED: ("fail", "red"),
    Outcome.REJECTED: ("reject", "yellow"),
    Outcome.TIMED_OUT: ("time", "yellow"),
    Outcome.OVER_LIMIT: ("limit", "yellow"),
    Outcome.TAMPERED: ("tamper", "magenta"),
    Outcome.INCONCLUSIVE: ("unsure", "yellow"),
}
SHOWN_SUSPECTS = 3
REDRAW_S = 0.1
REPEAT_S = 1.0  # where lines cannot be drawn over


class Terminal:
    """Prints events for a person."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr or io.StringIO()  # standard error may be closed
        self._tty = self._stream.isatty()
        self._clock = clock
        self._started = clock()
        self._moving = False
        self._drawn = 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self._line("sandbox", f"{event.backend} {event.image_digest[:19]}")
            case BaselineDone():
                self._baseline(event)
            case StepStarted():
                self._line(*_step_words(event.step))
            case Screening():
                self._screening(event)
            case CandidateJudged():
                self._judged(event)
            case AuthorLost():
                self._line("lost", f"{event.author}: {event.reason}", "yellow")
            case Compared():
                found = event.behaviour
                asked = f"{len(found.answers)} candidates on {len(found.calls)} fresh inputs"
                self._line("compare", found.note or f"{asked}: {len(clusters(found))} behaviours")
            case Measured():
                strength = event.strength
                caught = (
                    strength.note or f"the checks notice {strength.killed} of {strength.tried} small mistakes in it"
                )
                self._line("measure", f"{event.candidate.candidate_id}: {caught}")
            case Wrote():
                self._line("checks", f"{len(event.checks)} checks written by a model; they vote, and decide nothing")
            case Ruled():
                ruling = event.ruling
                self._line("ruling", f"{ruling.author}: {ruling.chosen or 'none of them'}: {ruling.reason}")
            case Minimised():
                self._line("minimise", f"{event.lines_before} changed lines → {event.lines_after}")
            case Finished():
                self._line(event.status.value, event.reason, "green" if event.status.value == "verified" else None)
            case other:
                assert_never(other)

    def progress(self, text: str) -> None:
        """A line from set-up."""
        self._line("setup", text)

    def _baseline(self, event: BaselineDone) -> None:
        baseline = event.baseline
        failing = baseline.failing
        self._line("baseline", f"{len(baseline.results)} checks twice, {len(failing)} fail ({event.duration_s:.1f} s)")
        for result in failing[:5]:
            self._line("", f"  {result.check_id}", "red")
        if len(failing) > 5:
            self._line("", f"  … and {len(failing) - 5} more")
        for result in failing:
            if "::" not in result.check_id:
                self._line("broken", f"{result.check_id} cannot be collected: {_last_line(result.detail)}", "red")
        for name in baseline.hung:
            self._line("hung", f"{name} did not come to an end (--cpu, --wall raise the limit)", "yellow")
        for name in baseline.flaky:
            self._line("flaky", f"{name} (left out)", "yellow")
        for suspect in baseline.suspects[:SHOWN_SUSPECTS]:
            self._line("suspect", f"{suspect.path}:{suspect.first_line}  {suspect.score:.2f}  {suspect.reason}")

    def _screening(self, event: Screening) -> None:
        if self._clock() - self._drawn < (REDRAW_S if self._tty else REPEAT_S):
            return
        self._drawn = self._clock()
        width = shutil.get_terminal_size().columns
        rate = event.screened / max(0.001, self._clock() - self._started)
        text = (
            f"{event.author}: {event.screened} screened, {event.partial} mend something, {rate:.0f}/s  {event.latest}"
        )
        if not self._tty:
            self._line("search", text)
            return
        line = f"{self._clock() - self._started:6.1f}s  {'search':<9} {_plain(text)}"
        self._write(f"\r\x1b[K{line[: max(20, width - 1)]}")  # a line that wraps cannot be drawn over
        self._moving = True

    def _judged(self, event: CandidateJudged) -> None:
        word, colour = MARKS[event.verdict.outcome]
        origin = event.candidate.origin
        note = f"  {origin.note}" if origin.note else ""
        self._line(word, f"{event.candidate.candidate_id:<5} {origin.author}  {_counts(event.verdict)}{note}", colour)

    def _line(self, word: str, text: str, colour: str | None = None) -> None:
        start = "\r\x1b[K" if self._moving else ""
        self._moving = False
        styled = click.style(f"{word:<9}", fg=colour) if self._tty and colour else f"{word:<9}"
        self._write(f"{start}{self._clock() - self._started:6.1f}s  {styled} {_plain(text)}".rstrip() + "\n")

    def _write(self, text: str) -> None:
        """A reader that has gone away, or a full disk under a log, must not cost the run."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            silence(self._stream)


def _counts(verdict: Verdict) -> str:
    counts = verdict.counts
    return f"{counts.passed}/{counts.expected}" + ("" if verdict.passed else f"  {verdict.detail}")


def _step_words(step: Step) -> tuple[str, str]:
    match step:
        case Propose():
            return "propose", step.reason
        case Aggregate():
            return "aggregate", f"{step.aggregator}: {step.reason}"
        case Refine():
            return "refine", f"{step.author}: {step.reason}"
        case Distinguish():
            return "compare", step.reason
        case Measure():
            return "measure", f"{step.candidate_id}: {step.reason}"
        case WriteChecks():
            return "checks", f"{step.author}: {step.reason}"
        case Vote():
            return "vote", step.reason
        case Arbitrate():
            return "arbitrate", f"{step.author}: {step.reason}"
        case Cancel():
            return "cancel", step.reason
        case Minimise():
            return "minimise", f"{step.candidate_id}: {step.reason}"
        case Confirm():
            return "confirm", f"{step.candidate_id}: {step.reason}"
        case Stop():
            return "stop", step.reason
        case other:
            assert_never(other)


def _last_line(text: str) -> str:
    """The line of a traceback that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("E ").strip() if lines else "no reason given"


def _plain(text: str) -> str:
    """One line, without what a terminal would obey: the text may come from a candidate."""
    return "".join(c if c.isprintable() else " " for c in text.split("\n", 1)[0])


def events_file(path: Path) -> tuple[Listener, Callable[[], None]]:
    """A listener that writes JSONL, and how to close it. Raises `ConfigError` when the file cannot be opened.

    When it cannot be written later, that is said once and the run goes on without it.
    """
    try:
        stream = path.open("wb", buffering=0)
    except OSError as error:
        raise ConfigError(
            f"--events {path} cannot be written: {error.strerror}", remedy="name a file in a folder of yours"
        ) from error
    broken = False

    def listen(event: Event) -> None:
        nonlocal broken
        if broken:
            return
        row = {"at": round(time.time(), 3), "event": type(event).__name__, **_jsonable(event, depth=0)}
        try:
            stream.write(json.dumps(row, ensure_ascii=True).encode("ascii") + b"\n")
        except OSError as error:
            broken = True
            note(f"--events {path} is incomplete from here: {error.strerror}")

    return listen, stream.close


def _jsonable(value: object, depth: int) -> Any:
    """Dataclasses as objects; bytes by their length alone, because patches stand in the journal."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if is_dataclass(value):
        found = {f.name: _jsonable(getattr(value, f.name), depth + 1) for f in fields(value)}
        return found if depth == 0 else {"kind": type(value).__name__, **found}
    if isinstance(value, dict):
        return {str(k): _jsonable(v, depth + 1) for k, v in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(_jsonable(v, depth + 1) for v in value)
    if isinstance(value, tuple | list):
        return [_jsonable(v, depth + 1) for v in value]
    return value
