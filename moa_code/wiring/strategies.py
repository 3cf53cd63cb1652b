"""From a strategy's name to its policy, and to the team as that strategy seats it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from moa_code.config.sections import Strategy
from moa_code.core.errors import ConfigError
from moa_code.engine.engine import Policy
from moa_code.models.catalog import Team, resolve
from moa_code.models.seats import seats_of
from moa_code.models.spec import ModelSpec
from moa_code.policies import auto, best_of, moa, single, tree


def policy_of(strategy: Strategy) -> Policy:
    """The policy behind a strategy's name, with its settings. Raises `ConfigError` for one that does not exist."""
    ladder = auto.Ladder(threshold=strategy.threshold, entry=strategy.entry)
    policies: dict[str, Policy] = {
        "auto": partial(auto.next_steps, ladder=ladder),
        "single": partial(single.next_steps, strong=strategy.entry == "strong"),
        "best-of": best_of.best_of,
        "vote": best_of.vote,
        "moa": partial(moa.next_steps, layers=strategy.layers),
        "self-moa": partial(moa.next_steps, layers=strategy.layers),
        "tree": partial(tree.next_steps, calls=strategy.calls),
    }
    if strategy.name not in policies:
        raise ConfigError(f"no strategy {strategy.name!r}", remedy=f"use one of {', '.join(policies)}")
    return policies[strategy.name]


def seated(team: Team, strategy: Strategy, environment: Mapping[str, str], custom: Mapping[str, ModelSpec]) -> Team:
    """The team as the strategy wants it: `best-of` and `self-moa` let one model draft several times.

    `best-of` takes the first proposer's model, `self-moa` the aggregator's; `vote` takes the whole team where it has
    several models. A team without a model stays as it is: a search drafts thousands of times anyway.
    """
    models = tuple(seat for seat in team.proposers if not seat.is_builtin)
    if not models:
        return team
    if strategy.name == "self-moa":
        return replace(team, proposers=seats_of(team.aggregator, strategy.samples))
    alone = len({seat.model for seat in models}) == 1
    if strategy.name == "best-of" or (strategy.name == "vote" and alone):
        return replace(team, proposers=seats_of(resolve(models[0].model, environment, custom), strategy.samples))
    return team
