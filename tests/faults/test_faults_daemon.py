"""The engine is down, or goes away in the middle, for a moment or for good: an answer or our fault, never a failure."""

import asyncio
import secrets
import time

import pytest
from private_engine import processes_that_say, until

from moa_code.core.box import Ended
from moa_code.core.errors import SandboxUnavailable

pytestmark = pytest.mark.docker

SLOW = "import time; MARK = {mark!r}; time.sleep(0.8); print('done')"


async def running(sandbox, bench):
    """A job of a second as a task, once it runs in a box."""
    mark = secrets.token_hex(8)  # stands in its command line, which the host can see
    task = asyncio.create_task(sandbox.run(bench.job(SLOW.format(mark=mark))))
    await asyncio.to_thread(until, lambda: processes_that_say(mark))
    return task


def test_an_engine_that_is_down_is_said_so_with_what_to_do(engine, in_sandbox):
    engine.stop()
    began = time.monotonic()
    with pytest.raises(SandboxUnavailable, match="no Docker engine answers") as caught:
        in_sandbox(None)
    assert "--backend bubblewrap" in caught.value.remedy
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("flags", "crash"),
    [((), False), ((), True), (("--live-restore",), True)],
    ids=["stopped", "crashed", "crashed, boxes live on"],
)
def test_a_restart_in_the_middle_costs_nobody_an_answer(engine, in_sandbox, flags, crash):
    """Both boxes are lost, the idle one too; the job is repeated in a new one."""
    if flags:
        engine.restart(*flags)

    async def work(sandbox, bench):
        await asyncio.gather(sandbox.run(bench.job("pass")), sandbox.run(bench.job("pass")))
        before = engine.boxes()
        task = await running(sandbox, bench)
        await asyncio.to_thread(engine.restart, *flags, crash=crash)
        seen = await task
        return before, seen, await sandbox.run(bench.job("print('again')"))

    before, seen, again = in_sandbox(work)
    assert len(before) == 2
    assert (seen.ended, seen.stdout) == (Ended.EXITED, b"done\n")
    assert (again.stdout, seen.box_id in before) == (b"again\n", False)
    assert engine.boxes() == {}
    if flags:
        engine.restart()


@pytest.mark.parametrize("crash", [False, True])
def test_an_engine_that_goes_for_good_is_our_fault_and_soon_told(engine, in_sandbox, impatient, crash):
    async def work(sandbox, bench):
        task = await running(sandbox, bench)
        await asyncio.to_thread(engine.kill if crash else engine.stop)
        began = time.monotonic()
        (seen,) = await asyncio.gather(task, return_exceptions=True)
        (fresh,) = await asyncio.gather(sandbox.run_fresh(bench.job("print(1)")), return_exceptions=True)
        return seen, fresh, time.monotonic() - began

    seen, fresh, seconds = in_sandbox(work)
    assert isinstance(seen, SandboxUnavailable), seen
    assert isinstance(fresh, SandboxUnavailable), fresh
    assert (seen.remedy, seconds < 15) == ("moa-code doctor", True)
    engine.start()
    # A crash left its boxes, whose owner (this process) lives; nobody but the engine's new start could end them.
    assert set(engine.boxes().values()) <= {"exited", "created"}
    engine.remove_boxes()
    assert in_sandbox(lambda sandbox, bench: sandbox.run(bench.job("print(1)"))).stdout == b"1\n"


def test_what_a_dead_engine_could_not_remove_is_removed_when_it_is_back(engine, in_sandbox, impatient):
    async def work(sandbox, bench):
        task = await running(sandbox, bench)
        await asyncio.to_thread(engine.kill)
        (seen,) = await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(engine.start)
        return seen, await asyncio.to_thread(engine.boxes)

    seen, kept = in_sandbox(work)
    assert isinstance(seen, SandboxUnavailable)
    assert kept, "the crash left nothing, so this shows nothing"
    assert engine.boxes() == {}
