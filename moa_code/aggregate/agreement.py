"""Who answers like whom on fresh inputs, as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour
from moa_code.core.candidate import CandidateId
from moa_code.prompts.tokens import clip

MOST_EXAMPLES = 2  # inputs shown for one group that differs
OUTPUT_TOKENS = 150  # of one output, and of one input


def groups_alike(ids: Iterable[CandidateId], behaviour: Behaviour | None) -> tuple[tuple[CandidateId, ...], ...]:
    """Candidates that answer alike wherever right programs must, in the order given; who was not compared is left out."""
    groups: list[list[CandidateId]] = []
    for one in dict.fromkeys(ids):
        if behaviour is None or not behaviour.calls or len(behaviour.answers.get(one, ())) != len(behaviour.calls):
            continue
        home = next((group for group in groups if not differing(behaviour, one, group[0])), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return tuple(tuple(group) for group in groups)


def differing(behaviour: Behaviour, one: CandidateId, other: CandidateId) -> tuple[int, ...]:
    """Places of the inputs to which two candidates answer differently. Edges and unstable answers say nothing."""
    pairs = zip(behaviour.answers[one], behaviour.answers[other], strict=True)
    return tuple(
        place
        for place, (here, there) in enumerate(pairs)
        if place not in behaviour.edges
        and here.digest != there.digest
        and AnswerKind.UNSTABLE not in (here.kind, there.kind)
    )


def agreement(names: Mapping[int, CandidateId], behaviour: Behaviour) -> list[str]:
    """Sentences about the drafts of these numbers; none where fewer than two of them were compared."""
    numbers = {name: number for number, name in names.items()}
    groups = [sorted(numbers[name] for name in group) for group in groups_alike(sorted(numbers), behaviour)]
    if sum(map(len, groups)) < 2:
        return []
    inputs = f"{len(behaviour.calls)} fresh input{'s' if len(behaviour.calls) > 1 else ''}"
    largest, *others = sorted(groups, key=lambda group: (-len(group), group))
    lines = [f"On {inputs} {_drafts(group)} answer alike." for group in (largest, *others) if len(group) > 1]
    return lines + [_difference(group, largest, names, behaviour) for group in others]


def _difference(group: Sequence[int], largest: Sequence[int], names: Mapping[int, CandidateId], seen: Behaviour) -> str:
    """Where a group differs from the largest one: how often, and on which inputs, short ones first."""
    here, there = names[group[0]], names[largest[0]]
    places = sorted(differing(seen, here, there), key=lambda place: len(seen.calls[place]))
    examples = "; ".join(
        f"{short(seen.calls[n])}: {answer_text(seen.answers[here][n])} against {answer_text(seen.answers[there][n])}"
        for n in places[:MOST_EXAMPLES]
    )
    verb = "differ" if len(group) > 1 else "differs"
    few = f"{len(places)} of {len(seen.calls)}"
    return f"{_drafts(group).capitalize()} {verb} from {_drafts(largest)} on {few}: {examples}."


def _drafts(numbers: Sequence[int]) -> str:
    words = [str(n) for n in numbers]
    return f"draft {words[0]}" if len(words) == 1 else f"drafts {', '.join(words[:-1])} and {words[-1]}"


def answer_text(answer: Answer) -> str:
    """One answer in words, on one line."""
    match answer.kind:
        case AnswerKind.VALUE:
            return short(answer.text)
        case AnswerKind.RAISED:
            return f"raises {short(answer.text)}"
        case AnswerKind.TIMED_OUT:
            return "does not come back in time"
        case AnswerKind.DIED:
            return "gives no answer: its process ends"
        case AnswerKind.UNSTABLE:
            return "answers differently each time"
        case _:
            assert_never(answer.kind)


def short(text: str) -> str:
    """A call or a value on one line, clipped."""
    return " ".join(clip(" ".join(text.split()), OUTPUT_TOKENS).split())
