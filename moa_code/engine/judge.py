"""The engine's need of a verifier, as a Protocol: rooms meet here, `wiring.py` brings the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from moa_code.core.behaviour import Behaviour, Strength, WrittenCheck
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate
from moa_code.core.patch import EMPTY_PATCH, Patch
from moa_code.core.task import CheckId, Task
from moa_code.core.verdict import Verdict


class ScreenResult(Protocol):
    """A cheap look at one candidate; see `Judge.screen`."""

    @property
    def candidate(self) -> Candidate: ...

    @property
    def supported(self) -> bool: ...

    @property
    def passed(self) -> bool: ...

    @property
    def timed_out(self) -> bool: ...

    @property
    def fixed(self) -> tuple[CheckId, ...]: ...

    @property
    def broken(self) -> tuple[CheckId, ...]: ...

    @property
    def changed(self) -> bool: ...


class Judge(Protocol):
    """Verdicts on candidates. Never raises for what a candidate did."""

    @property
    def slots(self) -> int: ...

    async def screen(
        self, task: Task, baseline: Baseline, candidates: Sequence[Candidate], *, on: Patch = EMPTY_PATCH
    ) -> Sequence[ScreenResult]:
        """A cheap look at candidates in one trip, swapped into the tree with `on` in it."""
        ...

    async def verify(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict: ...

    async def confirm(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict: ...

    async def distinguish(self, task: Task, baseline: Baseline, candidates: Sequence[Candidate]) -> Behaviour:
        """Their answers to the same fresh inputs, in one trip."""
        ...

    async def strength(
        self, task: Task, baseline: Baseline, candidate: Candidate, mutants: Sequence[Patch]
    ) -> Strength:
        """How many of `mutants`, patches against the clean base that are the candidate with a mistake, fail."""
        ...

    async def vote(
        self, task: Task, baseline: Baseline, candidate: Candidate, checks: Sequence[WrittenCheck]
    ) -> tuple[bool | None, ...]:
        """Whether the candidate passes each; None where that could not be run."""
        ...
