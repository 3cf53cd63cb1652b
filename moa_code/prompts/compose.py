"""From rendered prompts to messages: secrets out, sections fenced, hashes of what went in."""

from __future__ import annotations

import re

from moa_code.core.model import Message, Role
from moa_code.prompts.redact import redact
from moa_code.prompts.render import prompt_hash


def message(role: Role, text: str) -> Message:
    """The one door through which text leaves for a model: secrets redacted, every character encodable."""
    return Message(role=role, text=redact(text.encode("utf-8", "replace").decode("utf-8")).strip("\n"))


def fenced(text: str, language: str = "") -> str:
    """`text` as a fenced block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def hashes(*names: str) -> tuple[tuple[str, str], ...]:
    """(prompt, SHA-256) pairs, sorted, for the record of a call."""
    return tuple(sorted((name, prompt_hash(name)) for name in set(names)))
