"""A run: what a policy sees, the steps it may name, and what comes out at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from moa_code.core.brief import Baseline, Judged
from moa_code.core.candidate import CandidateId
from moa_code.core.verdict import Level, Verdict


class Status(StrEnum):
    VERIFIED = "verified"
    UNVERIFIED = "unverified"  # nothing passed: an honest answer
    NOTHING_TO_DO = "nothing_to_do"
    BUDGET = "budget"
    TIME_LIMIT = "time_limit"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """Ask these proposers, side by side, for drafts; each draft is verified as it arrives."""

    proposers: tuple[str, ...]
    round: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """Let the aggregator read the judged candidates and write new ones."""

    aggregator: str
    round: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stop what is still being proposed or merged: it is not needed any more."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimise:
    """Take everything out of a verified candidate that the checks do not need."""

    candidate_id: CandidateId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Verify a candidate again in a fresh box with another seed."""

    candidate_id: CandidateId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    status: Status
    reason: str
    winner: CandidateId | None = None


Step = Propose | Aggregate | Cancel | Minimise | Confirm | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Who takes part, by name."""

    proposers: tuple[str, ...]
    aggregator: str
    reasoner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """All a policy may know. `judged` holds every verified candidate, oldest first; `confirmed` the fresh verdicts.

    `done` and `running` are the steps so far; `lost` the authors that brought nothing, with the reason.
    """

    baseline: Baseline
    members: Members
    judged: tuple[Judged, ...] = ()
    confirmed: Mapping[CandidateId, Verdict] = field(default_factory=dict)
    done: tuple[Step, ...] = ()
    running: tuple[Step, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    screened: int = 0
    out_of_time: bool = False
    out_of_budget: bool = False
    interrupted: bool = False
    feedback_rounds: int = 3
    min_level: Level = Level.WHOLE_SUITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one model used; `cost_usd` is None when any call's cost is unknown."""

    model: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One task end to end. `winner` is set exactly when something was verified, or as the best unverified attempt."""

    status: Status
    reason: str
    baseline: Baseline | None
    winner: Judged | None
    steps: tuple[Step, ...]
    judged: tuple[Judged, ...]
    screened: int
    lost: tuple[tuple[str, str], ...]
    spent: tuple[Spent, ...]
    duration_s: float
    lines_before: int = 0
    lines_after: int = 0
