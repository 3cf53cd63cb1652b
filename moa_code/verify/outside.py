"""The second trust domain for pytest: what passed beside its checks must pass again with the checks in another process.

Which checks that can be asked of is settled before any candidate: those whose text allows it, and which say of the
untouched tree, from outside, what they say from inside. The others keep the verdict of the shared interpreter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from moa_code.core.box import Ended
from moa_code.core.brief import Baseline
from moa_code.core.patch import EMPTY_PATCH, Patch
from moa_code.core.task import CheckId, CheckKind, Task
from moa_code.core.verdict import CheckOutcome, CheckResult, Integrity, Outcome
from moa_code.verify import plan
from moa_code.verify.grade import Expectation, Graded, grade
from moa_code.verify.reading import SessionReport, read_session
from moa_code.verify.seen import seen
from moa_code.verify.separate import Separation, separation
from moa_code.verify.stages import expected_of
from moa_code.verify.turns import Turns

MOST_APART = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """What can be judged from outside, of one task: checks, and modules whose checks the untouched tree cannot name."""

    separation: Separation
    checks: tuple[CheckId, ...]
    modules: tuple[str, ...]

    @property
    def select(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*(check.partition("::")[0] for check in self.checks), *self.modules]))


class Outside:
    """Judges from another process. Asks the untouched tree once a task, when the first candidate has passed inside."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._known: dict[tuple[object, ...], Apart] = {}
        self._asking = asyncio.Lock()

    async def judge(
        self, task: Task, baseline: Baseline, patch: Patch, inside: Graded, *, seed: int, fresh: bool
    ) -> Graded:
        """The verdict on a patch that passed `inside`: that one again, unless it fails from outside.

        `Integrity.ORACLE` says that every expected check was asked from outside, or that one failed there.
        """
        apart = await self.apart(task, baseline)
        if apart is None:
            lost = "the box was lost with the untouched tree in it"
            return replace(inside, outcome=Outcome.INCONCLUSIVE, detail=lost, integrity=Integrity.NONE)
        return await self._ask(task, baseline, patch, inside, apart, expected_of(baseline), seed=seed, fresh=fresh)

    async def judge_hidden(self, task: Task, patch: Patch, inside: Graded, *, seed: int) -> Graded:
        """The same of checks that the untouched tree was never asked: their text alone says which can be judged."""
        checks = tuple(result.check_id for result in inside.results)
        found = separation(task.tree, {check.partition("::")[0] for check in checks}, plan.sealed_paths(task))
        fit = tuple(check for check in checks if found.fits(check) and not found.doubts(check))
        whole = Expectation(checks=checks)
        apart = Apart(separation=found, checks=fit, modules=())
        slow = Baseline(results=(), check_cpu_s=max((result.duration_s for result in inside.results), default=0.0))
        return await self._ask(task, slow, patch, inside, apart, whole, seed=seed, fresh=True)

    async def _ask(
        self,
        task: Task,
        baseline: Baseline,
        patch: Patch,
        inside: Graded,
        apart: Apart,
        whole: Expectation,
        *,
        seed: int,
        fresh: bool,
    ) -> Graded:
        if not apart.select:
            return inside

        def job() -> plan.Planned:
            return plan.split_job(
                task,
                apart.separation,
                patch,
                select=apart.select,
                first=apart.checks,
                check_cpu_s=plan.check_budget_s(baseline.check_cpu_s),
                seed=seed,
            )

        planned, observation, session = await seen(self._turns, job, baseline, task.limits, fresh=fresh)
        beyond = frozenset(session.inexpressible)
        known = frozenset(apart.checks)
        expectation = Expectation(
            checks=tuple(check for check in apart.checks if check not in beyond),
            modules=tuple(m for m in apart.modules if not any(name.partition("::")[0] == m for name in beyond)),
            ignored=beyond | whole.ignored | {c for c in session.collected if _beside(c, known, apart, whole)},
            agreed_exit=planned.exit_code,
            properties={check: result for check, result in whole.properties.items() if check in known - beyond},
        )
        if not (expectation.checks or expectation.modules):
            return inside
        graded = grade(observation, session, expectation)
        if graded.outcome is not Outcome.PASSED:
            return _merged(inside, graded)
        covered = set(expectation.checks) | set(expectation.modules)
        complete = covered >= {*whole.checks, *whole.modules} and self._turns.separate_users
        return replace(inside, integrity=Integrity.ORACLE) if complete else inside

    async def apart(self, task: Task, baseline: Baseline) -> Apart | None:
        """What of this task's checks can be judged from outside, found out once; None when the box was lost."""
        key = (task.tree.digest, task.checks, task.rules, tuple((r.check_id, r.outcome) for r in baseline.results))
        async with self._asking:
            found = self._known.get(key) or await self._find(task, baseline)
            if found is not None:
                self._known[key] = found
                if len(self._known) > MOST_APART:
                    del self._known[next(iter(self._known))]
        return found

    async def _find(self, task: Task, baseline: Baseline) -> Apart | None:
        expected = expected_of(baseline)
        modules = dict.fromkeys([*(check.partition("::")[0] for check in expected.checks), *expected.modules])
        nothing = Apart(separation=separation(task.tree, (), ()), checks=(), modules=())
        if task.checks.kind is not CheckKind.PYTEST or not modules:
            return nothing
        found = separation(task.tree, modules, plan.sealed_paths(task))
        if not found.modules:
            return nothing
        planned = plan.split_job(
            task,
            found,
            EMPTY_PATCH,
            select=[module for module in modules if module in found.modules],
            check_cpu_s=plan.check_budget_s(baseline.check_cpu_s),
            seed=1,
        )
        observation = await self._turns.run(planned.job)
        if observation.ended is Ended.LOST:
            return None
        session = read_session(observation.report, planned.nonce)
        hung = frozenset(baseline.hung)
        results = {result.check_id: result for result in session.results}
        before = {result.check_id: result for result in baseline.results}
        return Apart(
            separation=found,
            checks=tuple(
                c
                for c in expected.checks
                if found.fits(c)
                and (before[c].outcome is CheckOutcome.PASSED or not found.doubts(c))
                and _agrees(c, before, results, session, hung)
            ),
            modules=tuple(m for m in expected.modules if found.fits_all(m) and m in session.broken),
        )


