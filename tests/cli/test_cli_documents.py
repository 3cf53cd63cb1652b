"""The documents that need no engine, against their schemas; and the schemas against their version."""

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest
from cli_calls import command

from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.journal.store import Journal
from moa_code.report import documents

NAMES = ("verdict", "reverification", "run", "implement", "runs", "log", "doctor", "probe", "config", "plan", "team")
HASHES = Path(__file__).with_name("golden") / "schemas.json"


def valid(name, text):
    """The document in `text`, when it satisfies the schema called `name`."""
    document = json.loads(text)
    jsonschema.Draft202012Validator(documents.schema(name)).validate(document)
    assert document["schema_version"] == documents.SCHEMA_VERSION
    return document


def schema_hash(name):
    """Of the schema's meaning: its layout may change."""
    text = json.dumps(documents.schema(name), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def test_every_schema_is_one_and_is_strict():
    assert {path.name for path in documents.SCHEMAS.iterdir()} == {f"{name}.schema.json" for name in NAMES}
    for name in NAMES:
        found = documents.schema(name)
        jsonschema.Draft202012Validator.check_schema(found)
        assert found["additionalProperties"] is False
        assert found["properties"]["schema_version"] == {"const": documents.SCHEMA_VERSION}


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_changes_only_with_its_version(name):
    """A reader relies on the version: raise SCHEMA_VERSION, and add the new hashes to golden/schemas.json."""
    recorded = json.loads(HASHES.read_text())[str(documents.SCHEMA_VERSION)]
    assert schema_hash(name) == recorded[name]


def test_config_show(moa, shop, home):
    (home / "config" / "moa-code").mkdir(parents=True)
    (home / "config" / "moa-code" / "config.toml").write_text(
        "[models.endpoints.here]\nbase_url = 'http://127.0.0.1:8000/v1'\n[verify]\nmin_level = 'L6'\n"
    )
    (shop / "moa.toml").write_text("seed = 3\n")
    done = moa("config", "show", "--repo", shop, "--json")
    rows = {row["key"]: row for row in valid("config", done.out)["settings"]}
    assert rows["seed"]["value"] == 3
    assert rows["seed"]["origin"] == str(shop / "moa.toml")
    assert rows["verify.min_level"]["value"] == "L6"
    assert rows["models.endpoints"]["value"] == {"here": {"base_url": "http://127.0.0.1:8000/v1", "api_key_env": ""}}
    assert rows["journal"]["origin"] == "default"
    lines = moa("config", "show", "--repo", shop, "--origin").out.splitlines()
    assert len(lines) == len(rows)
    assert ["seed", "3", f"({shop / 'moa.toml'})"] in [line.split() for line in lines]


def test_a_flag_says_where_the_journal_is(moa, tmp_path):
    done = moa("--journal", tmp_path / "j.sqlite", "config", "show", "--json")
    rows = {row["key"]: row for row in valid("config", done.out)["settings"]}
    assert rows["journal"] == {"key": "journal", "value": str(tmp_path / "j.sqlite"), "origin": "flag"}


def test_doctor_without_an_engine(home):
    """What is missing has its remedy, and a fault of the settings hides none of it."""
    dead = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    done = command(home, "doctor", "--json", env=dead)
    document = valid("doctor", done.out)
    assert done.code == 3
    lines = {line["name"]: line for line in document["machine"]}
    assert lines["engine"]["ok"] is False
    assert lines["engine"]["remedy"]
    assert any("OPENAI_API_KEY" in why for why in document["team"])
    done = command(home, "doctor", "--proposer", "codestrl", env=dead)
    assert "MISSING  engine" in done.out
    assert "nearest: codestral" in done.out


def test_runs_of_a_journal(moa, home):
    assert valid("runs", moa("runs", "list", "--json").out)["runs"] == []
    with Journal.open(home / "state" / "moa-code" / "journal.sqlite") as journal:
        broken = journal.start_run(kind="fix", task_id="a", directory="/a")
        journal.finish_run(broken, "failed", {"error": "no engine answers", "remedy": "moa-code setup"})
        tried = journal.start_run(kind="solve", task_id="b")
        patch = patch_of(FileChange(path="a.py", before=b"1\n", after=b"2\n"))
        origin = Origin(author="builtin:mutate", role="proposer", note="constant")
        journal.add_candidate(tried, Candidate(candidate_id=CandidateId("c1"), patch=patch, origin=origin))
        journal.add_step(tried, "propose", "first layer")
        journal.add_event(tried, "lost", {"author": "m", "reason": "HTTP 500"})
        journal.add_call(tried, {"model": "m", "role": "proposer", "prompt": "p", "error": "HTTP 500"})
        journal.finish_run(tried, "interrupted", {}, winner=CandidateId("c1"))
    rows = valid("runs", moa("runs", "list", "--json").out)["runs"]
    assert [(row["run_id"], row["status"]) for row in rows] == [(tried, "interrupted"), (broken, "failed")]
    log = valid("log", moa("runs", "show", tried, "--json").out)
    assert log["candidates"][0]["paths"] == ["a.py"]
    assert log["calls"][0]["cost_usd"] is None
    assert valid("log", moa("runs", "show", broken, "--json").out)["result"]["remedy"] == "moa-code setup"
    assert "no engine answers" in moa("runs", "show", broken).out
    shown = moa("runs", "show", "last").out
    assert "HTTP 500" in shown
    assert "*c1" in shown
    diff = moa("runs", "diff", "last")
    assert diff.out.startswith("diff --git a/a.py b/a.py\n")
    assert "its best attempt, not a verified patch" in diff.err
    refused = moa("apply", "last")
    assert refused.code == 2
    assert "it has no verified patch to apply" in refused.err
    assert moa("runs", "gc", "--keep", "1").out == "forgotten: 1 runs\n"
    assert [row["run_id"] for row in valid("runs", moa("runs", "list", "--json").out)["runs"]] == [tried]
