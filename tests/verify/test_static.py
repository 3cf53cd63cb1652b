"""Compiling and linting in batches, over a box that judges files by what stands in them."""

import asyncio
import json
from dataclasses import replace

import pytest

from moa_code.core.box import Ended, Limits, Observation
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import StageOutcome
from moa_code.sandbox.fake import FakeSandbox
from moa_code.verify import static
from moa_code.verify.static import StaticChecks
from moa_code.verify.turns import Turns

BASE = {"a.py": b"old", "b.py": b"UNDEFINED old"}


class Linter:
    """Reads orders out of the files: BROKEN does not compile, UNDEFINED and UNUSED are findings; KILLS ends the whole
    job, LOSES the box, HANGS uses up the wall clock, in every job it is part of.
    """

    def __init__(self):
        self.jobs = []
        self.waits = None

    async def __call__(self, job):
        files = [content_of(job, at) for at in range(len(job.payload["paths"]))]
        self.jobs.append(files)
        if self.waits:
            await self.waits.wait()
        whole = b" ".join(files)
        for order, ended in ((b"KILLS", Ended.MEMORY), (b"LOSES", Ended.LOST), (b"HANGS", Ended.WALL_LIMIT)):
            if order in whole:
                return Observation(ended=ended, detail="the box is gone" * (ended is Ended.LOST))
        report = b"".join(self._told(job, at, content) for at, content in enumerate(files))
        return Observation(ended=Ended.EXITED, exit_code=job.payload["exit_code"], report=report, report_complete=True)

    def _told(self, job, at, content):
        def line(kind, **values):
            return (job.payload["nonce"] + json.dumps({"k": kind, "at": at, **values}) + "\n").encode()

        path, found = job.payload["paths"][at], b""
        for word, tool, code in (("BROKEN", "compile", "SyntaxError"), ("UNDEFINED", "ruff", "F821")):
            if word.encode() in content:
                found += line("finding", tool=tool, code=code, path=path, line=3, message=word, text=word)
        for number in range(content.count(b"UNUSED")):
            found += line(
                "finding", tool="ruff", code="F401", path=path, line=number, message="UNUSED", text=str(number)
            )
        return found + line("end")


def content_of(job, at):
    return next(c.after for c in job.overlay if c.path == f"{job.payload['within']}/{at}/{job.payload['paths'][at]}")


def task(files=BASE, **more):
    made = Task(
        task_id=TaskId("t"),
        mode=Mode.FIX,
        instruction="",
        tree=MemorySnapshot(files=files),
        checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
    )
    return replace(made, **more)


def patch(**files):
    changes = ((f"{name}.py", text.encode()) for name, text in files.items())
    return patch_of(*(FileChange(path=path, before=BASE.get(path), after=after) for path, after in changes))


def judged(linter, *patches, lint=True, task_=None, slots=4):
    """The stages of patches that are asked for at the same time."""

    async def run():
        sandbox = FakeSandbox(linter, slots=slots)
        await sandbox.open()
        checks = StaticChecks(Turns(sandbox), lint=lint)
        return await asyncio.gather(*(checks.stages(task_ or task(), one) for one in patches))

    return asyncio.run(run())


def short(stages):
    return " ".join(f"{stage.name}:{stage.outcome}" for stage in stages)


FINE, BROKEN, BAD_LINT = "compile:passed lint:passed", "compile:failed", "compile:passed lint:failed"


@pytest.mark.parametrize(
    ("files", "said", "detail"),
    [
        ({"a": "new"}, FINE, ""),
        ({"a": "BROKEN"}, BROKEN, "a.py:3: BROKEN"),
        ({"a": "UNDEFINED"}, BAD_LINT, "a.py:3: F821 UNDEFINED"),
        ({"b": "UNDEFINED new"}, FINE, ""),  # it was there before
        ({"a": "UNUSED"}, FINE, ""),  # told, not held against it
        ({"a": "new", "b": "BROKEN"}, BROKEN, "b.py:3: BROKEN"),
        ({"created": "UNDEFINED"}, BAD_LINT, "created.py:3: F821 UNDEFINED"),
        ({"a": "KILLS"}, BROKEN, "compiling or linting ended early (memory)"),
        ({"a": "LOSES"}, "compile:inconclusive", "the box is gone"),
        ({"a": "BROKEN UNDEFINED"}, BROKEN, "a.py:3: BROKEN"),
    ],
)
def test_alone_and_in_a_crowd_it_is_the_same(files, said, detail):
    """Whatever the neighbours do, hostile ones among them."""
    crowd = [patch(a=f"{word} {n}") for n, word in enumerate(["x", "BROKEN", "KILLS", "LOSES", "UNDEFINED"])]
    (alone,) = judged(Linter(), patch(**files))
    (*others, inside) = judged(Linter(), *crowd, patch(**files))
    assert short(alone) == short(inside) == said
    assert [stage.detail for stage in alone][-1] == [stage.detail for stage in inside][-1] == detail
    assert [short(one) for one in others] == [FINE, BROKEN, BROKEN, "compile:inconclusive", BAD_LINT]


