"""Calls to models: what is sent, what it may cost, what came of it; and the ports rooms meet through on the way."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from moa_code.core.brief import Baseline, Brief
from moa_code.core.candidate import CandidateId, Draft
from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, Message, Usage
from moa_code.core.task import Task


class SpentError(ModelError):
    """The provider took the call up, so it may bill it, but no usable answer came. `usage` is what it reported."""

    def __init__(self, message: str, *, remedy: str = "", retryable: bool = False, usage: Usage | None = None) -> None:
        super().__init__(message, remedy=remedy, retryable=retryable)
        self.usage = usage or Usage()


class NotAsked(ModelError):
    """The budget has no room for this call, so it was not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars per token. A model without a `Price` has an unknown price, which is not the same as a free one."""

    prompt_usd: float
    completion_usd: float

    def cost(self, *, prompt_tokens: int, completion_tokens: int) -> float:
        return prompt_tokens * self.prompt_usd + completion_tokens * self.completion_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Budget set aside for one call that is in flight. `number` is unique in its ledger."""

    number: int
    model: str
    worst_usd: float | None
    worst_tokens: int
    hedge: bool = False


class Budget(Protocol):
    """What calls may cost together. `reserve` raises `BudgetExhausted` when the worst case would not fit."""

    @property
    def seconds_left(self) -> float | None:
        """Until the end of the run: no call may last longer. None is no end."""
        ...

    def reserve(
        self, model: str, *, worst_usd: float | None, worst_tokens: int, hedge: bool = False
    ) -> Reservation: ...

    def settle(self, reservation: Reservation, actual: Usage, *, cut: bool = False) -> None:
        """The call was taken up: book what it used. What is unknown is booked at its worst case.

        `cut`: we hung up before its end, so nobody has told the usage; what `actual` holds is reckoned, and no less
        than the provider can bill.
        """
        ...

    def release(self, reservation: Reservation) -> None:
        """The call was never taken up: nothing to pay."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What of a repository a model gets to read: `shown` are the paths of which any text is in `text`."""

    text: str
    shown: tuple[str, ...]
    tokens: int  # estimated


class Slice(StrEnum):
    """Which part of a repository an author reads."""

    FULL = "full"  # all that fits, by value
    FOCUSED = "focused"  # the suspects, who calls them, the failing checks, and nothing else
    TESTS_FIRST = "tests_first"  # as full, with the failing checks' code before the source


class Packer(Protocol):
    """Chooses what a model gets to read of a task's tree within a budget of estimated tokens."""

    def __call__(self, task: Task, baseline: Baseline, *, max_tokens: int, slice_: Slice = Slice.FULL) -> Packed: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One request to an author, ready to be sent. `templates` are (prompt file, SHA-256) pairs that went into it.

    `edit_format` is the value of the `EditFormat` that was asked for, so that asking and reading cannot differ.
    """

    role: str  # proposer | aggregator | refiner | reasoner | arbiter
    edit_format: str
    messages: tuple[Message, ...]
    templates: tuple[tuple[str, str], ...]
    shown: tuple[str, ...] = ()
    parents: tuple[CandidateId, ...] = ()


class Writer(Protocol):
    """One model as an author of patches. Never raises for what the model did: that is a lost `Draft`."""

    @property
    def name(self) -> str: ...

    def write(self, letter: Letter, brief: Brief) -> AsyncGenerator[Draft, None]:
        """Drafts as they can be read, none twice: one or more while the reply is still coming, then what it says
        in the end where that is another patch, or a loss. Closing the iterator ends the call.
        """
        ...


class Asker(Protocol):
    """One model that is asked for words, not for a patch. Raises `ModelError` and nothing else; records each call."""

    @property
    def name(self) -> str: ...

    async def ask(self, letter: Letter, brief: Brief) -> Completion: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call as the journal keeps it. Exactly one of `completion` and `error` says something.

    `order` counts calls in the order they were started; `prompt_sha256` is the identity of `messages`.
    """

    order: int
    task_id: str
    model: str
    role: str
    messages: tuple[Message, ...]
    prompt_sha256: str
    templates: tuple[tuple[str, str], ...]
    completion: Completion | None = None
    error: str = ""
    usage: Usage = field(default_factory=Usage)
    latency_s: float = 0.0


def prompt_sha256(messages: tuple[Message, ...]) -> str:
    """SHA-256 over roles and texts in order, each framed by its length so that borders cannot move."""
    total = hashlib.sha256()
    for message in messages:
        text = message.text.encode("utf-8", "surrogatepass")
        total.update(f"{message.role.value}:{len(text)}:".encode() + text)
    return total.hexdigest()
