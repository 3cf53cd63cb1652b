"""What was measured about drafts, in words a model can use: facts grouped by check, each said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import assert_never

from moa_code.aggregate.agreement import agreement
from moa_code.core.brief import Brief, Judged
from moa_code.core.profile import Profile
from moa_code.core.verdict import CheckOutcome, CheckResult, Verdict
from moa_code.edits.unified import render_diff
from moa_code.evidence.assertion import read_failure
from moa_code.evidence.clusters import clusters
from moa_code.evidence.size import changed_lines
from moa_code.prompts.compose import fenced
from moa_code.prompts.failure import counterexamples, failure_text
from moa_code.prompts.tokens import clip, estimate_tokens

DETAIL_TOKENS = 250  # of one failure's text
DIFF_SHARE = 3  # one draft may take 1/3 of the room for all
FRAME_TOKENS = 12  # a draft's heading and fence
LEAST_TOKENS = 2 * FRAME_TOKENS  # in less, no diff says anything
MAX_IDS = 8  # names listed one by one; beyond, a count
MAX_FINDINGS = 5


class Telling(Enum):
    """Whom facts are told about."""

    DRAFTS = "drafts"  # by number
    ATTEMPTS = "attempts"  # by how many they are
    ONE = "one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A draft as the aggregator sees it: the diff of `judged`, and facts about it.

    `told` is what the facts are taken from: `judged` itself, but for who studies what facts are worth. `authors` is how
    many wrote this very patch, `wrong` the share of passes by the most reliable of them that are wrong, None if that is
    unknown. Their names stay out.
    """

    number: int
    judged: Judged
    told: Judged
    authors: int
    wrong: float | None
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Drafts that fit, in the order of their numbers, and how many did not."""

    drafts: tuple[Numbered, ...]
    left_out: int


def select(brief: Brief, *, max_tokens: int) -> Selection:
    """The drafts whose diffs fit, numbered in an order that says nothing about how good they are.

    The best of each group that behaves alike come first, then the others, best first, as `brief.judged` has them. Equal
    patches are one draft; a long one is clipped.
    """
    groups: dict[str, list[Judged]] = {}
    for one in brief.judged:
        if one.candidate.patch.changes:
            groups.setdefault(one.candidate.patch.sha256, []).append(one)
    found = clusters(brief.behaviour) if brief.behaviour is not None else ()
    home = {name: place for place, cluster in enumerate(found) for name in cluster.members}
    met: set[int] = set()
    firsts: list[list[Judged]] = []
    seconds: list[list[Judged]] = []
    for group in groups.values():
        place = home.get(group[0].candidate.candidate_id)
        (seconds if place in met else firsts).append(group)
        if place is not None:
            met.add(place)
    kept: list[tuple[list[Judged], str]] = []
    left = max_tokens
    for group in (*firsts, *seconds):
        if left < LEAST_TOKENS:
            break  # a search leaves hundreds, and each costs a diff
        diff = diff_text(group[0], min(left - FRAME_TOKENS, max_tokens // DIFF_SHARE))
        if diff:
            left -= estimate_tokens(diff) + FRAME_TOKENS
            kept.append((group, diff))
    Random(brief.seed).shuffle(kept)
    return Selection(
        drafts=tuple(_numbered(n, group, diff, brief) for n, (group, diff) in enumerate(kept, 1)),
        left_out=len(groups) - len(kept),
    )


def diff_text(judged: Judged, max_tokens: int) -> str:
    """The patch as text that can be sent, clipped; empty when not even its ends fit."""
    return clip(render_diff(judged.candidate.patch).encode("utf-8", "replace").decode("utf-8"), max_tokens)


def facts(selection: Selection, brief: Brief, *, max_tokens: int, raw: bool = False) -> str:
    """One line a draft, who answers like whom, then each check that some draft fails, with what it did and for whom.

    `raw`: outcomes and the checks' own output, and nothing else.
    """
    if not selection.drafts:
        return "There is no draft."
    lines = [f"Draft {d.number}: {_line(d, bare=raw)}" for d in selection.drafts]
    if brief.behaviour is not None and not raw:
        names = {d.number: d.told.candidate.candidate_id for d in selection.drafts}
        lines += agreement(names, brief.behaviour)
    if selection.left_out:
        lines.append(f"{selection.left_out} further drafts, ranked lower, are left out for length.")
    verdicts = [(d.number, d.told.verdict) for d in selection.drafts]
    return _fitted(lines, _by_check(verdicts, Telling.DRAFTS, raw=raw), max_tokens)


def facts_of_one(judged: Judged, *, max_tokens: int) -> str:
    """What was measured about one candidate: an author reads this of the one it goes on from."""
    line = _outcome(judged.verdict, bare=False)
    return _fitted([f"Outcome: {line}."], _by_check([(1, judged.verdict)], Telling.ONE), max_tokens)


def failures_of_all(judged: Sequence[Judged], *, max_tokens: int) -> str:
    """How attempts failed, without a word of any."""
    if not judged:
        return "Nothing was tried yet."
    verdicts = list(enumerate((one.verdict for one in judged), 1))
    counts: dict[str, int] = {}
    for verdict in (one.verdict for one in judged):
        if verdict.passed or verdict.failing:
            continue
        words = " ".join(verdict.detail.split())
        said = f"{_words(verdict)}: {clip(words, DETAIL_TOKENS)}" if words else _words(verdict)
        counts[said] = counts.get(said, 0) + 1
    lines = [f"Attempts so far: {len(judged)}; none is right."]
    lines += [f"{_named(range(count), Telling.ATTEMPTS)} {said}" for said, count in counts.items()]
    return _fitted(lines, _by_check(verdicts, Telling.ATTEMPTS), max_tokens)


def texts(selection: Selection) -> str:
    """The drafts' diffs under their numbers."""
    return (
        "\n\n".join(f"## Draft {draft.number}\n\n{fenced(draft.diff, 'diff')}" for draft in selection.drafts) or "None."
    )


