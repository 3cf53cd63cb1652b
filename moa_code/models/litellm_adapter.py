"""Any provider, through litellm. The one module that knows litellm; it is imported when the first call needs it."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

from moa_code.core.calls import Price, SpentError
from moa_code.core.errors import ModelError
from moa_code.core.model import Completion, CompletionRequest, Finish, Usage
from moa_code.core.ports import Heard
from moa_code.models.cuts import tokens_at_cut
from moa_code.models.failures import model_error
from moa_code.models.hearing import Hearing
from moa_code.models.prices import price_of
from moa_code.models.spec import ModelSpec

MAX_ANSWER_CHARS = 4_000_000
"""An answer beyond this is no answer: 128 k tokens, the longest any provider sells, are a seventh of it."""

_ENVIRONMENT = {
    "LITELLM_MODE": "PRODUCTION",  # its development mode reads a `.env` of the working directory: the repository's
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches prices at import
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",  # else the first call to Anthropic fetches a list
}

_NO_KEY = "none"
"""Sent where an endpoint needs no key. Without any, litellm would send the user's OPENAI_API_KEY to it."""

_FINISH = {"stop": Finish.STOP, "length": Finish.LENGTH, "content_filter": Finish.FILTERED}

_loading = threading.Lock()
_loaded: Future[Any] | None = None  # the module, or why there is none; shared by all adapters
_users = 0  # adapters that may have connections open: litellm keeps those for the whole process


def _load() -> Any:
    """The litellm module, set up. About 3 s and 165 MB the first time; any thread."""
    with _loading:
        os.environ.update(_ENVIRONMENT)
        litellm: Any = importlib.import_module("litellm")
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        litellm.drop_params = False  # an environment variable can set it
        litellm.disable_hf_tokenizer_download = True  # else it fetches one to count what a provider did not
        # What goes wrong reaches us as an exception; its log lines hold prompts and belong on nobody's screen.
        logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
        return litellm


def _loading_started() -> Future[Any]:
    """The module to be. It is loaded in a thread that nobody waits for: an interrupted command ends at once."""
    global _loaded
    if _loaded is None or (_loaded.done() and _loaded.exception() is not None):
        future = _loaded = Future[Any]()

        def load() -> None:
            try:
                future.set_result(_load())
            except BaseException as error:  # noqa: BLE001 - told to whoever waits, in their thread
                future.set_exception(error)

        threading.Thread(target=load, name="litellm", daemon=True).start()
    return _loaded


async def _close_clients(litellm: Any) -> None:
    """Close every connection litellm holds, and take the clients out of its cache, which would hand out closed ones."""
    await litellm.close_litellm_async_clients()
    litellm.in_memory_llm_clients_cache.flush_cache()
    # Its own closing leaves this one out, which Anthropic's models use; it opens itself again when it is needed.
    await litellm.module_level_aclient.client._transport.aclose()


async def _result(future: Future[Any]) -> Any:
    """What a thread brings. The event loop may be gone by then, and whoever waits may be cancelled."""
    loop, there = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: Future[Any]) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(there.set)

    future.add_done_callback(tell)
    await there.wait()
    return future.result()


@dataclass(slots=True)
class _Answer:
    """What has arrived of one answer."""

    texts: list[str] = field(default_factory=list)
    chars: int = 0
    refusal: str = ""
    finish: str = ""
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    logprobs: list[float] = field(default_factory=list)

    def add(self, text: str, name: str) -> None:
        self.texts.append(text)
        self.chars += len(text)
        if self.chars > MAX_ANSWER_CHARS:
            raise SpentError(f"{name} answered with more than {MAX_ANSWER_CHARS} characters")

    def text(self) -> str:
        return "".join(self.texts)


