"""Arms of a benchmark as data: read strictly, merged with what all have in common."""

from pathlib import Path

import pytest

from moa_code.config import load_config
from moa_code.config.arms import choose, load_arms
from moa_code.core.errors import ConfigError

SHIPPED = Path(__file__).parents[1] / "docs" / "ablation-arms.toml"


@pytest.fixture
def arms(tmp_path):
    """The arms of a file with this text."""

    def read(text):
        path = tmp_path / "arms.toml"
        path.write_text(text)
        return load_arms(path)

    return read


def test_an_arm_has_what_it_says_and_else_what_all_have(arms):
    first, second = arms(
        '[defaults]\ntokens = 500\nstrategy = "moa"\nseeds = [0, 7]\n'
        '[[arm]]\nname = "a"\nproposers = ["x", "y"]\n'
        '[[arm]]\nname = "b"\nstrategy = "single"\nseeds = [3]\nabout = "alone"\n'
    )
    assert first.settings == {
        "budget.tokens": 500,
        "strategy.name": "moa",
        "models.proposers": ["x", "y"],
    }
    assert first.seeds == (0, 7)
    assert (second.name, second.settings["strategy.name"], second.seeds, second.about) == ("b", "single", (3,), "alone")


def test_an_arm_becomes_settings(arms, tmp_path):
    arm = arms('[[arm]]\nname = "a"\nstrategy = "best-of"\nsamples = 3\nusd = "none"\nthreshold = 0.5\n')[0]
    config = load_config(environment={"HOME": str(tmp_path)}, flags=dict(arm.settings))
    assert (config.strategy.name, config.strategy.samples, config.strategy.threshold) == ("best-of", 3, 0.5)
    assert config.budget.usd is None


def test_the_shipped_ablation_is_eight_arms_at_one_budget(tmp_path):
    found = load_arms(SHIPPED)
    assert len(found) == 8
    assert {arm.settings["budget.tokens"] for arm in found} == {60000}
    assert {arm.settings.get("strategy.references", "real") for arm in found} == {
        "real", "none", "other_task", "shuffled", "best_only", "failing_with_output",
    }  # fmt: skip
    for arm in found:
        load_config(environment={"HOME": str(tmp_path)}, flags=dict(arm.settings))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no"),
        ("arm = 3", "holds no"),
        ("[defaults]\ntokens = 3", "holds no"),
        ("[[arms]]\nname = 'a'", "unknown table 'arms'; nearest: arm"),
        ("[[arm]]\nstrategy = 'moa'", "arm 1 has the name None"),
        ("[[arm]]\nname = 'a b'", "has the name 'a b'"),
        ("[[arm]]\nname = 'a'\n[[arm]]\nname = 'a'", "two arms are called 'a'"),
        ("[[arm]]\nname = 'a'\nstrateg = 'moa'", "arm 'a': unknown key 'strateg'; nearest: strategy"),
        ("[[arm]]\nname = 'a'\nstrategy = 'mao'", "strategy = 'mao': expected auto"),
        ("[[arm]]\nname = 'a'\nreferences = 'reel'", "references = 'reel': expected real"),
        ("[[arm]]\nname = 'a'\nthreshold = 2", "threshold = 2: expected a number from 0 to 1"),
        ("[[arm]]\nname = 'a'\nseeds = 3", "seeds = 3: expected a list"),
        ("[[arm]]\nname = 'a'\nseeds = []", "seeds"),
        ("[[arm]]\nname = 'a'\nseeds = [1, 1]", "different whole numbers"),
        ("[[arm]]\nname = 'a'\nseeds = [true]", "seeds"),
        ("[[arm]]\nname = 'a'\nabout = 3", "about = 3"),
        ("[[arm]]\nname = 'a'\nlimits = 3", "unknown key 'limits'"),
        ("defaults = 3\n[[arm]]\nname = 'a'", "defaults"),
        ("[defaults]\nname = 'x'\n[[arm]]\nname = 'a'", "only an arm has one"),
        ("[defaults]\ntoken = 3\n[[arm]]\nname = 'a'", r"\[defaults\]: unknown key 'token'; nearest: tokens"),
        ("[[arm]", "not valid TOML"),
    ],
)
def test_what_a_file_may_not_say(arms, text, words):
    with pytest.raises(ConfigError, match=words):
        arms(text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        load_arms(tmp_path / "no.toml")


def test_arms_are_chosen_by_name_in_the_order_asked_for():
    found = load_arms(SHIPPED)
    assert [arm.name for arm in choose(found, ("self-moa", "best-only"))] == ["self-moa", "best-only"]
    assert choose(found, ()) == found
    with pytest.raises(ConfigError, match="no arm is called 'self_moa'; nearest: self-moa"):
        choose(found, ("self_moa",))
