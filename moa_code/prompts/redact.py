"""Secrets, taken out of whatever leaves the machine. Shapes that are obviously keys; no guess from entropy."""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "[redacted]"

_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)

# A prefix that its issuer reserved for keys, then enough of a body not to be prose.
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek
    r"|gsk_[A-Za-z0-9]{20,}"  # Groq
    r"|tgp_v1_[A-Za-z0-9_-]{20,}"  # Together
    r"|AIza[A-Za-z0-9_-]{30,}"  # Google
    r"|hf_[A-Za-z0-9]{20,}"
    r"|gh[opsur]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{18,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|pypi-[A-Za-z0-9_-]{40,}|npm_[A-Za-z0-9]{30,}|dop_v1_[a-f0-9]{40,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # a JSON web token
    r")"
)

# Values of names that say what they are. A digit and 12 characters keep prose and placeholders; unquoted values only in
# the form of an environment file, because in code they are names, not secrets.
_NAME = r"(?:api_?key|secret|passw(?:or)?d|access_?key|access_?token|auth_?token)"
_QUOTED = re.compile(
    rf"""(?ix)(?P<head>{_NAME}[\w-]*["']?\]?\s*(?:=|:)\s*)(?P<quote>["'])(?=[^\s"']*\d)[^\s"']{{12,}}(?P=quote)"""
)
_ENV_LINE = re.compile(
    rf"(?im)^(?P<head>(?:export\s+)?[A-Z0-9_]*{_NAME}[A-Z0-9_]*=)(?=\S*\d)[A-Za-z0-9+/_~=-]{{12,}}\s*$"
)

_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_.~=-]{16,}")
_URL_PASSWORD = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/@\"']+:)[^\s/@\"']+(?=@)")


def redact(text: str, known: Iterable[str] = ()) -> str:
    """`text` with every obvious secret, and every one of the `known` ones, replaced by `MARK`. Idempotent."""
    for secret in sorted((s for s in known if len(s) >= 8), key=len, reverse=True):
        text = text.replace(secret, MARK)
    text = _PRIVATE_KEY.sub(MARK, text)
    text = _SHAPES.sub(MARK, text)
    text = _QUOTED.sub(rf"\g<head>\g<quote>{MARK}\g<quote>", text)
    text = _ENV_LINE.sub(rf"\g<head>{MARK}", text)
    text = _BEARER.sub(rf"\1 {MARK}", text)
    return _URL_PASSWORD.sub(rf"\g<head>{MARK}", text)
