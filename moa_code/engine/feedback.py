"""What is new for one author since it last wrote: compact, each thing once, and of visible checks alone.

Candidates are named `candidate c4`, so that who shows them under numbers can say those instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moa_code.core.brief import Judged
from moa_code.core.run import Aggregate, Propose, Refine, RunState
from moa_code.core.task import CheckId
from moa_code.core.verdict import CheckOutcome, CheckResult, Verdict
from moa_code.evidence.assertion import read_failure
from moa_code.evidence.failing import counted_failures, failure_signature, plain_line
from moa_code.evidence.ranking import best
from moa_code.prompts.failure import counterexamples, failure_text
from moa_code.prompts.tokens import clip

MOST_CANDIDATES = 3  # of one author's last round
MOST_CHECKS = 6
DETAIL_TOKENS = 350  # of one failure's text
LINE_TOKENS = 60  # of a failure that is known already

Known = Mapping[tuple[CheckId, str], str]
"""Failures told before, by check and plain first line, and where: `in round 0`."""


def feedback_for(state: RunState, round_: int, author: str = "") -> str:
    """How the author's last drafts were judged, and what is best so far; empty before its first letter has an answer.

    Without `author` it is the aggregator's. Any author of a draft may be named: a proposer, a refiner.
    """
    author = author or state.members.aggregator
    own = [j for j in state.judged if _wrote(j, author, state)]
    asked = _asked(state, author)
    last = (
        asked if asked is not None else max((r for j in own if (r := j.candidate.origin.round) < round_), default=None)
    )
    if last is None:
        return ""
    latest = [j for j in own if j.candidate.origin.round == last][-MOST_CANDIDATES:]
    told = [j for j in own if j not in latest]
    leader = best(state.judged, targets=[r.check_id for r in state.baseline.failing])
    parts = _judged(latest, told, leader, state) if latest else [_nothing(author, state)]
    if leader is not None and leader not in latest:
        parts.append(_best(leader, "yours" if leader in own else "by another author"))
    return "\n\n".join(part for part in parts if part)


def _wrote(judged: Judged, author: str, state: RunState) -> bool:
    candidate = judged.candidate
    if candidate.origin.role == "minimiser":
        return False
    return candidate.origin.author == author or author in state.agreed.get(candidate.candidate_id, ())


def _asked(state: RunState, author: str) -> int | None:
    """The round of the last letter that this author has answered."""
    for step in reversed(state.done):
        match step:
            case Propose(proposers=names) if author in names:
                return step.round
            case Refine(author=name) | Aggregate(aggregator=name) if name == author:
                return step.round
            case _:
                pass
    return None


def _judged(latest: Sequence[Judged], told: Sequence[Judged], leader: Judged | None, state: RunState) -> list[str]:
    """A paragraph a candidate; a failure that was told before, or stands on the untouched code, in one line."""
    known: dict[tuple[CheckId, str], str] = {}
    for result in state.baseline.failing:
        known[_key(result)] = "as on the untouched code"
    for judged in told:
        for result in counted_failures(judged.verdict):
            known[_key(result)] = f"as in round {judged.candidate.origin.round}"
    signatures = {failure_signature(j.verdict): j.candidate for j in told}
    parts: list[str] = []
    for judged in latest:
        candidate, verdict = judged.candidate, judged.verdict
        name = candidate.candidate_id
        same = signatures.get(failure_signature(verdict))
        if same is not None and not verdict.passed:
            before = f"your candidate {same.candidate_id} did in round {same.origin.round}"
            parts.append(
                f"Your candidate {name} fails exactly as {before}: {_lines(verdict)}. Do something different in kind."
            )
            continue
        signatures[failure_signature(verdict)] = candidate
        lines = [f"Your candidate {name}: {_outcome(verdict)}{'; the best so far' if judged is leader else ''}."]
        lines += _regressions(judged, leader)
        lines += _failures(verdict, known)
        parts.append("\n".join(lines))
        for result in counted_failures(verdict):
            known.setdefault(_key(result), f"as with candidate {name}")
    return parts


def _regressions(judged: Judged, leader: Judged | None) -> list[str]:
    """What the candidate breaks: against the best so far, and against the untouched code."""
    name = judged.candidate.candidate_id
    lines: list[str] = []
    bad = {r.check_id for r in counted_failures(judged.verdict)}
    named: set[CheckId] = set()
    if leader is not None and leader is not judged:
        good = [r.check_id for r in leader.verdict.results if r.outcome is CheckOutcome.PASSED and r.check_id in bad]
        named = set(good)
        if good:
            ahead = leader.candidate.candidate_id
            lines.append(f"Candidate {ahead} passed {_ids(good)}, your candidate {name} breaks it.")
    before = [check for check in judged.verdict.regressed if check not in named]
    if before:
        lines.append(f"The untouched code passed {_ids(before)}, your candidate {name} breaks it.")
    return lines


def _failures(verdict: Verdict, known: Known) -> list[str]:
    """Checks with what they said; one text once for all checks that share it."""
    groups: dict[str, list[CheckId]] = {}
    for result in [r for r in counted_failures(verdict) if r.outcome is not CheckOutcome.MISSING]:
        before = known.get(_key(result), "")
        sentence = "" if counterexamples(result.detail) else read_failure(result.detail).sentence
        if before:
            line = clip(sentence or plain_line(result.detail), LINE_TOKENS)
            text = f"{result.outcome}, {before}" + (f": {line}" if line else "")
        elif sentence:
            text = f"{result.outcome}: {sentence}"
        else:
            detail = failure_text(result.detail, DETAIL_TOKENS)
            text = f"{result.outcome}" + (f"\n{detail}" if detail else "")
        groups.setdefault(text, []).append(result.check_id)
    lines = [f"{_ids(checks)}: {text}" for text, checks in list(groups.items())[:MOST_CHECKS]]
    left = sum(len(checks) for checks in list(groups.values())[MOST_CHECKS:])
    return lines + ([f"{left} more checks fail."] if left else [])


def _nothing(author: str, state: RunState) -> str:
    """Why an author that was asked has no candidate."""
    reasons = [reason for name, reason in state.lost if name == author]
    return f"Your last answer brought no patch: {clip(' '.join(reasons[-1].split()), DETAIL_TOKENS)}" if reasons else ""


def _best(leader: Judged, whose: str) -> str:
    verdict = leader.verdict
    return f"Best so far: candidate {leader.candidate.candidate_id} ({whose}), {_outcome(verdict)}" + (
        "." if verdict.passed else f"; {_lines(verdict)}."
    )


def _outcome(verdict: Verdict) -> str:
    counts = verdict.counts
    words = verdict.outcome.value.replace("_", " ")
    if counts.run:
        words += f", {counts.passed} of {counts.expected} checks pass"
    if verdict.passed or verdict.failing:
        return words
    detail = clip(" ".join(verdict.detail.split()), DETAIL_TOKENS)
    return f"{words}: {detail}" if detail else words


def _lines(verdict: Verdict) -> str:
    """Its failing checks by name alone."""
    failing = [r.check_id for r in counted_failures(verdict)]
    return f"it fails {_ids(failing)}" if failing else _outcome(verdict)


def _ids(checks: Sequence[CheckId]) -> str:
    more = f" and {len(checks) - MOST_CHECKS} more" if len(checks) > MOST_CHECKS else ""
    return ", ".join(checks[:MOST_CHECKS]) + more


def _key(result: CheckResult) -> tuple[CheckId, str]:
    return result.check_id, plain_line(result.detail)
