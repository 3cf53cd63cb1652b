"""Foreign failures told in our words: what an exception of litellm, openai or httpx means for the caller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from moa_code.core.calls import SpentError
from moa_code.core.errors import ModelError
from moa_code.prompts.redact import redact

_STATUS = {
    400: "refused the request",
    401: "refused the key",
    402: "asks for payment",
    403: "forbids this key the model",
    404: "does not know the model, or its address is wrong",
    408: "timed out",
    413: "finds the request too large",
    422: "refused the request",
    429: "is rate limited",
    500: "failed",
    502: "cannot be reached behind its gateway",
    503: "is overloaded",
    504: "timed out behind its gateway",
    529: "is overloaded",
}

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})

_REMEDY = {
    401: "moa-code doctor",
    402: "top up the provider's account, or leave its key out",
    403: "moa-code doctor",
    404: "moa-code doctor",
}

# Types by name: this module must not import litellm, and its types are there only once it is loaded.
_TIMEOUT = frozenset({"Timeout", "APITimeoutError", "TimeoutException", "TimeoutError"})
_CUT = frozenset({"MidStreamFallbackError"})
_TOO_LONG = frozenset({"ContextWindowExceededError"})
_FILTERED = frozenset({"ContentPolicyViolationError"})


def model_error(
    error: Exception, name: str, *, secrets: tuple[str, ...] = (), now: datetime | None = None
) -> ModelError:
    """What `error` means for a call to the model `name`. `now` is for tests of Retry-After dates."""
    words = _words(error, secrets)
    types = {kind.__name__ for kind in type(error).__mro__}
    status = _status(error)
    if types & _TOO_LONG:
        return ModelError(f"the prompt is too long for {name}: {words}", remedy="lower max_prompt_tokens")
    if types & _FILTERED or getattr(error, "code", None) == "content_filter":
        return ModelError(f"the provider's content filter refused the prompt to {name}: {words}")
    if getattr(error, "code", None) == "insufficient_quota" or re.search(
        r"insufficient_quota|exceeded your .*quota", words
    ):
        return ModelError(f"the account of {name} has no quota left: {words}", remedy=_REMEDY[402])
    if types & _CUT:
        return SpentError(f"the answer of {name} was cut off: {words}", retryable=True)
    if types & _TIMEOUT:
        return SpentError(f"{name} did not answer in time: {words}", retryable=True)
    if status is None or _is_connection(words):
        return SpentError(f"{name} gave no usable answer ({type(error).__name__}): {words}", retryable=True)
    if status == 500 and re.search(r"Expecting value|invalid response|not a list|Invalid control|Unterminated", words):
        # litellm reports a 200 with a body it cannot read as a 500.
        return SpentError(f"{name} sent a malformed answer: {words}", retryable=True)
    return ModelError(
        f"{name} {_STATUS.get(status, 'failed')} (HTTP {status}): {words}",
        remedy=_REMEDY.get(status, ""),
        retryable=status in _RETRYABLE or status >= 500,
        retry_after_s=retry_after_s(_headers(error), now or datetime.now(UTC)),
    )


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` in seconds or as an HTTP date; None when not said."""
    low = {key.lower(): value.strip() for key, value in headers.items()}
    if (millis := _number(low.get("retry-after-ms", ""))) is not None:
        return millis / 1000
    text = low.get("retry-after", "")
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds())


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) else None


def _status(error: Exception) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _is_connection(words: str) -> bool:
    return "Connection error" in words or "Cannot connect" in words


def _headers(error: Exception) -> dict[str, str]:
    """Response headers, from wherever this exception keeps them; the likeliest place wins."""
    merged: dict[str, str] = {}
    for source in (
        getattr(getattr(error, "response", None), "headers", None),
        getattr(error, "headers", None),
        getattr(error, "litellm_response_headers", None),
    ):
        if source is not None:
            merged.update({str(key): str(value) for key, value in dict(source).items()})
    return merged


def _words(error: Exception, secrets: tuple[str, ...]) -> str:
    """The provider's own words on one line, short, without keys and without litellm's layers of class names."""
    text = re.sub(r"\b(?:litellm\.)?[A-Z]\w*(?:Error|Exception): |\b\w+Exception - ", "", str(error))
    return redact(" ".join(text.split()), known=secrets)[:300] or type(error).__name__
