"""What was measured about drafts, in words a model can use: facts grouped by check, each said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from moa_code.core.brief import Judged
from moa_code.core.verdict import CheckOutcome, CheckResult, Verdict
from moa_code.edits.unified import render_diff
from moa_code.prompts.compose import fenced
from moa_code.prompts.failure import failure_text
from moa_code.prompts.tokens import clip, estimate_tokens

DETAIL_TOKENS = 250  # of one failure's text
DIFF_SHARE = 3  # one draft may take 1/3 of the room for all
FRAME_TOKENS = 12  # a draft's heading and fence
MAX_IDS = 8  # names listed one by one; beyond, a count
MAX_FINDINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A draft as the aggregator sees it. `authors` is how many wrote this very patch; their names stay out."""

    number: int
    judged: Judged
    authors: int
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Drafts that fit, in the order of their numbers, and how many did not."""

    drafts: tuple[Numbered, ...]
    left_out: int


def select(judged: Sequence[Judged], *, seed: int, max_tokens: int) -> Selection:
    """The best drafts whose diffs fit, numbered in an order that says nothing about how good they are.

    `judged` comes best first. Equal patches are one draft; a long one is clipped.
    """
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        if one.candidate.patch.changes:
            groups.setdefault(one.candidate.patch.sha256, []).append(one)
    kept: list[tuple[Judged, int, str]] = []
    left = max_tokens
    for group in groups.values():
        diff = render_diff(group[0].candidate.patch).encode("utf-8", "replace").decode("utf-8")
        diff = clip(diff, min(left - FRAME_TOKENS, max_tokens // DIFF_SHARE))
        if not diff:
            continue
        left -= estimate_tokens(diff) + FRAME_TOKENS
        kept.append((group[0], len({one.candidate.origin.author for one in group}), diff))
    Random(seed).shuffle(kept)
    drafts = tuple(
        Numbered(number=n, judged=one, authors=authors, diff=diff) for n, (one, authors, diff) in enumerate(kept, 1)
    )
    return Selection(drafts=drafts, left_out=len(groups) - len(drafts))


def facts(selection: Selection, *, max_tokens: int) -> str:
    """One line a draft, then each check that some draft fails, with what it printed and for whom."""
    if not selection.drafts:
        return "There is no draft."
    lines = [_line(draft) for draft in selection.drafts]
    if selection.left_out:
        lines.append(f"{selection.left_out} further drafts, ranked lower, are left out for length.")
    text = clip("\n".join(lines), max_tokens)
    left = max_tokens - estimate_tokens(text) - FRAME_TOKENS  # for the line that says what is left out
    sections = _by_check(selection.drafts)
    for done, section in enumerate(sections):
        left -= estimate_tokens(section) + 1
        if left < 0:
            text += f"\n\n{len(sections) - done} more checks fail in some draft."
            break
        text += f"\n\n{section}"
    return text


def texts(selection: Selection) -> str:
    """The drafts' diffs under their numbers."""
    return (
        "\n\n".join(f"## Draft {draft.number}\n\n{fenced(draft.diff, 'diff')}" for draft in selection.drafts) or "None."
    )


def _line(draft: Numbered) -> str:
    verdict = draft.judged.verdict
    parts = [f"Draft {draft.number}: {verdict.outcome.value.replace('_', ' ')}"]
    counts = verdict.counts
    if counts.run:
        parts.append(f"{counts.passed} of {counts.expected} checks passed")
    if verdict.regressed:
        parts.append(f"breaks what passed before: {_ids(verdict.regressed)}")
    if not verdict.passed and verdict.detail and not verdict.failing:
        parts.append(clip(" ".join(verdict.detail.split()), DETAIL_TOKENS))
    parts.append(_size(draft.judged))
    if draft.authors > 1:
        parts.append(f"written alike by {draft.authors} authors")
    if findings := _findings(verdict):
        parts.append(f"new findings: {findings}")
    return "; ".join(parts)


def _size(judged: Judged) -> str:
    diff = render_diff(judged.candidate.patch).split("\n")
    added = sum(line.startswith("+") and not line.startswith("+++ ") for line in diff)
    removed = sum(line.startswith("-") and not line.startswith("--- ") for line in diff)
    files = len(judged.candidate.patch.changes)
    return f"+{added} −{removed} lines in {files} file{'s' if files != 1 else ''}"


def _findings(verdict: Verdict) -> str:
    found = [finding for stage in verdict.stages for finding in stage.findings]
    shown = [f"{f.code} {f.path}:{f.line} {' '.join(f.message.split())}" for f in found[:MAX_FINDINGS]]
    return ", ".join(shown + ([f"and {len(found) - MAX_FINDINGS} more"] if len(found) > MAX_FINDINGS else []))


def _by_check(drafts: Sequence[Numbered]) -> list[str]:
    """A section a check, most widely failed first; drafts that fail it with the same text share that text."""
    outcomes: dict[str, dict[int, CheckResult]] = {}
    for draft in drafts:
        for result in draft.judged.verdict.results:
            outcomes.setdefault(result.check_id, {})[draft.number] = result
    sections: list[tuple[int, str]] = []
    for check, by_draft in outcomes.items():
        failing = {n: r for n, r in by_draft.items() if r.outcome is not CheckOutcome.PASSED}
        if not failing:
            continue
        passing = sorted(by_draft.keys() - failing.keys())
        lines = [
            f"Check {check}" + (f": passes in {_numbers(passing)}" if passing else ": passes in no draft that ran it")
        ]
        said: dict[tuple[str, str], list[int]] = {}
        for number, result in failing.items():
            said.setdefault((result.outcome.value, failure_text(result.detail, DETAIL_TOKENS)), []).append(number)
        for (outcome, detail), numbers in said.items():
            lines.append(f"{outcome} in {_numbers(numbers)}" + (f":\n{fenced(detail)}" if detail else ""))
        sections.append((len(failing), "\n".join(lines)))
    return [text for _, text in sorted(sections, key=lambda pair: -pair[0])]


def _numbers(numbers: Sequence[int]) -> str:
    return f"draft{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _ids(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:MAX_IDS])
    return shown + (f" and {len(ids) - MAX_IDS} more" if len(ids) > MAX_IDS else "")
