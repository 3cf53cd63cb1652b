"""Who answers like whom on fresh inputs, as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour
from moa_code.core.candidate import CandidateId
from moa_code.evidence.clusters import Cluster, Difference, clusters, counted_calls, differences
from moa_code.prompts.tokens import clip

MOST_EXAMPLES = 2  # inputs shown for one group that differs
OUTPUT_TOKENS = 150  # of one output, and of one input


def telling(behaviour: Behaviour, found: Sequence[Cluster], most: int) -> tuple[Difference, ...]:
    """Calls that tell these clusters apart. Edges, where right programs may differ, only where no other call counts."""
    counted = {behaviour.calls[at] for at in counted_calls(behaviour)}
    told = differences(behaviour, found, most=len(behaviour.calls))
    return tuple(one for one in told if one.call in counted)[:most]


def agreement(names: Mapping[int, CandidateId], behaviour: Behaviour) -> list[str]:
    """Sentences about the drafts of these numbers; none where fewer than two of them were compared."""
    numbers = {name: number for number, name in names.items()}
    largest, *others = clusters(behaviour, among=numbers) or (Cluster(members=()),)
    if not others and len(largest.members) < 2:
        return []

    def drafts(cluster: Cluster) -> str:
        return _drafts(sorted(numbers[name] for name in cluster.members))

    count = len(counted_calls(behaviour))
    inputs = f"{count} fresh input{'s' if count > 1 else ''}"
    alike = [cluster for cluster in (largest, *others) if len(cluster.members) > 1]
    lines = [f"On {inputs} {drafts(cluster)} answer alike." for cluster in alike]
    for other in others:
        told = telling(behaviour, (other, largest), count)
        examples = "; ".join(
            f"{short(one.call)}: {answer_text(one.answers[0])} against {answer_text(one.answers[1])}"
            for one in told[:MOST_EXAMPLES]
        )
        verb = "differ" if len(other.members) > 1 else "differs"
        lines.append(
            f"{drafts(other).capitalize()} {verb} from {drafts(largest)} on {len(told)} of {count}: {examples}."
        )
    return lines


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
