"""The story of a plan: the baseline here, then what each model would be sent first. Nothing is sent."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from moa_code.aggregate.llm import LlmAggregator
from moa_code.aggregate.refine import LlmRefiner
from moa_code.config import Config
from moa_code.config.sections import Strategy
from moa_code.core.brief import Baseline, Brief
from moa_code.core.calls import CallRecord, Letter
from moa_code.core.model import CompletionRequest
from moa_code.core.run import Members
from moa_code.core.task import Mode, Task
from moa_code.engine.budget import Ledger
from moa_code.models.catalog import Team
from moa_code.models.metered import MARGIN, worst_prompt_tokens
from moa_code.models.prices import price_of
from moa_code.models.spec import ModelSpec
from moa_code.prompts.tokens import estimate_tokens
from moa_code.propose.llm import LlmProposer
from moa_code.solve import localised_baseline
from moa_code.wiring.crew import build_crew, team_of
from moa_code.wiring.session import Session

WRITES = 2  # a call, and the one question after an edit that does not apply
REPLY_SHARE = 0.5  # of a prompt's room: what that question adds, an earlier reply and the nearest text


class Place(StrEnum):
    """Where a prompt would travel."""

    NOWHERE = "nowhere"  # a builtin: it is part of this program
    THIS_MACHINE = "this_machine"
    PRIVATE_NETWORK = "private_network"
    INTERNET = "internet"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """One model's part. Tokens are estimates; `worst_usd` is None where the price is unknown, 0 for a builtin.

    `messages` are (role, text) pairs of its first request. `most_calls` bounds its calls over a whole run,
    `worst_run_tokens` and `worst_run_usd` what they may use together.
    """

    model: str
    role: str
    provider: str
    place: Place
    prompt_tokens: int
    max_answer_tokens: int
    worst_usd: float | None
    shown: tuple[str, ...]
    messages: tuple[tuple[str, str], ...]
    most_calls: int
    worst_run_tokens: int
    worst_run_usd: float | None

    @property
    def is_sent(self) -> bool:
        return self.place is not Place.NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would send. `calls` is empty when there is nothing to do."""

    task_id: str
    baseline: Baseline
    nothing_to_do: bool
    calls: tuple[PlannedCall, ...]
    feedback_rounds: int
    budget_usd: float | None
    budget_tokens: int | None

    @property
    def sends(self) -> bool:
        return any(call.is_sent for call in self.calls)

    @property
    def most_calls(self) -> int:
        return sum(call.most_calls for call in self.calls)

    @property
    def worst_tokens(self) -> int:
        return sum(call.worst_run_tokens for call in self.calls)

    @property
    def worst_usd(self) -> float | None:
        """Of the whole run; None as soon as one price is unknown."""
        costs = [call.worst_run_usd for call in self.calls]
        return None if any(cost is None for cost in costs) else sum(cost for cost in costs if cost is not None)


async def plan(session: Session, task: Task) -> Plan:
    """What a run on `task` would send to whom. Runs the baseline in the sandbox, and asks no model.

    Raises `ConfigError`, `BaselineFault`, `SandboxUnavailable`.
    """
    config = session.config
    baseline = await localised_baseline(session, task)
    nothing = task.mode is Mode.FIX and not baseline.failing
    return Plan(
        task_id=task.task_id,
        baseline=baseline,
        nothing_to_do=nothing,
        calls=() if nothing else await _calls(session, task, baseline),
        feedback_rounds=config.strategy.feedback_rounds,
        budget_usd=config.budget.usd,
        budget_tokens=config.budget.tokens,
    )


