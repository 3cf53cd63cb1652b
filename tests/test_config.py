from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.config import KEYS, Endpoint, journal_path, load_config, parse_duration, parse_size, user_config_path
from moa_code.core.box import Limits
from moa_code.core.errors import ConfigError
from moa_code.core.task import EditRules
from moa_code.core.verdict import Level
from moa_code.edits.reply import EditFormat


@pytest.fixture
def load(tmp_path):
    """Load from texts of the files: `user`, `moa` (moa.toml), `project` (pyproject.toml)."""

    def loaded(*, user=None, moa=None, project=None, flags=None, **environment):
        (tmp_path / "home/.config/moa-code").mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo").mkdir(exist_ok=True)
        for text, path in (
            (user, "home/.config/moa-code/config.toml"), (moa, "repo/moa.toml"), (project, "repo/pyproject.toml"),
        ):  # fmt: skip
            if text is not None:
                (tmp_path / path).write_text(text)
        environment = {"HOME": str(tmp_path / "home"), "PATH": "/bin", **environment}
        return load_config(environment=environment, repository=tmp_path / "repo", flags=flags)

    return loaded


def test_without_any_file_all_is_default(load, tmp_path):
    config = load()
    assert set(config.origins.values()) == {"default"}
    assert config.limits == Limits()
    assert config.edits == EditRules()
    assert config.journal == tmp_path / "home/.local/state/moa-code/journal.sqlite"
    assert (config.seed, config.strategy.name, config.strategy.feedback_rounds) == (0, "auto", 3)
    assert config.verify.min_level is Level.WHOLE_SUITE


def test_later_sources_win_and_each_origin_is_kept(load):
    config = load(
        user="seed = 1\n[budget]\nusd = 5\n[limits]\nmemory_bytes = '2GiB'\n[strategy]\nname = 'moa'\n",
        moa="seed = 2\n[budget]\nusd = 0.5\n[strategy]\nname = 'vote'\n",
        flags={"strategy.name": "tree", "budget.tokens": None},
        MOA_CODE_SEED="3",
        MOA_CODE_STRATEGY_NAME="single",
    )
    assert (config.seed, config.budget.usd, config.limits.memory_bytes, config.strategy.name) == (
        3,
        0.5,
        2 << 30,
        "tree",
    )
    assert config.origin("seed") == "MOA_CODE_SEED"
    assert config.origin("budget.usd").endswith("moa.toml")
    assert config.origin("limits.memory_bytes").endswith("config.toml")
    assert config.origin("strategy.name") == "flag"
    assert config.origin("budget.tokens") == "default"
    assert {s.key: s.value for s in config.settings()}["budget.usd"] == 0.5
    assert [s.key for s in config.settings()] == list(KEYS)


