"""Strategies by name: each has a policy, and a team seated as it wants it."""

from dataclasses import replace

import pytest

from moa_code.config import load_config
from moa_code.config.keys import KEYS
from moa_code.core.errors import ConfigError
from moa_code.models.catalog import TeamWish, choose_team
from moa_code.wiring.strategies import policy_of, seated

NAMES = ("auto", "single", "best-of", "vote", "moa", "self-moa", "tree")
KEY = {"OPENAI_API_KEY": "sk-none", "MISTRAL_API_KEY": "none"}


def strategy(tmp_path, name, **more):
    flags = {"strategy.name": name, **{f"strategy.{k}": v for k, v in more.items()}}
    return load_config(environment={"HOME": str(tmp_path)}, flags=flags).strategy


@pytest.mark.parametrize("name", NAMES)
def test_every_name_the_settings_take_has_a_policy(tmp_path, name):
    assert name in KEYS["strategy.name"].expects
    assert callable(policy_of(strategy(tmp_path, name)))


def test_an_unknown_strategy_names_those_that_exist(tmp_path):
    with pytest.raises(ConfigError, match="'roulette'") as caught:
        policy_of(replace(strategy(tmp_path, "auto"), name="roulette"))
    assert all(name in caught.value.remedy for name in NAMES)


def seats(tmp_path, name, proposers=(), **more):
    team = choose_team(KEY, TeamWish(proposers=proposers), {})
    return seated(team, strategy(tmp_path, name, **more), KEY, {})


@pytest.mark.parametrize("name", ["auto", "single", "moa", "tree"])
def test_most_strategies_take_the_team_as_it_is(tmp_path, name):
    team = choose_team(KEY, TeamWish(), {})
    assert seats(tmp_path, name) == team


def test_best_of_seats_one_model_often(tmp_path):
    team = seats(tmp_path, "best-of", ("codestral", "gpt-4.1-mini"), samples=3)
    assert {seat.model for seat in team.proposers} == {"codestral-latest"}
    assert len({seat.name for seat in team.proposers}) == 3


def test_self_moa_seats_the_aggregators_model(tmp_path):
    team = seats(tmp_path, "self-moa", samples=4)
    assert {seat.model for seat in team.proposers} == {team.aggregator.name}
    assert len({seat.name for seat in team.proposers}) == 4


def test_a_vote_of_several_models_needs_no_samples(tmp_path):
    assert [seat.model for seat in seats(tmp_path, "vote", ("codestral", "gpt-4.1-mini")).proposers] == [
        "codestral-latest",
        "gpt-4.1-mini",
    ]
    assert len(seats(tmp_path, "vote", ("codestral",), samples=5).proposers) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_search_is_seated_once(tmp_path, name):
    team = choose_team({}, TeamWish(), {})
    assert seated(team, strategy(tmp_path, name, samples=5), {}, {}) == team
