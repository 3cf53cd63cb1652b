"""A brief: what one proposer or aggregator gets to know. Never a hidden check, never another task's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from moa_code.core.behaviour import Behaviour
from moa_code.core.candidate import Candidate, CandidateId
from moa_code.core.profile import Profile
from moa_code.core.task import CheckId, Task
from moa_code.core.verdict import CheckOutcome, CheckResult, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A place that may be wrong: 1-based inclusive lines of a file, a score in [0, 1], and why."""

    path: str
    first_line: int
    last_line: int
    score: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The checks on the untouched tree, run twice.

    `results` in collection order; `flaky` ids differed between the two runs and are left out of every verdict, unless a
    property differed because the seeds did: then it fails, and candidates meet it under `seed`, which showed that.
    `suspects` are sorted by score, best first. `cpu_s` is the whole run's, `check_cpu_s` the costliest passing check's.
    """

    results: tuple[CheckResult, ...]
    flaky: tuple[CheckId, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    lint: tuple[str, ...] = ()  # fingerprints of findings that are there already
    cpu_s: float = 0.0
    check_cpu_s: float = 0.0
    hung: tuple[CheckId, ...] = ()  # ran into the limit
    seed: int = 1

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        return tuple(r for r in self.results if r.outcome is not CheckOutcome.PASSED and r.check_id not in self.flaky)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A candidate and its verdict."""

    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The task as an author sees it. `judged`: earlier candidates it may read, best first; none in the first layer.

    `behaviour` is how candidates that pass differ, `profiles` what is known of their authors, `agreed` who else wrote
    the same patch. `anew`: the author shall write from the beginning, told how all of `judged` fail and shown none of
    their text.
    """

    task: Task
    baseline: Baseline
    judged: tuple[Judged, ...] = ()
    layer: int = 0
    round: int = 0
    seed: int = 0
    feedback: str = ""  # what is new since this author last wrote; empty in the first round
    max_prompt_tokens: int = 24_000
    max_answer_tokens: int = 4_096
    behaviour: Behaviour | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    agreed: Mapping[CandidateId, tuple[str, ...]] = field(default_factory=dict)
    anew: bool = False
