"""Tokens, estimated without a tokenizer: every provider counts differently, and loading one costs seconds."""

from __future__ import annotations

import math

CHARS_PER_TOKEN = 3.5
"""Code in Latin letters runs from 3.2 to 4.2 characters a token in the usual vocabularies."""

BYTES_PER_FOREIGN_TOKEN = 2.0
"""Characters outside ASCII fall apart into byte pairs in the vocabularies of small models."""


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` is, rather too many than too few. 0 for the empty text."""
    size = len(text.encode("utf-8", "surrogatepass"))
    plain = sum(map(str.isascii, text)) if size != len(text) else len(text)
    return math.ceil(plain / CHARS_PER_TOKEN + (size - plain) / BYTES_PER_FOREIGN_TOKEN)


def clip(text: str, max_tokens: int) -> str:
    """`text` itself if it fits, else its beginning and end with the number of characters left out between them."""
    if estimate_tokens(text) <= max_tokens:
        return text
    room = int(max_tokens * CHARS_PER_TOKEN) - 40  # the marker's own length
    while room > 0:
        head, tail = text[: room - room // 2], text[len(text) - room // 2 :]
        short = f"{head}\n[… {len(text) - room} characters left out …]\n{tail}"
        if estimate_tokens(short) <= max_tokens:
            return short
        room = room * 3 // 4
    return ""
