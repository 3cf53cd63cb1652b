"""The team, built: who takes part under which name, without a call to anybody."""

import asyncio

from moa_code.config import load_config
from moa_code.core.patch import FileChange, patch_of
from moa_code.engine.budget import Ledger
from moa_code.wiring.crew import build_crew, custom_models, reducer_of, team_of


def config(tmp_path, **flags):
    return load_config(environment={"HOME": str(tmp_path)}, flags={k.replace("__", "."): v for k, v in flags.items()})


def test_the_keyless_team_needs_no_connection(tmp_path):
    settings = config(tmp_path)
    crew = build_crew(team_of(settings, {}), settings, {}, Ledger(), lambda call: None)
    assert crew.members.proposers == ("builtin:mutate",)
    assert crew.members.aggregator == "builtin:combine"
    assert set(crew.parts.proposers) == {"builtin:mutate"}
    assert set(crew.parts.aggregators) == {"builtin:combine"}
    assert crew.connection is None
    asyncio.run(crew.aclose())


def test_members_are_named_as_their_parts_are(tmp_path):
    settings = config(tmp_path)
    crew = build_crew(team_of(settings, {}), settings, {}, Ledger(), lambda call: None)
    assert {name: p.name for name, p in crew.parts.proposers.items()} == {n: n for n in crew.members.proposers}
    assert crew.parts.aggregators[crew.members.aggregator].name == crew.members.aggregator


def test_a_model_team_can_refine_arbitrate_and_hold_its_strong_one_back(tmp_path):
    settings = config(tmp_path, models__proposers=("gpt-4.1-mini",), models__aggregator="gpt-5.6")
    keys = {"OPENAI_API_KEY": "sk-none"}
    crew = build_crew(team_of(settings, keys), settings, keys, Ledger(), lambda call: None)
    assert crew.members.proposers == ("gpt-4.1-mini",)
    assert (crew.members.aggregator, crew.members.strong) == ("gpt-5.6", "gpt-5.6")
    assert set(crew.parts.proposers) == {"gpt-4.1-mini", "gpt-5.6"}
    assert set(crew.parts.refiners) >= {"gpt-4.1-mini", "gpt-5.6", crew.members.reasoner}
    assert set(crew.parts.arbiters) == set(crew.parts.check_writers) == {"gpt-5.6"}
    asyncio.run(crew.aclose())


def test_a_strong_one_that_proposes_is_not_held_back(tmp_path):
    settings = config(tmp_path, models__proposers=("gpt-5.6",), models__aggregator="gpt-5.6")
    keys = {"OPENAI_API_KEY": "sk-none"}
    crew = build_crew(team_of(settings, keys), settings, keys, Ledger(), lambda call: None)
    assert (crew.members.proposers, crew.members.strong) == (("gpt-5.6",), "")
    asyncio.run(crew.aclose())


def test_without_endpoints_there_are_no_models_of_ones_own(tmp_path):
    assert custom_models(config(tmp_path, models__proposers=("house/tiny",))) == {}


def test_a_guard_is_not_taken_out_of_a_patch():
    """Checks that do not reach a guard do not miss it; a reader would."""
    before = b"def f(x):\n    return 1 / x\n"
    after = b"def f(x):\n    if x is None:\n        raise ValueError(x)\n    return 2 / x\n"
    reducer = reducer_of(patch_of(FileChange(path="a.py", before=before, after=after)))
    while batch := reducer.next_batch():
        reducer.tell(tuple(True for _ in batch))
    assert b"raise ValueError" in reducer.patch.changes[0].after
