"""A run: what a policy sees, the steps it may name, and what comes out at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from moa_code.core.behaviour import Behaviour, Ruling, Strength, WrittenCheck
from moa_code.core.brief import Baseline, Judged
from moa_code.core.candidate import CandidateId
from moa_code.core.profile import Profile
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
class Refine:
    """Ask one author to go on from one judged candidate: it reads that one and its failures, and no other draft.

    `candidate_id` None: it starts anew, with the failures of all that were judged and none of their text.
    """

    author: str
    candidate_id: CandidateId | None
    round: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """Let the aggregator read the judged candidates and write new ones. `wide`: with as much context as it can read."""

    aggregator: str
    round: int
    reason: str
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinguish:
    """Run these candidates on the same fresh inputs, in one trip to the sandbox, to see where they differ."""

    candidate_ids: tuple[CandidateId, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """See how many small mutants of this candidate the visible checks notice."""

    candidate_id: CandidateId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteChecks:
    """Let a strong model write a few checks from the instruction alone; they vote, and decide nothing."""

    author: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """Run the model-written checks on these candidates."""

    candidate_ids: tuple[CandidateId, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arbitrate:
    """Ask an author which of these candidates is right where they differ: about the differing outputs alone."""

    author: str
    candidate_ids: tuple[CandidateId, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stop what is still being proposed, refined, merged or written: it is not needed any more."""

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
    """The end. `belief` is the probability that the winner is right; None where nothing was estimated."""

    status: Status
    reason: str
    winner: CandidateId | None = None
    belief: float | None = None


Authoring = Propose | Refine | Aggregate
Step = Authoring | Distinguish | Measure | WriteChecks | Vote | Arbitrate | Cancel | Minimise | Confirm | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Who takes part, by name. `proposers` in the order in which a ladder asks them.

    `strong` proposes too, and is held back for when the others do not do; empty: nobody is. `refiners` can go on from a
    candidate, which a recording cannot. `profiles` by name.
    """

    proposers: tuple[str, ...]
    aggregator: str
    reasoner: str = ""
    strong: str = ""
    refiners: tuple[str, ...] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An author that was asked and has not answered yet, for so many seconds."""

    author: str
    waited_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """All a policy may know. `judged` holds every verified candidate, oldest first; `confirmed` the fresh verdicts.

    `done` and `running` are the steps so far; `lost` the authors that brought nothing, with the reason; `agreed` names
    authors that wrote a candidate's very patch once more. `pending` are authors still writing, `latencies_s` what those
    that answered took. `behaviour` is the latest comparison, `votes` per candidate one answer (None: it could not be
    run) a written check, in the order of `written`.
    """

    baseline: Baseline
    members: Members
    judged: tuple[Judged, ...] = ()
    confirmed: Mapping[CandidateId, Verdict] = field(default_factory=dict)
    done: tuple[Step, ...] = ()
    running: tuple[Step, ...] = ()
    lost: tuple[tuple[str, str], ...] = ()
    agreed: Mapping[CandidateId, tuple[str, ...]] = field(default_factory=dict)
    screened: int = 0
    behaviour: Behaviour | None = None
    strengths: Mapping[CandidateId, Strength] = field(default_factory=dict)
    written: tuple[WrittenCheck, ...] = ()
    votes: Mapping[CandidateId, tuple[bool | None, ...]] = field(default_factory=dict)
    rulings: tuple[Ruling, ...] = ()
    pending: tuple[Pending, ...] = ()
    latencies_s: tuple[float, ...] = ()
    elapsed_s: float = 0.0
    out_of_time: bool = False
    out_of_budget: bool = False
    interrupted: bool = False
    feedback_rounds: int = 3
    min_level: Level = Level.WHOLE_SUITE
    seed: int = 0


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
    belief: float | None = None
    behaviour: Behaviour | None = None
    strengths: Mapping[CandidateId, Strength] = field(default_factory=dict)
    written: tuple[WrittenCheck, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    unexercised: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
