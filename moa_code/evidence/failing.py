"""How a candidate fails, in one line and as a fingerprint, so that the same failure twice is seen. Pure."""

from __future__ import annotations

import hashlib
import re

from moa_code.core.verdict import CheckOutcome, CheckResult, Verdict

ERROR_LINE = re.compile(r"^E +(\S.*)$", re.MULTILINE)
"""A line of the error itself, as pytest marks it."""

_NOISE = (  # what differs between two runs that fail alike
    (re.compile(r"0x[0-9a-fA-F]+"), "0x"),
    (re.compile(r"(?<![\w.])/(?:[\w.-]+/)+"), ""),
    (re.compile(r"\b\d+\.\d+ ?(?:s|ms|seconds)\b"), "0 s"),
    (re.compile(r"\s+"), " "),
)


def failure_signature(verdict: Verdict) -> str:
    """A fingerprint that two verdicts share when the same checks fail with the same first line.

    Addresses, folders and durations do not count. Empty for a verdict that passed.
    """
    if verdict.passed:
        return ""
    parts = [f"{r.check_id}\0{r.outcome.value}\0{plain_line(r.detail)}" for r in counted_failures(verdict)]
    text = "\n".join([verdict.outcome.value, *(sorted(parts) or [plain_line(verdict.detail)])])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def counted_failures(verdict: Verdict) -> tuple[CheckResult, ...]:
    """The checks that failed. Those that never reported count only where no other failed: that one stopped them."""
    said = tuple(r for r in verdict.failing if r.outcome is not CheckOutcome.MISSING)
    return said or verdict.failing


def failing_line(detail: str) -> str:
    """The first line of the error itself; of a text without such lines, its last one."""
    found = ERROR_LINE.search(detail)
    if found:
        return found[1].strip()
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def plain_line(detail: str) -> str:
    """The failing line without what differs from run to run."""
    line = failing_line(detail)
    for noise, plain in _NOISE:
        line = noise.sub(plain, line)
    return line.strip()
