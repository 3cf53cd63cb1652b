"""Boxes that are killed, removed, starved or cannot be made: another box, then `inconclusive`, never a failure."""

import asyncio
import contextlib
import itertools
import os
import secrets
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from private_engine import processes_that_say, until

from moa_code.core.box import Ended
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.errors import SandboxUnavailable
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import Outcome, StageOutcome
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.verify.verifier import Verifier

BEFORE = b"def f(x):\n    return x\n"
AFTER = b"def f(x):\n    return x + 1\n"


def task(mark):
    """A task whose check takes a second and shows in the host's list of processes while it runs."""
    check = f"""
import subprocess, sys
from m import f

def test_f():
    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.8)", {mark!r}], check=True)
    assert f(1) == 2
"""
    from sandbox_bench import LIMITS

    return Task(
        task_id=TaskId("slow"),
        mode=Mode.FIX,
        instruction="mend it",
        tree=MemorySnapshot(files={"m.py": BEFORE, "tests/test_m.py": check.encode()}),
        checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
        limits=replace(LIMITS, report_bytes=1 << 20, wall_s=20.0),
        rules=EditRules(protected=PROTECTED_BY_DEFAULT),
    )


def candidate(after=AFTER):
    patch = patch_of(FileChange(path="m.py", before=BEFORE, after=after))
    return Candidate(candidate_id=CandidateId("c1"), patch=patch, origin=Origin(author="test", role="user"))


def kill_container(engine, how):
    """Kill every box that runs at this moment, from outside."""
    client = engine.client()
    for name, state in engine.boxes().items():
        if state == "running":
            if how == "removed":
                client.api.remove_container(name, force=True)
            else:
                client.api.kill(name)
    client.close()


def kill_supervisors(mark):
    """The supervisor above each process that shows `mark`."""
    for pid in processes_that_say(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(supervisor_of(pid), signal.SIGKILL)


def supervisor_of(pid):
    """Jobs are the zygote's children, the zygote is the supervisor's, and all three have its command line."""
    while b"server.py" not in _command(pid):
        pid = _parent(pid)
    while b"server.py" in _command(above := _parent(pid)) and not _command(above).startswith(
        (b"bwrap", b"/sbin/docker")
    ):
        pid = above
    return pid


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


async def judged(verifier, task, baseline, mark, kill, *, times):
    """The verdict on a good candidate whose box is killed from outside `times` times, each time its check runs."""
    judging = asyncio.create_task(verifier.verify(task, baseline, candidate()))
    killed = 0
    while not judging.done() and killed < times:
        marked = await asyncio.to_thread(processes_that_say, mark)
        if not marked:
            await asyncio.sleep(0.02)
            continue
        await asyncio.to_thread(kill)
        killed += 1
        await asyncio.to_thread(until, lambda old=marked: not old & processes_that_say(mark))
    return await judging, killed


async def good_bad_and_ugly(sandbox, mark, kill):
    """Killed once, killed each time, then left alone."""
    verifier, slow = Verifier(sandbox), task(mark)
    baseline = (await verifier.baseline(slow)).baseline
    first = await judged(verifier, slow, baseline, mark, kill, times=100)
    second = await judged(verifier, slow, baseline, mark, kill, times=1)
    verifier = Verifier(sandbox)
    bad = await verifier.verify(slow, baseline, candidate(AFTER.replace(b"1", b"2")))
    return first, second, bad


def check_verdicts(first, second, bad):
    verdict, killed = first
    assert (verdict.outcome, killed) == (Outcome.INCONCLUSIVE, 3)
    assert verdict.stages[-1].outcome is StageOutcome.INCONCLUSIVE
    assert not verdict.regressed
    verdict, killed = second
    assert (verdict.outcome, killed) == (Outcome.PASSED, 1), verdict.detail  # and nothing was remembered of the first
    assert bad.outcome is Outcome.FAILED


@pytest.mark.docker
def test_a_container_that_goes_is_replaced_and_never_held_against_the_candidate(engine, in_sandbox):
    mark, ways = secrets.token_hex(8), itertools.cycle(["removed", "killed"])
    check_verdicts(*in_sandbox(lambda s, _: good_bad_and_ugly(s, mark, lambda: kill_container(engine, next(ways)))))


@pytest.mark.bwrap
def test_a_bubblewrap_supervisor_that_goes_is_replaced_and_never_held_against_the_candidate(left_behind):
    from sandbox_bench import bubblewrap_sandbox

    mark = secrets.token_hex(8)

    async def whole():
        sandbox = bubblewrap_sandbox()
        async with asyncio.timeout(60):
            try:
                await sandbox.open()
                return await good_bad_and_ugly(sandbox, mark, lambda: kill_supervisors(mark))
            finally:
                await sandbox.aclose()

    check_verdicts(*asyncio.run(whole()))
    until(lambda: not processes_that_say(mark))
    until(lambda: left_behind().get("process", []) == [], words=lambda: str(left_behind()))


# The kernel takes the process with the highest score; a job may lower its own again.
GREEDY = """
import time
open('/proc/self/oom_score_adj', 'w').write('0')
time.sleep({wait})
MARK = {mark!r}
held = bytearray(1 << 30)
"""


@pytest.mark.docker
@pytest.mark.parametrize("victim", ["the job", "the supervisor", "PID 1"])
def test_whoever_the_kernel_takes_the_job_has_used_up_the_memory(engine, in_sandbox, victim):
    mark = secrets.token_hex(8)

    def expose():
        """Make the victim the kernel's first choice, in every box in which the job runs."""
        for pid in until(lambda: processes_that_say(mark)):
            supervisor = supervisor_of(pid)
            chosen = supervisor if victim == "the supervisor" else _parent(supervisor)
            Path(f"/proc/{chosen}/oom_score_adj").write_text("1000")
            os.kill(supervisor, signal.SIGSTOP)  # else it would see in time what the job takes

    async def work(sandbox, bench):
        code = GREEDY.format(mark=mark, wait=0 if victim == "the job" else 0.6)
        running = asyncio.create_task(sandbox.run(bench.job(code)))
        exposed = set()
        while not running.done() and victim != "the job":
            if fresh := await asyncio.to_thread(processes_that_say, mark) - exposed:
                exposed |= fresh
                await asyncio.to_thread(expose)
            await asyncio.sleep(0.02)
        return await running, await sandbox.run(bench.job("print(1)"))

    seen, after = in_sandbox(work)
    assert (seen.ended, after.stdout) == (Ended.MEMORY, b"1\n"), seen


@pytest.mark.docker
def test_an_image_that_goes_between_two_boxes_is_our_fault_with_what_to_do(engine, in_sandbox, sandbox_image):
    """An engine keeps the image of a box that runs: it can go only when there is none."""
    saved = engine.client(timeout=60)
    archive = b"".join(saved.api.get_image(sandbox_image))

    async def work(sandbox, bench):
        await asyncio.to_thread(engine.remove_boxes)
        await asyncio.to_thread(saved.api.remove_image, sandbox_image, force=True)
        began = time.monotonic()
        (seen,) = await asyncio.gather(sandbox.run(bench.job("print(1)")), return_exceptions=True)
        return seen, time.monotonic() - began

    try:
        seen, seconds = in_sandbox(work)
        with pytest.raises(SandboxUnavailable, match="is gone") as caught:
            in_sandbox(None)
    finally:
        saved.api.load_image(archive)
        saved.close()
    assert isinstance(seen, SandboxUnavailable), seen
    assert "is gone" in seen.message
    assert seen.remedy == caught.value.remedy == "moa-code setup"
    assert seconds < 10
