"""Pages of several paragraphs."""

from __future__ import annotations

from typeset.layout import justify


def render(text: str, width: int, indent: int = 0) -> str:
    """Paragraphs, which blank lines separate, justified to `width` and moved right by `indent`."""
    paragraphs = [justify(part, width) for part in text.split("\n\n") if part.strip()]
    return "\n\n".join("\n".join(" " * indent + line for line in lines) for lines in paragraphs)
