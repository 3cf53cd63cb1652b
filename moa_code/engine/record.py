"""Where a run is written down: the journal's side of the engine, as a Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from moa_code.core.candidate import Candidate
from moa_code.core.verdict import Verdict


class Record(Protocol):
    """Keeps what happened in one run. Each call is durable when it returns."""

    def step(self, kind: str, reason: str, detail: Mapping[str, object]) -> None: ...

    def event(self, kind: str, detail: Mapping[str, object]) -> None: ...

    def candidate(self, candidate: Candidate) -> None: ...

    def verdict(self, verdict: Verdict) -> None: ...
