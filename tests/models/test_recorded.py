import asyncio
import gzip
import json
import os
from pathlib import Path

import pytest

from moa_code.core.errors import ConfigError, ModelError
from moa_code.core.model import CompletionRequest
from moa_code.models.recorded import RecordedModel

LINE = {
    "suite": "s",
    "task_id": "T/0",
    "model": "gpt",
    "prompting": "cot",
    "sample": 0,
    "response": "raw",
    "code": "x = 1",
    "prompt_tokens": 12,
    "completion_tokens": 0,
}


def write(path, *lines):
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def ask(model, task_id="T/0", name="gpt+cot", sample=0):
    request = CompletionRequest(model=name, messages=(), max_tokens=1, task_id=task_id, sample=sample)
    return asyncio.run(model.complete(request))


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz"])
def test_it_serves_what_was_said(tmp_path, name):
    model = RecordedModel.load(write(tmp_path / name, LINE, LINE | {"sample": 1, "response": "again"}))
    answer = ask(model)
    assert (answer.text, answer.model) == ("raw", "gpt+cot")
    assert ask(model, sample=1).text == "again"
    assert (model.names, model.task_ids) == (("gpt+cot",), ("T/0",))


def test_zero_tokens_means_not_counted(tmp_path):
    usage = ask(RecordedModel.load(write(tmp_path / "r.jsonl", LINE))).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cost_usd) == (12, None, None)


def test_where_the_words_were_not_kept_the_program_is_served_and_says_so(tmp_path):
    answer = ask(RecordedModel.load(write(tmp_path / "r.jsonl", LINE | {"response": None})))
    assert answer.text == "```python\nx = 1\n```\n"
    assert answer.model == "gpt+cot (code only)"


@pytest.mark.parametrize("missing", [{"task_id": "T/1"}, {"name": "gpt"}, {"sample": 5}])
def test_no_record_no_answer(tmp_path, missing):
    model = RecordedModel.load(write(tmp_path / "r.jsonl", LINE))
    with pytest.raises(ModelError, match=r"no recording of .*recorded models: gpt\+cot"):
        ask(model, **missing)


def test_a_model_that_said_nothing_stays_missing(tmp_path):
    model = RecordedModel.load(write(tmp_path / "r.jsonl", LINE | {"response": None, "code": None}))
    with pytest.raises(ModelError, match="recorded models: none"):
        ask(model)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{nope"], "line 1"),
        ([LINE, LINE], "line 2.*recorded twice"),
        ([{"task_id": "T/0"}], "line 1.*model"),
        (["[1]"], "line 1"),
    ],
)
def test_a_broken_recording_names_the_line(tmp_path, lines, words):
    with pytest.raises(ConfigError, match=words):
        RecordedModel.load(write(tmp_path / "r.jsonl", *lines))


def test_a_recording_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        RecordedModel.load(tmp_path / "none.jsonl.gz")


def test_a_recording_cut_short(tmp_path):
    path = write(tmp_path / "r.jsonl.gz", LINE)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ConfigError, match="cannot be read"):
        RecordedModel.load(path)


@pytest.mark.data
def test_the_real_recordings():
    root = os.environ.get("MOA_CODE_DATA")
    path = Path(root or "") / "recordings" / "humaneval.jsonl.gz"
    if not root or not path.is_file():
        pytest.skip("set MOA_CODE_DATA to the folder that holds recordings/humaneval.jsonl.gz")
    model = RecordedModel.load(path)
    assert len(model.names) == 12
    assert len(model.task_ids) == 164
    assert "def " in ask(model, "HumanEval/0", "gpt-3.5-turbo+cot").text


def test_a_program_that_defines_a_function_twice_is_served_as_python_would_run_it(tmp_path):
    """Extracted programs often begin with the prompt, whose function has a docstring for its body."""
    stub = 'import math\n\ndef f(x):\n    """Says."""\n\n@cached\ndef g(x):\n    pass\n\n'
    code = stub + "def f(x):\n    return x\n\ndef g(x):\n    return 1\n"
    answer = ask(RecordedModel.load(write(tmp_path / "r.jsonl", LINE | {"response": None, "code": code})))
    assert answer.text.count("def f") == answer.text.count("def g") == 1
    assert "cached" not in answer.text
    assert "return x" in answer.text
    assert answer.text.startswith("```python\nimport math\n")


def test_a_program_that_does_not_parse_is_served_as_it_is(tmp_path):
    answer = ask(RecordedModel.load(write(tmp_path / "r.jsonl", LINE | {"response": None, "code": "def f(:\n"})))
    assert answer.text == "```python\ndef f(:\n\n```\n"
