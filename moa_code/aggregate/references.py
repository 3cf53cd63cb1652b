"""What an aggregator reads as references, and what it could read instead at the same length: do references help?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import assert_never

from moa_code.aggregate.dossier import Numbered, Selection, facts, select, texts
from moa_code.core.brief import Brief, Judged
from moa_code.core.candidate import CandidateId
from moa_code.prompts.compose import fenced
from moa_code.prompts.tokens import CHARS_PER_TOKEN, clip, estimate_tokens

DRAFTS_SHARE = 0.6  # of the room for references; facts have what the drafts leave

_NOTHING = "This line stands here for its length alone.\n"
_UNMEASURED = "Nothing was measured about these drafts."


class References(StrEnum):
    """Arms of one question: is it the references that help, or only more to read?

    All but `REAL` are as long as `REAL` would be, section by section. Loop alone and self-moa are arms of the strategy
    and the team.
    """

    REAL = "real"
    NONE = "none"  # the aggregator alone
    OTHER_TASK = "other_task"  # drafts for another task
    SHUFFLED = "shuffled"  # the drafts, each with the facts about another one
    BEST_ONLY = "best_only"
    FAILING_WITH_OUTPUT = "failing_with_output"  # what fails, and what the tests printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """Both sections of a prompt, and the candidates whose text is in it, with their numbers."""

    facts: str
    drafts: str
    numbers: Mapping[CandidateId, int]


def refer(kind: References, brief: Brief, *, max_tokens: int, others: Sequence[str] = ()) -> Referred:
    """The references of this kind within `max_tokens`. `others` are drafts' texts for `OTHER_TASK`, in any number.

    Raises `ValueError` when `OTHER_TASK` is asked for and there are none.
    """
    drafts_room = int(max_tokens * DRAFTS_SHARE)
    real = select(brief, max_tokens=drafts_room)
    drafts = texts(real)
    facts_room = max_tokens - estimate_tokens(drafts)
    whole = Referred(facts=facts(real, brief, max_tokens=facts_room), drafts=drafts, numbers=_numbers(real))

    def of(selection: Selection, *, raw: bool = False) -> Referred:
        told = facts(selection, brief, max_tokens=facts_room, raw=raw)
        return Referred(facts=told, drafts=texts(selection), numbers=_numbers(selection))

    match kind:
        case References.REAL:
            return whole
        case References.NONE:
            shown = of(Selection(drafts=(), left_out=0))
        case References.OTHER_TASK:
            if not others:
                raise ValueError("drafts for another task are asked for, and none were given")
            shown = Referred(facts=_UNMEASURED, drafts=_foreign(real, others), numbers={})
        case References.SHUFFLED:
            shown = of(_shuffled(real, brief.seed))
        case References.BEST_ONLY:
            shown = of(select(replace(brief, judged=_best(brief)), max_tokens=drafts_room))
        case References.FAILING_WITH_OUTPUT:
            failing = tuple(one for one in brief.judged if not one.verdict.passed)
            shown = of(select(replace(brief, judged=failing), max_tokens=drafts_room), raw=True)
        case _:
            assert_never(kind)
    return replace(
        shown,
        facts=levelled(shown.facts, estimate_tokens(whole.facts)),
        drafts=levelled(shown.drafts, estimate_tokens(whole.drafts)),
    )


def levelled(text: str, tokens: int) -> str:
    """`text` made as long as asked for, by our estimate: clipped, or followed by lines that say nothing."""
    text = clip(text, tokens)
    missing = tokens - estimate_tokens(text)
    if missing < 1:
        return text
    room = int(missing * CHARS_PER_TOKEN)
    lines = _NOTHING * (room // len(_NOTHING) + 1)
    while room > 0 and estimate_tokens(f"{text}\n\n{lines[:room]}") > tokens:
        room -= 1
    return f"{text}\n\n{lines[:room]}" if room > 0 else text


def _best(brief: Brief) -> tuple[Judged, ...]:
    return tuple(one for one in brief.judged if one.candidate.patch.changes)[:1]


def _shuffled(selection: Selection, seed: int) -> Selection:
    """Each draft with the facts of another one, as soon as there are two."""
    drafts = selection.drafts
    places = list(range(len(drafts)))
    Random(seed).shuffle(places)
    giver = {here: places[(turn + 1) % len(places)] for turn, here in enumerate(places)}

    def given(place: int, draft: Numbered) -> Numbered:
        other = drafts[giver[place]]
        return replace(draft, told=other.told, authors=other.authors, wrong=other.wrong)

    return replace(selection, drafts=tuple(given(place, draft) for place, draft in enumerate(drafts)))


def _foreign(real: Selection, others: Sequence[str]) -> str:
    """As many drafts as there are, each clipped to the length of the one whose place it takes."""
    parts = [
        f"## Draft {draft.number}\n\n{fenced(clip(others[place % len(others)], estimate_tokens(draft.diff)), 'diff')}"
        for place, draft in enumerate(real.drafts)
    ]
    return "\n\n".join(parts) or "None."


def _numbers(selection: Selection) -> dict[CandidateId, int]:
    return {draft.judged.candidate.candidate_id: draft.number for draft in selection.drafts}
