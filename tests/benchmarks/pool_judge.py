"""A judge that remembers: what was asked once is answered from the store, everything new by the real verifier."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pool_cells import Line
from pool_store import Store, key_of

from moa_code.core.behaviour import Answer, Behaviour, Strength, WrittenCheck
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.errors import SandboxUnavailable
from moa_code.core.patch import EMPTY_PATCH, Patch
from moa_code.core.task import CheckKind, Checks, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, CheckResult, Level, Outcome, Verdict
from moa_code.evidence.clusters import clusters
from moa_code.journal.codec import dumps, loads
from moa_code.propose.mutate.mutants import BOUNDARIES
from moa_code.propose.mutate.mutants import mutants as mutants_of
from moa_code.suites.loaded import HiddenChecks, LoadedTask
from moa_code.verify.screening import Screened
from moa_code.verify.verifier import Measured, Verifier

SUITE_CPU_S = 0.25  # times the verifier's own factor of 20: the five seconds of the published reference points
PLUS_CPU_S = 1.0
STRENGTH_S = 60.0  # generous, so that a busy machine measures the same


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """A comparison as it is stored: answers by the patch's SHA-256."""

    asked: tuple[str, ...]
    calls: tuple[str, ...]
    answers: Mapping[str, tuple[Answer, ...]]
    note: str
    edge_places: tuple[int, ...]

    @property
    def patches(self) -> frozenset[str]:
        return frozenset(self.asked)

    @property
    def edges(self) -> frozenset[int]:
        return frozenset(self.edge_places)


