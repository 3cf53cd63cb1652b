"""Accounts and the transfers between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.money import share, shown


class Overdrawn(Exception):
    """An account does not hold what is asked of it."""


class Ledger:
    """Balances in cents by account name."""

    def __init__(self, balances: Mapping[str, int]) -> None:
        self._balances = dict(balances)

    def balance(self, name: str) -> int:
        if name not in self._balances:
            raise KeyError(f"no account {name}")
        return self._balances[name]

    @property
    def total(self) -> int:
        return sum(self._balances.values())

    def transfer(self, source: str, target: str, amount: int) -> None:
        """Move cents. Raises `Overdrawn`, or `KeyError` for an account that is not there."""
        if amount < 0:
            raise ValueError(f"cannot transfer {shown(amount)}")
        self.balance(target)
        rest = self.balance(source) - amount
        if rest < 0:
            raise Overdrawn(f"{source} lacks {shown(-rest)}")
        self._balances[source] = rest
        self._balances[target] += amount

    def split(self, source: str, targets: Sequence[str], weights: Sequence[int], amount: int) -> list[int]:
        """Pay `amount` out to several accounts in proportion to `weights`, all or nothing. The parts, in order."""
        parts = share(amount, weights)
        before = dict(self._balances)
        try:
            for target, part in zip(targets, parts, strict=True):
                self.transfer(source, target, part)
        except (Overdrawn, KeyError, ValueError):
            self._balances = before
            raise
        return parts
