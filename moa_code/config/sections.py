"""The settings as values: one frozen dataclass a section, and `Config` over all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moa_code.core.box import Limits
from moa_code.core.errors import ConfigError
from moa_code.core.task import EditRules
from moa_code.core.verdict import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible server. `api_key_env` names the environment variable that holds its key; empty: no key."""

    base_url: str
    api_key_env: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLimits:
    """What one provider lets through: calls at once, requests and tokens a minute; None is no limit."""

    at_once: int | None = 16
    rpm: int | None = None
    tpm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Who is asked. Empty roles are filled from the keys that are there. A model of an endpoint is `endpoint/model`."""

    proposers: tuple[str, ...]
    aggregator: str
    reasoner: str
    recording: str  # the file behind `recorded:NAME`; empty: there is none
    endpoints: Mapping[str, Endpoint]
    formats: Mapping[str, str]  # model → edit format, where the built-in table is to be overridden
    limits: Mapping[str, ProviderLimits]  # by litellm's name of the provider, an endpoint's name, or its address
    timeout_s: float
    hedge_after_s: float | None  # a call that takes longer, and longer than its model's others, is made once more
    max_prompt_tokens: int
    max_answer_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """Which policy decides. `entry` is the first rung of `auto`; `threshold` the belief at which it stops.

    `samples` are the drafts of one model that `best-of`, `vote` and `self-moa` ask for, `layers` those of `moa` with
    the aggregator's, `calls` what `tree` may use. `references` are the drafts that the aggregator reads: its own
    task's, or in an ablation none, another task's, in disorder, the best, or failing ones alone.
    """

    name: str
    entry: str
    threshold: float
    samples: int
    layers: int
    calls: int
    references: str
    feedback_rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one run may use; None is no bound."""

    usd: float | None
    tokens: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Where candidates run. `slots` 0: one a core. `image` empty: ours."""

    backend: str
    image: str
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """What counts as verified. `test` is the command that runs the checks, empty: found out. `paranoid`: every
    candidate in a fresh box, not the winner alone.
    """

    min_level: Level
    lint: bool
    paranoid: bool
    test: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One effective value, for `config show --origin`."""

    key: str
    value: object
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one invocation."""

    models: Models
    strategy: Strategy
    budget: Budget
    limits: Limits
    sandbox: Sandbox
    verify: Verify
    edits: EditRules
    journal: Path
    seed: int
    origins: Mapping[str, str] = field(repr=False)

    def origin(self, key: str) -> str:
        """Where the value of a dotted key comes from. Raises `ConfigError` naming the nearest for an unknown one."""
        if key not in self.origins:
            raise unknown_key(key, self.origins, "config show")
        return self.origins[key]

    def settings(self) -> tuple[Setting, ...]:
        """Every key with its value and origin, in the order of the documentation."""
        found = []
        for key in self.origins:
            value: object = self
            for part in key.split("."):
                value = getattr(value, part)
            found.append(Setting(key=key, value=value, origin=self.origins[key]))
        return tuple(found)


def unknown_key(key: str, known_keys: Iterable[str], origin: str) -> ConfigError:
    """The error for a key nobody knows, with the nearest ones."""
    keys = tuple(known_keys)
    near = difflib.get_close_matches(key, keys, n=3, cutoff=0.5)
    last = [known for known in keys if known.rpartition(".")[2] == key.rpartition(".")[2]]
    nearest = ", ".join(dict.fromkeys([*last, *near]))
    return ConfigError(
        f"{origin}: unknown key {key!r}" + (f"; nearest: {nearest}" if nearest else ""),
        remedy="moa-code config show --origin",
    )
