"""What a run knows of its team before it starts: priors, and what the journal has seen since."""

import sqlite3
import time

import pytest

from moa_code.config import load_config
from moa_code.core.task import Mode
from moa_code.evidence.reliability import prior
from moa_code.journal.store import Journal
from moa_code.models.catalog import Team, TeamWish, choose_team
from moa_code.models.presets import PROVIDERS
from moa_code.models.recorded import recorded_spec
from moa_code.models.seats import STYLES, seat_of
from moa_code.propose.llm import Style
from moa_code.wiring.crew import team_of
from moa_code.wiring.profiles import MOST_WEIGHT, profiles_of

KEYS = {p.key_envs[0]: "k" for p in PROVIDERS}
TEAM = choose_team(KEYS, TeamWish(proposers=("codestral", "codestral#plan@0.8", "flash", "builtin:mutate")), {})
SEAT, OTHER_SEAT, FLASH, SEARCH = (seat.name for seat in TEAM.proposers)


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "j.sqlite") as opened:
        yield opened


def write(tmp_path, rows):
    """Rows straight into the table: author, mode, first_passed, right, wrong, calls, prompt, completion, cost."""
    with sqlite3.connect(tmp_path / "j.sqlite") as database:
        database.executemany(
            "INSERT INTO outcomes (run_id, task_id, digest, mode, at, author, first_passed, passed, passes_right,"
            " passes_wrong, calls, prompt_tokens, completion_tokens, cost_usd)"
            " VALUES (?, 't', '', ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (str(number), mode, author, first, first, right, wrong, calls, prompt, completion, cost)
                for number, (author, mode, first, right, wrong, calls, prompt, completion, cost) in enumerate(rows)
            ],
        )


def seen(author, *, right=0, wrong=0, first=1, mode="fix", calls=0, prompt=None, completion=None, cost=None):
    return author, mode, first, right, wrong, calls, prompt, completion, cost


def test_before_any_run_there_are_priors(journal):
    found = profiles_of(TEAM, journal, Mode.FIX)
    assert set(found) == {SEAT, OTHER_SEAT, FLASH, SEARCH, TEAM.aggregator.name, TEAM.reasoner.name}
    assert found[SEAT].false_accept == prior("codestral-latest")
    assert found[SEAT].family == found[OTHER_SEAT].family == "mistral"
    assert found[FLASH].family == "gemini"
    assert (found[SEARCH].family, found[SEARCH].cost_usd) == ("builtin", 0.0)
    assert found[SEARCH].false_accept == prior("builtin:mutate")
    assert found[TEAM.aggregator.name].solves.mean > found[SEAT].solves.mean
    assert profiles_of(TEAM, journal, Mode.IMPLEMENT)[SEARCH].solves.mean < 0.1 < found[SEARCH].solves.mean


def test_an_address_is_not_taken_for_a_models_name(journal):
    team = choose_team({}, TeamWish(proposers=("openai/codellama@http://127.0.0.1:9/v1",)), {})
    (profile,) = profiles_of(team, journal, Mode.FIX).values()
    assert profile.false_accept == prior("codellama")
    assert profile.cost_usd is None


def test_a_recording_has_the_prior_of_its_model(journal):
    name = "recorded:gpt-4-turbo+cot"
    seat = seat_of(recorded_spec(name))
    team = Team(proposers=(seat,), aggregator=TEAM.aggregator, reasoner=None, why=())
    profile = profiles_of(team, journal, Mode.IMPLEMENT)[name]
    assert (profile.false_accept, profile.family) == (prior("gpt-4-turbo"), "openai")


def test_graded_passes_move_the_rate_and_the_other_seat_half_as_much(journal, tmp_path):
    write(tmp_path, [seen(SEAT, wrong=1)] * 20)
    found = profiles_of(TEAM, journal, Mode.FIX)
    before = prior("codestral-latest")
    assert found[SEAT].false_accept.beta == before.beta
    assert before.alpha + 19 < found[SEAT].false_accept.alpha < before.alpha + 20
    assert found[OTHER_SEAT].false_accept.alpha - before.alpha == pytest.approx(
        (found[SEAT].false_accept.alpha - before.alpha) / 2
    )
    assert found[FLASH].false_accept == prior("gemini-3.8-flash")
    elsewhere = profiles_of(TEAM, journal, Mode.IMPLEMENT)[SEAT].false_accept
    assert before.alpha < elsewhere.alpha < before.alpha + 6


