"""Batches of compiling and linting over real boxes, hostile files among honest ones."""

import asyncio

import pytest

from moa_code.config import load_config
from moa_code.core.box import Limits
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.verify.static import StaticChecks
from moa_code.verify.turns import Turns
from moa_code.wiring.session import open_session

pytestmark = pytest.mark.docker

BASE = {"a.py": b"x = 1\n", "pkg/__init__.py": b"from .b import y\n", "pkg/b.py": b"y = there_before\n"}
HOSTILE = {
    "too many findings": b"import m\n" * 200_000,
    "deep for the linter": b"x = " + b"-" * 60_000 + b"1\n",
    "deep for the compiler": b"(" * 100_000,
    "a long chain": b"x = " + b"1 + " * 60_000 + b"1\n",
    "a cookie": b"# coding: no_such_codec\nx = 1\n",
    "NULs": b"x = '\0'\n" * 1000,
    "a giant line": b"x = '" + b"y" * 400_000 + b"'\n",
}
HONEST = {f"honest {n}": b"x = %d\n" % n for n in range(2, 26)}
UNDEFINED = {f"undefined {n}": b"x = gone_%d\n" % n for n in range(6)}


def judged(tmp_path, contents):
    """The stages of every content of `a.py` by name, asked for at once, and what one alone gets."""
    config = load_config(
        environment={"HOME": str(tmp_path)},
        flags={"sandbox.backend": "docker", "sandbox.slots": 2, "journal": str(tmp_path / "j.sqlite")},
    )
    task = Task(
        task_id=TaskId("t"),
        mode=Mode.FIX,
        instruction="",
        tree=MemorySnapshot(files=BASE),
        checks=Checks(kind=CheckKind.PYTEST),
        limits=Limits(cpu_s=20, wall_s=60, memory_bytes=512 << 20),
    )

    def patch(content):
        return patch_of(FileChange(path="a.py", before=BASE["a.py"], after=content))

    async def run():
        async with open_session(config, {}, lambda text: None) as session:
            together = StaticChecks(Turns(session.sandbox))
            crowd = await asyncio.gather(*(together.stages(task, patch(content)) for content in contents.values()))
            alone = []
            for content in contents.values():
                alone.append(await StaticChecks(Turns(session.sandbox)).stages(task, patch(content)))
            return dict(zip(contents, crowd, strict=True)), dict(zip(contents, alone, strict=True))

    return asyncio.run(run())


def short(stages):
    return [(stage.name, stage.outcome.value, stage.detail, stage.findings) for stage in stages]


def test_hostile_neighbours_change_nothing(tmp_path):
    names = [*HONEST, *UNDEFINED]
    order = {**dict(list(HONEST.items())[:8]), **HOSTILE, **HONEST, **UNDEFINED}
    crowd, alone = judged(tmp_path, order)
    for name in order:
        assert short(crowd[name]) == short(alone[name]), name
    for name in names:
        wanted = "passed" if name in HONEST else "failed"
        assert [(s.name, s.outcome) for s in crowd[name]] == [("compile", "passed"), ("lint", wanted)], name
    assert all(stage.outcome != "inconclusive" for stages in crowd.values() for stage in stages)
