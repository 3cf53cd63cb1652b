"""The fake keeps the port's promises; what it pretends stands in each job's payload."""

import asyncio
import time

import pytest
from contract import PortContract
from sandbox_bench import LIMITS, TREE
from sandbox_bench import bench as open_bench

from moa_code.core.box import Ended, Job, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.sandbox.fake import FakeSandbox


async def pretend(job):
    if job.entry != "command":
        raise SandboxUnavailable(f"there is no runner {job.entry!r}")
    wish = job.payload["pretend"]
    began = time.monotonic()
    await asyncio.sleep(wish.get("sleep_s", 0))
    stdout = f"{began} {time.monotonic()}" if wish.get("clock") else wish.get("stdout", "")
    return Observation(ended=Ended.EXITED, exit_code=wish.get("exit_code", 0), stdout=stdout.encode())


@pytest.fixture
def make_sandbox():
    return lambda: FakeSandbox(pretend)


@pytest.fixture(scope="module")
def bench():
    yield from open_bench(FakeSandbox(pretend), "python", None)


class TestFake(PortContract):
    pass


def job(entry="pytest"):
    return Job(tree=TREE, entry=entry, payload={}, limits=LIMITS)


def using(sandbox, work):
    async def whole():
        await sandbox.open()
        try:
            return await work(sandbox)
        finally:
            await sandbox.aclose()

    return asyncio.run(whole())


def test_a_list_is_handed_out_in_order_and_then_lost():
    answers = [Observation(ended=Ended.EXITED, exit_code=code) for code in (1, 2)]

    async def work(sandbox):
        return [await sandbox.run(job()), await sandbox.run_fresh(job()), await sandbox.run(job("static"))]

    sandbox = FakeSandbox(answers)
    seen = using(sandbox, work)
    assert [(one.ended, one.exit_code) for one in seen] == [(Ended.EXITED, 1), (Ended.EXITED, 2), (Ended.LOST, None)]
    assert "static" in seen[2].detail
    assert ([one.entry for one in sandbox.jobs], [one.entry for one in sandbox.fresh]) == (
        ["pytest", "static"],
        ["pytest"],
    )


def test_a_plain_function_answers_and_its_own_box_id_stays():
    sandbox = FakeSandbox(lambda asked: Observation(ended=Ended.SIGNALLED, signal=9, box_id=asked.entry))
    assert using(sandbox, lambda s: s.run(job())).box_id == "pytest"


def test_it_counts_what_runs_and_what_is_cancelled():
    async def work(sandbox):
        tasks = [asyncio.create_task(sandbox.run(job())) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert (sandbox.running, sandbox.most_running) == (3, 3)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def forever(asked):
        await asyncio.sleep(60)

    sandbox = FakeSandbox(forever, slots=3)
    using(sandbox, work)
    assert (sandbox.running, sandbox.cancelled, len(sandbox.jobs)) == (0, 3, 5)


def test_a_fault_of_the_script_is_not_swallowed():
    def broken(asked):
        raise KeyError("script")

    with pytest.raises(KeyError, match="script"):
        using(FakeSandbox(broken), lambda s: s.run(job()))
