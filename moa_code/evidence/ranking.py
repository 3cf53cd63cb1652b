"""The one total order over judged candidates, so that a later step never makes the answer worse."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from moa_code.core.brief import Judged
from moa_code.core.patch import Patch
from moa_code.core.task import CheckId
from moa_code.core.verdict import CheckOutcome, Level, Outcome
from moa_code.evidence.size import changed_lines

# These say nothing good about a candidate: refused, caught forging, or never really tried.
UNUSABLE = frozenset({Outcome.REJECTED, Outcome.TAMPERED, Outcome.INCONCLUSIVE})

_NO_WEIGHTS: Mapping[str, float] = {}
Rank = tuple[bool, bool, bool, int, int, float, float, int, float, str]


def order(
    judged: Iterable[Judged],
    *,
    min_level: Level = Level.WHOLE_SUITE,
    targets: Collection[CheckId] | None = None,
    weights: Mapping[str, float] = _NO_WEIGHTS,
    votes: Mapping[str, float] = _NO_WEIGHTS,
) -> tuple[Judged, ...]:
    """All of them, best first.

    First verified ones (passed, with at least `min_level` of evidence), then others that passed, then the rest; inside
    these: fewest regressions, most target checks passed, heaviest cluster, most votes, fewest changed lines, highest
    prior, and the candidate's id, so that no two are equal. `targets` are the checks that fail on the baseline; None
    counts every passed check. `weights` and `votes` go by candidate id; one that is not named has none.
    """
    wanted = None if targets is None else frozenset(targets)
    return tuple(sorted(judged, key=lambda one: _rank(one, min_level, wanted, weights, votes)))


def best(
    judged: Iterable[Judged],
    *,
    min_level: Level = Level.WHOLE_SUITE,
    targets: Collection[CheckId] | None = None,
    weights: Mapping[str, float] = _NO_WEIGHTS,
    votes: Mapping[str, float] = _NO_WEIGHTS,
) -> Judged | None:
    """The first by `order` of those that were really tried; None when there is none."""
    usable = (one for one in judged if one.verdict.outcome not in UNUSABLE)
    ranked = order(usable, min_level=min_level, targets=targets, weights=weights, votes=votes)
    return ranked[0] if ranked else None


def _rank(
    one: Judged,
    min_level: Level,
    targets: frozenset[CheckId] | None,
    weights: Mapping[str, float],
    votes: Mapping[str, float],
) -> Rank:
    verdict, name = one.verdict, one.candidate.candidate_id
    reached = sum(
        r.outcome is CheckOutcome.PASSED and (targets is None or r.check_id in targets) for r in verdict.results
    )
    return (
        not (verdict.passed and verdict.level >= min_level),
        not verdict.passed,
        verdict.outcome in UNUSABLE,
        len(verdict.regressed),
        -reached,
        -weights.get(name, 0.0),
        -votes.get(name, 0.0),
        _size(one.candidate.patch),
        -one.candidate.prior,
        name,
    )


def _size(patch: Patch) -> int:
    added, removed = changed_lines(patch)
    return added + removed
