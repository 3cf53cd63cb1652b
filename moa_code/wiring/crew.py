"""The team of a run: which models and searches take part, built and ready to be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random

from moa_code.aggregate.combine import CombineAggregator
from moa_code.aggregate.llm import LlmAggregator
from moa_code.aggregate.minimise import Reduction, looks_like_a_guard, reductions
from moa_code.config import Config
from moa_code.context.pack import pack
from moa_code.core.calls import CallRecord
from moa_code.core.errors import ConfigError
from moa_code.core.patch import Patch
from moa_code.core.ports import Aggregator, Model, Proposer
from moa_code.core.run import Members
from moa_code.edits.reply import EditFormat
from moa_code.engine.budget import Ledger
from moa_code.engine.engine import Policy
from moa_code.engine.parts import Parts
from moa_code.models.catalog import Team, TeamWish, choose_team
from moa_code.models.litellm_adapter import LitellmModel
from moa_code.models.metered import Metered
from moa_code.models.retry import Retrying
from moa_code.models.spec import ModelSpec
from moa_code.policies import moa
from moa_code.propose.llm import LlmProposer
from moa_code.propose.mutate.proposer import MutateProposer
from moa_code.propose.writer import LlmWriter, WriterSettings


def policy_of(name: str) -> Policy:
    """The policy behind a strategy's name. Raises `ConfigError` for one that does not exist yet."""
    policies: dict[str, Policy] = {"auto": moa.next_steps, "moa": moa.next_steps}
    if name not in policies:
        raise ConfigError(f"strategy {name!r} is not available yet", remedy=f"use one of {', '.join(policies)}")
    return policies[name]


def team_of(config: Config, environment: Mapping[str, str]) -> Team:
    """Who takes part, from the configuration and the keys that are there. Raises `ConfigError`."""
    wish = TeamWish(
        proposers=config.models.proposers, aggregator=config.models.aggregator, reasoner=config.models.reasoner
    )
    return choose_team(environment, wish, custom_models(config))


def custom_models(config: Config) -> Mapping[str, ModelSpec]:
    """The models behind the user's own endpoints that the configuration names, by `endpoint/model`."""
    named = (*config.models.proposers, config.models.aggregator, config.models.reasoner)
    found: dict[str, ModelSpec] = {}
    for name in named:
        prefix, _, model = name.partition("/")
        endpoint = config.models.endpoints.get(prefix)
        if endpoint is None or not model:
            continue
        written = config.models.formats.get(name, "function")
        found[name] = ModelSpec(
            name=name,
            litellm_id=f"openai/{model}",
            family=prefix,
            edit_format=EditFormat(written),
            base_url=endpoint.base_url,
            api_key_env=endpoint.api_key_env or None,
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The team, built: who proposes, who merges, and the connection to close at the end."""

    members: Members
    parts: Parts
    model: Model | None

    async def aclose(self) -> None:
        if self.model is not None:
            await self.model.aclose()


def build_crew(
    team: Team, config: Config, environment: Mapping[str, str], ledger: Ledger, record: Callable[[CallRecord], None]
) -> Crew:
    """Proposers and aggregator of a team, each paying into `ledger` and telling `record` of every call."""
    specs = {s.name: s for s in (*team.proposers, team.aggregator, team.reasoner) if s and not s.is_builtin}
    model = _connection(specs, config, environment, ledger) if specs else None
    order = count()

    def writer(spec: ModelSpec) -> LlmWriter:
        assert model is not None
        settings = WriterSettings(
            max_answer_tokens=min(spec.max_answer_tokens, config.models.max_answer_tokens),
            thinking_tokens=spec.thinking_tokens,
            timeout_s=config.models.timeout_s,
        )
        return LlmWriter(spec.name, model, record=record, settings=settings, order=order)

    proposers: dict[str, Proposer] = {}
    for spec in team.proposers:
        proposers[spec.name] = (
            MutateProposer()
            if spec.is_builtin
            else LlmProposer(
                writer(spec), pack, edit_format=_format(spec, config), max_prompt_tokens=_prompt_tokens(spec)
            )
        )
    chosen = team.aggregator
    aggregator: Aggregator = (
        CombineAggregator()
        if chosen.is_builtin
        else LlmAggregator(
            writer(chosen), pack, edit_format=_format(chosen, config), max_prompt_tokens=_prompt_tokens(chosen)
        )
    )
    members = Members(
        proposers=tuple(proposers),
        aggregator=aggregator.name,
        reasoner=team.reasoner.name if team.reasoner else "",
    )
    parts = Parts(
        proposers=proposers,
        aggregators={aggregator.name: aggregator},
        reducer=reducer_of,
        mutants=lambda task, patch: (),  # noqa: ARG005
    )
    return Crew(members=members, parts=parts, model=model)


def _connection(
    specs: Mapping[str, ModelSpec], config: Config, environment: Mapping[str, str], ledger: Ledger
) -> Model:
    """One way to all models: each attempt is paid for, and retried within bounds."""
    adapter = LitellmModel(specs.values(), environment)
    paid = Metered(adapter, ledger, adapter.price)
    providers = {name: spec.provider for name, spec in specs.items()}
    return Retrying(paid, rng=Random(config.seed), providers=providers)


def _format(spec: ModelSpec, config: Config) -> EditFormat:
    written = config.models.formats.get(spec.name)
    return EditFormat(written) if written else spec.edit_format


def _prompt_tokens(spec: ModelSpec) -> int:
    """What of a model's context a prompt may fill, with room for its answer."""
    return max(1_000, spec.context_tokens - spec.max_answer_tokens - spec.thinking_tokens)


def reducer_of(patch: Patch) -> Reduction:
    """The minimiser of a patch. A guard that no check needs stays: the checks may simply not reach it."""
    return reductions(patch, keep=looks_like_a_guard)