def test_what_arrives_while_a_job_runs_shares_the_next_one():
    linter = Linter()
    judged(linter, *(patch(a=f"new {n}") for n in range(20)))
    assert [len(job) for job in linter.jobs] == [2, 19]  # the first with the file that was there before


def test_a_job_in_flight_is_not_waited_for_by_more_than_one_job():
    linter = Linter()

    async def run():
        linter.waits = asyncio.Event()
        sandbox = FakeSandbox(linter)
        await sandbox.open()
        checks = StaticChecks(Turns(sandbox))
        first = asyncio.create_task(checks.stages(task(), patch(a="first")))
        while not linter.jobs:
            await asyncio.sleep(0)
        later = [asyncio.create_task(checks.stages(task(), patch(a=f"later {n}"))) for n in range(9)]
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(linter.jobs) == 1
        linter.waits.set()
        await asyncio.gather(first, *later)

    asyncio.run(run())
    assert [len(job) for job in linter.jobs] == [2, 9]


def test_a_batch_has_caps(monkeypatch):
    monkeypatch.setattr(static, "MOST_PATCHES", 4)
    linter = Linter()
    assert {short(one) for one in judged(linter, *(patch(a=f"new {n}") for n in range(10)))} == {FINE}
    assert [len(job) for job in linter.jobs] == [2, 4, 4, 1]
    monkeypatch.setattr(static, "MOST_BYTES", 3000)
    linter = Linter()
    assert {short(one) for one in judged(linter, *(patch(a=f"{n}" * 1400) for n in range(4)))} == {FINE}
    assert [len(job) for job in linter.jobs] == [2, 2, 1]


def test_a_file_is_judged_once_whichever_patch_brings_it():
    linter = Linter()

    async def run():
        sandbox = FakeSandbox(linter)
        await sandbox.open()
        checks = StaticChecks(Turns(sandbox))
        await checks.stages(task(), patch(a="same", b="one"))
        await checks.stages(task(), patch(a="same", b="other"))
        await checks.stages(task(), patch(a="same"))
        await checks.stages(task({**BASE, "c.py": b"another tree"}), patch(a="same"))

    asyncio.run(run())
    assert linter.jobs == [[b"same", b"one", b"old", b"UNDEFINED old"], [b"other"], [b"same", b"old"]]


def test_the_memory_for_files_is_bounded(monkeypatch):
    monkeypatch.setattr(static, "MOST_KNOWN", 3)

    async def run():
        sandbox = FakeSandbox(Linter())
        await sandbox.open()
        checks = StaticChecks(Turns(sandbox))
        for n in range(20):
            assert short(await checks.stages(task(), patch(a=f"new {n}"))) == FINE
        return len(checks._known), len(checks._lines)

    assert asyncio.run(run()) == (3, 0)


def test_findings_without_end_are_cut_and_what_blocks_is_kept():
    (stages,) = judged(Linter(), patch(a="UNUSED " * 500 + "UNDEFINED"))
    lint = stages[-1]
    assert (lint.outcome, len(lint.findings), lint.findings[0].code) == (
        StageOutcome.FAILED, static.MOST_FINDINGS, "F821",
    )  # fmt: skip


def test_a_hang_costs_the_crowd_little_and_counts_after_a_run_alone():
    linter, clocks = Linter(), []

    async def run(job):
        clocks.append((len(job.payload["paths"]), job.limits.wall_s))
        return await linter(job)

    limits = Limits(cpu_s=60, wall_s=240)
    said = judged(run, *(patch(a=text) for text in ("new", "HANGS", "newer")), task_=task(limits=limits))
    assert [short(one) for one in said] == [FINE, BROKEN, FINE]
    assert "wall_limit" in said[1][0].detail
    assert clocks[:2] == [(2, static.BATCH_WALL_S), (2, static.BATCH_WALL_S)]
    assert clocks[2:] == [(1, 240)] * 3  # the hang, its neighbour, and the hang once more with nobody beside it


def test_who_leads_and_is_cancelled_leaves_the_others_a_leader():
    linter = Linter()

    async def run():
        linter.waits = asyncio.Event()
        sandbox = FakeSandbox(linter)
        await sandbox.open()
        checks = StaticChecks(Turns(sandbox))
        tasks = [asyncio.create_task(checks.stages(task(), patch(a=f"new {n}"))) for n in range(3)]
        while not linter.jobs:
            await asyncio.sleep(0)
        tasks[0].cancel()
        linter.waits.set()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        return done, sandbox.cancelled, checks._lines

    (first, *others), cancelled, lines = asyncio.run(run())
    assert isinstance(first, asyncio.CancelledError)
    assert [short(one) for one in others] == [FINE, FINE]
    assert (cancelled, lines) == (1, {})


def test_without_lint_nobody_asks_what_was_there_before():
    linter = Linter()
    (stages,) = judged(linter, patch(a="UNUSED"), lint=False)
    assert (short(stages), linter.jobs) == ("compile:passed", [[b"UNUSED"]])


def test_no_python_no_job():
    linter = Linter()
    gone = patch_of(
        FileChange(path="a.py", before=b"old", after=None), FileChange(path="n.txt", before=None, after=b"")
    )
    assert judged(linter, gone) == [[]]
    assert linter.jobs == []
