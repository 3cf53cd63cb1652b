"""Compiling and linting what a patch leaves behind: many files in one job, and no file twice."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from moa_code.core.box import Ended, Job, Limits, Observation
from moa_code.core.patch import Patch
from moa_code.core.task import Task
from moa_code.core.verdict import Stage, StageOutcome
from moa_code.verify import plan
from moa_code.verify.reading import StaticReport, read_static
from moa_code.verify.turns import Turns

MOST_PATCHES = 32  # in one job
MOST_BYTES = 256 * 1024  # in one job, but for those of one patch
BATCH_CPU_S = 5.0  # so that a file on which the compiler hangs does not keep its neighbours for long
BATCH_WALL_S = 20.0
MOST_KNOWN = 4000  # files whose findings are remembered
MOST_FINDINGS = 100  # of a file that is remembered, and of a stage besides those that block


@dataclass(frozen=True, slots=True)
class Source:
    """One file as some patch leaves it, or as it was."""

    path: str
    content: bytes = field(compare=False)
    sha256: str


@dataclass(slots=True, kw_only=True, eq=False)
class _Request:
    """The files of one patch, those it replaces, and what became known of either.

    `ended` is how its last job went; until one was run it is None.
    """

    own: tuple[Source, ...]
    base: tuple[Source, ...]
    known: dict[Source, StaticReport] = field(default_factory=dict)
    ended: Observation | None = None
    crowded: bool = False  # that job judged more than the patch's own files

    @property
    def open(self) -> list[Source]:
        return [source for source in (*self.own, *self.base) if source not in self.known]


@dataclass(slots=True, kw_only=True)
class _Line:
    """Who waits for files of one task to be judged; whoever holds `busy` runs a job for all of them."""

    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    requests: list[_Request] = field(default_factory=list)


class StaticChecks:
    """The stages `compile` and `lint`. While one job is in flight, what arrives waits and shares the next one."""

    def __init__(self, turns: Turns, *, lint: bool = True) -> None:
        self._turns = turns
        self._lint = lint
        self._known: dict[Hashable, StaticReport] = {}
        self._lines: dict[Hashable, _Line] = {}

    async def stages(self, task: Task, patch: Patch) -> list[Stage]:
        """What compiler and linter say of the Python files `patch` leaves behind; findings that the files had before
        do not count. Empty when there is no such file.
        """
        own = tuple(_source(c.path, c.after) for c in patch.changes if c.path.endswith(".py") and c.after is not None)
        if not own:
            return []
        at = time.monotonic()
        request = _Request(own=own, base=_before(task, own) if self._lint else ())
        self._recall(task, request)
        if request.open:
            await self._in_line(task, request)
        late = request.ended is not None and request.ended.ended is Ended.WALL_LIMIT
        if request.open and (request.crowded or late):
            await self._alone(task, request)
        return _stages(request, time.monotonic() - at, lint=self._lint)

    async def _in_line(self, task: Task, request: _Request) -> None:
        """Wait until a job has judged these files, ours or that of another request."""
        key = (task.tree.digest, task.limits)
        line = self._lines.setdefault(key, _Line())
        line.requests.append(request)
        try:
            async with line.busy:
                if request.ended is None:
                    self._recall(task, request)
                if request.ended is None and request.open:
                    await self._batch(task, request, line)
        finally:
            line.requests.remove(request)
            if not line.requests:
                self._lines.pop(key, None)

    async def _batch(self, task: Task, first: _Request, line: _Line) -> None:
        """One job for as many of the line as fit, chosen when there is a place for it to run."""
        async with self._turns.place() as run:
            requests, sources = self._chosen(task, first, line)
            crowded = len(requests) > 1 or not set(sources) <= set(first.own)
            seen, reports = await self._job(run, task, sources, _hurried(task.limits) if crowded else task.limits)
        for request in requests:
            request.ended, request.crowded = seen, crowded
            _take(request, reports)

    def _chosen(self, task: Task, first: _Request, line: _Line) -> tuple[list[_Request], tuple[Source, ...]]:
        requests, sources = [first], dict.fromkeys(first.open)
        size = sum(len(source.content) for source in sources)
        for request in line.requests:
            if request is first or request.ended is not None:
                continue
            self._recall(task, request)
            if not request.open:
                continue
            more = [source for source in request.open if source not in sources]
            size += sum(len(source.content) for source in more)
            if len(requests) >= MOST_PATCHES or size > MOST_BYTES:
                break
            requests.append(request)
            sources |= dict.fromkeys(more)
        return requests, tuple(sources)

    async def _alone(self, task: Task, request: _Request) -> None:
        """A job that judged several things did not come to its end: now this patch's files, then those before it.

        Which of them was at fault is not asked: each patch is judged by itself, as if it were the only one.
        """
        for sources in (request.own, request.base):
            unknown = [source for source in sources if source not in request.known]
            if not unknown:
                continue
            request.ended, reports = await self._job(self._turns.run, task, unknown, task.limits)
            if request.ended.ended is Ended.WALL_LIMIT:
                request.ended, reports = await self._job(self._turns.run_alone, task, unknown, task.limits)
            _take(request, reports)
            if request.ended.ended is Ended.LOST or any(source not in request.known for source in request.own):
                return

    async def _job(
        self, run: Callable[[Job], Awaitable[Observation]], task: Task, sources: Sequence[Source], limits: Limits
    ) -> tuple[Observation, Mapping[Source, StaticReport]]:
        """One job over `sources`; what it judged to the end is remembered."""
        planned = plan.static_job(task, [(s.path, s.content) for s in sources], limits, lint=self._lint)
        seen = await run(planned.job)
        told = read_static(seen.report, planned.nonce)
        reports = {source: told[at] for at, source in enumerate(sources) if at in told and told[at].complete}
        for source, report in reports.items():
            if len(report.findings) <= MOST_FINDINGS:
                self._known[task.tree.digest, source] = report
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return seen, reports

    def _recall(self, task: Task, request: _Request) -> None:
        for source in request.open:
            known = self._known.get((task.tree.digest, source))
            if known is not None:
                request.known[source] = known


def _take(request: _Request, reports: Mapping[Source, StaticReport]) -> None:
    request.known.update({source: reports[source] for source in request.open if source in reports})


def _source(path: str, content: bytes) -> Source:
    return Source(path, content, hashlib.sha256(content).hexdigest())


def _before(task: Task, own: Iterable[Source]) -> tuple[Source, ...]:
    """The same files on the untouched tree, where it holds them."""
    found = []
    for source in own:
        try:
            found.append(_source(source.path, task.tree.read(source.path)))
        except KeyError:
            continue
    return tuple(found)


def _hurried(limits: Limits) -> Limits:
    return replace(limits, cpu_s=min(limits.cpu_s, BATCH_CPU_S), wall_s=min(limits.wall_s, BATCH_WALL_S))


def _stages(request: _Request, seconds: float, *, lint: bool) -> list[Stage]:
    """The stages as far as they got. A patch one of whose files was not judged to its end has failed, except where the
    box was lost.
    """
    own = [request.known[source] for source in request.own if source in request.known]
    broken = tuple(f for report in own for f in report.findings if f.tool == "compile")
    lost = request.ended is not None and request.ended.ended is Ended.LOST
    if broken:
        detail = f"{broken[0].path}:{broken[0].line}: {broken[0].message}"
        return [Stage(name="compile", outcome=StageOutcome.FAILED, findings=broken, duration_s=seconds, detail=detail)]
    if len(own) < len(request.own):
        assert request.ended is not None
        if lost:
            return [Stage(name="compile", outcome=StageOutcome.INCONCLUSIVE, detail=request.ended.detail)]
        detail = f"compiling or linting ended early ({request.ended.ended})"
        return [Stage(name="compile", outcome=StageOutcome.FAILED, duration_s=seconds, detail=detail)]
    compiled = Stage(name="compile", outcome=StageOutcome.PASSED, duration_s=seconds)
    if not lint:
        return [compiled]
    if lost and request.open:
        detail = "the box was lost while the untouched files were linted"
        return [compiled, Stage(name="lint", outcome=StageOutcome.INCONCLUSIVE, detail=detail)]
    before = {mark for source in request.base if source in request.known for mark in request.known[source].fingerprints}
    return [compiled, _lint_stage(own, before)]


def _lint_stage(own: Sequence[StaticReport], before: set[str]) -> Stage:
    new = [
        f for report in own for f, mark in zip(report.findings, report.fingerprints, strict=True) if mark not in before
    ]
    blocking = [f for f in new if f.code.startswith(plan.BLOCKING)]
    detail = f"{blocking[0].path}:{blocking[0].line}: {blocking[0].code} {blocking[0].message}" if blocking else ""
    outcome = StageOutcome.FAILED if blocking else StageOutcome.PASSED
    if len(new) > MOST_FINDINGS:
        new = sorted(new, key=lambda f: not f.code.startswith(plan.BLOCKING))[:MOST_FINDINGS]
    return Stage(name="lint", outcome=outcome, findings=tuple(new), detail=detail)
