"""Strict reading of a job's report: what was collected, what each check did, whether the session ended by itself.

Every line must carry the job's nonce. Anything else on the channel was written by somebody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from moa_code.core.spectrum import CheckSpectrum, Spectrum
from moa_code.core.task import CheckId
from moa_code.core.verdict import CheckOutcome, CheckResult, Examples, Finding

MOST_SECONDS = 1e6
MOST_EXAMPLES = 1 << 31
MOST_DETAIL_CHARS = 8192  # twice what our plugin sends
MOST_LINE_BYTES = 4 << 20  # more than any collection needs; what Python makes of a line takes up to thirty times that
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

OUTCOMES = {
    "passed": CheckOutcome.PASSED,
    "failed": CheckOutcome.FAILED,
    "error": CheckOutcome.ERROR,
    "skipped": CheckOutcome.SKIPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """One pytest session as its plugin told it.

    `broken` maps modules that could not be collected to the reason. `end_code` is pytest's own exit code, None when the
    session never came back. `forged` says why the report cannot have been written by our plugin alone.
    """

    collected: tuple[CheckId, ...] = ()
    results: tuple[CheckResult, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    skipped_modules: tuple[str, ...] = ()
    coverage: Mapping[CheckId, Mapping[str, frozenset[int]]] = field(default_factory=dict)
    inexpressible: Mapping[CheckId, str] = field(default_factory=dict)
    internal_error: str = ""
    end_code: int | None = None
    forged: str = ""


def read_session(report: bytes, nonce: str) -> SessionReport:
    """The session behind a report. A last line without its newline was cut by a kill and is left out."""
    collected: tuple[CheckId, ...] | None = None
    results: dict[CheckId, CheckResult] = {}
    broken: dict[str, str] = {}
    skipped: list[str] = []
    coverage: dict[CheckId, dict[str, frozenset[int]]] = {}
    inexpressible: dict[CheckId, str] = {}
    internal, end_code, forged = "", None, ""
    for line in _lines(report):
        if not line.startswith(nonce.encode()):
            forged = forged or f"a line without the job's nonce: {line[:60]!r}"
            break  # what follows has nothing to tell, and may be millions of lines
        event = _event(line[len(nonce) :])
        if not event or end_code is not None:
            forged = forged or "a line that our plugin does not write"
            break
        match event:
            case {"k": "collected", "ids": list(ids)} if collected is None:
                collected = tuple(CheckId(str(i)) for i in ids)
            case {"k": "result", "id": str(name), "outcome": str(outcome)} if outcome in OUTCOMES:
                if name in results:
                    forged = forged or f"two results for {name}"
                results[CheckId(name)] = _result(name, outcome, event)
            case {"k": "broken", "id": str(name), "detail": str(detail)}:
                broken[name] = plain(detail)
            case {"k": "skipped_module", "id": str(name)}:
                skipped.append(name)
            case {"k": "coverage", "id": str(name), "lines": dict(lines)}:
                coverage[CheckId(name)] = {path: _numbers(numbers) for path, numbers in lines.items()}
            case {"k": "inexpressible", "id": str(name), "why": str(detail)}:
                inexpressible[CheckId(name)] = plain(detail)
            case {"k": "tampered", "detail": str(detail)}:
                forged = forged or plain(detail)
            case {"k": "internal_error", "detail": str(detail)}:
                internal = plain(detail)
            case {"k": "end", "code": int(code)} if not isinstance(code, bool):
                end_code = code
            case _:
                forged = forged or "a line that our plugin does not write"
    names = collected or ()
    if len(set(names)) != len(names):
        forged = forged or "a check was collected twice"
    return SessionReport(
        collected=names,
        results=tuple(results[name] for name in names if name in results),
        broken=broken,
        skipped_modules=tuple(skipped),
        coverage=coverage,
        inexpressible=inexpressible,
        internal_error=internal,
        end_code=end_code,
        forged=forged or ("a result for a check that was not collected" if set(results) - set(names) else ""),
    )


def spectrum_of(session: SessionReport) -> Spectrum:
    """The lines each check of the session executed; a check that ran out of time is partial."""
    return Spectrum(
        checks=tuple(
            CheckSpectrum(
                check_id=result.check_id,
                passed=result.outcome is CheckOutcome.PASSED,
                lines=session.coverage.get(result.check_id, {}),
                partial=ran_out_of_time(result),
            )
            for result in session.results
            if result.outcome is not CheckOutcome.SKIPPED
        )
    )


def ran_out_of_time(result: CheckResult) -> bool:
    """Whether the check was stopped by its own clock."""
    return result.outcome is not CheckOutcome.PASSED and "CheckTimeout" in result.detail


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticReport:
    """What compiling and linting found in one file. `complete` is False when the job did not come to its end."""

    findings: tuple[Finding, ...] = ()
    fingerprints: tuple[str, ...] = ()
    complete: bool = False


def read_static(report: bytes, nonce: str) -> dict[int, StaticReport]:
    """What was told of each file, by its index in the job: findings in the order they were reported, each with a
    fingerprint that does not depend on line numbers.
    """
    findings: dict[int, list[Finding]] = {}
    prints: dict[int, list[str]] = {}
    complete = set()
    for line in _lines(report):
        event = _event(line[len(nonce) :]) if line.startswith(nonce.encode()) else {}
        match event:
            case {
                "k": "finding",
                "at": int(at),
                "tool": str(tool),
                "code": str(code),
                "path": str(path),
                "message": str(message),
            }:
                number = event.get("line")
                findings.setdefault(at, []).append(
                    Finding(
                        tool=tool,
                        code=code,
                        path=path,
                        line=number if isinstance(number, int) else 1,
                        message=plain(message),
                    )
                )
                prints.setdefault(at, []).append(f"{path}|{code}|{message}|{event.get('text', '')}")
            case {"k": "end", "at": int(at)}:
                complete.add(at)
    return {
        at: StaticReport(
            findings=tuple(findings.get(at, ())), fingerprints=tuple(prints.get(at, ())), complete=at in complete
        )
        for at in complete | findings.keys()
    }


BASE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenLine:
    """One variant of a screen job. `state`: passed | failed | timed_out | crashed | unsupported.

    `symptoms` are digests of how checks failed; those of the base stand under index `BASE`.
    """

    index: int
    state: str
    fixed: tuple[CheckId, ...]
    broken: tuple[CheckId, ...]
    symptoms: Mapping[CheckId, str] = field(default_factory=dict)


def read_screen(report: bytes, nonce: str) -> dict[int, ScreenLine]:
    """Variants by index; one that the job did not come to is absent."""
    found: dict[int, ScreenLine] = {}
    for line in _lines(report):
        event = _event(line[len(nonce) :]) if line.startswith(nonce.encode()) else {}
        match event:
            case {"k": "variant", "index": int(index), "state": str(state)}:
                found[index] = ScreenLine(
                    index=index,
                    state=state,
                    fixed=_names(event.get("fixed")),
                    broken=_names(event.get("broken")),
                    symptoms=_marks(event.get("symptoms")),
                )
    return found


def _marks(value: object) -> dict[CheckId, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {CheckId(name): mark for name, mark in pairs if isinstance(name, str) and isinstance(mark, str)}


def plain(text: str) -> str:
    """A text of the candidate's as it may be printed and stored: escapes are shown, and what is too long is cut."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text[:MOST_DETAIL_CHARS])


