"""From a name to a model, and from the keys that are there to a team. Looks at what it is given; asks no network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from urllib.parse import urlsplit

from moa_code.core.errors import ConfigError, ExitCode
from moa_code.edits.reply import EditFormat
from moa_code.models.families import by_litellm_id, family_of, presets
from moa_code.models.presets import ALIASES, BUILTINS, COMBINE, MUTATE, PROVIDERS, Provider
from moa_code.models.seats import Seat, SeatName, parse_seat, seat_of, seats_of
from moa_code.models.spec import ModelSpec

OLLAMA_URL = "http://127.0.0.1:11434/v1"
"""Ollama's own OpenAI-compatible endpoint, where it listens unless told otherwise."""

MAX_PROPOSERS = 4
"""Beyond four models the same errors come back; what a fifth adds is measured by `team report`."""

LEAST_MODELS = 2
"""Seats of language models in a team chosen here: with one alone there would be nobody to disagree with."""


class MissingKey(ConfigError):
    """A model was asked for whose provider's key is not there."""

    exit_code = ExitCode.PROVIDER


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamWish:
    """Who the user asked for, by role; empty means "choose for me"."""

    proposers: tuple[str, ...] = ()
    aggregator: str = ""
    reasoner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who does what. `reasoner` is None where there is no language model. `why`: one line a decision, for `doctor`.

    No two proposers have the same name.
    """

    proposers: tuple[Seat, ...]
    aggregator: ModelSpec
    reasoner: ModelSpec | None
    why: tuple[str, ...]


def resolve(name: str, env: Mapping[str, str], custom: Mapping[str, ModelSpec]) -> ModelSpec:
    """The model called `name`: the user's own, a builtin, an alias, a preset, `PROVIDER/MODEL`, or `MODEL@URL`.

    Raises `ConfigError` for a name we do not know (with the nearest ones) and for a key that is not in `env` (with the
    variable's name).
    """
    if name in custom:
        return _with_key(custom[name], env)
    if name in BUILTINS:
        return BUILTINS[name]
    if "@" in name:
        return _endpoint(name)
    if name.startswith("ollama/") and len(name) > len("ollama/"):
        return _local(name, name.removeprefix("ollama/"), _ollama_url(env))
    known = presets().get(ALIASES.get(name, name)) or by_litellm_id(name)
    if known is not None:
        return _with_key(known, env)
    provider, _, model = name.partition("/")
    for one in PROVIDERS:
        if one.prefix == provider and model:
            # A provider's newest model is not in our table: taken at its word, with careful limits.
            template = one.cheap[0]
            return _with_key(replace(template, name=name, litellm_id=name, supports_temperature=False), env)
    raise _unknown(name, (*presets(), *ALIASES, *BUILTINS, *custom))


def resolve_seat(text: str, env: Mapping[str, str], custom: Mapping[str, ModelSpec]) -> Seat:
    """The seat called `MODEL[#STYLE][@TEMPERATURE][~DRAW]`; the model's part is what `resolve` knows.

    Raises `ConfigError` naming the part that is wrong: like `resolve`, or for a style or a temperature there is not.
    """
    name = parse_seat(text, custom)
    spec = resolve(name.model, env, custom)
    if spec.is_builtin and name != SeatName(model=name.model):
        raise ConfigError(
            f"{text!r}: {spec.name} reads no prompt, so it has neither style nor temperature",
            remedy=f"write {spec.name}",
        )
    return seat_of(spec, name)


def choose_team(env: Mapping[str, str], wish: TeamWish, custom: Mapping[str, ModelSpec]) -> Team:
    """The team for these keys and wishes. Without a key and a wish it is the search, which needs neither.

    Raises `ConfigError` like `resolve`, for names that were asked for.
    """
    why: list[str] = []
    there = sorted((p for p in PROVIDERS if _key_env(p, env)), key=lambda p: p.rank)
    for provider in there:
        why.append(f"{provider.name}: ${_key_env(provider, env)} is set")
    if not there:
        why.append(f"no provider's key is set (looked for {', '.join(p.key_envs[0] for p in PROVIDERS)})")
    if wish.proposers:
        proposers, remarks = _asked(wish.proposers, env, custom)
        why.append(f"proposers: {_names(proposers)}, as asked")
        why.extend(remarks)
    else:
        proposers = (*_seated([_with_key(spec, env) for spec in _diverse(there)]), seat_of(BUILTINS[MUTATE]))
        families = len({seat.family for seat in proposers if not seat.is_builtin})
        reason = (
            "a search that needs no model"
            if not there
            else "cheap ones of different families, and the search"
            if families > 1
            else "cheap ones of the one family there is a key for, asked in different ways, and the search"
        )
        why.append(f"proposers: {_names(proposers)}, {reason}")
    llm = there or any(not spec.is_builtin for spec in proposers)
    if wish.aggregator:
        aggregator = resolve(wish.aggregator, env, custom)
        why.append(f"aggregator: {aggregator.name}, as asked")
    elif there:
        aggregator = _with_key(there[0].strong, env)
        why.append(f"aggregator: {aggregator.name}, the strongest of the providers with a key")
    elif llm:
        last = next(seat for seat in reversed(proposers) if not seat.is_builtin)
        aggregator = resolve(last.model, env, custom)
        why.append(f"aggregator: {aggregator.name}, the last proposer named: no provider with a stronger one has a key")
    else:
        aggregator = BUILTINS[COMBINE]
        why.append(f"aggregator: {COMBINE}, which needs no model")
    reasoner: ModelSpec | None = None
    if wish.reasoner:
        reasoner = resolve(wish.reasoner, env, custom)
        why.append(f"reasoner: {reasoner.name}, as asked")
    elif there:
        reasoner = _with_key(there[0].reasoner, env)
        why.append(f"reasoner: {reasoner.name}, of the same provider as the strongest aggregator")
    else:
        why.append("reasoner: none, there is no provider's key")
    return Team(proposers=proposers, aggregator=aggregator, reasoner=reasoner, why=tuple(why))


def known_names(custom: Mapping[str, ModelSpec]) -> tuple[str, ...]:
    """Every name `resolve` knows without guessing, sorted."""
    return tuple(sorted({*presets(), *ALIASES, *BUILTINS, *custom}))


def _provider(spec: ModelSpec) -> Provider | None:
    prefix = spec.litellm_id.partition("/")[0]
    return next((p for p in PROVIDERS if p.prefix == prefix), None)


def _key_env(provider: Provider, env: Mapping[str, str]) -> str:
    """The first of the provider's variables that holds something; empty when none does."""
    return next((name for name in provider.key_envs if env.get(name, "").strip()), "")


def _with_key(spec: ModelSpec, env: Mapping[str, str]) -> ModelSpec:
    """`spec` with the variable its key is in. Raises `ConfigError` when there is none."""
    if spec.api_key_env:
        if not env.get(spec.api_key_env, "").strip():
            raise _no_key(spec.name, spec.api_key_env)
        return spec
    provider = _provider(spec)
    if spec.is_builtin or spec.base_url is not None or provider is None:
        return spec
    if not (found := _key_env(provider, env)):
        raise _no_key(spec.name, provider.key_envs[0])
    return replace(spec, api_key_env=found)


def _no_key(name: str, variable: str) -> MissingKey:
    return MissingKey(
        f"the model {name} needs a key, and ${variable} is not set",
        remedy=f"export {variable}=…, or name a local endpoint: openai/MODEL@http://127.0.0.1:8000/v1",
    )


def _unknown(name: str, names: tuple[str, ...]) -> ConfigError:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    return ConfigError(f"no model is called {name!r}{hint}", remedy="moa-code doctor, or write PROVIDER/MODEL")


def _endpoint(text: str) -> ModelSpec:
    """`openai/MODEL@URL` (the prefix may be left out): any OpenAI-compatible server."""
    model, _, url = text.partition("@")
    model = re.sub(r"^(openai|ollama|hosted_vllm)/", "", model)
    parts = urlsplit(url)
    if not model or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"{text!r} is not MODEL@URL with an http or https address",
            remedy="write it like openai/MODEL@http://127.0.0.1:8000/v1",
        )
    if parts.username or parts.password:
        raise ConfigError(
            f"the address of {model!r} holds a password, which would end up in logs",
            remedy="name the variable that holds the key as api_key_env in your own configuration",
        )
    return _local(text, model, url.rstrip("/"))


