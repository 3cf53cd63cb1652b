"""Candidates: one proposed patch each, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NewType

from moa_code.core.patch import Patch

CandidateId = NewType("CandidateId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who wrote it, where in the run. `parents` are the candidates a merged one was made from."""

    author: str  # a model's name, or builtin:mutate, builtin:combine
    role: str  # proposer | aggregator | reasoner | minimiser | user
    layer: int = 0
    round: int = 0
    parents: tuple[CandidateId, ...] = ()
    note: str = ""  # e.g. the mutation's operator, the apply ladder's rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One proposed patch against the clean base.

    `prior` orders candidates before anything was run: higher is likelier right; comparable within one author only.
    """

    candidate_id: CandidateId
    patch: Patch
    origin: Origin
    prior: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a proposer hands over: a patch, or why there is none (`lost`). Exactly one of the two.

    `text` is the model's own words, kept for the journal.
    """

    author: str
    patch: Patch | None = None
    lost: str = ""
    note: str = ""
    prior: float = 0.0
    text: str = ""
    parents: tuple[CandidateId, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if (self.patch is None) != bool(self.lost):
            raise ValueError("a draft is a patch or a loss with its reason, exactly one of the two")
