"""A session over the real Docker sandbox, opened once a module; skipped aloud where no engine answers."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from moa_code.assets import tasks_dir
from moa_code.config import load_config
from moa_code.core.box import Limits
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import EMPTY_PATCH, FileChange, Patch, patch_of
from moa_code.core.task import Checks, CheckKind, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.wiring.session import Session, open_session

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


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    docker = pytest.importorskip("docker")
    try:
        docker.from_env(timeout=5).ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"no Docker engine answers: {error}")
    home = tmp_path_factory.mktemp("home")
    flags = {
        "sandbox.backend": "docker",
        "sandbox.slots": 2,
        "models.proposers": ("builtin:mutate",),
        "models.aggregator": "builtin:combine",
        "journal": str(Path(home) / "journal.sqlite"),
    }
    config = load_config(environment={"HOME": str(home)}, flags=flags)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        session = runner.run(stack.enter_async_context(open_session(config, {}, lambda text: None)))
        try:
            yield Bench(runner, session)
        finally:
            runner.run(stack.aclose())
