"""The adapter against a real litellm and a real server: what providers do, good and bad, over sockets."""

import asyncio
import json
import subprocess
import sys

import pytest
from openai_server import Cut, Drip, Hang, Raw, Say, Status, serving

from moa_code.core.calls import Price, SpentError
from moa_code.core.errors import ModelError
from moa_code.core.model import CompletionRequest, Finish, Message, Role
from moa_code.edits.reply import EditFormat
from moa_code.models import litellm_adapter
from moa_code.models.litellm_adapter import LitellmModel
from moa_code.models.spec import ModelSpec

KEY = "sk-test-0123456789abcdefghij"

BEHAVIOURS = {
    "ok": Say("def f():\n    return {'a': 1}\n"),
    "uncounted": Say("hello", usage=None),
    "long": Say("half", finish="length"),
    "megabyte": Say("x" * 1_000_000, pieces=50),
    "refusal": Say(None, refusal="I cannot help with that"),
    "filtered": Say("He", finish="content_filter"),
    "empty": Say(""),
    "none": Say(None),
    "thoughts": Say("", finish="length"),
    "busy": [Status(429, "slow down", {"retry-after": "3"}), Say("after all")],
    "quota": Status(429, "You exceeded your current quota", error_code="insufficient_quota"),
    "broken": Status(500, "oops"),
    "overloaded": Status(503, "later", {"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"}),
    "locked": Status(401, f"Incorrect API key provided: {KEY}"),
    "forbidden": Status(403, "not for you"),
    "wrong": Status(400, "bad parameter"),
    "huge": Status(400, "This model's maximum context length is 10 tokens", error_code="context_length_exceeded"),
    "hang": Hang(),
    "stall": Hang(after_headers=True),
    "drip": Drip(),
    "cut": Cut(),
    "malformed": Raw(b'{"id": nope'),
    "malformed_stream": Raw(b'data: {"id": nope\n\ndata: [DONE]\n\n', "text/event-stream"),
    "error_in_stream": Raw(b'data: {"error": {"message": "overloaded", "code": 503}}\n\n', "text/event-stream"),
    "short_stream": Raw(
        b'data: {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", '
        b'"choices": [{"index": 0, "delta": {"content": "def f("}, "finish_reason": null}]}\n\n',
        "text/event-stream",
    ),
    "page": Raw(b"<html>welcome to the hotel</html>", "text/html"),
    "nothing": Raw(b"{}"),
    "no_choices": Raw(b'{"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []}'),
}

ANTHROPIC = [
    {
        "type": "message_start",
        "message": {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "claude-x",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 9, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 5},
    },
    {"type": "message_stop"},
]
GEMINI = {
    "candidates": [{"content": {"parts": [{"text": "hello"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14},
    "modelVersion": "g",
}


def sse(*events):
    named = (f"event: {e['type']}\n" if "type" in e else "" for e in events)
    lines = (f"{name}data: {json.dumps(e)}\n\n" for name, e in zip(named, events, strict=True))
    return Raw("".join(lines).encode(), "text/event-stream")


BEHAVIOURS |= {
    "/v1/messages": [sse(*ANTHROPIC), sse(*ANTHROPIC[:3])],
    "/models/g:streamGenerateContent?alt=sse": sse(GEMINI),
}

both_ways = pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])


@pytest.fixture(scope="module", autouse=True)
def _litellm():
    pytest.importorskip("litellm")


@pytest.fixture(scope="module")
def server():
    with serving(BEHAVIOURS) as running:
        yield running


def spec(server, model, **changes):
    values = {
        "name": model,
        "litellm_id": f"openai/{model}",
        "family": "test",
        "edit_format": EditFormat.FUNCTION,
        "base_url": server.base_url,
        "api_key_env": "TEST_KEY",
    }
    return ModelSpec(**(values | changes))


def ask(server, model, *, timeout_s=30.0, env=None, **changes):
    async def call():
        adapter = LitellmModel([spec(server, model, **changes)], {"TEST_KEY": KEY} if env is None else env)
        await adapter.warm()
        request = CompletionRequest(
            model=model,
            messages=(Message(role=Role.SYSTEM, text="be brief"), Message(role=Role.USER, text="write {f}")),
            max_tokens=50,
            temperature=0.25,
            seed=7,
            timeout_s=timeout_s,
        )
        try:
            return await asyncio.wait_for(adapter.complete(request), 60)  # so that a missing deadline is a failure
        finally:
            await adapter.aclose()

    return asyncio.run(call())


def failure(server, model, **more):
    with pytest.raises(ModelError) as caught:
        ask(server, model, **more)
    assert KEY not in str(caught.value)
    return caught.value


@both_ways
def test_an_answer_and_its_usage(server, streams):
    answer = ask(server, "ok", streams=streams)
    assert answer.text == "def f():\n    return {'a': 1}\n"
    assert answer.finish is Finish.STOP
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7)
    assert answer.model == "ok"
    assert answer.latency_s > 0


@both_ways
def test_what_is_sent(server, streams):
    ask(server, "ok", streams=streams, supports_seed=True)
    body, headers = server.requests[-1], server.headers[-1]
    assert body["messages"] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "write {f}"}]
    assert body["max_tokens"] == 50
    assert body["temperature"] == 0.25
    assert body["seed"] == 7
    assert "n" not in body
    assert body.get("stream", False) is streams
    assert {k.lower(): v for k, v in headers.items()}["authorization"] == f"Bearer {KEY}"


