"""A verdict: what was observed when one candidate met one task's checks, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from moa_code.core.box import BoxInfo, Limits
from moa_code.core.task import CheckId


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"  # ran, and did not satisfy every check
    REJECTED = "rejected"  # never ran: policy refused the patch, or it does not apply
    TIMED_OUT = "timed_out"
    OVER_LIMIT = "over_limit"  # memory, pids, disk, output
    TAMPERED = "tampered"  # tried to forge its own verdict
    INCONCLUSIVE = "inconclusive"  # our side broke; says nothing about the candidate


class Integrity(StrEnum):
    """Which trust domain the result comes from."""

    ORACLE = "oracle"  # judged in another process, under another uid
    IN_PROCESS = "in_process"  # hardened pytest: tests and candidate share an interpreter
    EXIT_STATUS = "exit_status"  # a command's exit status alone
    NONE = "none"  # nothing ran


class Level(IntEnum):
    """Evidence levels; each includes those below."""

    NONE = 0
    APPLIES = 1
    COMPILES = 2  # and lint clean
    TARGET_CHECKS = 3
    IMPACTED_CHECKS = 4
    WHOLE_SUITE = 5  # no flake, confirmed in a fresh box
    DIFFERENTIAL = 6  # properties, or agreement of independent candidates
    MINIMISED = 7


class CheckOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"  # its set-up or tear-down broke
    SKIPPED = "skipped"
    MISSING = "missing"  # expected and never reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What one property check (`@given`) ran. `planned` is its `max_examples`, `settings` all that decides how hard it
    looks. `discarded` examples count for nothing, `foreign` are those that code under test discarded. Counts are None
    where the box's Hypothesis cannot be counted.
    """

    planned: int
    settings: str = ""
    valid: int | None = None
    discarded: int | None = None
    foreign: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check's outcome. `detail` is what a person or a model may read of it: the assertion, the traceback's end, the
    shrunk counterexample of a property. `examples` is set for properties alone.
    """

    check_id: CheckId
    outcome: CheckOutcome
    detail: str = ""
    duration_s: float = 0.0
    examples: Examples | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark of a linter or the compiler about the patched tree that the baseline does not have."""

    tool: str
    code: str
    path: str
    line: int
    message: str


class StageOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the pipeline: policy, compile, lint, target, suite, confirm."""

    name: str
    outcome: StageOutcome
    duration_s: float = 0.0
    findings: tuple[Finding, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many checks; `expected` never shrinks because of what a candidate did."""

    expected: int = 0
    run: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One candidate against the checks.

    PASSED is positive evidence only: every expected check, each passed once, none skipped, session completed, predicted
    exit status. `results` has one entry an expected check that was planned for this depth, in the baseline's
    order. `regressed` names checks that passed on the baseline and no longer do. `seed` is what the job was given for
    all that is random in it; None when no check ran.
    """

    candidate_id: str
    patch_sha256: str
    outcome: Outcome
    integrity: Integrity
    level: Level
    counts: Counts
    results: tuple[CheckResult, ...] = ()
    stages: tuple[Stage, ...] = ()
    regressed: tuple[CheckId, ...] = ()
    box: BoxInfo = field(default_factory=lambda: BoxInfo(backend="none", image_digest=""))
    limits: Limits = field(default_factory=Limits)
    duration_s: float = 0.0
    cpu_s: float = 0.0
    detail: str = ""  # one line: why it is not PASSED
    seed: int | None = None

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        return tuple(r for r in self.results if r.outcome is not CheckOutcome.PASSED)
