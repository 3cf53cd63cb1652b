"""How candidates that pass stand to each other: who behaves alike, and how much each behaviour is believed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moa_code.core.brief import Judged
from moa_code.core.candidate import CandidateId
from moa_code.core.run import Distinguish, RunState
from moa_code.evidence.belief import WEIGHTS, Author, Evidence, Weights, alone_believed, beliefs
from moa_code.evidence.clusters import clusters
from moa_code.evidence.reliability import prior

MINIMISER = "minimiser"
PROPOSER = "proposer"
UNKNOWN = "unknown"
UNKNOWN_SOLVES = 0.7  # of tasks like those in the pool of recordings, by a cheap model of which nothing is known
SEARCHERS = frozenset({"builtin:mutate"})
"""Proposers whose own search goes on for a moment after a pass, to see whether a likelier patch passes too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Passing candidates that behave alike on all inputs tried, the earliest first; `belief`: that they are right.

    `authors` are all who wrote one of them, each once, the earliest first.
    """

    members: tuple[Judged, ...]
    authors: tuple[str, ...]
    belief: float

    @property
    def leader(self) -> Judged:
        return self.members[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that passes, in groups, the most believed first. `drafts` leaves out what the minimiser made of them.

    `uncompared`: there are several and it is not known yet whether they behave alike. `searched`: all come from a
    search, whose drafts are too much alike to speak for each other.
    """

    groups: tuple[Group, ...]
    drafts: tuple[Judged, ...]
    uncompared: bool
    searched: bool

    @property
    def leader(self) -> Judged:
        return self.groups[0].leader

    @property
    def belief(self) -> float:
        return self.groups[0].belief

    @property
    def disagreement(self) -> str:
        """Whether what passes differs, in words; empty when it does not."""
        if len(self.groups) < 2:
            return ""
        others = sum(len(group.members) for group in self.groups[1:])
        return (
            f"{others} other passing candidate{'s' if others > 1 else ''} behave{'' if others > 1 else 's'} differently"
        )


def drafts_of(holding: Sequence[Judged]) -> list[Judged]:
    """Without what the minimiser made: it stands behind the draft it came from."""
    return [j for j in holding if j.candidate.origin.role != MINIMISER] or list(holding)


def standing(state: RunState, holding: Sequence[Judged], weights: Weights = WEIGHTS) -> Standing:
    """How `holding`, all of which pass, stand to each other. Raises `ValueError` when nothing passes."""
    drafts = drafts_of(holding)
    if not drafts:
        raise ValueError("nothing passes")
    compared = {one for s in state.done if isinstance(s, Distinguish) for one in s.candidate_ids}
    uncompared = len(drafts) > 1 and not all(j.candidate.candidate_id in compared for j in drafts)
    keys = _keys(drafts, state)
    alike = {key: [j for j in drafts if keys[j.candidate.candidate_id] == key] for key in dict.fromkeys(keys.values())}
    authors = {
        key: tuple(dict.fromkeys(a for j in members for a in _authors(j, state))) for key, members in alike.items()
    }
    # Where nothing tells candidates apart, nothing shows either that they behave alike: one of them speaks for all.
    heard = {key: _authors(alike[key][0], state) if key == UNKNOWN else names for key, names in authors.items()}
    believed = beliefs(
        Evidence(
            groups=tuple(tuple(_author(name, state, weights) for name in heard[key]) for key in alike),
            failed=tuple(_author(name, state, weights) for name in _failed(state)),
            **_strength(drafts, state),
        ),
        weights,
    )
    groups = [
        Group(members=tuple(members), authors=authors[key], belief=belief)
        for (key, members), belief in zip(alike.items(), believed, strict=True)
    ]
    groups.sort(key=lambda group: -group.belief)
    searched = all(j.candidate.origin.author in SEARCHERS for j in drafts)
    return Standing(groups=tuple(groups), drafts=tuple(drafts), uncompared=uncompared, searched=searched)


def family_of(author: str, state: RunState) -> str:
    """An author's family; one that nothing is known of is its own."""
    profile = state.members.profiles.get(author)
    return profile.family if profile else author.partition("#")[0]


def false_accept(author: str, state: RunState) -> float:
    """The share of an author's passes that are wrong, as far as it is known."""
    profile = state.members.profiles.get(author)
    return (profile.false_accept if profile else prior(author)).mean


def share_right(author: str, state: RunState) -> float:
    """The share of tasks that an author's first answer solves, and rightly, as far as it is known."""
    profile = state.members.profiles.get(author)
    solves = profile.solves.mean if profile else UNKNOWN_SOLVES
    return solves * (1.0 - false_accept(author, state))


def _author(name: str, state: RunState, weights: Weights) -> Author:
    """What belief wants to know of an author: the share of tasks on which its answer is right.

    A search gives thousands of answers to a task, so that share says little of the one that passes: it gets the one
    at which, with no other evidence, it is believed as often as its passes were right.
    """
    if name in SEARCHERS:
        return Author(solves=alone_believed(1.0 - false_accept(name, state), weights), family=family_of(name, state))
    return Author(solves=share_right(name, state), family=family_of(name, state))


def _failed(state: RunState) -> tuple[str, ...]:
    """Models whose own draft did not pass, each once."""
    passed = {j.candidate.origin.author for j in state.judged if j.verdict.passed}
    tried = [j.candidate.origin.author for j in state.judged if j.candidate.origin.role == PROPOSER]
    return tuple(name for name in dict.fromkeys(tried) if name not in passed and name not in SEARCHERS)


def _strength(drafts: Sequence[Judged], state: RunState) -> dict[str, int]:
    """A fact about the checks more than about a candidate: of the first one that was measured."""
    for judged in drafts:
        found = state.strengths.get(judged.candidate.candidate_id)
        if found is not None and found.tried:
            return {"killed": found.killed, "tried": found.tried}
    return {}


def _authors(judged: Judged, state: RunState) -> tuple[str, ...]:
    candidate = judged.candidate
    return (candidate.origin.author, *state.agreed.get(candidate.candidate_id, ()))


def _keys(drafts: Sequence[Judged], state: RunState) -> dict[CandidateId, str]:
    """A name for each draft's behaviour, equal for those that behave alike.

    Where nothing could be asked, nothing tells them apart: they are one group, all of which passes every check.
    """
    names = [j.candidate.candidate_id for j in drafts]
    found = clusters(state.behaviour, names) if state.behaviour is not None else ()
    keys = {one: str(number) for number, cluster in enumerate(found) for one in cluster.members}
    return {one: keys.get(one, UNKNOWN) for one in names}
