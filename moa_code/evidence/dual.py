"""Candidates and model-written checks vote on each other: how probable each candidate is, and each check.

After CodeT's dual execution agreement (Chen et al. 2022, arXiv:2207.10397): many candidates that behave alike and pass
many checks together speak for each other. There the score is a product of two counts; here the same observation gets
its probability. Candidates are taken together where they behave alike; at most one such cluster is right, and perhaps
none is. A valid check is passed by the right cluster; one that asserts something wrong is failed by it. How often an
author's checks are valid, and how often wrong candidates pass valid and wrong checks, is summed out over a grid, so
that it is learnt from all votes together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from moa_code.core.behaviour import WrittenCheck
from moa_code.core.candidate import CandidateId

Vote = bool | None
Votes = Mapping[CandidateId, Sequence[Vote]]

MOST_VOTES_AN_AUTHOR = 4.0
"""What all checks of one author count together at most: it misreads a specification once and writes that down often."""

LONE_VOTE = 0.5
"""What the only check of an author on which candidates differ counts: no check is trusted singly."""

KEPT_FROM = 0.8

# Before any vote: of four checks that a strong model wrote three are taken to be right. Not measured by us.
_VALID_PRIOR = (6.0, 2.0)
_VALID_GRID = tuple((i + 0.5) / 12 for i in range(12))
_WRONG_PASSES_VALID = (0.1, 0.3, 0.5, 0.7, 0.9)
_WRONG_PASSES_INVALID = (0.02, 0.1, 0.25, 0.5)
_SLIP = 0.02  # the right candidate fails a valid check, or passes an invalid one: limits, chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Dual:
    """Probability that each candidate is right, that each check is valid (in the order of the checks), that no
    candidate is right. Candidates that behave alike share one probability.
    """

    candidates: Mapping[CandidateId, float]
    checks: tuple[float, ...]
    none_right: float
    informative: int = 0  # checks on which candidates differ


@dataclass(slots=True)
class _Cluster:
    members: tuple[CandidateId, ...]
    votes: tuple[Vote, ...]
    prior: float = 0.0


@dataclass(slots=True)
class _Table:
    """The votes of clusters on checks, and where each check's author is."""

    clusters: list[_Cluster]
    authors: dict[str, list[int]]
    informative: frozenset[int]
    share: dict[str, float] = field(default_factory=dict)


def agreement(
    votes: Votes,
    checks: Sequence[WrittenCheck],
    *,
    clusters: Mapping[CandidateId, str] | None = None,
    prior: Mapping[CandidateId, float] | None = None,
) -> Mapping[CandidateId, float]:
    """The probability of each candidate in `votes` to be right; see `dual`."""
    return dual(votes, checks, clusters=clusters, prior=prior).candidates


def kept(
    votes: Votes,
    checks: Sequence[WrittenCheck],
    winner: CandidateId,
    *,
    clusters: Mapping[CandidateId, str] | None = None,
    prior: Mapping[CandidateId, float] | None = None,
) -> tuple[WrittenCheck, ...]:
    """The checks worth keeping beside the winner: it passes them, and they are probably valid."""
    told = dual(votes, checks, clusters=clusters, prior=prior)
    own = votes.get(winner, ())
    return tuple(
        check
        for check, vote, valid in zip(checks, own, told.checks, strict=True)
        if vote is True and valid >= KEPT_FROM
    )


def void_checks(votes: Votes, stub: Sequence[Vote] = ()) -> frozenset[int]:
    """Which checks say nothing: nobody passes them, nobody could run them, or the untouched `stub` passes them."""
    count = max((len(row) for row in votes.values()), default=len(stub))
    said = {at: [row[at] for row in votes.values() if row[at] is not None] for at in range(count)}
    return frozenset(at for at, row in said.items() if not any(row) or (at < len(stub) and stub[at] is True))


def dual(
    votes: Votes,
    checks: Sequence[WrittenCheck],
    *,
    clusters: Mapping[CandidateId, str] | None = None,
    prior: Mapping[CandidateId, float] | None = None,
) -> Dual:
    """Both posteriors. `clusters` says which candidates behave alike (None: those with the same votes do); votes that
    differ tell members of a cluster apart. `prior` is each candidate's probability before (its cluster's, the same for
    its members; over clusters at most 1 in all); None: by the number of those that agree.

    Raises `ValueError` when a row of votes is not as long as `checks`, or a prior is no probability.
    """
    table = _table(votes, checks, clusters, prior)
    before = [cluster.prior for cluster in table.clusters]
    return _summed_out(table, [*before, max(0.0, 1.0 - sum(before))], len(checks))