def test_what_a_model_cannot_take_is_left_out(server):
    ask(server, "ok", supports_temperature=False)
    assert {"temperature", "seed"}.isdisjoint(server.requests[-1])


def test_a_local_endpoint_never_gets_the_users_openai_key(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-users-own-key-0123456789")
    ask(server, "ok", api_key_env=None)
    assert "sk-the-users-own" not in str(server.headers[-1])


@both_ways
def test_an_unknown_price_is_unknown(server, streams):
    assert ask(server, "ok", streams=streams).usage.cost_usd is None


@both_ways
def test_a_price_the_user_gave_is_used(server, streams):
    answer = ask(server, "ok", streams=streams, price=Price(prompt_usd=0.01, completion_usd=0.1))
    assert answer.usage.cost_usd == pytest.approx(0.81)


@both_ways
def test_tokens_nobody_counted_are_unknown(server, streams):
    usage = ask(server, "uncounted", streams=streams).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cost_usd) == (None, None, None)


@both_ways
def test_an_answer_cut_by_its_limit_is_an_answer(server, streams):
    answer = ask(server, "long", streams=streams)
    assert (answer.text, answer.finish) == ("half", Finish.LENGTH)


@both_ways
def test_a_megabyte_is_read(server, streams):
    assert ask(server, "megabyte", streams=streams).text == "x" * 1_000_000


@both_ways
def test_beyond_the_cap_it_is_no_answer(server, streams, monkeypatch):
    monkeypatch.setattr(litellm_adapter, "MAX_ANSWER_CHARS", 500_000)
    error = failure(server, "megabyte", streams=streams)
    assert "more than 500000 characters" in error.message
    assert not error.retryable


@both_ways
@pytest.mark.parametrize(
    ("model", "words", "retryable", "spent"),
    [
        ("refusal", "refused to answer: 'I cannot help with that'", False, True),
        ("filtered", "content filter stopped", False, True),
        ("empty", "empty answer", True, True),
        ("none", "empty answer", True, True),
        ("thoughts", "all its tokens on thinking", False, True),
        ("quota", "no quota left", False, False),
        ("broken", "failed (HTTP 500): oops", True, False),
        ("locked", "refused the key (HTTP 401)", False, False),
        ("forbidden", "forbids this key", False, False),
        ("wrong", "refused the request (HTTP 400): bad parameter", False, False),
        ("huge", "too long", False, False),
        ("unheard_of", "does not know the model", False, False),
    ],
)
def test_failures_in_clear_words(server, streams, model, words, retryable, spent):
    error = failure(server, model, streams=streams)
    assert words in error.message
    assert error.retryable is retryable
    assert isinstance(error, SpentError) is spent
    assert "litellm" not in error.message


@pytest.mark.parametrize("model", ["malformed", "page", "nothing", "no_choices", "cut"])
def test_a_body_that_is_no_answer_is_worth_another_try(server, model):
    error = failure(server, model, streams=False)
    assert error.retryable
    assert isinstance(error, SpentError)


@pytest.mark.parametrize(
    "model",
    ["malformed", "malformed_stream", "error_in_stream", "page", "nothing", "no_choices", "cut", "short_stream"],
)
def test_a_stream_that_breaks_is_worth_another_try(server, model):
    """litellm ends most of these with a made-up finish reason, `stop`."""
    error = failure(server, model, streams=True)
    assert error.retryable
    assert isinstance(error, SpentError)


@both_ways
@pytest.mark.parametrize("model", ["hang", "stall", "drip"])
def test_the_deadline_holds_however_the_server_stalls(server, streams, model):
    error = failure(server, model, streams=streams, timeout_s=0.3)
    assert error.retryable
    assert isinstance(error, SpentError)


