"""What the failing checks say went wrong, and which operators mend that: an error's type is evidence of its cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Factors on operators' priors. An error names the kind of slip more often than not; never so surely that the
# other operators should wait for long.
_FACTORS: Mapping[str, Mapping[str, float]] = {
    "KeyError": {"default-access": 4.0, "guard": 1.5, "none-guard": 1.5, "subscript": 1.3, "variable": 1.2},
    "IndexError": {"off-by-one": 1.5, "comparison": 1.2, "none-guard": 2.0, "guard": 2.0, "boundary": 1.5},
    "AttributeError": {"none-guard": 2.5, "guard": 1.8, "attribute": 1.8, "call-result": 2.0, "own-field": 1.5},
    "NameError": {"own-field": 3.0, "variable": 1.8, "insert-statement": 1.5, "definition": 2.0},
    "UnboundLocalError": {"insert-statement": 2.0, "definition": 3.0, "move-statement": 1.5, "variable": 1.3},
    "RecursionError": {"guard": 2.5, "boundary": 1.8, "off-by-one": 1.4, "subscript": 1.4, "arguments": 1.3},
    "ZeroDivisionError": {"guard": 2.5, "extend-condition": 1.5, "arithmetic": 1.3, "clamp": 1.5},
    "TypeError": {"wrap-call": 2.0, "arguments": 1.8, "guard": 1.3, "call-result": 1.6, "insert-statement": 1.4},
    "ValueError": {"guard": 1.6, "none-guard": 1.4, "arguments": 1.3},
    "StopIteration": {"guard": 2.0},
    "None": {"insert-statement": 1.6, "call-result": 2.0, "returned-value": 1.5, "guard": 0.8, "in-place": 2.0},
}
_NAMED = re.compile(r"\b(" + "|".join(name for name in _FACTORS if name != "None") + r")\b")
_NONE = re.compile(r"\bassert None\b|\bNone (?:==|!=|is)|NoneType")


def emphasis(details: Iterable[str]) -> dict[str, float]:
    """Factors by operator, from what failing checks reported; a symptom counts by the share of checks that show it."""
    texts = [text for text in details if text]
    factors: dict[str, float] = {}
    for text in texts:
        shown = set(_NAMED.findall(text))
        if _NONE.search(text):
            shown.add("None")
        for symptom in shown:
            for operator, factor in _FACTORS[symptom].items():
                factors[operator] = factors.get(operator, 1.0) + (factor - 1.0) / len(texts)
    return factors