def test_all_kinds_of_values(load):
    config = load(
        user="""
        journal = "~/j.sqlite"
        [models]
        proposers = ["a/b", "builtin:mutate"]
        timeout_s = "2m"
        [models.endpoints.local]
        base_url = "http://localhost:11434/v1"
        [models.endpoints.work]
        base_url = "https://llm.example.org"
        api_key_env = "WORK_KEY"
        [models.formats]
        "a/b" = "function"
        [budget]
        usd = "none"
        seconds = "1.5h"
        [sandbox]
        backend = "bubblewrap"
        slots = 4
        [verify]
        min_level = "L6"
        test = "pytest -q 'a b'"
        [edits]
        editable = ["src/**"]
        max_patch_bytes = "10kB"
        """,
        MOA_CODE_MODELS_PROPOSERS="x, y",
        MOA_CODE_VERIFY_LINT="off",
    )
    assert config.journal.name == "j.sqlite"
    assert config.journal.is_absolute()
    assert config.models.proposers == ("x", "y")
    assert config.models.timeout_s == 120.0
    assert config.models.endpoints["work"] == Endpoint(base_url="https://llm.example.org", api_key_env="WORK_KEY")
    assert config.models.endpoints["local"].api_key_env == ""
    assert config.models.formats == {"a/b": "function"}
    assert (config.budget.usd, config.budget.seconds) == (None, 5400.0)
    assert (config.sandbox.backend, config.sandbox.slots) == ("bubblewrap", 4)
    assert (config.verify.min_level, config.verify.lint) == (Level.DIFFERENTIAL, False)
    assert config.verify.test == ("pytest", "-q", "a b")
    assert config.edits == EditRules(editable=("src/**",), max_patch_bytes=10_000)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[models.endpoints.x]\nbase_url = 'http://evil'", "models.endpoints cannot be set"),
        ("[sandbox]\nbackend = 'docker'", "sandbox.backend cannot be set"),
        ("[sandbox]\nimage = 'evil'", "sandbox.image cannot be set"),
        ("[sandbox]\nslots = 1", "sandbox.slots cannot be set"),
        ("journal = '/etc/passwd'", "journal cannot be set"),
        ("[limits]\nmemory_bytes = '2GiB'", "limits.memory_bytes = 2147483648 may only be lowered"),
        ("[limits]\npids = 65", "limits.pids = 65 may only be lowered by a repository; it is 64 here"),
        ("[budget]\nusd = 1.01", "budget.usd = 1.01 may only be lowered"),
        ("[budget]\nusd = 'none'", "budget.usd = None may only be lowered"),
        ("[models]\nmax_answer_tokens = 5000", "may only be lowered"),
        ("[strategy]\nthreshold = 0.5", "strategy.threshold = 0.5 may only be made stricter"),
        ("[verify]\nmin_level = 'L3'", "verify.min_level"),
        ("[verify]\nlint = false", "verify.lint = False may only be made stricter"),
        ("[edits]\nmax_files = 101", "edits.max_files = 101 may only be lowered"),
        ("[edits]\neditable = ['../x']", "expected a list of globs inside the tree"),
        ("[models]\nproposers = ['http://evil/x']", "expected a list of model names"),
        ("[models]\nproposers = ['openai/x@http://evil/v1']", "not the addresses"),
        ("[models]\naggregator = 'openai/x@http://evil/v1'", "not the addresses"),
        ("[models]\nproposers = ['codestral@0.8', 'x@0.8@http://evil/v1']", "not the addresses"),
        ("[models]\nproposers = ['x@1.2.3.4']", "not the addresses"),
        ("[models]\napi_key = 'k'", "unknown key 'models.api_key'"),
    ],
)
def test_a_repository_cannot_loosen_anything(load, text, named):
    with pytest.raises(ConfigError) as caught:
        load(moa=text)
    assert named in caught.value.message
    assert "moa.toml" in caught.value.message
    with pytest.raises(ConfigError, match=r"pyproject\.toml \[tool\.moa-code\]"):
        (prefixed := "\n".join(["[tool.moa-code]", text.replace("[", "[tool.moa-code.", 1)])) and load(
            moa="", project=prefixed if text.startswith("[") else "[tool.moa-code]\n" + text
        )


def test_a_repository_may_tighten_and_choose_names_and_the_test_command(load):
    config = load(
        user="[edits]\neditable = ['src/**', 'lib/**']\nprotected = ['src/keys.py']\n[budget]\ntokens = 'none'\n",
        project="""
        [project]
        name = "theirs"
        [tool.moa-code]
        seed = 7
        [tool.moa-code.models]
        proposers = ["small"]
        [tool.moa-code.limits]
        cpu_s = 5
        [tool.moa-code.budget]
        tokens = 1000
        [tool.moa-code.strategy]
        threshold = 0.99
        [tool.moa-code.verify]
        test = "pytest tests"
        [tool.moa-code.edits]
        editable = ["src/app/**", "lib/one.py"]
        protected = ["src/app/migrations/**"]
        """,
    )
    assert (config.seed, config.models.proposers, config.limits.cpu_s, config.budget.tokens) == (
        7,
        ("small",),
        5.0,
        1000,
    )
    assert config.edits.editable == ("src/app/**", "lib/one.py")
    assert config.edits.protected == ("src/keys.py", "src/app/migrations/**")
    assert config.verify.test == ("pytest", "tests")