@both_ways
def test_a_busy_provider_says_when_to_come_back(server, streams):
    server._taken.pop("busy", None)
    error = failure(server, "busy", streams=streams)
    assert error.retryable
    assert error.retry_after_s == 3
    assert ask(server, "busy", streams=streams).text == "after all"


def test_retry_after_as_a_date(server):
    assert failure(server, "overloaded").retry_after_s > 1e9


def test_nobody_listens(server):
    error = failure(server, "ok", base_url="http://127.0.0.1:9/v1", timeout_s=2)
    assert error.retryable


def test_a_missing_key_is_named_before_anything_is_sent(server):
    sent = len(server.requests)
    assert "TEST_KEY" in failure(server, "ok", env={}).message
    assert len(server.requests) == sent


def test_litellm_does_not_retry_behind_our_back(server):
    sent = len(server.requests)
    failure(server, "broken")
    assert len(server.requests) == sent + 1


def test_cancelling_hangs_up(server):
    async def run():
        adapter = LitellmModel([spec(server, "drip")], {"TEST_KEY": KEY})
        await adapter.warm()
        request = CompletionRequest(model="drip", messages=(Message(role=Role.USER, text="x"),), max_tokens=5)
        sent = len(server.requests)
        call = asyncio.create_task(adapter.complete(request))
        while len(server.requests) == sent:
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await adapter.aclose()

    server.hung_up.clear()
    asyncio.run(run())
    assert server.hung_up.wait(10)


def test_giving_up_on_an_answer_hangs_up(server, monkeypatch):
    """While the adapter stays open for others."""

    async def run():
        adapter = LitellmModel([spec(server, "drip")], {"TEST_KEY": KEY})
        request = CompletionRequest(model="drip", messages=(Message(role=Role.USER, text="x"),), max_tokens=5)
        server.hung_up.clear()
        with pytest.raises(SpentError, match="more than 5 characters"):
            await adapter.complete(request)
        noticed = await asyncio.to_thread(server.hung_up.wait, 10)
        await adapter.aclose()
        return noticed

    monkeypatch.setattr(litellm_adapter, "MAX_ANSWER_CHARS", 5)
    assert asyncio.run(run())


def test_anthropics_dialect(server):
    """The marks by which we know a cut stream must be there for an uncut one of another provider, too."""
    server._taken.pop("/v1/messages", None)
    where = {"litellm_id": "anthropic/claude-x", "base_url": server.base_url.removesuffix("/v1")}
    answer = ask(server, "claude-x", **where)
    assert (answer.text, answer.finish, answer.usage.prompt_tokens) == ("hello", Finish.STOP, 9)
    assert server.requests[-1]["max_tokens"] == 50
    assert failure(server, "claude-x", **where).message == "the answer of claude-x was cut off: its stream ended early"


def test_geminis_dialect(server):
    answer = ask(server, "g", litellm_id="gemini/g", base_url=server.base_url.removesuffix("/v1"))
    assert (answer.text, answer.finish, answer.usage.completion_tokens) == ("hello", Finish.STOP, 5)


def test_reasoning_models_get_their_own_name_for_the_limit(server):
    """OpenAI refuses `max_tokens` for these; litellm must know them for us."""
    failure(server, "gpt-5.6", supports_temperature=False)
    assert server.requests[-1]["max_completion_tokens"] == 50


def test_many_at_once_over_one_adapter(server):
    async def run():
        adapter = LitellmModel([spec(server, "ok"), spec(server, "broken")], {"TEST_KEY": KEY})
        calls = [
            adapter.complete(CompletionRequest(model=m, messages=(Message(role=Role.USER, text="x"),), max_tokens=5))
            for m in ["ok", "broken"] * 5
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        await adapter.aclose()
        return results

    results = asyncio.run(run())
    assert [type(r).__name__ for r in results] == ["Completion", "ModelError"] * 5


def in_a_new_process(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_the_adapter_does_not_import_litellm():
    code = "import sys, moa_code.models.litellm_adapter, moa_code.models.catalog; print('litellm' in sys.modules)"
    assert in_a_new_process(code).strip() == "False"


def test_a_repositorys_env_file_is_not_read(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-the-repository\n")
    code = (
        "import asyncio, os\nfrom moa_code.models.litellm_adapter import LitellmModel\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "asyncio.run(LitellmModel([], {}).warm())\n"
        "import litellm\nprint(os.environ.get('OPENAI_API_KEY'), litellm.suppress_debug_info, litellm.drop_params, "
        "litellm.disable_hf_tokenizer_download)"
    )
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("LITELLM_DROP_PARAMS", "true")
    monkeypatch.delenv("LITELLM_MODE", raising=False)
    assert in_a_new_process(code).strip() == "None True False True"
