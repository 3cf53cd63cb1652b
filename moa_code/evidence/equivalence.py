"""Which candidates are the same: as patches, or in what they do to the checks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping

from moa_code.core.brief import Judged
from moa_code.core.candidate import CandidateId
from moa_code.core.verdict import Verdict

# What differs from run to run in a failure's text though the behaviour is the same.
_NOISE = (
    (re.compile(r"0x[0-9a-fA-F]{4,}"), "0x"),
    (re.compile(r"\b\d+(?:\.\d+)?\s?(?:ms|µs|us|s|seconds?)\b"), "<time>"),
    (re.compile(r"(?:/[\w.+-]+)+/(?=[\w.+-]+)"), ""),
    (re.compile(r"\.py:\d+"), ".py"),
    (re.compile(r"\bline \d+"), "line"),
    (re.compile(r"\s+"), " "),
)


def by_patch(judged: Iterable[Judged]) -> tuple[tuple[Judged, ...], ...]:
    """Groups of equal patches, in the order of their first members."""
    return _grouped(judged, lambda one: one.candidate.patch.sha256)


def by_signature(judged: Iterable[Judged]) -> tuple[tuple[Judged, ...], ...]:
    """Groups of equal verdict signatures, in the order of their first members."""
    return _grouped(judged, lambda one: verdict_signature(one.verdict))


def verdict_signature(verdict: Verdict) -> str:
    """SHA-256 over the outcome and every check's outcome and failure text, without addresses, times, folders and lines.

    Two candidates with one signature fail the same checks in the same way; that is agreement, not a proof of equality.
    """
    parts = [verdict.outcome.value]
    for result in sorted(verdict.results, key=lambda r: r.check_id):
        parts.append(f"{result.check_id}\0{result.outcome.value}\0{plain(result.detail)}")
    return hashlib.sha256("\1".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def plain(detail: str) -> str:
    """A failure's text without what differs from run to run."""
    for pattern, instead in _NOISE:
        detail = pattern.sub(instead, detail)
    return detail.strip()


def cluster_weights(
    groups: Iterable[Iterable[Judged]], *, family: Callable[[str], str] = str
) -> Mapping[CandidateId, float]:
    """For each candidate, how many different families wrote a member of its group. `family` maps an author to one.

    One author repeating itself is not agreement.
    """
    weights: dict[CandidateId, float] = {}
    for group in map(tuple, groups):
        families = {family(one.candidate.origin.author) for one in group}
        for one in group:
            weights[one.candidate.candidate_id] = float(len(families))
    return weights


def _grouped(judged: Iterable[Judged], key: Callable[[Judged], str]) -> tuple[tuple[Judged, ...], ...]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(key(one), []).append(one)
    return tuple(map(tuple, groups.values()))