@pytest.mark.parametrize("glob", ["**", "src/*", "other/**", "srcs/a.py", "src"])
def test_editable_is_narrowed_only_inside_what_the_user_allows(load, glob):
    with pytest.raises(ConfigError, match=r"edits\.editable .* may only be narrowed"):
        load(user="[edits]\neditable = ['src/**/x.py', 'src/a/**']\n", moa=f"[edits]\neditable = ['{glob}']\n")


def test_a_flag_may_raise_what_the_repository_lowered(load):
    config = load(moa="[limits]\npids = 8\n", flags={"limits.pids": "128"})
    assert config.limits.pids == 128


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sead = 1", "unknown key 'sead'; nearest: seed"),
        ("[budget]\ndollars = 1", "unknown key 'budget.dollars'"),
        ("[modles]\naggregator = 'x'", "unknown key 'modles'"),
        ("memory_bytes = 5", "nearest: limits.memory_bytes"),
        ("budget = 5", "budget = 5: expected a table [budget]"),
        ("seed = '1x'", "seed = '1x': expected a whole number"),
        ("seed = true", "seed = True: expected"),
        ("seed = -1", "seed = -1: expected a whole number from 0"),
        ("[limits]\nmemory_bytes = '1 Gig'", "limits.memory_bytes = '1 Gig': expected bytes, or \"1GiB\""),
        ("[limits]\ncpu_s = '5 parsecs'", "expected seconds"),
        ("[limits]\ncpu_s = inf", "expected seconds"),
        ("[limits]\ncpu_s = nan", "expected seconds"),
        ("[limits]\npids = 0", "expected a whole number from 1"),
        ("[budget]\nusd = nan", "budget.usd = nan"),
        ("[strategy]\nname = 'Auto'", "expected auto | single"),
        ("[verify]\nmin_level = 'L9'", "expected an evidence level"),
        ("[verify]\nlint = 'maybe'", "expected true or false"),
        ('[verify]\ntest = "pytest \'open"', "expected a command"),
        ("[verify]\ntest = 5", "expected a command"),
        ("[models]\nproposers = 5", "expected a list of model names"),
        ("[models.endpoints]\nx = 'http://a'", "never the key"),
        ("[models.endpoints.x]\nbase_url = 'http://a'\napi_key = 'sk-1'", "never the key"),
        ("[models.endpoints.x]\nbase_url = 'ftp://a'", "expected tables"),
        ("[models.endpoints.x]\n", "expected tables"),
        ("[models.formats]\nm = 'json'", "function | blocks"),
        ("a = ", "is not valid TOML"),
    ],
)
def test_a_wrong_entry_is_named_with_value_and_file(load, text, named):
    with pytest.raises(ConfigError) as caught:
        load(user=text)
    assert named in caught.value.message
    assert "config.toml" in caught.value.message


