"""Carrying out a search: screen thousands of small drafts in batches, verify the few that get through."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, Draft
from moa_code.core.task import CheckId, CheckKind, Task
from moa_code.core.verdict import (
    CheckOutcome,
    CheckResult,
    Counts,
    Integrity,
    Level,
    Outcome,
    Stage,
    StageOutcome,
    Verdict,
)
from moa_code.engine.judge import Judge, ScreenResult

FIRST_BATCH = 6
LARGEST_BATCH = 40
PARTIALS_KEPT = 60
COSTLY_SHARE = 0.4
COSTLY_START_S = 1.0
PARTIALS_ALIKE = 4  # of those that mend the same checks; the likeliest come first


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchLimits:
    """When a search ends. After the first patch that passes it looks on for `grace_share` of the time it has taken,
    within the two bounds, because a likelier patch may pass too. Up to the upper bound it goes on until it has
    looked at `least_grace_candidates` more.
    """

    seconds: float = 120.0
    most_candidates: int = 20_000
    grace_share: float = 0.5
    least_grace_s: float = 2.0
    most_grace_s: float = 5.0
    least_grace_candidates: int = 80
    most_passing: int = 8


@dataclass(slots=True, kw_only=True)
class Search:
    """One search by one author. `number` makes candidates, `verified` judges them; `observe` lets the author learn,
    `partial` keeps what mends some checks, `looked` is told after each batch.
    """

    task: Task
    baseline: Baseline
    judge: Judge
    limits: SearchLimits
    number: Callable[[Draft], Candidate]
    observe: Callable[[Candidate, Verdict], None]
    verified: Callable[[Candidate], Awaitable[Verdict]]
    partial: Callable[[Candidate, Verdict], None]
    looked: Callable[[int, int, str], None]
    clock: Callable[[], float] = time.monotonic
    screened: int = 0
    passing: int = 0
    partials: int = 0
    _alike: Counter[tuple[frozenset[CheckId], bool]] = field(default_factory=Counter)
    _costly: list[tuple[float, int, Candidate]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _costly_s: float = 0.0
    _cheap_s: float = 0.0
    _deadline: float = field(default=0.0)
    _grace_end: float = 0.0
    _enough: int = 0
    _started: float = field(default=0.0)

    async def run(self, drafts: AsyncIterator[Draft]) -> str:
        """Read `drafts` until the search ends; returns why no more is to be expected, or nothing."""
        self._started = self.clock()
        self._deadline = self._started + self.limits.seconds
        waiting: set[asyncio.Task[None]] = set()
        size = FIRST_BATCH
        lost = ""
        exhausted = False
        try:
            while not exhausted and not self._over():
                batch: list[Candidate] = []
                while len(batch) < size and not exhausted:
                    draft = await anext(drafts, None)
                    if draft is None:
                        exhausted = True
                    elif draft.patch is None:
                        lost = draft.lost
                    else:
                        batch.append(self.number(draft))
                if batch:
                    waiting.add(asyncio.create_task(self._judge_batch(batch)))
                while len(waiting) >= self.judge.slots or (exhausted and waiting):
                    waiting = await self._settle(waiting)
                    if self._over():
                        break
                size = min(LARGEST_BATCH, size * 2)
            if exhausted:
                waiting = {asyncio.create_task(self._verify_costly(all_=True)) for _ in range(self.judge.slots)}
                while waiting and not self._settled():
                    waiting = await self._settle(waiting)
            return lost
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _settle(self, waiting: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """Wait for a batch; raise what went wrong in it."""
        left = max(0.01, self._deadline - self.clock())
        done, pending = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return set(pending)

    def _over(self) -> bool:
        return self._settled() or self.screened >= self.limits.most_candidates

    def _settled(self) -> bool:
        if self.clock() >= self._deadline or self.passing >= self.limits.most_passing:
            return True
        return self.passing > 0 and self.clock() >= self._grace_end and self.screened >= self._enough

    async def _judge_batch(self, batch: list[Candidate]) -> None:
        small = [c for c in batch if all(f.before is not None and f.after is not None for f in c.patch.changes)]
        whole = [c for c in batch if c not in small]
        if self.task.checks.kind is not CheckKind.PYTEST:
            small, whole = [], batch
        began = self.clock()
        for result in await self.judge.screen(self.task, self.baseline, small) if small else ():
            if result.passed:
                whole.append(result.candidate)
            elif not result.supported:
                heapq.heappush(self._costly, (-result.candidate.prior, next(self._order), result.candidate))
            else:
                self._learn(result)
        self._cheap_s += self.clock() - began
        self.screened += len(batch)
        self.looked(len(batch), self.partials, batch[-1].origin.note)
        for candidate in whole:
            if self._settled():
                return
            await self._verify(candidate)
        await self._verify_costly()

    async def _verify_costly(self, *, all_: bool = False) -> None:
        """Verify what no screen can tell about, the likeliest first, as far as its share of the time goes.

        One of these costs as much as dozens that can be screened, so they must not hold those up.
        """
        while self._costly and not self._settled():
            if not all_ and self._costly_s > COSTLY_SHARE * (self._cheap_s + self._costly_s) + COSTLY_START_S:
                return
            candidate = heapq.heappop(self._costly)[2]
            began = self.clock()
            await self._verify(candidate)
            self._costly_s += self.clock() - began

    async def _verify(self, candidate: Candidate) -> None:
        verdict = await self.verified(candidate)
        self.observe(candidate, verdict)
        if verdict.passed:
            self._on_pass()

    def _learn(self, result: ScreenResult) -> None:
        verdict = screen_verdict(result, self.baseline)
        self.observe(result.candidate, verdict)
        if result.fixed:
            self.partials += 1
            kind = (frozenset(result.fixed), not result.broken)
            self._alike[kind] += 1
            kept = sum(min(seen, PARTIALS_ALIKE) for seen in self._alike.values())
            if self._alike[kind] <= PARTIALS_ALIKE and kept <= PARTIALS_KEPT:
                self.partial(result.candidate, verdict)

    def _on_pass(self) -> None:
        self.passing += 1
        if self.passing == 1:
            took = self.clock() - self._started
            grace = min(self.limits.most_grace_s, max(self.limits.least_grace_s, took * self.limits.grace_share))
            # A busy machine looks at few candidates in that time: then it gets more, up to the upper bound.
            self._grace_end = self.clock() + grace
            self._enough = self.screened + self.limits.least_grace_candidates
            self._deadline = min(self._deadline, self.clock() + self.limits.most_grace_s)


def screen_verdict(result: ScreenResult, baseline: Baseline) -> Verdict:
    """What a screen tells, in a verdict's form: never PASSED, and at the lowest level."""
    fixed, broken = set(result.fixed), set(result.broken)
    results = tuple(
        CheckResult(
            check_id=r.check_id,
            outcome=CheckOutcome.PASSED if r.check_id in fixed else r.outcome,
            detail="" if r.check_id in fixed else "it fails in another way" if result.changed else r.detail,
        )
        for r in baseline.failing
    )
    results += tuple(CheckResult(check_id=name, outcome=CheckOutcome.FAILED) for name in broken)
    passed = len(fixed)
    return Verdict(
        candidate_id=result.candidate.candidate_id,
        patch_sha256=result.candidate.patch.sha256,
        outcome=Outcome.TIMED_OUT if result.timed_out else Outcome.FAILED,
        integrity=Integrity.NONE,
        level=Level.COMPILES,
        counts=Counts(expected=len(baseline.results), run=len(results), passed=passed, failed=len(results) - passed),
        results=results,
        stages=(Stage(name="screen", outcome=StageOutcome.FAILED),),
        regressed=tuple(result.broken),
        detail="screened: "
        + ("ran out of time" if result.timed_out else f"{passed} of {len(baseline.failing)} mended"),
    )
