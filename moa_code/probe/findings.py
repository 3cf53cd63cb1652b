"""Judging what a box said of the trials. Pure; silence, and an answer nobody understands, are never a refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from moa_code.core.box import BoxInfo, Ended, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.probe.policy import (
    EXCUSES,
    GREED,
    KINDS,
    NEVER_EXCUSED,
    OLD_ENTRY,
    ORDINARY,
    REFUSALS,
    REFUSED_STATUS,
)


class Standing(StrEnum):
    """How a trial's outcome stands to the policy."""

    REFUSED = "refused"
    ALLOWED = "allowed"  # as intended
    NOT_ENFORCED = "not_enforced"  # succeeded, and the backend says that it cannot refuse it here
    FORBIDDEN = "forbidden"  # the policy forbids it, and it succeeded
    UNCLEAR = "unclear"  # the trial went wrong, so nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One operation, and what came of trying it."""

    kind: str
    name: str
    standing: Standing
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """All findings on one box. `kernel` is the release that the box itself sees."""

    box: BoxInfo
    kernel: str
    findings: tuple[Finding, ...]
    duration_s: float

    @property
    def tight(self) -> bool:
        """Whether everything forbidden was refused, for certain."""
        return bool(self.findings) and not self.faults

    @property
    def holes(self) -> tuple[Finding, ...]:
        """What succeeded against the policy."""
        return tuple(f for f in self.findings if f.standing is Standing.FORBIDDEN)

    @property
    def faults(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.standing in (Standing.FORBIDDEN, Standing.UNCLEAR))


def refusal(report: ProbeReport) -> SandboxUnavailable:
    """The error to raise for a box that is not tight: which operations, which box, what to type next."""
    backend = report.box.backend
    other = "bubblewrap" if backend == "docker" else "docker"
    remedy = f"moa-code doctor --probe --backend {backend}, which lists all; or --backend {other}"
    if holes := report.holes:
        told = ", ".join(f"{f.name} ({f.detail or 'it succeeded'})" for f in holes[:5])
        more = f" and {len(holes) - 5} more" if len(holes) > 5 else ""
        return SandboxUnavailable(
            f"the {backend} box does not hold: it lets through what the policy forbids: {told}{more}", remedy=remedy
        )
    told = ", ".join(f"{f.name}: {f.detail}" for f in report.faults[:3])
    return SandboxUnavailable(f"the {backend} box could not be probed, so it is not trusted: {told}", remedy=remedy)


def judge_trials(observation: Observation, missing: tuple[str, ...]) -> tuple[tuple[Finding, ...], str]:
    """The findings of the trials, and the kernel's release; what is not a whole report is `UNCLEAR`."""
    if observation.ended is not Ended.EXITED or observation.exit_code != 0:
        said = observation.detail or observation.stderr[-300:].decode("utf-8", "replace").strip()
        return (_unclear("the trials", f"ended: {_ending(observation)} {said}".strip()),), ""
    lines = [_line(text) for text in observation.stdout.splitlines()]
    last = lines.pop() if lines else None
    if last is None or last.get("trials") != len(lines) or any(line is None for line in lines):
        return (_unclear("the trials", "the report is not whole"),), ""
    findings = [_finding(line, missing) for line in lines if line is not None]
    silent = KINDS - {f.kind for f in findings}
    findings += [_unclear(kind, "nothing was tried") for kind in sorted(silent)]
    return tuple(findings), str(last.get("kernel", ""))


def judge_greed(name: str, observation: Observation) -> Finding:
    """The finding of one job that took more than its limit."""
    _, _, expected = GREED[name]
    ending = f"{_ending(observation)} after {observation.wall_s:.1f} s"
    refused = observation.ended is Ended.EXITED and observation.exit_code == REFUSED_STATUS
    if observation.ended in expected or refused:
        return Finding(kind="limits", name=name, standing=Standing.REFUSED, detail="the kernel" if refused else ending)
    if observation.ended is Ended.EXITED and observation.exit_code == 0:
        return Finding(kind="limits", name=name, standing=Standing.FORBIDDEN, detail=ending)
    return Finding(kind="limits", name=name, standing=Standing.UNCLEAR, detail=f"{ending} {observation.detail}".strip())


def _finding(line: dict[str, object], missing: tuple[str, ...]) -> Finding:
    kind, name = str(line.get("kind")), str(line.get("name"))
    outcome, word = _outcome(line, kind, name)
    if kind == ORDINARY:
        if outcome is Standing.FORBIDDEN and "did" in line:
            return Finding(kind=kind, name=name, standing=Standing.ALLOWED, detail=word)
        return Finding(kind=kind, name=name, standing=Standing.UNCLEAR, detail=f"ordinary work is hindered: {word}")
    if outcome is Standing.FORBIDDEN and (reason := _excuse(kind, name, missing)):
        return Finding(kind=kind, name=name, standing=Standing.NOT_ENFORCED, detail=reason)
    return Finding(kind=kind, name=name, standing=outcome, detail=word)


def _outcome(line: dict[str, object], kind: str, name: str) -> tuple[Standing, str]:
    match line:
        case {"did": str(word)}:
            return Standing.FORBIDDEN, word
        case {"errno": str(word)}:
            if kind not in REFUSALS:
                return Standing.UNCLEAR, f"unknown kind, {word}"
            if word in REFUSALS[kind]:
                return Standing.REFUSED, word
            return Standing.FORBIDDEN, f"reached: {word}"
        case {"held": str(word)}:
            return Standing.REFUSED, word
        case {"signal": "SIGSYS"}:
            return Standing.REFUSED, "killed"
        case {"signal": "SIGSEGV"} if name.endswith(OLD_ENTRY):
            return Standing.REFUSED, "no such entry"
        case _:
            return Standing.UNCLEAR, str(line.get("signal") or line.get("broken") or "no outcome")


def _excuse(kind: str, name: str, missing: tuple[str, ...]) -> str:
    if name in NEVER_EXCUSED:
        return ""
    for reason in missing:
        excused = EXCUSES.get(reason.partition(":")[0], frozenset())
        if kind in excused or name in excused:
            return reason
    return ""


def _line(text: bytes) -> dict[str, object] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _ending(observation: Observation) -> str:
    match observation.ended:
        case Ended.EXITED:
            return f"exit status {observation.exit_code}"
        case Ended.SIGNALLED:
            return f"signal {observation.signal}"
        case other:
            return other.value


def _unclear(name: str, detail: str) -> Finding:
    return Finding(kind="probe", name=name, standing=Standing.UNCLEAR, detail=detail)