def test_bytes_that_are_no_text_and_huge_files_are_named(load, tmp_path):
    load()
    (tmp_path / "repo/moa.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load()
    (tmp_path / "repo/moa.toml").write_bytes(b"#" * (1 << 20) + b"##")
    with pytest.raises(ConfigError, match="larger than"):
        load()


def test_two_files_in_one_repository_are_refused(load):
    with pytest.raises(ConfigError, match="both"):
        load(moa="seed = 1", project="[tool.moa-code]\nseed = 1")


def test_an_unknown_variable_is_named_and_those_of_others_are_left_alone(load):
    with pytest.raises(ConfigError, match="MOA_CODE_BUDGET_USB; nearest: MOA_CODE_BUDGET_USD"):
        load(MOA_CODE_BUDGET_USB="1")
    with pytest.raises(ConfigError, match="MOA_CODE_SEED: seed = 'x'"):
        load(MOA_CODE_SEED="x")
    assert load(MOA_CODE_DATA="/data", MOA="x").seed == 0


def test_an_unknown_flag_or_origin_is_named(load):
    with pytest.raises(ConfigError, match="flag: unknown key"):
        load(flags={"nothing": 1})
    with pytest.raises(ConfigError, match=r"unknown key 'budget\.us'; nearest: budget\.usd"):
        load().origin("budget.us")


def test_a_named_file_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_config(environment={"HOME": "/h"}, user_file=tmp_path / "none.toml")


def test_the_edit_formats_are_those_a_reply_can_be_read_in(load):
    written = "".join(f"{form.value} = '{form.value}'\n" for form in EditFormat)
    assert load(user=f"[models.formats]\n{written}").models.formats == {form: form for form in EditFormat}


def test_no_dotenv_is_read(load, tmp_path, monkeypatch):
    load()
    (tmp_path / "repo/.env").write_text("MOA_CODE_SEED=9\n")
    monkeypatch.chdir(tmp_path / "repo")
    monkeypatch.setenv("MOA_CODE_SEED", "9")
    assert load().seed == 0


@pytest.mark.parametrize(
    ("environment", "config", "journal"),
    [
        ({"HOME": "/h"}, "/h/.config/moa-code/config.toml", "/h/.local/state/moa-code/journal.sqlite"),
        (
            {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"},
            "/c/moa-code/config.toml",
            "/s/moa-code/journal.sqlite",
        ),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "rel"}, "/h/.config/moa-code/config.toml", None),
    ],
)
def test_where_files_are_looked_for(environment, config, journal):
    assert user_config_path(environment) == Path(config)
    assert journal is None or journal_path(environment) == Path(journal)


def test_without_a_home_the_remedy_names_the_flags():
    with pytest.raises(ConfigError, match="HOME is not set"):
        user_config_path({})


@pytest.mark.parametrize(
    ("given_", "size"),
    [(5, 5), ("5", 5), ("1KiB", 1024), ("1 kb", 1000), ("1.5GiB", 3 << 29), ("2MiB", 2 << 20), ("7b", 7)],
)
def test_sizes(given_, size):
    assert parse_size(given_) == size


@pytest.mark.parametrize(
    ("given_", "span"), [(5, 5), (0.5, 0.5), ("90s", 90), ("250ms", 0.25), ("1.5 m", 90), ("2h", 7200)]
)
def test_durations(given_, span):
    assert parse_duration(given_) == span


@given(st.one_of(st.text(max_size=8), st.none(), st.booleans(), st.lists(st.integers(), max_size=2), st.floats()))
def test_any_other_size_is_a_value_error_or_a_positive_number(value):
    for parse in (parse_size, parse_duration):
        with suppress(ValueError):
            assert parse(value) > 0


def test_what_providers_let_through_is_the_users_to_say(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('[models.limits.openai]\nat_once = 4\nrpm = 60\n[models.limits.house]\nat_once = "none"\n')
    limits = load_config(environment={"HOME": str(tmp_path)}, user_file=file).models.limits
    assert (limits["openai"].at_once, limits["openai"].rpm, limits["openai"].tpm) == (4, 60, None)
    assert (limits["house"].at_once, limits["house"].rpm) == (None, None)


@pytest.mark.parametrize("table", ["at_once = 0", "rpm = -1", 'tpm = "many"', "calls = 3"])
def test_limits_that_make_no_sense_are_named(tmp_path, table):
    file = tmp_path / "config.toml"
    file.write_text(f"[models.limits.openai]\n{table}\n")
    with pytest.raises(ConfigError, match=r"models\.limits"):
        load_config(environment={"HOME": str(tmp_path)}, user_file=file)


def test_a_repository_sets_neither_limits_nor_when_a_call_is_repeated(tmp_path):
    for line in ("hedge_after_s = 0.1", "limits = { openai = { at_once = 99 } }"):
        (tmp_path / "moa.toml").write_text(f"[models]\n{line}\n")
        with pytest.raises(ConfigError, match="cannot be set by a repository"):
            load_config(environment={"HOME": str(tmp_path)}, repository=tmp_path)
