"""Grading: from what the box observed to a verdict on the checks. No clock, no container, no file: a table tests it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from moa_code.core.box import Ended, Observation
from moa_code.core.task import CheckId
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Outcome
from moa_code.verify.properties import weakened
from moa_code.verify.reading import SessionReport, plain, ran_out_of_time

PYTEST_ALL_PASSED = 0
PYTEST_SOME_FAILED = 1

LIMIT_WORDS = {
    Ended.CPU_LIMIT: "used up its CPU time",
    Ended.WALL_LIMIT: "took too long",
    Ended.MEMORY: "ran out of memory",
    Ended.PIDS: "started too many processes or threads",
    Ended.DISK: "filled its disk",
    Ended.OUTPUT: "printed more than it may",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a session must show to pass, fixed before the candidate ran.

    `checks` in order: the `gate` first ones decide first. `modules` could not be collected on the baseline, so their
    ids are unknown: each must bring at least one check, and all of them must pass. `ignored` ids (flaky, or skipped
    on the baseline) count neither way. `canaries` maps our own checks, planted among them, to the outcome they must
    have. `properties` are the baseline's results of tests with `@given`: a candidate's must look as hard.
    """

    checks: tuple[CheckId, ...]
    gate: int = 0
    modules: tuple[str, ...] = ()
    ignored: frozenset[CheckId] = frozenset()
    canaries: Mapping[str, str] = field(default_factory=dict)
    agreed_exit: int = 0
    properties: Mapping[CheckId, CheckResult] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """Outcome, one result an expected check, the counts, one line that says why, and from which trust domain."""

    outcome: Outcome
    results: tuple[CheckResult, ...]
    counts: Counts
    detail: str = ""
    integrity: Integrity = Integrity.IN_PROCESS


def grade(observation: Observation, session: SessionReport, expected: Expectation) -> Graded:
    """PASSED only on positive evidence: every expected check passed once, nothing else was collected, canaries kept
    their outcomes, pytest came back with the code those results imply, and the process left as agreed.
    """
    own = [r for r in session.results if _name(r.check_id) not in expected.canaries]
    by_id = {r.check_id: r for r in own}
    results = tuple(
        by_id.get(name, CheckResult(check_id=name, outcome=CheckOutcome.MISSING, detail=_why_missing(name, session)))
        for name in expected.checks
    )
    results += tuple(_module_result(module, own, session) for module in expected.modules)
    counts = _counts(results)

    def graded(outcome: Outcome, detail: str = "") -> Graded:
        return Graded(outcome=outcome, results=results, counts=counts, detail=plain(detail))

    if observation.ended is Ended.LOST:
        return graded(Outcome.INCONCLUSIVE, observation.detail or "the box was lost")
    unsealed = f"{observation.broken_seal}, which is sealed, was changed" if observation.broken_seal else ""
    forged = unsealed or session.forged or _broken_canary(session, expected) or weakened(own, expected.properties)
    if forged:
        return graded(Outcome.TAMPERED, forged)
    if observation.ended in (Ended.CPU_LIMIT, Ended.WALL_LIMIT):
        return graded(Outcome.TIMED_OUT, LIMIT_WORDS[observation.ended])
    if observation.ended in LIMIT_WORDS:
        return graded(Outcome.OVER_LIMIT, LIMIT_WORDS[observation.ended])
    failing = [r for r in results if r.outcome is not CheckOutcome.PASSED]
    if session.end_code is None or observation.exit_code != expected.agreed_exit:
        return graded(Outcome.FAILED, _died(observation, session))
    if not observation.report_complete:
        return graded(Outcome.FAILED, "the report was cut off")
    if any(ran_out_of_time(r) for r in failing):
        return graded(Outcome.TIMED_OUT, f"{failing[0].check_id} ran out of time")
    if failing:
        return graded(Outcome.FAILED, f"{failing[0].check_id} {_verb(failing[0].outcome)}")
    if not results:
        return graded(Outcome.FAILED, "no check ran: silence is not evidence")
    return graded(*_beyond_the_expected(own, session, expected))


def _beyond_the_expected(own: list[CheckResult], session: SessionReport, expected: Expectation) -> tuple[Outcome, str]:
    """All expected checks passed: what else does the session say?"""
    known = set(expected.checks) | expected.ignored
    extra = [r for r in own if r.check_id not in known and _module(r.check_id) not in expected.modules]
    if extra:
        return Outcome.FAILED, f"{extra[0].check_id} was collected and the baseline does not have it"
    unexpected = set(session.broken) - {m for m in expected.ignored if "::" not in m}
    if unexpected:
        return Outcome.FAILED, f"{min(unexpected)} can no longer be collected"
    silent = set(session.collected) - {r.check_id for r in session.results}
    if silent:
        return Outcome.FAILED, f"{min(silent)} was collected and never reported"
    ran_bad = any(r.outcome in (CheckOutcome.FAILED, CheckOutcome.ERROR) for r in own)
    must_fail = "fail" in expected.canaries.values()
    implied = PYTEST_SOME_FAILED if ran_bad or must_fail or session.broken else PYTEST_ALL_PASSED
    if session.end_code != implied:
        return Outcome.TAMPERED, f"pytest ended with {session.end_code} where its results imply {implied}"
    return Outcome.PASSED, ""


