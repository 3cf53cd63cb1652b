"""How candidates that pass stand to each other: who behaves alike, and how much each behaviour is believed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moa_code.core.brief import Judged
from moa_code.core.candidate import CandidateId
from moa_code.core.run import Distinguish, RunState
from moa_code.evidence.clusters import clusters
from moa_code.evidence.ranking import order
from moa_code.evidence.reliability import Pass, Reliability, prior

MINIMISER = "minimiser"
SEARCHERS = frozenset({"builtin:mutate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Passing candidates that behave alike on all inputs tried, the best first; `belief` is how likely they are right.

    `authors` are all who wrote one of them, each once, the best candidate's first.
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


def standing(state: RunState, holding: Sequence[Judged]) -> Standing:
    """How `holding`, all of which pass, stand to each other. Raises `ValueError` when nothing passes."""
    drafts = drafts_of(holding)
    if not drafts:
        raise ValueError("nothing passes")
    compared = {one for s in state.done if isinstance(s, Distinguish) for one in s.candidate_ids}
    uncompared = len(drafts) > 1 and not all(j.candidate.candidate_id in compared for j in drafts)
    keys = _keys(drafts, state)
    reliability = Reliability(posteriors={name: p.false_accept for name, p in state.members.profiles.items()})
    passes = [
        Pass(author=author, family=family_of(author, state), cluster=keys[j.candidate.candidate_id])
        for j in drafts
        for author in _authors(j, state)
    ]
    groups = []
    for key in dict.fromkeys(keys.values()):
        members = order([j for j in drafts if keys[j.candidate.candidate_id] == key])
        authors = tuple(dict.fromkeys(author for j in members for author in _authors(j, state)))
        groups.append(Group(members=members, authors=authors, belief=reliability.belief(passes, key)))
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
    return {one: keys.get(one, "unknown") for one in names}