def _numbered(number: int, group: Sequence[Judged], diff: str, brief: Brief) -> Numbered:
    first = group[0]
    again = brief.agreed.get(first.candidate.candidate_id, ())
    authors = {one.candidate.origin.author for one in group} | set(again)
    rates = [profile.false_accept.mean for name in sorted(authors) if (profile := _profile(brief.profiles, name))]
    return Numbered(
        number=number,
        judged=first,
        told=first,
        authors=len(authors),
        wrong=min(rates) if rates else None,
        diff=diff,
    )


def _profile(profiles: Mapping[str, Profile], author: str) -> Profile | None:
    """The author's own, or that of the model behind its style."""
    return profiles.get(author) or profiles.get(author.partition("#")[0])


def _fitted(lines: Sequence[str], sections: Sequence[str], max_tokens: int) -> str:
    """Lines, then as many sections as fit."""
    text = clip("\n".join(lines), max_tokens)
    left = max_tokens - estimate_tokens(text) - FRAME_TOKENS  # for the line that says what is left out
    for done, section in enumerate(sections):
        left -= estimate_tokens(section) + 1
        if left < 0:
            return text + f"\n\n{len(sections) - done} more checks fail in some draft."
        text += f"\n\n{section}"
    return text


def _line(draft: Numbered, *, bare: bool) -> str:
    parts = [_outcome(draft.told.verdict, bare=bare)]
    if bare:
        return parts[0]
    added, removed = changed_lines(draft.judged.candidate.patch)
    files = len(draft.judged.candidate.patch.changes)
    parts.append(f"+{added} −{removed} lines in {files} file{'s' if files != 1 else ''}")
    if draft.authors > 1:
        parts.append(f"written alike by {draft.authors} authors")
    if draft.wrong is not None:
        whose = "the most reliable of them" if draft.authors > 1 else "its author"
        parts.append(f"passes by {whose} are wrong {draft.wrong:.0%} of the time".replace("%", " %"))
    return "; ".join(parts)


