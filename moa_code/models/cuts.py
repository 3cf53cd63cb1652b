"""What an answer costs that we hang up on: who stops writing when the connection closes, and what may be on its way."""

from __future__ import annotations

import math

from moa_code.models.spec import ModelSpec
from moa_code.prompts.tokens import estimate_tokens

STOPPING = frozenset({"anthropic", "azure", "deepseek", "fireworks_ai", "openai", "together_ai", "xai"})
"""Providers, by litellm's prefix, that stop a stream, and its bill, when the reader goes away: those that OpenRouter
lists so under "stream cancellation". Everybody else may write, and bill, to the end; OpenRouter too, since it does not
say beforehand whom it asks. A server under an address of the user's own (vLLM, llama.cpp, Ollama) stops as well.
"""

SLACK_TOKENS = 256
"""Written and not yet heard: the second or so until the other side notices."""

MARGIN = 1.25
"""On our estimate of what was heard, as on a prompt's."""


def tokens_at_cut(spec: ModelSpec, heard: str) -> int | None:
    """The most tokens of an answer that can be billed when it is cut after `heard`; None where all of it can.

    Hidden reasoning is never heard, so a model that reasons is reckoned with all that it may spend on that.
    """
    if not spec.streams or not (spec.base_url or spec.provider in STOPPING):
        return None
    return spec.thinking_tokens + math.ceil(estimate_tokens(heard) * MARGIN) + SLACK_TOKENS
