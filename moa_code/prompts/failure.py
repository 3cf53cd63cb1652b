"""What a model reads of one failing check: the counterexample that a property was shrunk to, and what is around it."""

from __future__ import annotations

import re

from moa_code.prompts.tokens import clip, estimate_tokens

MOST_COUNTEREXAMPLES = 3
MOST_LINES = 40  # of one counterexample
COUNTEREXAMPLE_SHARE = 2  # counterexamples may take 1/2 of the room

# Hypothesis's words, before and since 6.150; pytest leads each line with "E   ", a group of failures with bars.
_START = re.compile(r"^[E| +]*(?:Falsifying (?:explicit )?example|Failing (?:explicit )?test case): (.*)$")
_LEAD = re.compile(r"^[E|+](?: {2,}| \| |$)|^\s+\| ?")
_COMMENT = re.compile(r"\s+# or any other generated value$")
_DRAW = re.compile(r"^Draw \d+")


def counterexamples(detail: str) -> tuple[str, ...]:
    """The inputs for which a property fails, one line each, `test_x(a=0, b='')`, as Hypothesis shrunk them."""
    lines = detail.splitlines()
    found: list[str] = []
    for number, line in enumerate(lines):
        start = _START.match(line)
        if start and len(found) < MOST_COUNTEREXAMPLES:
            call = _call([start[1], *lines[number + 1 : number + MOST_LINES]])
            if call and call not in found:
                found.append(call)
    return tuple(found)


def failure_text(detail: str, max_tokens: int) -> str:
    """`detail` within `max_tokens`, its counterexamples first: they say most, and stand where a long text is cut."""
    text = detail.strip()
    found = counterexamples(text)
    if not found:
        return clip(text, max_tokens)
    words = "\n".join(f"Counterexample: {call}" for call in found)
    words = clip(words, max_tokens // COUNTEREXAMPLE_SHARE)
    rest = clip(text, max_tokens - estimate_tokens(words) - 1)
    return f"{words}\n{rest}".strip()


def _call(lines: list[str]) -> str:
    """The call that begins in the first line, on one line; empty when its end is not there."""
    parts: list[str] = []
    for number, line in enumerate(lines):
        plain = (line if number == 0 else _LEAD.sub("", line)).strip()
        parts.append(_COMMENT.sub("", plain))
        if plain == ")" or (number == 0 and plain.endswith(")")):
            draws = [_LEAD.sub("", after).strip() for after in lines[number + 1 :]]
            return " ".join([_joined(parts), *_leading_draws(draws)])
    return ""


def _joined(parts: list[str]) -> str:
    text = " ".join(parts)
    return text.replace("( ", "(").replace(", )", ")").replace(",)", ")")


def _leading_draws(lines: list[str]) -> list[str]:
    """What the test drew while it ran, said directly below the call."""
    drawn: list[str] = []
    for line in lines:
        if not _DRAW.match(line):
            break
        drawn.append(line)
    return drawn
