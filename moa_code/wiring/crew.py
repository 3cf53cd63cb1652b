"""The team of a run: which models and searches take part, built and ready to be asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from moa_code.aggregate.arbiter import LlmArbiter
from moa_code.aggregate.combine import CombineAggregator
from moa_code.aggregate.llm import LlmAggregator
from moa_code.aggregate.minimise import Reduction, looks_like_a_guard, nothing_kept, reductions
from moa_code.aggregate.references import References
from moa_code.aggregate.refine import LlmRefiner
from moa_code.config import Config
from moa_code.context.pack import pack
from moa_code.core.calls import CallRecord
from moa_code.core.patch import Patch
from moa_code.core.ports import Aggregator, Arbiter, CheckWriter, Proposer
from moa_code.core.profile import Profile
from moa_code.core.run import Members
from moa_code.edits.reply import EditFormat
from moa_code.engine.budget import Ledger
from moa_code.engine.parts import Parts, Unexercised
from moa_code.models.catalog import Team, TeamWish, choose_team
from moa_code.models.connection import Connection, Traffic
from moa_code.models.families import family_of
from moa_code.models.hedged import Hedging
from moa_code.models.metered import Metered
from moa_code.models.presets import BUILTINS, COMBINE
from moa_code.models.recorded import NOTHING, hears_nothing, is_recorded, open_recording, recorded_spec
from moa_code.models.seats import Seat, model_of, seat_of
from moa_code.models.spec import ModelSpec
from moa_code.propose.checks import LlmCheckWriter
from moa_code.propose.llm import LlmProposer, Style
from moa_code.propose.mutate.mutants import BOUNDARIES, mutants
from moa_code.propose.mutate.proposer import MutateProposer
from moa_code.propose.writer import LlmWriter, WriterSettings
from moa_code.wiring.strategies import seated


def team_of(config: Config, environment: Mapping[str, str]) -> Team:
    """Who takes part, from the configuration and the keys that are there. Raises `ConfigError`."""
    aggregator = config.models.aggregator
    asked = [name for name in config.models.proposers if name not in BUILTINS]
    if not aggregator and asked and all(map(is_recorded, asked)):
        aggregator = COMBINE
    wish = TeamWish(proposers=config.models.proposers, aggregator=aggregator, reasoner=config.models.reasoner)
    custom = custom_models(config)
    return seated(choose_team(environment, wish, custom), config.strategy, environment, custom)


def custom_models(config: Config) -> Mapping[str, ModelSpec]:
    """The models behind the user's own endpoints that the configuration names, by `endpoint/model`."""
    named = (*config.models.proposers, config.models.aggregator, config.models.reasoner)
    found: dict[str, ModelSpec] = {}
    for name in map(model_of, named):
        if is_recorded(name):
            recorded = name.partition("~")[0]
            found[recorded] = recorded_spec(recorded)
            continue
        prefix, _, model = name.partition("/")
        endpoint = config.models.endpoints.get(prefix)
        if endpoint is None or not model:
            continue
        written = config.models.formats.get(name, "function")
        found[name] = ModelSpec(
            name=name,
            litellm_id=f"openai/{model}",
            family=family_of(model),
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
    connection: Connection | None

    async def warm(self) -> None:
        """Load what the first call to a model needs, if any will be made."""
        if self.connection is not None:
            await self.connection.warm()

    async def aclose(self) -> None:
        if self.connection is not None:
            await self.connection.aclose()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Crew]:
        """The crew, which gets warm beside whatever comes first and is closed at the end."""
        warming = asyncio.create_task(self.warm())
        try:
            yield self
        finally:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)  # a fault in it is met again by the first call
            await self.aclose()


def build_crew(
    team: Team,
    config: Config,
    environment: Mapping[str, str],
    ledger: Ledger,
    record: Callable[[CallRecord], None],
    *,
    profiles: Mapping[str, Profile] | None = None,
    others: Sequence[str] = (),
    traffic: Traffic | None = None,
) -> Crew:
    """Everybody who may be asked, each paying into `ledger` and telling `record` of every call. `others` are texts of
    other tasks, for an aggregator that is shown those in an ablation.

    `traffic` is what runs at the same time share, so that they keep to their providers' limits together.
    """
    for spec, role in ((team.aggregator, "aggregator"), (team.reasoner, "reasoner")):
        if spec is not None and is_recorded(spec.name):
            raise hears_nothing(spec.name, role)
    desk = _Desk(
        team=team, config=config, environment=environment, ledger=ledger, record=record, traffic=traffic, others=others
    )
    strong = team.aggregator
    reasoner = team.reasoner if team.reasoner is not None and not team.reasoner.is_builtin else None
    proposers = {seat.name: desk.proposer(seat) for seat in team.proposers}
    aggregators: dict[str, Aggregator] = {strong.name: desk.aggregator(strong)}
    hearing = [seat for seat in team.proposers if not seat.is_builtin and not is_recorded(seat.name)]
    refiners = {seat.name: desk.refiner(seat) for seat in hearing}
    arbiters: dict[str, Arbiter] = {}
    check_writers: dict[str, CheckWriter] = {}
    held_back = ""
    if not strong.is_builtin:
        refiners.setdefault(strong.name, desk.refiner(strong))
        arbiters[strong.name] = LlmArbiter(desk.writer(strong), max_prompt_tokens=_prompt_tokens(strong))
        check_writers[strong.name] = LlmCheckWriter(desk.writer(strong), pack, max_prompt_tokens=_prompt_tokens(strong))
        if strong.name not in proposers:
            held_back = strong.name
            proposers[strong.name] = desk.proposer(seat_of(strong))
    if reasoner is not None:
        refiners.setdefault(reasoner.name, desk.refiner(reasoner))
    members = Members(
        proposers=tuple(seat.name for seat in team.proposers),
        aggregator=strong.name,
        reasoner=reasoner.name if reasoner else "",
        strong=held_back,
        refiners=tuple(refiners),
        profiles=profiles or {},
    )
    parts = Parts(
        proposers=proposers,
        aggregators=aggregators,
        refiners=refiners,
        arbiters=arbiters,
        check_writers=check_writers,
        reducer=reducer_of,
        mutants=partial(mutants, operators=BOUNDARIES),
    )
    return Crew(members=members, parts=parts, connection=desk.connection)