def _broken_canary(session: SessionReport, expected: Expectation) -> str:
    """Why the canaries show that results are forged, or nothing. They are only missing when nothing was collected, or
    when the session stopped behind the gate.
    """
    seen = {_name(r.check_id): r.outcome for r in session.results if _name(r.check_id) in expected.canaries}
    for name, kind in expected.canaries.items():
        wanted = CheckOutcome.PASSED if kind == "pass" else CheckOutcome.FAILED
        if name in seen and seen[name] is not wanted:
            return f"a check that must {kind} was reported as {seen[name]}"
    collected = {_name(check) for check in session.collected}
    if session.collected and not set(expected.canaries) <= collected:
        return "checks of ours were removed from the collection"
    if session.end_code in (PYTEST_ALL_PASSED, PYTEST_SOME_FAILED) and seen.keys() != expected.canaries.keys():
        return "checks of ours were not run" if session.collected else ""
    return ""


def _module_result(module: str, own: list[CheckResult], session: SessionReport) -> CheckResult:
    """One result for a module whose checks could not be named on the baseline."""
    name = CheckId(module)
    if module in session.broken:
        return CheckResult(check_id=name, outcome=CheckOutcome.ERROR, detail=session.broken[module])
    inside = [r for r in own if _module(r.check_id) == module]
    if not inside:
        return CheckResult(check_id=name, outcome=CheckOutcome.MISSING, detail="the module brought no check")
    bad = [r for r in inside if r.outcome is not CheckOutcome.PASSED]
    seconds = sum(r.duration_s for r in inside)
    if bad:
        return CheckResult(
            check_id=name, outcome=bad[0].outcome, detail=f"{bad[0].check_id}\n{bad[0].detail}", duration_s=seconds
        )
    return CheckResult(check_id=name, outcome=CheckOutcome.PASSED, duration_s=seconds)


def _counts(results: tuple[CheckResult, ...]) -> Counts:
    outcomes = [r.outcome for r in results]
    missing = outcomes.count(CheckOutcome.MISSING)
    skipped = outcomes.count(CheckOutcome.SKIPPED)
    passed = outcomes.count(CheckOutcome.PASSED)
    return Counts(
        expected=len(outcomes),
        run=len(outcomes) - missing,
        passed=passed,
        failed=len(outcomes) - missing - skipped - passed,
        skipped=skipped,
    )


def _why_missing(name: CheckId, session: SessionReport) -> str:
    return session.broken.get(_module(name), "") or session.internal_error


def _died(observation: Observation, session: SessionReport) -> str:
    how = f"signal {observation.signal}" if observation.signal else f"exit status {observation.exit_code}"
    last = session.results[-1].check_id if session.results else "the first check"
    return f"the process ended with {how} before the session was over (after {last})"


def _verb(outcome: CheckOutcome) -> str:
    return {
        CheckOutcome.FAILED: "failed",
        CheckOutcome.ERROR: "broke in its set-up or tear-down",
        CheckOutcome.SKIPPED: "was skipped",
        CheckOutcome.MISSING: "never ran",
    }.get(outcome, outcome.value)


def _module(check: str) -> str:
    return check.partition("::")[0]


def _name(check: str) -> str:
    return check.rpartition("::")[2]


def grade_command(observation: Observation, argv: tuple[str, ...]) -> Graded:
    """A command's exit status as the one check there is: zero passes. The lowest trust, and labelled so."""
    name = CheckId("command: " + " ".join(argv))
    passed = observation.ended is Ended.EXITED and observation.exit_code == 0
    tail = plain((observation.stdout + observation.stderr).decode("utf-8", "replace")[-2000:])
    result = CheckResult(
        check_id=name,
        outcome=CheckOutcome.PASSED if passed else CheckOutcome.FAILED,
        detail="" if passed else tail,
        duration_s=observation.wall_s,
    )
    match observation.ended:
        case Ended.LOST:
            outcome, detail = Outcome.INCONCLUSIVE, observation.detail or "the box was lost"
        case Ended.CPU_LIMIT | Ended.WALL_LIMIT:
            outcome, detail = Outcome.TIMED_OUT, LIMIT_WORDS[observation.ended]
        case Ended.MEMORY | Ended.PIDS | Ended.DISK | Ended.OUTPUT:
            outcome, detail = Outcome.OVER_LIMIT, LIMIT_WORDS[observation.ended]
        case Ended.EXITED | Ended.SIGNALLED:
            status = f"signal {observation.signal}" if observation.signal else f"exit status {observation.exit_code}"
            outcome = Outcome.PASSED if passed else Outcome.FAILED
            detail = "" if passed else f"the command ended with {status}"
        case other:
            assert_never(other)
    return Graded(
        outcome=outcome,
        results=(result,),
        counts=_counts((result,)),
        detail=detail,
        integrity=Integrity.EXIT_STATUS,
    )
