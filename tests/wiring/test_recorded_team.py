"""Recorded models in a team: they propose what they said then, and nothing else is asked of them."""

import asyncio
import json

import pytest

from moa_code.config import load_config
from moa_code.core.brief import Baseline, Brief
from moa_code.core.errors import ConfigError
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.engine.budget import Ledger
from moa_code.wiring.crew import build_crew, team_of

STUB = b"def f(x):\n    raise NotImplementedError\n"
TASK = Task(
    task_id=TaskId("T/0"),
    mode=Mode.IMPLEMENT,
    instruction="Write f.",
    tree=MemorySnapshot(files={"solution.py": STUB}),
    checks=Checks(kind=CheckKind.ORACLE),
    entry_point="solution.py::f",
)


@pytest.fixture
def recording(tmp_path):
    """Two samples of one model, the second in words that hold no edit."""
    lines = [
        {"task_id": "T/0", "model": "gpt", "prompting": "cot", "sample": 0, "code": "def f(x):\n    return x\n"},
        {"task_id": "T/0", "model": "gpt", "prompting": "cot", "sample": 1, "response": "I do not know."},
    ]
    path = tmp_path / "recording.jsonl"
    path.write_text("\n".join(json.dumps({"completion_tokens": 5, "prompt_tokens": 7, **line}) for line in lines))
    return path


def crew_of(tmp_path, recording, ledger=None, calls=None, **flags):
    given = {"models.recording": str(recording), **{key.replace("__", "."): value for key, value in flags.items()}}
    settings = load_config(environment={"HOME": str(tmp_path)}, flags=given)
    record = (lambda call: None) if calls is None else calls.append
    return build_crew(team_of(settings, {}), settings, {}, ledger or Ledger(), record)


def drafts(crew, name):
    async def read():
        brief = Brief(task=TASK, baseline=Baseline(results=()))
        return [draft async for draft in crew.parts.proposers[name].drafts(brief)]

    return asyncio.run(read())


def test_a_recording_proposes_without_a_key_and_costs_nothing(tmp_path, recording):
    ledger = Ledger(limit_usd=0.0)
    crew = crew_of(tmp_path, recording, ledger, models__proposers=("recorded:gpt+cot",))
    (draft,) = drafts(crew, "recorded:gpt+cot")
    assert draft.patch.changes[0].after == b"def f(x):\n    return x\n"
    assert crew.connection is None
    (spent,) = ledger.spent()
    assert (spent.calls, spent.prompt_tokens, spent.completion_tokens) == (1, 7, 5)
    assert ledger.spent_usd == 0


def test_tokens_of_a_recording_count_against_the_budget(tmp_path, recording):
    crew = crew_of(tmp_path, recording, Ledger(limit_tokens=10), models__proposers=("recorded:gpt+cot",))
    (draft,) = drafts(crew, "recorded:gpt+cot")
    assert "over budget" in draft.lost


def test_a_sample_is_named_behind_a_tilde_and_is_not_asked_again(tmp_path, recording):
    calls = []
    crew = crew_of(tmp_path, recording, calls=calls, models__proposers=("recorded:gpt+cot", "recorded:gpt+cot~2"))
    (draft,) = drafts(crew, "recorded:gpt+cot~2")
    assert draft.lost.startswith("no edit could be read")
    assert [call.completion.text for call in calls] == ["I do not know."]


def test_where_all_are_recorded_a_search_merges_and_nobody_refines(tmp_path, recording):
    crew = crew_of(tmp_path, recording, models__proposers=("recorded:gpt+cot",))
    assert (crew.members.aggregator, crew.members.refiners) == ("builtin:combine", ())
    assert not crew.parts.refiners


@pytest.mark.parametrize("role", ["aggregator", "reasoner"])
def test_a_recording_cannot_hear_a_new_question(tmp_path, recording, role):
    with pytest.raises(ConfigError, match=f"cannot hear a new question, so it cannot be the {role}"):
        crew_of(
            tmp_path, recording, **{"models__proposers": ("recorded:gpt+cot",), f"models__{role}": "recorded:gpt+cot"}
        )


def test_a_recorded_name_without_a_recording(tmp_path):
    with pytest.raises(ConfigError, match="no recording"):
        crew_of(tmp_path, "", models__proposers=("recorded:gpt+cot",))


def test_a_task_that_was_not_recorded_is_a_loss_with_its_reason(tmp_path, recording):
    crew = crew_of(tmp_path, recording, models__proposers=("recorded:other+cot",))
    (draft,) = drafts(crew, "recorded:other+cot")
    assert "no recording of task 'T/0'" in draft.lost
