"""What is known of one author before this run: its family, and its rates as Beta distributions."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """A Beta distribution over a rate."""

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        if not (self.alpha > 0 and self.beta > 0):
            raise ValueError(f"a Beta distribution needs two positive numbers, got {self.alpha} and {self.beta}")

    @property
    def mean(self) -> float:
        return self.alpha / (self.alpha + self.beta)

    def after(self, *, wrong: int, right: int) -> Posterior:
        """With so many passes found wrong and right since. Raises `ValueError` on negative counts."""
        if wrong < 0 or right < 0:
            raise ValueError(f"counts cannot be negative, got {wrong} and {right}")
        return replace(self, alpha=self.alpha + wrong, beta=self.beta + right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One author. `false_accept` is the share of its passes that are wrong, `solves` the share of tasks that its first
    draft passes; `cost_usd` a typical call's price, None where unknown. Authors of one `family` share blind spots.
    """

    family: str
    false_accept: Posterior
    solves: Posterior
    cost_usd: float | None = None
