"""Under which key the answer to a model call is kept."""

from __future__ import annotations

import hashlib

from moa_code.core.model import CompletionRequest
from moa_code.journal import codec


def answer_key(request: CompletionRequest) -> str:
    """SHA-256 over all that shapes the answer: model, messages, parameters, which sample it is. Not the timeout."""
    asked = {
        "model": request.model,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed,
        "logprobs": request.logprobs,
        "task_id": request.task_id,
        "sample": request.sample,
    }
    return hashlib.sha256(codec.dumps(asked).encode("ascii")).hexdigest()