class RememberingJudge:
    """The engine's `Judge`, and the grader of hidden checks, over one store."""

    def __init__(self, store: Store, verifier: Verifier | None) -> None:
        self._store = store
        self._verifier = verifier
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._strengths: dict[tuple[str, str], Strength] = {}
        self._groups: dict[tuple[str, tuple[str, ...]], tuple[tuple[str, ...], ...]] = {}
        self._compared: dict[str, list[_Compared]] = {}
        self._keys: dict[int, tuple[Task, str]] = {}
        self.asked = 0  # questions that went to a box

    @property
    def slots(self) -> int:
        return self._verifier.slots if self._verifier else 1

    async def baseline(self, task: Task) -> Baseline:
        key = self._task_key(task)
        if (known := self._store.get("baseline", key)) is not None:
            return loads(Baseline, known)
        found = (await self._real().baseline(task)).baseline
        self._store.put("baseline", key, dumps(found))
        return found

    async def measured(self, task: Task) -> Measured:
        """The baseline with the lines that each check executes. Asked anew each time."""
        return await self._real().baseline(task)

    async def once(self, kind: str, task: Task, patch: Patch, work: Callable[[Patch], Awaitable[str]]) -> str:
        """What `work` brings for this patch, done once and for all."""
        key = key_of(self._task_key(task), patch.sha256)
        if (known := self._store.get(kind, key)) is not None:
            return known
        found = await work(patch)
        self._store.put(kind, key, found)
        return found

    async def verify(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict:
        place = (self._task_key(task), candidate.patch.sha256)
        found = self._verdicts.get(place)
        if found is None:
            found = await self._verified(task, baseline, candidate, key_of(*place))
            self._verdicts[place] = found
        return replace(found, candidate_id=candidate.candidate_id)

    async def _verified(self, task: Task, baseline: Baseline, candidate: Candidate, key: str) -> Verdict:
        if (known := self._store.get("verdict", key)) is not None:
            return loads(Verdict, known)
        found = await self._real().verify(task, baseline, candidate)
        if found.outcome is Outcome.INCONCLUSIVE:
            raise SandboxUnavailable(f"{task.task_id}: {found.detail}", remedy="run the benchmark again")
        self._store.put("verdict", key, dumps(found))
        return found

    async def confirm(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict:
        """The warm verdict again: a fresh box costs a quarter of a second, and proves the box, not the candidate."""
        known = await self.verify(task, baseline, candidate)
        return replace(known, level=Level.WHOLE_SUITE) if known.passed else known

    async def screen(
        self, task: Task, baseline: Baseline, candidates: Sequence[Candidate], *, on: Patch = EMPTY_PATCH
    ) -> tuple[Screened, ...]:
        return await self._real().screen(task, baseline, candidates, on=on)

    async def distinguish(self, task: Task, baseline: Baseline, candidates: Sequence[Candidate]) -> Behaviour:
        """Their answers to the same inputs. What was compared together before is not asked again."""
        patches = {candidate.patch.sha256 for candidate in candidates}
        known = next((one for one in self._compared.get(self._task_key(task), ()) if patches <= one.patches), None)
        if known is None:
            known = await self._compare(task, baseline, candidates)
            self._compared.setdefault(self._task_key(task), []).append(known)
        answers = {c.candidate_id: known.answers[c.patch.sha256] for c in candidates if c.patch.sha256 in known.answers}
        return Behaviour(calls=known.calls, answers=answers, note=known.note, edges=known.edges)

    async def _compare(self, task: Task, baseline: Baseline, candidates: Sequence[Candidate]) -> _Compared:
        patches = frozenset(candidate.patch.sha256 for candidate in candidates)
        key = key_of(self._task_key(task), sorted(patches))
        if (known := self._store.get("behaviour", key)) is not None:
            return loads(_Compared, known)
        found = await self._real().distinguish(task, baseline, candidates)
        if not found.calls and "the box was lost" in found.note:
            raise SandboxUnavailable(f"{task.task_id}: {found.note}", remedy="run the benchmark again")
        by_patch = {
            c.patch.sha256: found.answers[c.candidate_id] for c in candidates if c.candidate_id in found.answers
        }
        compared = _Compared(
            asked=tuple(sorted(patches)),
            calls=found.calls,
            answers=by_patch,
            note=found.note,
            edge_places=tuple(sorted(found.edges)),
        )
        self._store.put("behaviour", key, dumps(compared))
        return compared

    async def groups(self, line: Line, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """Which of these authors' passing answers behave alike, the earliest first in each group."""
        place = (line.task_id, names)
        if place not in self._groups:
            found = await self.distinguish(line.loaded.task, line.baseline, [line.candidate(name) for name in names])
            alike = clusters(found, [CandidateId(name) for name in names])
            together = {str(one): at for at, cluster in enumerate(alike) for one in cluster.members}
            order = [together.get(name, -1) for name in names]
            groups = (tuple(n for n, at in zip(names, order, strict=True) if at == one) for one in dict.fromkeys(order))
            self._groups[place] = tuple(groups)
        return self._groups[place]

    def strength_known(self, line: Line, names: tuple[str, ...]) -> tuple[int, int]:
        """Killed and tried of the first of these whose strength was measured; nothing is measured for it."""
        for name in names:
            patch = line.cells[name].draft.patch
            assert patch is not None, "who passes has a patch"
            place = (self._task_key(line.loaded.task), patch.sha256)
            stored = None if place in self._strengths else self._store.get("strength", key_of(*place, "boundaries"))
            if stored is not None:
                self._strengths[place] = loads(Strength, stored)
            if place in self._strengths:
                return self._strengths[place].killed, self._strengths[place].tried
        return 0, 0

    async def strength(
        self, task: Task, baseline: Baseline, candidate: Candidate, mutants: Sequence[Patch]
    ) -> Strength:
        """How many mutants are noticed; they are made here, so that nobody makes them for what is known."""
        place = (self._task_key(task), candidate.patch.sha256)
        if place not in self._strengths:
            self._strengths[place] = await self._measure(task, baseline, candidate, key_of(*place, "boundaries"))
        return self._strengths[place]

    async def _measure(self, task: Task, baseline: Baseline, candidate: Candidate, key: str) -> Strength:
        if (known := self._store.get("strength", key)) is not None:
            return loads(Strength, known)
        made = await asyncio.to_thread(partial(mutants_of, operators=BOUNDARIES), task, candidate.patch)
        found = await self._real().strength(task, baseline, candidate, made, seconds=STRENGTH_S)
        self._store.put("strength", key, dumps(found))
        return found

    async def vote(
        self, task: Task, baseline: Baseline, candidate: Candidate, checks: Sequence[WrittenCheck]
    ) -> tuple[bool | None, ...]:
        raise AssertionError("nobody writes checks in the recorded pool")

    async def right(self, loaded: LoadedTask, patch: Patch) -> bool:
        """Whether the patch passes the suite's own hidden checks. In a warm box."""
        return await self._graded(loaded, loaded.hidden, patch, SUITE_CPU_S)

    async def plus(self, loaded: LoadedTask, patch: Patch) -> bool:
        """Whether it passes those of HumanEval+ too."""
        assert loaded.stricter is not None, "HumanEval+ was loaded"
        return await self.right(loaded, patch) and await self._graded(loaded, loaded.stricter, patch, PLUS_CPU_S)

    async def _graded(self, loaded: LoadedTask, hidden: HiddenChecks, patch: Patch, cpu_s: float) -> bool:
        key = key_of(self._task_key(loaded.task), hidden.files.digest, patch.sha256)
        if (known := self._store.get("graded", key)) is not None:
            return known == "right"
        task = _grading(loaded.task, hidden)
        results = tuple(CheckResult(check_id=name, outcome=CheckOutcome.FAILED) for name in hidden.expected)
        candidate = Candidate(
            candidate_id=CandidateId("graded"), patch=patch, origin=Origin(author="pool", role="user")
        )
        verdict = await self._real().verify(task, Baseline(results=results, check_cpu_s=cpu_s), candidate)
        if verdict.outcome is Outcome.INCONCLUSIVE:
            raise SandboxUnavailable(f"{task.task_id}: {verdict.detail}", remedy="run the benchmark again")
        self._store.put("graded", key, "right" if verdict.passed else "wrong")
        return verdict.passed

    def _task_key(self, task: Task) -> str:
        known = self._keys.get(id(task))
        if known is None:  # the task is kept too, so that its id stays its own
            known = self._keys[id(task)] = (task, key_of(task.task_id, task.tree.digest, task.checks.targets))
        return known[1]

    def _real(self) -> Verifier:
        self.asked += 1
        if self._verifier is None:
            raise SandboxUnavailable("this was never measured, and there is no box to ask", remedy="leave out --stored")
        return self._verifier


def _grading(task: Task, hidden: HiddenChecks) -> Task:
    """The task whose checks are the hidden ones."""
    files = {path: task.tree.read(path) for path in task.tree.paths()}
    files |= {path: hidden.files.read(path) for path in hidden.files.paths()}
    return replace(
        task,
        tree=MemorySnapshot(files=files),
        checks=Checks(kind=CheckKind.ORACLE, targets=hidden.targets, expected=hidden.expected),
        rules=replace(task.rules, protected=(*task.rules.protected, *hidden.files.paths())),
    )