@dataclass(kw_only=True)
class _Desk:
    """Makes one member after the other, with one connection and one numbering of calls between them."""

    team: Team
    config: Config
    environment: Mapping[str, str]
    ledger: Ledger
    record: Callable[[CallRecord], None]
    traffic: Traffic | None
    others: Sequence[str]
    connection: Connection | None = field(init=False)
    recording: Metered | None = field(init=False)

    def __post_init__(self) -> None:
        team = self.team
        specs = {s.name: s for s in (*team.proposers, team.aggregator, team.reasoner) if s and not s.is_builtin}
        models = self.config.models
        self.recording = (
            Metered(open_recording(models.recording), self.ledger, lambda _: NOTHING)
            if any(map(is_recorded, specs))
            else None
        )
        specs = {name: spec for name, spec in specs.items() if not is_recorded(name)}
        self.connection = (
            Connection(
                specs.values(),
                self.environment,
                self.ledger,
                seed=self.config.seed,
                limits=models.limits,
                hedging=Hedging(floor_s=models.hedge_after_s),
                traffic=self.traffic,
            )
            if specs
            else None
        )
        self._order = count()

    def writer(self, spec: ModelSpec) -> LlmWriter:
        model = self.recording if is_recorded(spec.name) else self.connection
        assert model is not None, "a team with a model has a connection"
        models = self.config.models
        temperature = spec.temperature if isinstance(spec, Seat) else None
        settings = WriterSettings(
            temperature=temperature or 0.0,
            max_answer_tokens=min(spec.max_answer_tokens, models.max_answer_tokens),
            thinking_tokens=spec.thinking_tokens,
            timeout_s=models.timeout_s,
            sample=spec.sample if isinstance(spec, Seat) else 0,
            asks_again=not is_recorded(spec.name),
        )
        return LlmWriter(spec.name, model, record=self.record, settings=settings, order=self._order)

    def proposer(self, seat: Seat) -> Proposer:
        if seat.is_builtin:
            return MutateProposer()
        return LlmProposer(
            self.writer(seat),
            pack,
            edit_format=self._format(seat),
            style=Style(seat.style),
            max_prompt_tokens=_prompt_tokens(seat),
            name=seat.name,
        )

    def aggregator(self, spec: ModelSpec) -> Aggregator:
        if spec.is_builtin:
            return CombineAggregator()
        return LlmAggregator(
            self.writer(spec),
            pack,
            edit_format=self._format(spec),
            max_prompt_tokens=_prompt_tokens(spec),
            references=References(self.config.strategy.references),
            others=self.others,
        )

    def refiner(self, spec: ModelSpec) -> Aggregator:
        return LlmRefiner(
            self.writer(spec),
            pack,
            edit_format=self._format(spec),
            max_prompt_tokens=_prompt_tokens(spec),
            role="refiner",
        )

    def _format(self, spec: ModelSpec) -> EditFormat:
        name = spec.model if isinstance(spec, Seat) else spec.name
        formats = self.config.models.formats
        written = formats.get(spec.name, formats.get(name))
        return EditFormat(written) if written else spec.edit_format


def _prompt_tokens(spec: ModelSpec) -> int:
    """What of a model's context a prompt may fill, with room for its answer."""
    return max(1_000, spec.context_tokens - spec.max_answer_tokens - spec.thinking_tokens)


def reducer_of(patch: Patch, unexercised: Unexercised = None) -> Reduction:
    """The minimiser of a patch. What no check exercises stays, and so does a guard where that is not known: that no
    check misses it says nothing.
    """
    keep = looks_like_a_guard if unexercised is None else nothing_kept
    return reductions(patch, keep=keep, unexercised=unexercised)
