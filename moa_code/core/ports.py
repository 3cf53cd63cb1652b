"""The borders between rooms, as Protocols. `wiring.py` alone knows which class stands behind one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from moa_code.core.behaviour import Behaviour, Ruling, WrittenCheck
from moa_code.core.box import BoxInfo, Job, Observation
from moa_code.core.brief import Brief
from moa_code.core.candidate import Candidate, CandidateId, Draft
from moa_code.core.model import Completion, CompletionRequest
from moa_code.core.verdict import Verdict


class Sandbox(Protocol):
    """Runs jobs in isolation. Safe to call from many tasks at once; queues above its capacity.

    `run` uses a warm box; `run_fresh` one that nothing else has run in and that is thrown away afterwards. Cancelling
    either kills the job. What our side loses comes back as `Ended.LOST`; all raise `SandboxUnavailable` where
    no box can be started at all.
    """

    @property
    def info(self) -> BoxInfo: ...

    @property
    def slots(self) -> int:
        """How many jobs run at the same time."""
        ...

    async def open(self) -> None: ...

    async def run(self, job: Job) -> Observation: ...

    async def run_fresh(self, job: Job) -> Observation: ...

    async def aclose(self) -> None: ...


Heard = Callable[[str], None]
"""Is told the whole text of an answer so far. Cheap, never waits, never raises."""


class Model(Protocol):
    """One way to reach language models. Raises `ModelError`, and nothing else, when a call brings no usable answer.

    `heard` may be told an answer while it arrives, in any number of steps. A call that is made again begins again from
    the empty text, and of two calls made at the same time both are heard. Cancelling a call closes its connection.
    """

    async def complete(self, request: CompletionRequest, heard: Heard | None = None) -> Completion: ...

    async def aclose(self) -> None: ...


class Proposer(Protocol):
    """Drafts patches for a brief. A model yields one draft; a search yields thousands, lazily, likeliest first.

    Never raises for what a model did: a failed call is a `Draft` with `lost`. The caller may stop reading at any
    time and then calls `aclose` on the iterator.
    """

    @property
    def name(self) -> str: ...

    def drafts(self, brief: Brief) -> AsyncIterator[Draft]: ...

    def observe(self, candidate: Candidate, verdict: Verdict) -> None:
        """Learn how an earlier draft was judged; a search may reorder what it yields next. Cheap, never waits."""
        ...


class Aggregator(Protocol):
    """Merges judged candidates into new drafts: `brief.judged` holds what it may read. Same rules as `Proposer`."""

    @property
    def name(self) -> str: ...

    def merge(self, brief: Brief) -> AsyncIterator[Draft]: ...

    def observe(self, candidate: Candidate, verdict: Verdict) -> None: ...


class Arbiter(Protocol):
    """Says which of some passing candidates is right where they differ. It may say none. Never raises for a model."""

    @property
    def name(self) -> str: ...

    async def rule(self, brief: Brief, behaviour: Behaviour, choices: tuple[CandidateId, ...]) -> Ruling: ...


class CheckWriter(Protocol):
    """Writes a few checks from the instruction alone. Never raises for what a model did: then it brings none."""

    @property
    def name(self) -> str: ...

    async def checks(self, brief: Brief) -> tuple[WrittenCheck, ...]: ...