def _local(name: str, model: str, url: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        litellm_id=f"openai/{model}",
        family=family_of(model),
        edit_format=EditFormat.FUNCTION,
        base_url=url,
        supports_seed=True,
        context_tokens=16_384,
        max_answer_tokens=4_096,
    )


def _ollama_url(env: Mapping[str, str]) -> str:
    """Where Ollama listens: `OLLAMA_HOST`, in the forms its own client takes (host, host:port, URL)."""
    host = env.get("OLLAMA_HOST", "").strip().rstrip("/")
    if not host:
        return OLLAMA_URL
    parts = urlsplit(host if "://" in host else f"http://{host}")
    name = parts.hostname or "127.0.0.1"
    name = "127.0.0.1" if name == "0.0.0.0" else name  # noqa: S104 - where a server binds, not where a client goes
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{parts.port or 11434}/v1"


def _diverse(there: list[Provider]) -> list[ModelSpec]:
    """Up to `MAX_PROPOSERS` cheap models: first one of each family, then second ones."""
    first: list[ModelSpec] = []
    rest: list[ModelSpec] = []
    for spec in (spec for turn in range(2) for p in there for spec in p.cheap[turn : turn + 1]):
        (rest if spec.family in {s.family for s in first} else first).append(spec)
    return (first + rest)[:MAX_PROPOSERS]


def _seated(specs: list[ModelSpec]) -> tuple[Seat, ...]:
    """A seat a model; one whose family sits there already is asked in another way, and one model alone takes two."""
    seats: list[Seat] = []
    if len(specs) == 1:
        return seats_of(specs[0], LEAST_MODELS)
    for spec in specs:
        before = sum(seat.family == spec.family for seat in seats)
        seats.append(seats_of(spec, before + 1)[-1])
    return tuple(seats)


def _asked(
    names: tuple[str, ...], env: Mapping[str, str], custom: Mapping[str, ModelSpec]
) -> tuple[tuple[Seat, ...], list[str]]:
    """The seats of these names, and what of them could not be had as it was written.

    A name that comes again is another seat of that model: asked in another way, for the same answer twice is no help.
    """
    seats: list[Seat] = []
    remarks: list[str] = []
    for text in names:
        seat = resolve_seat(text, env, custom)
        wanted = parse_seat(text, custom).temperature
        if wanted is not None and seat.temperature is None:
            remarks.append(f"{seat.name}: {seat.model} takes no temperature, so {wanted:g} is not sent")
        taken = [one.name for one in seats]
        if seat.name in taken:
            spec = resolve(parse_seat(text, custom).model, env, custom)
            if spec.is_builtin:
                remarks.append(f"{seat.name}: named twice, and takes part once: it would find the same again")
                continue
            seat = seats_of(spec, 1, taken=taken)[0]
            remarks.append(f"{seat.name}: for {text}, which is in the team already")
        seats.append(seat)
    return tuple(seats), remarks


def _names(specs: tuple[ModelSpec, ...]) -> str:
    return ", ".join(spec.name for spec in specs)
