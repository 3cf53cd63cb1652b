"""Candidates that behave alike, and where the others differ. Pure.

What counts are answers inside the examples' domain; only where there is none do those at the edge. An unstable answer
compares with nothing, and neither does one that did not come in time: right programs differ in speed. A candidate with
such answers joins the largest cluster that it nowhere contradicts; `suspicious` tells of those that hang.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from moa_code.core.behaviour import Answer, AnswerKind, Behaviour
from moa_code.core.candidate import CandidateId

_UNKNOWN = (AnswerKind.UNSTABLE, AnswerKind.TIMED_OUT)
_SILENT = (AnswerKind.RAISED, AnswerKind.TIMED_OUT, AnswerKind.DIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Candidates that answered alike, in the order of `Behaviour.answers`."""

    members: tuple[CandidateId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One call on which clusters differ: an answer for each of `clusters`, in their order."""

    call: str
    edge: bool
    answers: tuple[Answer, ...]


def clusters(behaviour: Behaviour, among: Iterable[CandidateId] | None = None) -> tuple[Cluster, ...]:
    """The clusters, largest first, of equal ones that with the earliest member; `among` keeps to some candidates.

    Where nothing could be asked nothing is known, and there is no cluster: not one for all, and not one for each.
    """
    chosen = None if among is None else frozenset(among)
    answers = {one: found for one, found in behaviour.answers.items() if chosen is None or one in chosen}
    counted = counted_calls(behaviour)
    if not counted:
        return ()
    order = {one: number for number, one in enumerate(answers)}
    stable: dict[tuple[str, ...], list[CandidateId]] = {}
    unstable: list[CandidateId] = []
    for one, found in answers.items():
        marks = tuple(_mark(found[at]) for at in counted)
        if "" in marks:
            unstable.append(one)
        else:
            stable.setdefault(marks, []).append(one)
    groups = list(stable.items())
    groups.sort(key=lambda group: (-len(group[1]), order[group[1][0]]))
    for one in unstable:
        marks = tuple(_mark(answers[one][at]) for at in counted)
        home = next((members for known, members in groups if _compatible(known, marks)), None)
        if home is None:
            groups.append((marks, [one]))
        else:
            home.append(one)
    found_groups = [tuple(sorted(members, key=order.__getitem__)) for _, members in groups]
    return tuple(Cluster(members=m) for m in sorted(found_groups, key=lambda m: (-len(m), order[m[0]])))


def counted_calls(behaviour: Behaviour) -> tuple[int, ...]:
    """Positions of the calls that count: inside the domain, or all where none is."""
    inside = tuple(at for at in range(len(behaviour.calls)) if at not in behaviour.edges)
    return inside or tuple(range(len(behaviour.calls)))


def entropy_bits(found: Sequence[Cluster]) -> float:
    """How unsure a draw from the candidates is about behaviour: 0 for one cluster, log2(n) for n of one size."""
    total = sum(len(cluster.members) for cluster in found)
    return -sum((n := len(c.members) / total) * math.log2(n) for c in found) if len(found) > 1 else 0.0


def differences(
    behaviour: Behaviour, found: Sequence[Cluster] | None = None, *, most: int = 5
) -> tuple[Difference, ...]:
    """Calls on which clusters differ, the most telling first; edges only behind all others.

    First those that split into most groups, then those on which a value stands against a value, then the shortest. A
    call that splits the clusters as an earlier one does comes only when nothing new is left.
    """
    parts = clusters(behaviour) if found is None else tuple(found)
    told: list[tuple[tuple[object, ...], tuple[int, ...], int]] = []
    for at, call in enumerate(behaviour.calls):
        answers = [_said(behaviour, cluster, at) for cluster in parts]
        split = _split([_mark(answer) for answer in answers])
        if len(set(split) - {-1}) > 1:
            values = sum(answer.kind is AnswerKind.VALUE for answer in answers)
            told.append(((at in behaviour.edges, -len(set(split) - {-1}), -values, len(call), call), split, at))
    told.sort(key=lambda one: one[0])
    known: set[tuple[int, ...]] = set()
    first: list[int] = []
    rest: list[int] = []
    for _, split, at in told:
        (rest if split in known else first).append(at)
        known.add(split)
    return tuple(
        Difference(
            call=behaviour.calls[at],
            edge=at in behaviour.edges,
            answers=tuple(_said(behaviour, cluster, at) for cluster in parts),
        )
        for at in [*first, *rest][:most]
    )


def suspicious(behaviour: Behaviour, candidate_id: CandidateId) -> float:
    """Share of the calls inside the domain on which it alone of the majority has no value: it raised, timed out or died
    where most others returned something. 0 where nothing is known.
    """
    own = behaviour.answers.get(candidate_id)
    inside = [at for at in range(len(behaviour.calls)) if at not in behaviour.edges]
    others = [found for one, found in behaviour.answers.items() if one != candidate_id]
    if own is None or not inside or not others:
        return 0.0
    odd = [at for at in inside if own[at].kind in _SILENT and _most_return(others, at)]
    return len(odd) / len(inside)


def _most_return(others: Sequence[Sequence[Answer]], at: int) -> bool:
    return 2 * sum(found[at].kind is AnswerKind.VALUE for found in others) > len(others)


def _mark(answer: Answer) -> str:
    """What is compared; empty for what compares with nothing."""
    return "" if answer.kind in _UNKNOWN else f"{answer.kind}:{answer.digest}"


def _compatible(known: Sequence[str], marks: Sequence[str]) -> bool:
    """Whether they agree wherever both are stable, and there is such a place."""
    pairs = [(a, b) for a, b in zip(known, marks, strict=True) if a and b]
    return bool(pairs) and all(a == b for a, b in pairs)


def _said(behaviour: Behaviour, cluster: Cluster, at: int) -> Answer:
    """What the cluster says: the first stable answer of a member."""
    answers = [behaviour.answers[one][at] for one in cluster.members]
    return next((answer for answer in answers if answer.kind not in _UNKNOWN), answers[0])


def _split(marks: Sequence[str]) -> tuple[int, ...]:
    """Equal numbers for equal marks, in order of appearance; -1 for what compares with nothing."""
    numbers: Mapping[str, int] = {mark: number for number, mark in enumerate(dict.fromkeys(m for m in marks if m))}
    return tuple(numbers.get(mark, -1) for mark in marks)
