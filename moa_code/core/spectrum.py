"""A spectrum: which lines each check executed, and whether the check passed. The input of fault localisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moa_code.core.task import CheckId


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpectrum:
    """One check: its result and the 1-based lines it executed, by path.

    `partial` says that the check was stopped (it hung, or ran into a limit), so that `lines` may lack some.
    """

    check_id: CheckId
    passed: bool
    lines: Mapping[str, frozenset[int]]
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """All checks of one run on one tree."""

    checks: tuple[CheckSpectrum, ...]
