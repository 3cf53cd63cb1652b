"""What happens during a run, as it happens: for the terminal, for `--events`, for the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from moa_code.core.behaviour import Behaviour, Ruling, Strength, WrittenCheck
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate
from moa_code.core.run import Status, Step
from moa_code.core.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The run has begun; `backend` and `image_digest` say where candidates will run."""

    task_id: str
    backend: str
    image_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineDone:
    baseline: Baseline
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateJudged:
    """A candidate went through the whole pipeline."""

    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """A search goes on: `screened` candidates so far, `partial` of them mend some failing check."""

    author: str
    screened: int
    partial: int
    latest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorLost:
    """A proposer or the aggregator brought nothing."""

    author: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Candidates that pass were run on the same fresh inputs."""

    behaviour: Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How hard the visible checks look at a candidate is known."""

    candidate: Candidate
    strength: Strength


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """A model has written checks of its own."""

    checks: tuple[WrittenCheck, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """The aggregator has chosen between candidates that pass and differ, or abstained."""

    ruling: Ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimised:
    lines_before: int
    lines_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    status: Status
    reason: str


Event = (
    Started
    | BaselineDone
    | StepStarted
    | CandidateJudged
    | Screening
    | AuthorLost
    | Compared
    | Measured
    | Wrote
    | Ruled
    | Minimised
    | Finished
)
Listener = Callable[[Event], None]
