"""A mutant: one changed file, and what was changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters `start` to `end` of the text before, and what stands there after."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One file before and after an edit. `line` is where the edit begins, 1-based, in `before`.

    `prior` orders mutants: comparable over operators, lines and files. `spans` do not overlap and are sorted.
    `order` counts the edits that were made one on top of another; 2 and more have the last one's `spans`.
    """

    path: str
    before: str
    after: str
    operator: str
    line: int
    prior: float
    description: str
    spans: tuple[Span, ...] = ()
    order: int = 1


def apply_spans(text: str, spans: tuple[Span, ...]) -> str:
    """`text` with every span exchanged. Spans must be sorted and apart from one another."""
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], span.text]
        at = span.end
    return "".join([*parts, text[at:]])