async def _calls(session: Session, task: Task, baseline: Baseline) -> tuple[PlannedCall, ...]:
    config = session.config
    team = team_of(config, session.environment)
    crew = build_crew(team, config, session.environment, Ledger(0.0, 0), _never)
    brief = Brief(
        task=task,
        baseline=baseline,
        seed=config.seed,
        max_prompt_tokens=config.models.max_prompt_tokens,
        max_answer_tokens=config.models.max_answer_tokens,
    )
    found = []
    try:
        for part in _cast(team, crew.members, config.strategy):
            books: dict[str, Mapping[str, object]] = {
                "proposer": crew.parts.proposers,
                "aggregator": crew.parts.aggregators,
                "reasoner": crew.parts.refiners,
            }
            author = books[part.role][part.spec.name]
            letter = author.letter(brief) if isinstance(author, LlmProposer | LlmAggregator | LlmRefiner) else None
            found.append(_call(part.spec, part.role, letter, config, rounds=part.rounds))
    finally:
        await crew.aclose()
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Who may be asked in a role, and how often at most."""

    spec: ModelSpec
    role: str
    rounds: int


def _cast(team: Team, members: Members, strategy: Strategy) -> list[_Part]:
    """Everybody a strategy may ask. Bounds, not forecasts: rounds that one author takes, another does not."""
    merging = strategy.name in {"auto", "moa", "self-moa"}
    alone = strategy.name == "single"
    again = (
        strategy.layers - 1 if merging and strategy.name != "auto" else strategy.calls if strategy.name == "tree" else 1
    )
    strong_first = alone and strategy.entry == "strong" and bool(members.strong)
    drafting = () if strong_first else team.proposers[:1] if alone else team.proposers
    parts = [
        _Part(spec=seat, role="proposer", rounds=again + (merging and seat.name in members.refiners))
        for seat in drafting
    ]
    if members.strong and (strong_first or strategy.name in {"auto", "tree"}):
        rounds = strategy.calls if strategy.name == "tree" else 1
        parts.append(_Part(spec=team.aggregator, role="proposer", rounds=rounds))
    if merging:
        asked = 1 + strategy.feedback_rounds + (strategy.name == "auto")  # which may have it arbitrate once
        parts.append(_Part(spec=team.aggregator, role="aggregator", rounds=asked))
        if team.reasoner is not None and members.reasoner:
            parts.append(_Part(spec=team.reasoner, role="reasoner", rounds=1))
    return parts


def _call(spec: ModelSpec, role: str, letter: Letter | None, config: Config, *, rounds: int) -> PlannedCall:
    if letter is None:
        return PlannedCall(
            model=spec.name,
            role=role,
            provider="builtin",
            place=Place.NOWHERE,
            prompt_tokens=0,
            max_answer_tokens=0,
            worst_usd=0.0,
            shown=(),
            messages=(),
            most_calls=0,
            worst_run_tokens=0,
            worst_run_usd=0.0,
        )
    answer = min(spec.max_answer_tokens, config.models.max_answer_tokens) + spec.thinking_tokens
    request = CompletionRequest(model=spec.name, messages=letter.messages, max_tokens=answer)
    price = spec.price if spec.price is not None or spec.base_url else price_of(spec.litellm_id)
    first = worst_prompt_tokens(request)
    # Later rounds fill the prompt's room with drafts and feedback; the first letter does not yet.
    fullest = first if rounds == 1 else max(first, round(config.models.max_prompt_tokens * MARGIN))
    again = fullest + round(config.models.max_prompt_tokens * REPLY_SHARE * MARGIN)
    prompts = rounds * (fullest + again)
    calls = rounds * WRITES
    return PlannedCall(
        model=spec.name,
        role=role,
        provider=spec.provider,
        place=place_of(spec.base_url),
        prompt_tokens=sum(estimate_tokens(message.text) for message in letter.messages),
        max_answer_tokens=answer,
        worst_usd=price.cost(prompt_tokens=first, completion_tokens=answer) if price else None,
        shown=letter.shown,
        messages=tuple((message.role.value, message.text) for message in letter.messages),
        most_calls=calls,
        worst_run_tokens=prompts + calls * answer,
        worst_run_usd=price.cost(prompt_tokens=prompts, completion_tokens=calls * answer) if price else None,
    )


def place_of(base_url: str | None) -> Place:
    """Where an endpoint lies, by its address alone: names are not looked up, so that nothing is sent."""
    if base_url is None:
        return Place.INTERNET
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return Place.THIS_MACHINE
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return (
            Place.PRIVATE_NETWORK
            if "." not in host or host.endswith((".local", ".lan", ".internal"))
            else Place.INTERNET
        )
    if address.is_loopback:
        return Place.THIS_MACHINE
    return Place.PRIVATE_NETWORK if address.is_private else Place.INTERNET


def _never(call: CallRecord) -> None:
    raise AssertionError(f"a plan has asked {call.model}")
