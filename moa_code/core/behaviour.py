"""What candidates did on the same fresh inputs, and how hard the checks look. Evidence, never a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from moa_code.core.candidate import CandidateId


class AnswerKind(StrEnum):
    VALUE = "value"
    RAISED = "raised"
    TIMED_OUT = "timed_out"
    DIED = "died"  # its process ended, or the answer cannot be read
    UNSTABLE = "unstable"  # asked twice it answered differently: compares with nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one call brought. `text` is for people and may be cut; `digest` is equal exactly for equal answers."""

    kind: AnswerKind
    text: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Answers of several candidates to the same calls, one an input, in the order of `calls`.

    `calls` are written as a person would type them. Empty `calls` with a `note`: nothing could be asked, and why.
    `edges` are positions of calls outside what the task's examples have in common, where right programs may differ. A
    candidate of which nothing became known is not among `answers`.
    """

    calls: tuple[str, ...] = ()
    answers: Mapping[CandidateId, tuple[Answer, ...]] = field(default_factory=dict)
    note: str = ""
    edges: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """How hard the visible checks look at one candidate: of `tried` small mutants of it they notice `killed`.

    `unexercised` are the candidate's own new lines that no check executes, by path, 1-based in the patched file; None
    where that was not measured.
    """

    killed: int = 0
    tried: int = 0
    unexercised: Mapping[str, tuple[int, ...]] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCheck:
    """A check that a model wrote: soft evidence, never a gate. `sentence` is what of the instruction it encodes.

    `code` is a whole module of pytest whose one test is `name`.
    """

    author: str
    name: str
    code: str
    sentence: str
    is_property: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """An author's choice between candidates that pass and disagree; None: none is right, or it cannot say."""

    author: str
    chosen: CandidateId | None
    reason: str