def test_first_drafts_move_the_share_that_is_solved(journal, tmp_path):
    write(tmp_path, [seen(SEAT, first=0)] * 60 + [seen(FLASH, first=None)] * 60)
    found = profiles_of(TEAM, journal, Mode.FIX)
    untouched = profiles_of(TEAM, Journal.open(tmp_path / "other.sqlite"), Mode.FIX)
    assert found[SEAT].solves.mean < 0.15 < found[OTHER_SEAT].solves.mean < untouched[SEAT].solves.mean
    assert found[FLASH].solves == untouched[FLASH].solves
    assert found[SEAT].false_accept == untouched[SEAT].false_accept


def test_what_is_long_ago_fades(journal, tmp_path):
    write(tmp_path, [seen(SEAT, wrong=1)] * 800 + [seen(SEAT, right=1)] * 800)
    rate = profiles_of(TEAM, journal, Mode.FIX)[SEAT].false_accept
    assert rate.mean < 0.05
    assert rate.alpha + rate.beta <= MOST_WEIGHT + 25 + 1e-6


def test_no_author_outweighs_the_bound(journal, tmp_path):
    write(tmp_path, [seen(SEAT, wrong=9)] * 400 + [seen(OTHER_SEAT, right=9)] * 400)
    for profile in profiles_of(TEAM, journal, Mode.FIX).values():
        assert profile.false_accept.alpha + profile.false_accept.beta <= MOST_WEIGHT + 25 + 1e-6
        assert profile.solves.alpha + profile.solves.beta <= MOST_WEIGHT + 8 + 1e-6


def test_a_typical_call_costs_what_calls_did_cost(journal, tmp_path):
    before = profiles_of(TEAM, journal, Mode.FIX)[SEAT].cost_usd
    assert 0 < before < 0.01
    costs = [seen(SEAT, calls=2, cost=cost, prompt=100, completion=10) for cost in (0.2, 0.4, 9.0)]
    tokens = [seen(FLASH, calls=1, prompt=1e6, completion=0)]
    write(tmp_path, costs + tokens)
    found = profiles_of(TEAM, journal, Mode.FIX)
    assert found[SEAT].cost_usd == pytest.approx(0.2)
    assert found[FLASH].cost_usd > 0.01


def test_a_model_of_ones_own_endpoint_may_sit_in_any_seat(tmp_path):
    """`house/qwen3#plan@0.8` is the endpoint's model, asked in a style; its family is the model's, not the house's."""
    flags = {"models.endpoints": {"house": {"base_url": "http://h/v1"}}, "models.proposers": ["house/qwen3#plan@0.8"]}
    config = load_config(environment={"HOME": str(tmp_path)}, flags=flags)
    (seat,) = team_of(config, {}).proposers
    assert (seat.name, seat.model, seat.litellm_id) == ("house/qwen3#plan@0.8", "house/qwen3", "openai/qwen3")
    assert (seat.style, seat.temperature, seat.base_url, seat.family) == ("plan", 0.8, "http://h/v1", "qwen")


def test_a_repository_may_name_seats(tmp_path):
    (tmp_path / "moa.toml").write_text("[models]\nproposers = ['codestral#plan@0.8', 'haiku@1~2']\n")
    config = load_config(environment={"HOME": str(tmp_path)}, repository=tmp_path)
    assert config.models.proposers == ("codestral#plan@0.8", "haiku@1~2")


def test_it_is_cheap_with_ten_thousand_runs(journal, tmp_path):
    authors = [SEAT, OTHER_SEAT, FLASH, SEARCH, TEAM.aggregator.name]
    write(
        tmp_path,
        [
            seen(a, right=n % 9 == 0, calls=1, prompt=100, completion=9, cost=0.1)
            for n in range(10_000)
            for a in authors
        ],
    )
    profiles_of(TEAM, journal, Mode.FIX)  # the price table is read once a process

    def once():
        start = time.process_time()
        profiles_of(TEAM, journal, Mode.FIX)
        return time.process_time() - start

    assert min(once() for _ in range(5)) < 0.02


def test_every_style_of_a_seat_is_one_a_proposer_knows():
    assert {style.value for style in Style} == set(STYLES)


def test_without_a_journal_the_shipped_priors_are_all_there_is():
    team = choose_team({}, TeamWish(), {})
    found = profiles_of(team, None, Mode.FIX)
    assert found[team.proposers[0].name].false_accept == prior(team.proposers[0].name)
