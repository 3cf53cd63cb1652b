"""The ledger: dollars, tokens and seconds reserved before each call, so that calls at once cannot overrun together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count

from moa_code.core.calls import Reservation
from moa_code.core.errors import BudgetExhausted
from moa_code.core.model import Usage
from moa_code.core.run import Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of a model's calls: what was booked for them, tokens nobody counted and unknown prices at their worst."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0  # of calls with a known price

    def __add__(self, other: Part) -> Part:
        return Part(calls=self.calls + other.calls, tokens=self.tokens + other.tokens, usd=self.usd + other.usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What one model used. `cost_usd` is None as soon as one call's cost is unknown.

    `cut` is the part of it that went into calls we hung up on, `hedge` the part of those that repeated an open call.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unknown_tokens: int = 0  # booked at their worst case, because the provider did not count
    cost_usd: float | None = 0.0
    cut: Part = Part()
    hedge: Part = Part()


class Ledger:
    """Keeps reserved + spent within the limits; None is no limit. For one event loop: no locks, nothing waits.

    Spending can pass a limit only where a provider bills more than the worst case its caller reserved. `seconds` run
    from now: calls are told how many are left, and none may last longer.
    """

    def __init__(
        self,
        limit_usd: float | None = None,
        limit_tokens: int | None = None,
        *,
        seconds: float | None = None,
        allow_unknown_price: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if limit_usd is not None and not limit_usd >= 0:
            raise ValueError(f"a budget in dollars is not negative, got {limit_usd}")
        if limit_tokens is not None and limit_tokens < 0:
            raise ValueError(f"a budget in tokens is not negative, got {limit_tokens}")
        self.limit_usd = limit_usd
        self.limit_tokens = limit_tokens
        self.allow_unknown_price = allow_unknown_price
        self.spent_usd = 0.0  # of calls with a known price, worst cases included
        self.spent_tokens = 0
        self.refused = 0  # reservations that did not fit
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds
        self._open: dict[int, Reservation] = {}
        self._numbers = count()
        self._totals: dict[str, Total] = {}

    @property
    def seconds_left(self) -> float | None:
        """Until the end of the run, 0 after it; None where it has none."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    @property
    def reserved_usd(self) -> float:
        return sum(r.worst_usd or 0.0 for r in self._open.values())

    @property
    def reserved_tokens(self) -> int:
        return sum(r.worst_tokens for r in self._open.values())

    @property
    def totals(self) -> Mapping[str, Total]:
        """By model, in the order of first use."""
        return dict(self._totals)

    @property
    def cut(self) -> Part:
        """What went into calls that we hung up on, over all models."""
        return sum((total.cut for total in self._totals.values()), Part())

    @property
    def hedges(self) -> Part:
        """What calls cost that repeated an open one, over all models."""
        return sum((total.hedge for total in self._totals.values()), Part())

    def spent(self) -> tuple[Spent, ...]:
        """What each model used, for the result of a run."""
        return tuple(
            Spent(
                model=model,
                calls=total.calls,
                prompt_tokens=total.prompt_tokens,
                completion_tokens=total.completion_tokens,
                cost_usd=total.cost_usd,
            )
            for model, total in self._totals.items()
        )

    def reserve(self, model: str, *, worst_usd: float | None, worst_tokens: int, hedge: bool = False) -> Reservation:
        """Set the worst case of one call aside. Raises `BudgetExhausted` when it does not fit.

        A hedge that does not fit is not counted as refused: the call it would have repeated is still open.
        """
        if worst_tokens < 0 or (worst_usd is not None and not worst_usd >= 0):
            raise ValueError(f"a worst case is not negative, got {worst_usd} dollars, {worst_tokens} tokens")
        if self.limit_usd is not None:
            self._check_usd(model, worst_usd, self.limit_usd, counts=not hedge)
        tokens = self.spent_tokens + self.reserved_tokens + worst_tokens
        if self.limit_tokens is not None and tokens > self.limit_tokens:
            self.refused += not hedge
            raise BudgetExhausted(
                f"a call to {model} could use {worst_tokens} tokens; of {self.limit_tokens}, "
                f"{self.spent_tokens} are spent and {self.reserved_tokens} reserved",
                remedy="raise it: --tokens N, or --tokens none",
            )
        reservation = Reservation(
            number=next(self._numbers), model=model, worst_usd=worst_usd, worst_tokens=worst_tokens, hedge=hedge
        )
        self._open[reservation.number] = reservation
        return reservation

    def settle(self, reservation: Reservation, actual: Usage, *, cut: bool = False) -> None:
        """Book what a call used; what is unknown is booked at its worst case. `cut`: we hung up on it."""
        self._close(reservation)
        counted = actual.prompt_tokens is not None and actual.completion_tokens is not None
        prompt, completion = actual.prompt_tokens or 0, actual.completion_tokens or 0
        unknown = 0 if counted else max(0, reservation.worst_tokens - prompt - completion)
        self.spent_tokens += prompt + completion + unknown
        cost = actual.cost_usd if actual.cost_usd is not None else reservation.worst_usd
        self.spent_usd += cost or 0.0
        old = self._totals.get(reservation.model, Total())
        known = None if actual.cost_usd is None or old.cost_usd is None else old.cost_usd + actual.cost_usd
        part = Part(calls=1, tokens=prompt + completion + unknown, usd=cost or 0.0)
        self._totals[reservation.model] = Total(
            calls=old.calls + 1,
            prompt_tokens=old.prompt_tokens + prompt,
            completion_tokens=old.completion_tokens + completion,
            unknown_tokens=old.unknown_tokens + unknown,
            cost_usd=known,
            cut=old.cut + part if cut else old.cut,
            hedge=old.hedge + part if reservation.hedge else old.hedge,
        )

    def release(self, reservation: Reservation) -> None:
        """Give a reservation back: the call was never taken up."""
        self._close(reservation)

    def _close(self, reservation: Reservation) -> None:
        if self._open.pop(reservation.number, None) != reservation:
            raise ValueError(f"reservation {reservation.number} of {reservation.model} is not open in this ledger")

    def _check_usd(self, model: str, worst_usd: float | None, limit_usd: float, *, counts: bool) -> None:
        if worst_usd is None:
            if self.allow_unknown_price:
                return
            self.refused += counts
            raise BudgetExhausted(
                f"the price of {model} is unknown, so a call to it cannot be kept within ${limit_usd:g}",
                remedy="set a limit in tokens instead: --budget none --tokens N",
            )
        if self.spent_usd + self.reserved_usd + worst_usd > limit_usd:
            self.refused += counts
            raise BudgetExhausted(
                f"a call to {model} could cost ${worst_usd:.4f}; of ${limit_usd:g}, ${self.spent_usd:.4f} are spent "
                f"and ${self.reserved_usd:.4f} reserved",
                remedy="raise it: --budget USD, or --budget none",
            )
