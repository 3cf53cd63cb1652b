"""Tasks, patches and an open session for tests over real boxes."""

import asyncio
from dataclasses import dataclass

from moa_code.assets import tasks_dir
from moa_code.core.box import Limits
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, Patch, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.wiring.session import Session

LIMITS = Limits(cpu_s=10, wall_s=30, memory_bytes=256 << 20)


@dataclass
class Bench:
    """An open session and the loop it lives in."""

    runner: asyncio.Runner
    session: Session

    def run(self, work):
        return self.runner.run(work)

    def baseline(self, task):
        return self.run(self.session.verifier.baseline(task)).baseline

    def verify(self, task, baseline, patch):
        return self.run(self.session.verifier.verify(task, baseline, candidate_of(patch)))

    def confirm(self, task, baseline, patch):
        return self.run(self.session.verifier.confirm(task, baseline, candidate_of(patch)))


def candidate_of(patch: Patch) -> Candidate:
    return Candidate(candidate_id=CandidateId("c1"), patch=patch, origin=Origin(author="test", role="user"))


def task_of(files, targets=("tests",), *, limits=LIMITS, mode=Mode.FIX) -> Task:
    """A task over files given as text by path, with the rules every task has."""
    tree = MemorySnapshot(files={path: content.encode() for path, content in files.items()})
    return Task(
        task_id=TaskId("made-up"),
        mode=mode,
        instruction="mend it",
        tree=tree,
        checks=Checks(kind=CheckKind.PYTEST, targets=targets),
        limits=limits,
        rules=EditRules(protected=PROTECTED_BY_DEFAULT),
    )


def edit(task: Task, path: str, content: str | None) -> Patch:
    """The patch that puts `content` at `path`; None deletes it."""
    before = task.tree.read(path) if path in task.tree.paths() else None
    return patch_of(FileChange(path=path, before=before, after=None if content is None else content.encode()))


def demo_task() -> Task:
    root = tasks_dir() / "demo"
    paths = [p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return task_of({p.relative_to(root).as_posix(): p.read_text() for p in paths})
