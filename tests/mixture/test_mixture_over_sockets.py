"""The whole mixture through the command line: models behind real sockets, candidates in real boxes."""

import json
import os
import subprocess
import sys

import pytest
from openai_server import Hang, Say, Status, serving

pytestmark = pytest.mark.docker

CODE = """def discount(price, percent):
    return price - percent


def total(prices, percent):
    return sum(discount(price, percent) for price in prices)
"""
TESTS = """from shop import discount, total


def test_a_tenth_off():
    assert discount(50, 10) == 45


def test_total_is_discounted():
    assert total([50, 100], 10) == 135


def test_nothing_off():
    assert discount(50, 0) == 50
"""


def answer(body):
    return f"Here it is.\n\n```python\ndef discount(price, percent):\n    {body}\n```\n"


RIGHT = answer("return price - price * percent / 100")
WRONG = answer("return price * percent")


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    (folder / "tests").mkdir(parents=True)
    (folder / "shop.py").write_text(CODE)
    (folder / "tests" / "test_shop.py").write_text(TESTS)
    return folder


def fix(shop, server, proposers, aggregator, *more):
    """The exit code and the document of one `moa-code fix --json`, with a home of its own."""
    home = shop.parent
    named = [part for name in proposers for part in ("--proposer", f"openai/{name}@{server.base_url}")]
    merging = ("--aggregator", f"openai/{aggregator}@{server.base_url}", "--budget", "none")
    done = subprocess.run(
        [sys.executable, "-m", "moa_code", "fix", str(shop), "--json", *named, *merging, *more],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config")},
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_lost_proposers_are_recorded_and_the_mixture_goes_on(shop):
    behaviours = {"broken": Status(500), "vague": Say("I would rather not."), "wrong": Say(WRONG), "good": Say(RIGHT)}
    with serving(behaviours) as server:
        code, document = fix(shop, server, ["broken", "vague", "wrong"], "good")
    assert code == 0
    assert document["status"] == "verified"
    assert "price * percent / 100" in document["patch"]
    lost = {row["author"].partition("@")[0]: row["reason"] for row in document["candidates"]["lost"]}
    assert set(lost) == {"openai/broken", "openai/vague"}
    kinds = [step["kind"] for step in document["steps"]]
    assert kinds[0] == "propose"
    assert "aggregate" in kinds
    assert kinds[-2:] == ["confirm", "stop"]


def test_the_aggregator_reads_drafts_failures_and_feedback(shop):
    almost = answer("return price - price * percent // 100 - 1")
    with serving({"wrong": Say(WRONG), "strong": [Say(almost), Say(RIGHT)]}) as server:
        code, document = fix(shop, server, ["wrong"], "strong")
        sent = [json.dumps(body["messages"]) for body in server.requests if body["model"] == "strong"]
    assert code == 0
    assert "return price * percent" in sent[0]
    assert "test_a_tenth_off" in sent[0]
    assert "test_nothing_off" in sent[1] or "test_a_tenth_off" in sent[1]
    assert [step["kind"] for step in document["steps"]].count("aggregate") == 2


def test_the_first_that_holds_cancels_who_hangs(shop):
    with serving({"slow": Hang(), "good": Say(RIGHT)}) as server:
        code, document = fix(shop, server, ["slow", "good"], "good", "--strategy", "moa")
    assert code == 0
    assert "cancel" in [step["kind"] for step in document["steps"]]
    assert document["duration_s"] < 60


def test_a_complete_edit_is_verified_while_its_author_still_talks(shop):
    """This one never stops talking, and nobody else is there."""
    with serving({"chatty": Hang(after_headers=True, text=RIGHT + "\nLet me explain what I did there.\n")}) as server:
        code, document = fix(shop, server, ["chatty"], "chatty", "--time-limit", "60")
        assert len(server.requests) == 1
    assert code == 0
    assert document["status"] == "verified"


def test_one_that_says_nothing_is_asked_once_more(shop, monkeypatch):
    monkeypatch.setenv("MOA_CODE_MODELS_HEDGE_AFTER_S", "0.5")
    with serving({"slow": [Hang(), Say(RIGHT)]}) as server:
        code, document = fix(shop, server, ["slow"], "slow", "--time-limit", "60")
        assert len(server.requests) == 2
    assert code == 0
    (spent,) = document["models"]
    assert spent["calls"] == 2  # both are paid


def test_no_verified_patch_is_an_honest_answer(shop):
    with serving({"wrong": Say(WRONG)}) as server:
        code, document = fix(shop, server, ["wrong"], "wrong")
    assert code == 1
    assert document["status"] == "unverified"
    assert document["patch"] is None
    assert document["verdict"] is None


def test_tokens_are_counted_and_unknown_costs_are_null(shop):
    with serving({"good": Say(RIGHT)}) as server:
        _, document = fix(shop, server, ["good"], "good")
    (spent,) = document["models"]
    assert (spent["prompt_tokens"], spent["completion_tokens"], spent["cost_usd"]) == (11, 7, None)
    assert document["cost_usd"] is None


def test_a_token_budget_stops_before_the_call(shop):
    with serving({"good": Say(RIGHT)}) as server:
        code, document = fix(shop, server, ["good"], "good", "--tokens", "100")
        assert server.requests == []
    assert code == 5
    assert document["status"] == "budget"