class LitellmModel:
    """Models by the names in `specs`; keys come from `env`, under the variable each spec names."""

    def __init__(self, specs: Iterable[ModelSpec], env: Mapping[str, str]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._keys = {
            spec.name: env.get(spec.api_key_env, "") if spec.api_key_env else _NO_KEY for spec in self._specs.values()
        }
        self._litellm: Any = None
        self._counted = False  # among the `_users`

    async def warm(self) -> None:
        """Load litellm in a thread, so that the first call need not wait for it. Raises `ModelError`.

        Any number of times, at once too; whoever is cancelled meanwhile takes nothing from the others.
        """
        if self._litellm is None:
            try:
                self._litellm = await _result(_loading_started())
            except ImportError as error:
                raise ModelError(
                    f"litellm cannot be imported: {error}", remedy="pip install --force-reinstall moa-code"
                ) from error

    def price(self, name: str) -> Price | None:
        """What a token of this model costs; None when unknown."""
        spec = self._specs.get(name)
        if spec is None:
            return None
        return spec.price if spec.price or spec.base_url else price_of(spec.litellm_id)

    def tokens_at_cut(self, name: str, heard: str) -> int | None:
        """The most answer tokens that can be billed when a call is cancelled after `heard`; None where all can."""
        spec = self._specs.get(name)
        return None if spec is None else tokens_at_cut(spec, heard)

    async def complete(self, request: CompletionRequest, heard: Heard | None = None) -> Completion:
        """One answer. Raises `ModelError`; `SpentError` where the provider may bill the failure."""
        spec = self._specs.get(request.model)
        if spec is None or spec.is_builtin:
            raise ModelError(f"no language model {request.model!r} here", remedy="moa-code doctor")
        if not self._keys[spec.name]:
            raise ModelError(f"{spec.name} needs a key in ${spec.api_key_env}", remedy=f"export {spec.api_key_env}=…")
        if request.max_tokens < 1:
            raise ModelError(f"a call to {spec.name} needs max_tokens of at least 1, got {request.max_tokens}")
        start = time.monotonic()
        asked = False
        try:
            # litellm's own timeout is one between reads: a dripping answer would never meet it.
            async with asyncio.timeout(request.timeout_s):
                await self.warm()
                asked = True
                answer = await self._ask(spec, self._arguments(spec, request), heard)
        except ModelError:
            raise
        except TimeoutError as error:
            if not asked:
                raise ModelError(f"{spec.name} was not asked: litellm took all of {request.timeout_s:g} s") from error
            raise SpentError(f"{spec.name} did not answer within {request.timeout_s:g} s", retryable=True) from error
        except Exception as error:
            # A border that must let nothing foreign through: litellm has been seen to raise IndexError and
            # AttributeError for odd replies, and half of its own errors derive from Exception alone.
            raise model_error(error, spec.name, secrets=(self._keys[spec.name],)) from error
        return self._completion(spec, answer, latency_s=time.monotonic() - start)

    async def aclose(self) -> None:
        """Close the connections, once no other adapter uses them: litellm keeps one set for all."""
        global _users
        if self._counted:
            self._counted = False
            _users -= 1
            if _users == 0:
                await _close_clients(self._litellm)

    def _arguments(self, spec: ModelSpec, request: CompletionRequest) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": spec.litellm_id,
            "messages": [{"role": m.role.value, "content": m.text} for m in request.messages],
            "max_tokens": request.max_tokens,
            "api_key": self._keys[spec.name],
            "timeout": request.timeout_s,
            "max_retries": 0,
            "num_retries": 0,
            "stream": spec.streams,
        }
        if spec.streams:
            arguments["stream_options"] = {"include_usage": True}
        if spec.base_url is not None:
            arguments["base_url"] = spec.base_url
        known = self._litellm.get_supported_openai_params(model=spec.litellm_id) or ()
        if spec.supports_temperature and "temperature" in known:
            arguments["temperature"] = request.temperature
        if spec.supports_seed and request.seed is not None and "seed" in known:
            arguments["seed"] = request.seed
        if request.logprobs and "logprobs" in known:
            arguments["logprobs"] = True
        return arguments

    async def _ask(self, spec: ModelSpec, arguments: dict[str, Any], heard: Heard | None) -> _Answer:
        global _users
        if not self._counted:
            self._counted = True
            _users += 1
        reply = await self._litellm.acompletion(**arguments)
        if arguments["stream"]:
            return await self._read_stream(spec, reply, heard)
        return self._read_whole(spec, reply)

    async def _read_stream(self, spec: ModelSpec, stream: Any, heard: Heard | None) -> _Answer:
        answer = _Answer()
        async with aclosing(stream), Hearing(heard, answer.text) as hearing:
            async for chunk in stream:
                answer.model = chunk.model or answer.model
                for choice in chunk.choices[:1]:
                    answer.add(choice.delta.content or "", spec.name)
                    answer.refusal += getattr(choice.delta, "refusal", None) or ""
                    answer.finish = choice.finish_reason or answer.finish
                    answer.logprobs += _logprobs(choice)
                    hearing.more()
            # litellm invents a "stop" for a stream that just ended, and token counts where the provider sent none:
            # what it was really told stands in these two.
            if not (stream.received_finish_reason or stream.intermittent_finish_reason):
                raise SpentError(f"the answer of {spec.name} was cut off: its stream ended early", retryable=True)
            for chunk in stream.chunks:
                if counted := getattr(chunk, "usage", None):
                    answer.usage = self._usage(spec, counted)
        return answer

    def _read_whole(self, spec: ModelSpec, reply: Any) -> _Answer:
        choice = reply.choices[0]
        answer = _Answer(finish=choice.finish_reason or "", model=reply.model or "", logprobs=_logprobs(choice))
        answer.add(choice.message.content or "", spec.name)
        extra = getattr(choice.message, "provider_specific_fields", None) or {}
        answer.refusal = getattr(choice.message, "refusal", None) or extra.get("refusal") or ""
        # litellm writes zeros where the provider did not count.
        if (counted := getattr(reply, "usage", None)) and counted.prompt_tokens:
            answer.usage = self._usage(spec, counted)
        return answer

    def _usage(self, spec: ModelSpec, counted: Any) -> Usage:
        prompt, completion = int(counted.prompt_tokens), int(counted.completion_tokens)
        price = self.price(spec.name)
        return Usage(
            prompt_tokens=prompt,
            completion_tokens=completion,
            cost_usd=price.cost(prompt_tokens=prompt, completion_tokens=completion) if price else None,
        )

    def _completion(self, spec: ModelSpec, answer: _Answer, *, latency_s: float) -> Completion:
        text, finish = answer.text(), _FINISH.get(answer.finish, Finish.OTHER)
        if finish is Finish.FILTERED:
            raise SpentError(f"the provider's content filter stopped the answer of {spec.name}", usage=answer.usage)
        if answer.refusal:
            raise SpentError(f"{spec.name} refused to answer: {answer.refusal[:200]!r}", usage=answer.usage)
        if not text.strip():
            thinking = finish is Finish.LENGTH
            why = "it spent all its tokens on thinking" if thinking else f"finish reason {answer.finish or 'none'}"
            raise SpentError(f"{spec.name} gave an empty answer ({why})", retryable=not thinking, usage=answer.usage)
        mean = sum(answer.logprobs) / len(answer.logprobs) if answer.logprobs else None
        return Completion(
            text=text, finish=finish, usage=answer.usage, mean_logprob=mean, latency_s=latency_s, model=answer.model
        )


def _logprobs(choice: Any) -> list[float]:
    content = getattr(getattr(choice, "logprobs", None), "content", None) or ()
    return [float(token.logprob) for token in content]
