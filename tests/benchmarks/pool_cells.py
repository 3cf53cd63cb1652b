"""One recorded answer, and all of them to one task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Draft, Origin
from moa_code.core.verdict import Verdict
from moa_code.suites.loaded import LoadedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One author's answer to one task. `verdict` None: no edit could be read. `plus`: right by HumanEval+ too."""

    author: str
    draft: Draft
    verdict: Verdict | None
    right: bool
    plus: bool
    tokens: int | None

    @property
    def passed(self) -> bool:
        return self.verdict is not None and self.verdict.passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One task with everybody's answer to it."""

    loaded: LoadedTask
    baseline: Baseline
    cells: Mapping[str, Cell]

    @property
    def task_id(self) -> str:
        return self.loaded.task.task_id

    def candidate(self, author: str) -> Candidate:
        """The author's answer under the author's name. It must have been read."""
        patch = self.cells[author].draft.patch
        assert patch is not None, f"{author} brought no patch"
        return Candidate(candidate_id=CandidateId(author), patch=patch, origin=Origin(author=author, role="proposer"))
