"""How often an author's code passes the visible checks and is still wrong, and what a set of passes is then worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from moa_code.core.profile import Posterior

__all__ = ["Pass", "Posterior", "Reliability", "prior"]

PRIOR_WEIGHT = 25.0  # how many observed passes a shipped rate is worth

# Share of passes on the visible examples that fail the hidden tests, by the start of the model's name without its
# provider. Models: recorded HumanEval answers, asserts of the docstring against the suite's own tests, all promptings
# of a model together; wrong of passed stands beside. builtin: the search on QuixBugs (0 of 40) and on small functions
# with injected mistakes (5 of 48), which do not ship.
PRIOR_RATES: Mapping[str, float] = {
    "gpt-4-1106": 0.027,  # 4 of 146
    "gpt-4-turbo": 0.053,  # 22 of 416
    "gpt-4": 0.054,  # 8 of 149
    "gpt-3.5-turbo-0613": 0.063,  # 8 of 127
    "gemini-pro": 0.066,  # 15 of 229
    "gpt-3.5-turbo": 0.084,  # 20 of 237
    "codellama": 0.106,  # 10 of 94
    "starcoder": 0.160,  # 12 of 75
    "builtin:": 0.057,  # 5 of 88
}
UNKNOWN_RATE = 0.10  # in the middle of what was measured

# How much of a second family's doubt goes together with the first one's: shared blind spots.
SHARED_DOUBT = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One author's candidate that passed. Those with equal `cluster` behave alike on all inputs tried so far."""

    author: str
    family: str
    cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """What is known of each author; the shipped prior for one that was never seen."""

    posteriors: Mapping[str, Posterior] = field(default_factory=dict)

    def of(self, author: str) -> Posterior:
        return self.posteriors.get(author) or prior(author)

    def after(self, author: str, *, wrong: int, right: int) -> Reliability:
        """With so many of the author's passes found wrong and right since."""
        return Reliability(posteriors={**self.posteriors, author: self.of(author).after(wrong=wrong, right=right)})

    def belief(self, passes: Sequence[Pass], cluster: str | None = None) -> float:
        """Probability that `cluster` (the first pass's when None) is right, given all that passed.

        A family counts once in a cluster, by its most reliable member; a second family lowers the doubt by less than
        its own rate says, because families share blind spots. At most one cluster is right: every other one that passed
        takes belief away. Zero when nothing in the cluster passed.
        """
        if not passes:
            return 0.0
        wanted = passes[0].cluster if cluster is None else cluster
        odds: dict[str, float] = {}
        for name in dict.fromkeys(one.cluster for one in passes):
            doubt = self._doubt(one for one in passes if one.cluster == name)
            odds[name] = (1.0 - doubt) / doubt
        return odds.get(wanted, 0.0) / (1.0 + sum(odds.values()))

    def _doubt(self, passes: Iterable[Pass]) -> float:
        """Probability that all these authors are wrong alike."""
        rates: dict[str, float] = {}
        for one in passes:
            rates[one.family] = min(rates.get(one.family, 1.0), self.of(one.author).mean)
        first, *others = sorted(rates.values())
        doubt = first
        for rate in others:
            doubt *= SHARED_DOUBT + (1.0 - SHARED_DOUBT) * rate
        return doubt


def prior(author: str) -> Posterior:
    """The shipped prior of an author, by the longest known start of its name; 10 % for an unknown one."""
    name = author.rpartition("/")[2].lower() if not author.startswith("builtin:") else author
    known = [start for start in PRIOR_RATES if name.startswith(start)]
    rate = PRIOR_RATES[max(known, key=len)] if known else UNKNOWN_RATE
    return Posterior(alpha=rate * PRIOR_WEIGHT, beta=(1.0 - rate) * PRIOR_WEIGHT)