def _outcome(verdict: Verdict, *, bare: bool) -> str:
    parts = [_words(verdict)]
    counts = verdict.counts
    if counts.run:
        parts.append(f"{counts.passed} of {counts.expected} checks passed")
    if verdict.regressed and not bare:
        parts.append(f"breaks what passed before: {_ids(verdict.regressed)}")
    if not verdict.passed and verdict.detail and not verdict.failing:
        parts.append(clip(" ".join(verdict.detail.split()), DETAIL_TOKENS))
    if not bare and (findings := _findings(verdict)):
        parts.append(f"new findings: {findings}")
    return "; ".join(parts)


def _words(verdict: Verdict) -> str:
    return verdict.outcome.value.replace("_", " ")


def _findings(verdict: Verdict) -> str:
    found = [finding for stage in verdict.stages for finding in stage.findings]
    shown = [f"{f.code} {f.path}:{f.line} {' '.join(f.message.split())}" for f in found[:MAX_FINDINGS]]
    return ", ".join(shown + ([f"and {len(found) - MAX_FINDINGS} more"] if len(found) > MAX_FINDINGS else []))


def _by_check(verdicts: Sequence[tuple[int, Verdict]], telling: Telling, *, raw: bool = False) -> list[str]:
    """A section a check, most widely failed first; drafts that fail it alike share what is said of it."""
    outcomes: dict[str, dict[int, CheckResult]] = {}
    for number, verdict in verdicts:
        for result in verdict.results:
            outcomes.setdefault(result.check_id, {})[number] = result
    sections: list[tuple[int, str]] = []
    for check, by_number in outcomes.items():
        failing = {n: r for n, r in by_number.items() if r.outcome is not CheckOutcome.PASSED}
        if not failing:
            continue
        passing = sorted(by_number.keys() - failing.keys())
        lines = [f"Check {check}{_passes(passing, telling)}"]
        said: dict[str, list[int]] = {}
        for number, result in failing.items():
            said.setdefault(_said(result, raw=raw), []).append(number)
        for text, numbers in said.items():
            outcome, _, rest = text.partition("\0")
            whom = "" if telling is Telling.ONE else f" in {_named(numbers, telling)}"
            lines.append(f"{outcome}{whom}" + (f":{rest}" if rest else ""))
        sections.append((len(failing), "\n".join(lines)))
    return [text for _, text in sorted(sections, key=lambda pair: -pair[0])]


def _said(result: CheckResult, *, raw: bool) -> str:
    """The outcome and, behind a NUL, what the check says: call, value and expected value, or its own text."""
    sentence = "" if raw or counterexamples(result.detail) else read_failure(result.detail).sentence
    if sentence:
        return f"{result.outcome}\0 {sentence}"
    text = failure_text(result.detail, DETAIL_TOKENS)
    return f"{result.outcome}\0\n{fenced(text)}" if text else f"{result.outcome}\0"


def _passes(passing: Sequence[int], telling: Telling) -> str:
    match telling:
        case Telling.ONE:
            return ""
        case Telling.DRAFTS | Telling.ATTEMPTS:
            nobody = "no draft" if telling is Telling.DRAFTS else "no attempt"
            return f": passes in {_named(passing, telling)}" if passing else f": passes in {nobody} that ran it"
        case _:
            assert_never(telling)


def _named(numbers: Sequence[int], telling: Telling) -> str:
    several = "s" if len(numbers) > 1 else ""
    if telling is Telling.DRAFTS:
        return f"draft{several} {', '.join(map(str, numbers))}"
    return f"{len(numbers)} attempt{several}"


def _ids(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:MAX_IDS])
    return shown + (f" and {len(ids) - MAX_IDS} more" if len(ids) > MAX_IDS else "")
