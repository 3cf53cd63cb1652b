"""What was measured about judged candidates, as facts and as lines: nothing in it is anybody's opinion."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from moa_code.core.brief import Judged
from moa_code.core.candidate import CandidateId
from moa_code.core.task import CheckId
from moa_code.core.verdict import Outcome
from moa_code.evidence.equivalence import plain
from moa_code.evidence.size import changed_lines

MAX_FAILURES = 5  # of one candidate
MAX_VALUE_CHARS = 160
MAX_CHARS = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failing check of one candidate. `expected` and `got` are empty where the failure's text does not tell.

    `detail` is the text's last telling line. `same` are the other candidates that fail this check with the same text,
    `also` those that fail it in another way.
    """

    check_id: CheckId
    expected: str
    got: str
    detail: str
    same: tuple[CandidateId, ...] = ()
    also: tuple[CandidateId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One candidate. `more_failures` were left out; `lint` are new findings as `path:line code message`."""

    candidate_id: CandidateId
    author: str
    outcome: Outcome
    passed: int
    expected: int
    failures: tuple[Failure, ...]
    more_failures: int
    regressed: tuple[CheckId, ...]
    lint: tuple[str, ...]
    added: int
    removed: int
    paths: tuple[str, ...]
    detail: str


def facts(judged: Sequence[Judged]) -> tuple[Facts, ...]:
    """The facts of each candidate, in the given order."""
    failing: dict[CheckId, list[tuple[CandidateId, str]]] = {}
    for one in judged:
        for result in one.verdict.failing:
            failing.setdefault(result.check_id, []).append((one.candidate.candidate_id, plain(result.detail)))
    return tuple(_facts(one, failing) for one in judged)


def lines(found: Sequence[Facts], *, max_chars: int = MAX_CHARS) -> tuple[str, ...]:
    """The facts as text, one paragraph's lines a candidate; ends with how many candidates were left out for length."""
    out: list[str] = []
    room = max_chars
    for number, one in enumerate(found):
        block = _block(one)
        cost = sum(len(line) + 1 for line in block)
        if cost > room:
            out.append(f"({len(found) - number} more candidates left out)")
            break
        room -= cost
        out += block
    return tuple(out)


def expected_and_got(detail: str) -> tuple[str, str]:
    """What a check wanted and what it saw, from its failure's text; two empty strings where that cannot be told.

    Reads pytest's `assert GOT == EXPECTED`, unittest's `A != B`, `DID NOT RAISE`, and `expected X, got Y`; a text that
    ends in an exception instead has that exception as `got`.
    """
    told_by_pytest = [line for line in detail.splitlines() if re.match(r"E\s", line)]  # the rest is source
    texts = [re.sub(r"^E\s+", "", line).strip() for line in told_by_pytest or detail.splitlines()]
    for text in texts:
        text = text.removeprefix("AssertionError: ")
        raised = re.match(r"(?:Failed: )?DID NOT RAISE (.+)", text)
        if raised:
            return f"raises {_clip(raised[1])}", "no exception"
        told = re.match(r"(?i)expected:?\s+(.+?),?\s+(?:but )?(?:got|was):?\s+(.+)", text)
        if told:
            return _clip(told[1]), _clip(told[2])
        sides = _comparison(text.removeprefix("assert ")) if text.startswith("assert ") else None
        if sides is not None:
            return sides[1], sides[0]
        unequal = re.match(r"(.+?) != (.+?)(?: : .*)?$", text)
        if unequal and not text.startswith(("assert ", "At index")):
            return _clip(unequal[2]), _clip(unequal[1])
    last = next((text for text in reversed(texts) if re.match(r"[A-Za-z_.]*(?:Error|Exception|Exit)\b", text)), "")
    return "", _clip(last)


def _comparison(text: str) -> tuple[str, str] | None:
    """Both sides of `A == B` as pytest prints it."""
    try:
        parsed = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        left, sign, right = text.partition(" == ")
        return (_clip(left), _clip(right)) if sign and " == " not in right else None
    if not isinstance(parsed, ast.Compare) or len(parsed.ops) != 1 or not isinstance(parsed.ops[0], ast.Eq | ast.Is):
        return None
    left_text, right_text = (ast.get_source_segment(text, side) for side in (parsed.left, parsed.comparators[0]))
    return (_clip(left_text), _clip(right_text)) if left_text and right_text else None


def _facts(one: Judged, failing: dict[CheckId, list[tuple[CandidateId, str]]]) -> Facts:
    verdict, me = one.verdict, one.candidate.candidate_id
    failures = []
    for result in verdict.failing[:MAX_FAILURES]:
        text = plain(result.detail)
        others = [(name, theirs) for name, theirs in failing[result.check_id] if name != me]
        expected, got = expected_and_got(result.detail)
        failures.append(
            Failure(
                check_id=result.check_id,
                expected=expected,
                got=got,
                detail=_clip(_last_line(result.detail)),
                same=tuple(name for name, theirs in others if theirs == text),
                also=tuple(name for name, theirs in others if theirs != text),
            )
        )
    added, removed = changed_lines(one.candidate.patch)
    findings = [finding for stage in verdict.stages for finding in stage.findings]
    return Facts(
        candidate_id=me,
        author=one.candidate.origin.author,
        outcome=verdict.outcome,
        passed=verdict.counts.passed,
        expected=verdict.counts.expected,
        failures=tuple(failures),
        more_failures=max(0, len(verdict.failing) - MAX_FAILURES),
        regressed=verdict.regressed,
        lint=tuple(_clip(f"{f.path}:{f.line} {f.code} {f.message}") for f in findings[:MAX_FAILURES]),
        added=added,
        removed=removed,
        paths=one.candidate.patch.paths,
        detail=_clip(verdict.detail),
    )


def _block(one: Facts) -> list[str]:
    size = f"+{one.added} -{one.removed} lines in {', '.join(one.paths) or 'no file'}"
    block = [f"{one.candidate_id}: {one.outcome.value}, {one.passed} of {one.expected} checks pass; {size}"]
    if one.detail and one.outcome is not Outcome.PASSED:
        block.append(f"  {one.detail}")
    for failure in one.failures:
        what = failure.detail
        if failure.expected:
            what = f"expected {failure.expected}, got {failure.got}"
        elif failure.got:
            what = f"got {failure.got}"
        block.append(f"  fails {failure.check_id}: {what or 'no text'}")
        if failure.same:
            block.append(f"    so does {', '.join(failure.same[:8])}, in the same way")
    if one.more_failures:
        block.append(f"  and {one.more_failures} more failing checks")
    if one.regressed:
        block.append(f"  broke {', '.join(one.regressed[:8])}" + (" …" if len(one.regressed) > 8 else ""))
    block += [f"  new finding: {finding}" for finding in one.lint]
    return block


def _last_line(detail: str) -> str:
    told = [line.strip() for line in detail.splitlines() if line.strip()]
    marked = [re.sub(r"^E\s+", "", line) for line in told if line.startswith("E ")]
    return (marked or told or [""])[-1]


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_VALUE_CHARS else text[: MAX_VALUE_CHARS - 1] + "…"