def _table(
    votes: Votes,
    checks: Sequence[WrittenCheck],
    clusters: Mapping[CandidateId, str] | None,
    prior: Mapping[CandidateId, float] | None,
) -> _Table:
    groups: dict[tuple[str, tuple[Vote, ...]], list[CandidateId]] = {}
    for candidate, row in votes.items():
        if len(row) != len(checks):
            raise ValueError(f"{candidate} has {len(row)} votes on {len(checks)} checks")
        groups.setdefault(((clusters or {}).get(candidate, ""), tuple(row)), []).append(candidate)
    made = [_Cluster(members=tuple(members), votes=row) for (_, row), members in groups.items()]
    sizes: dict[str, int] = {}
    for (name, _), members in groups.items():
        sizes[name] = sizes.get(name, 0) + len(members)
    for cluster, (name, _) in zip(made, groups, strict=True):
        share = len(cluster.members) / sizes[name] if clusters is not None else 1.0
        cluster.prior = _prior(cluster.members, prior, len(votes), share)
    if sum(cluster.prior for cluster in made) > 1.0 + 1e-9:
        total = sum(cluster.prior for cluster in made)
        for cluster in made:
            cluster.prior /= total
    authors: dict[str, list[int]] = {}
    differing = []
    for at, check in enumerate(checks):
        said = {cluster.votes[at] for cluster in made} - {None}
        if len(said) == 2:
            differing.append(at)
            authors.setdefault(check.author, []).append(at)
    share_of = {
        author: min(1.0, MOST_VOTES_AN_AUTHOR / len(ats)) if len(ats) > 1 else LONE_VOTE
        for author, ats in authors.items()
    }
    return _Table(clusters=made, authors=authors, informative=frozenset(differing), share=share_of)


def _prior(
    members: Sequence[CandidateId], prior: Mapping[CandidateId, float] | None, everyone: int, share: float
) -> float:
    if prior is None:
        return len(members) / (everyone + 1)
    given = max(prior.get(member, 0.0) for member in members)
    if not 0.0 <= given <= 1.0:
        raise ValueError(f"a prior is between 0 and 1, got {given} for {members[0]}")
    return given * share


def _summed_out(table: _Table, before: Sequence[float], count: int) -> Dual:
    """The posteriors, every unknown rate summed out. The last hypothesis is that nobody is right."""
    hypotheses = range(len(before))
    evidence = [0.0] * len(before)
    valid = [0.0] * count
    grid = [_log(w) for w in _weights()]
    logs: list[tuple[float, int, float, float]] = []
    parts: dict[tuple[int, float, float], dict[str, list[tuple[float, float]]]] = {}
    for h in hypotheses:
        for q in _WRONG_PASSES_VALID:
            for s in _WRONG_PASSES_INVALID:
                total = _log(before[h])
                by_author: dict[str, list[tuple[float, float]]] = {}
                for author, ats in table.authors.items():
                    each = [_likelihoods(table, at, h, q, s) for at in ats]
                    terms = [
                        (weight + table.share[author] * sum(_log(r * v + (1 - r) * w) for v, w in each), r)
                        for weight, r in zip(grid, _VALID_GRID, strict=True)
                    ]
                    by_author[author] = terms
                    total += _log_sum([term for term, _ in terms])
                logs.append((total, h, q, s))
                parts[h, q, s] = by_author
    whole = _log_sum([entry[0] for entry in logs])
    for log_weight, h, q, s in logs:
        weight = math.exp(log_weight - whole)
        evidence[h] += weight
        if weight < 1e-9:
            continue
        for author, ats in table.authors.items():
            terms = parts[h, q, s][author]
            norm = _log_sum([term for term, _ in terms])
            rates = [(math.exp(term - norm), r) for term, r in terms]
            for at in ats:
                yes, no = _likelihoods(table, at, h, q, s)
                valid[at] += weight * sum(p * r * yes / (r * yes + (1 - r) * no) for p, r in rates)
    for at in range(count):
        if at not in table.informative:
            valid[at] = _alone(table, at, evidence[:-1], evidence[-1])
    return Dual(
        candidates=_by_candidate(table, evidence[:-1]),
        checks=tuple(valid),
        none_right=evidence[-1],
        informative=len(table.informative),
    )


def _likelihoods(table: _Table, at: int, right: int, q: float, s: float) -> tuple[float, float]:
    """How probable the votes on one check are when it is valid and when it is not, with cluster `right` right."""
    valid = invalid = 1.0
    for number, cluster in enumerate(table.clusters):
        vote = cluster.votes[at]
        if vote is None:
            continue
        if number == right:
            valid *= 1 - _SLIP if vote else _SLIP
            invalid *= _SLIP if vote else 1 - _SLIP
        else:
            valid *= q if vote else 1 - q
            invalid *= s if vote else 1 - s
    return valid, invalid


def _alone(table: _Table, at: int, right: Sequence[float], nobody: float) -> float:
    """Probability that a check is valid on which candidates do not differ, or which stands alone."""
    rate = _VALID_PRIOR[0] / sum(_VALID_PRIOR)
    q = sum(_WRONG_PASSES_VALID) / len(_WRONG_PASSES_VALID)
    s = sum(_WRONG_PASSES_INVALID) / len(_WRONG_PASSES_INVALID)
    total = 0.0
    for h, weight in enumerate((*right, nobody)):
        yes, no = _likelihoods(table, at, h, q, s)
        total += weight * rate * yes / (rate * yes + (1 - rate) * no)
    return total


def _by_candidate(table: _Table, right: Sequence[float]) -> dict[CandidateId, float]:
    return {
        member: probability
        for cluster, probability in zip(table.clusters, right, strict=True)
        for member in cluster.members
    }


def _weights() -> list[float]:
    a, b = _VALID_PRIOR
    raw = [r ** (a - 1) * (1 - r) ** (b - 1) for r in _VALID_GRID]
    return [weight / sum(raw) for weight in raw]


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _log_sum(logs: Sequence[float]) -> float:
    top = max(logs, default=-math.inf)
    return top if top == -math.inf else top + math.log(sum(math.exp(value - top) for value in logs))