def _agrees(
    check: CheckId,
    before: dict[CheckId, CheckResult],
    outside: dict[CheckId, CheckResult],
    session: SessionReport,
    hung: frozenset[CheckId],
) -> bool:
    """Whether a check says the same of the untouched tree from both sides. One that hangs there was never heard out."""
    if check in session.inexpressible:
        return False
    if check in hung or (check not in outside and session.end_code is None):
        return check.partition("::")[0] in {c.partition("::")[0] for c in session.collected}
    passed = before[check].outcome is CheckOutcome.PASSED
    return check in outside and (outside[check].outcome is CheckOutcome.PASSED) is passed


def _beside(check: CheckId, known: frozenset[CheckId], apart: Apart, whole: Expectation) -> bool:
    """A check that came along with its module and cannot be judged from here. One that could be, and that the session
    inside never had, is no such thing: there it was made to vanish.
    """
    module = check.partition("::")[0]
    if check in known or module in apart.modules:
        return False
    return check in whole.checks or module in whole.modules or not apart.separation.fits(check)


def _merged(inside: Graded, outside: Graded) -> Graded:
    """The inside's results, those that failed from outside in their place."""
    wrong = {r.check_id: r for r in outside.results if r.outcome is not CheckOutcome.PASSED}
    results = tuple(wrong.get(result.check_id, result) for result in inside.results)
    failed = sum(r.outcome is not CheckOutcome.PASSED for r in results)
    counts = replace(inside.counts, passed=len(results) - failed, failed=failed)
    detail = f"passes only where it shares an interpreter with its checks: {outside.detail}"
    return Graded(outcome=outside.outcome, results=results, counts=counts, detail=detail, integrity=Integrity.ORACLE)
