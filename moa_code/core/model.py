"""Talking to a language model: requests, completions, usage."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """One call. `task_id` and `sample` are there for adapters that replay recordings; others ignore them.

    `hedge`: it repeats a call that is still open, so that who pays can tell the two apart.
    """

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    timeout_s: float = 120.0
    logprobs: bool = False
    task_id: str = ""
    sample: int = 0
    hedge: bool = False


class Finish(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    FILTERED = "filtered"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and dollars of one call; `None` is unknown, never zero."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    text: str
    finish: Finish
    usage: Usage = field(default_factory=Usage)
    mean_logprob: float | None = None
    latency_s: float = 0.0
    model: str = ""  # as the provider named it
