"""The private report of a job: JSON lines, each led by the nonce that only this job and its judge know."""

from __future__ import annotations

import json
import os
from typing import Any

MAX_DETAIL_CHARS = 4000


class Reporter:
    """Writes lines to the report descriptor. Binds what it needs early: code under test may replace anything later."""

    def __init__(self, descriptor: int, nonce: str) -> None:
        self._descriptor = descriptor
        self._nonce = nonce
        self._write = os.write
        self._encode = json.JSONEncoder(separators=(",", ":")).encode

    def send(self, kind: str, **values: Any) -> None:
        data = (self._nonce + self._encode({"k": kind, **values}) + "\n").encode("utf-8", "replace")
        while data:
            data = data[self._write(self._descriptor, data) :]


def shortened(text: str) -> str:
    """The head and the end of a long text; failures explain themselves at the end."""
    if len(text) <= MAX_DETAIL_CHARS:
        return text
    half = MAX_DETAIL_CHARS // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
