"""`moa-code plan`: what would be sent to whom. Nothing is."""

import json
import socket

import pytest
from cli_calls import command
from test_cli_documents import valid

from moa_code.plan import Place, place_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (None, Place.INTERNET),
        ("http://localhost:8000/v1", Place.THIS_MACHINE),
        ("http://127.0.0.1:8000/v1", Place.THIS_MACHINE),
        ("http://[::1]/v1", Place.THIS_MACHINE),
        ("http://10.0.0.7/v1", Place.PRIVATE_NETWORK),
        ("http://gpu-box:8000/v1", Place.PRIVATE_NETWORK),
        ("http://gpu.lan/v1", Place.PRIVATE_NETWORK),
        ("https://llm.example.org/v1", Place.INTERNET),
        ("http://8.8.8.8/v1", Place.INTERNET),
    ],
)
def test_where_a_prompt_would_travel(url, place):
    assert place_of(url) is place


@pytest.fixture
def listener():
    """A server that a plan must not reach: whoever connects stays in its queue."""
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)
    yield server
    server.close()


@pytest.mark.docker
def test_a_plan_counts_and_sends_nothing(shop, home, listener):
    model = f"openai/m@http://127.0.0.1:{listener.getsockname()[1]}/v1"
    done = command(home, "plan", "--repo", shop, "--proposer", model, "--json")
    assert done.code == 0, done.err
    document = valid("plan", done.out)
    assert document["sends"] is True
    assert document["failing"] == ["test_shop.py::test_total"]
    proposer, aggregator = document["calls"]
    assert (proposer["role"], aggregator["role"]) == ("proposer", "aggregator")
    assert proposer["place"] == "this_machine"
    assert proposer["prompt_tokens"] > 100
    assert "shop.py" in proposer["shown"]
    assert proposer["worst_usd"] is None
    assert document["worst_usd"] is None
    assert document["most_calls"] == 2 * 2 + 2 * (2 + document["feedback_rounds"])
    assert proposer["messages"] is None
    shown = command(home, "plan", "--repo", shop, "--proposer", model, "--show", "--quiet")
    assert shown.err == ""
    assert "return a - b" in shown.out
    assert shown.out.count("nothing was sent") == 1
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.docker
def test_known_prices_bound_the_run(shop, home):
    names = ("--proposer", "gpt-4.1-mini", "--aggregator", "gpt-4.1-mini")
    done = command(home, "plan", "--repo", shop, *names, "--json", env={"OPENAI_API_KEY": "not-a-key"})
    document = valid("plan", done.out)
    first, whole = document["calls"][0]["worst_usd"], document["worst_usd"]
    assert 0 < first < whole
    assert whole == pytest.approx(sum(call["worst_run_usd"] for call in document["calls"]))
    assert document["calls"][0]["place"] == "internet"
    assert json.dumps(document).count("not-a-key") == 0


@pytest.mark.docker
def test_without_a_model_nothing_is_sent(shop, home):
    done = command(home, "plan", "--repo", shop)
    assert done.code == 0
    assert "nothing would be sent: no language model takes part" in done.out
    (shop / "shop.py").write_text("def total(a, b):\n    return a + b\n")
    done = command(home, "plan", "--repo", shop)
    assert "all 1 checks pass, so nothing would be sent" in done.out