def _lines(report: bytes) -> Iterator[bytes]:
    """Complete lines alone, one at a time: a hostile report has as many as bytes."""
    at = 0
    while (end := report.find(b"\n", at)) >= 0:
        yield report[at:end]
        at = end + 1


def _event(data: bytes) -> dict[str, Any]:
    """The line's object; empty when it is none."""
    if len(data) > MOST_LINE_BYTES:
        return {}
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], event) if isinstance(event, dict) else {}


def _names(value: object) -> tuple[CheckId, ...]:
    return tuple(CheckId(name) for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def _numbers(value: object) -> frozenset[int]:
    return frozenset(n for n in value if isinstance(n, int)) if isinstance(value, list) else frozenset()


def _seconds(value: object) -> float:
    """A duration as it was reported; 0 for what no clock says."""
    if not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < MOST_SECONDS else 0.0


def _result(name: str, outcome: str, event: dict[str, Any]) -> CheckResult:
    detail, seconds = event.get("detail"), event.get("duration_s")
    return CheckResult(
        check_id=CheckId(name),
        outcome=OUTCOMES[outcome],
        detail=plain(detail) if isinstance(detail, str) else "",
        duration_s=_seconds(seconds),
        examples=_examples(event.get("examples")),
    )


def _examples(value: object) -> Examples | None:
    """What a property ran; None for a check that is none, or says it in another way than our plugin."""
    match value:
        case {"planned": int(planned), "settings": str(chosen), **rest}:
            counts = {name: _count(rest.get(name)) for name in ("valid", "discarded", "foreign")}
            return Examples(planned=planned, settings=plain(chosen), **counts)
        case _:
            return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_EXAMPLES else None
