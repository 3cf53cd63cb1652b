"""What a person wants to know about a run's outcome, one fact a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from moa_code.core.behaviour import AnswerKind
from moa_code.core.candidate import CandidateId
from moa_code.core.run import RunResult, Status
from moa_code.evidence.clusters import Cluster, Difference, clusters, differences
from moa_code.evidence.reliability import prior

if TYPE_CHECKING:
    from moa_code.solve import Solved

SHOWN_DIFFERENCES = 3


def evidence_lines(solved: Solved, apply_words: str) -> list[str]:
    """What a person wants to know about the outcome, one fact a line."""
    result = solved.result
    lines = [""]
    if result.status is Status.VERIFIED and result.winner is not None:
        verdict = result.winner.verdict
        before = len(result.baseline.failing) if result.baseline else 0
        limits = verdict.limits
        lines += [
            f"  before      {before} of {verdict.counts.expected} checks fail",
            f"  after       {verdict.counts.passed} of {verdict.counts.expected} pass, in a fresh box",
            f"  evidence    L{int(verdict.level)} {verdict.level.name.lower()}, integrity {verdict.integrity.value}",
            f"  box         {verdict.box.backend}, image {verdict.box.image_digest[:19]}, network none",
            f"  limits      {limits.cpu_s:g} s CPU, {limits.memory_bytes >> 20} MiB, {limits.pids} processes",
            *(f"  missing     {text}" for text in verdict.box.missing),
            f"  patch       by {result.winner.candidate.origin.author}: {result.winner.candidate.origin.note}",
            f"  caution     {_caution(result)}",
            *(f"  differs     {line}" for line in _differing(result)),
            *(f"  unchecked   {place}: lines that no check exercises" for place in _unexercised(result)),
        ]
    if result.status is not Status.NOTHING_TO_DO:
        lines.append(f"  candidates  {result.screened} screened, {len(result.judged)} judged")
    for spent in result.spent:
        cost = "cost unknown" if spent.cost_usd is None else f"${spent.cost_usd:.4f}"
        lines.append(f"  model       {spent.model}: {spent.calls} calls, {spent.prompt_tokens} + "
                     f"{spent.completion_tokens} tokens, {cost}")  # fmt: skip
    lines.append(f"  time        {result.duration_s:.1f} s")
    lines.append(f"  run         {solved.run_id}" + _next_words(solved, apply_words))
    return lines


def _caution(result: RunResult) -> str:
    """Passing is not the end: what is believed of the winner, or how often its author's passes are wrong."""
    if result.belief is not None:
        return f"{1 - result.belief:.0%} likely to be wrong for all that passes (`moa-code runs show` says why)"
    assert result.winner is not None
    return f"of such passes about {prior(result.winner.candidate.origin.author).mean:.0%} were wrong in measurements"


def _differing(result: RunResult) -> list[str]:
    """Calls on which the winner and others that pass differ: what the checks leave open."""
    assert result.winner is not None
    behaviour = result.behaviour
    if behaviour is None:
        return []
    winner = result.winner.candidate
    own: set[CandidateId] = {winner.candidate_id, *winner.origin.parents}
    found = clusters(behaviour)
    return [_difference(one, found, own) for one in differences(behaviour, found, most=SHOWN_DIFFERENCES)]


def _difference(one: Difference, found: tuple[Cluster, ...], own: set[CandidateId]) -> str:
    ours, others = "not asked", []
    for cluster, answer in zip(found, one.answers, strict=True):
        text = f"raises {answer.text}" if answer.kind is AnswerKind.RAISED else answer.text
        if own & set(cluster.members):
            ours = text
        else:
            others.append(f"{text} ({len(cluster.members)})")
    return f"{one.call} is {ours} here, {', '.join(others)} in others that pass"


def _unexercised(result: RunResult) -> list[str]:
    return [f"{path}:{ranges(lines)}" for path, lines in result.unexercised.items() if lines]


def ranges(lines: Iterable[int]) -> str:
    """`3-5, 9` for 3, 4, 5 and 9."""
    runs: list[list[int]] = []
    for line in sorted(lines):
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _next_words(solved: Solved, apply_words: str) -> str:
    match solved.result.status:
        case Status.VERIFIED:
            return f"   ({apply_words})"
        case Status.NOTHING_TO_DO:
            return ""
        case _:
            return f"   (moa-code runs show {solved.run_id})"
