from datetime import UTC, datetime

import pytest

from moa_code.core.calls import SpentError
from moa_code.models.failures import model_error, retry_after_s

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60.0),
        ({"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e99"}, None),
        ({"retry-after": "9" * 400}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after_s(headers, NOW) == seconds


def test_foreign_errors_of_any_kind_become_ours():
    error = model_error(IndexError("list index out of range"), "m")
    assert isinstance(error, SpentError)
    assert "IndexError" in error.message


def test_a_status_carried_by_an_httpx_error():
    httpx = pytest.importorskip("httpx")
    request = httpx.Request("POST", "http://x")
    response = httpx.Response(429, headers={"retry-after": "4"}, request=request)
    foreign = httpx.HTTPStatusError("slow down", request=request, response=response)
    foreign.status_code = 429
    error = model_error(foreign, "m", now=NOW)
    assert (error.retryable, error.retry_after_s) == (True, 4.0)


def test_keys_stay_out_of_messages():
    error = model_error(ValueError("bad key hush-hush-42 or sk-abcdefghij0123456789"), "m", secrets=("hush-hush-42",))
    assert "hush" not in error.message
    assert "sk-abc" not in error.message


def test_messages_are_one_short_line():
    message = model_error(ValueError("a\nb " + "x" * 5000), "m").message
    assert "\n" not in message
    assert len(message) < 400
