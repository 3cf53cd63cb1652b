"""Calls to the engine, answered late, wrongly or not at all: once is survived, for good is our fault and bounded."""

import asyncio
import time

import pytest
from private_engine import processes_that_say, until

from moa_code.core.box import Ended
from moa_code.core.errors import SandboxUnavailable

pytestmark = pytest.mark.docker

CREATE, ATTACH, START, REMOVE = "POST .*/containers/create", "POST .*/attach", "POST .*/start", "DELETE .*/containers/"
LIST, VERSION, PING = "GET .*/containers/json", "GET .*/version", "GET .*/_ping"


@pytest.mark.parametrize("call", [CREATE, ATTACH, START], ids=["create", "attach", "start"])
def test_trouble_once_costs_nobody_an_answer(proxy, in_sandbox, call):
    """`cut after`: the engine has done it and could not say so."""
    kinds = ("500", "cut", "cut after", *(["garbage"] if call == CREATE else []))

    async def work(sandbox, bench):
        answers = []
        for kind in kinds:
            fault = proxy.fault(call, kind, times=1)
            seen = await sandbox.run_fresh(bench.job("print('done')"))
            answers.append((kind, seen.ended, seen.stdout, fault.seen))
        return answers

    assert in_sandbox(work) == [(kind, Ended.EXITED, b"done\n", 1) for kind in kinds]


@pytest.mark.parametrize("kind", ["500", "hang"])
def test_trouble_for_good_is_our_fault_and_leaves_nothing(proxy, in_sandbox, impatient, kind):
    """An engine that is slow beyond the limit does what it was asked after all: that is taken away in the end."""

    async def with_trouble(sandbox, bench, call):
        fault = proxy.fault(call, kind)
        began = time.monotonic()
        (seen,) = await asyncio.gather(sandbox.run_fresh(bench.job("print(1)")), return_exceptions=True)
        seconds = time.monotonic() - began
        proxy.faults.clear()
        fault.released.set()
        return seen, seconds

    async def work(sandbox, bench):
        seen = [await with_trouble(sandbox, bench, call) for call in (CREATE, ATTACH, START)]
        return seen, await sandbox.run(bench.job("print('still there')"))

    found, warm = in_sandbox(work)
    assert warm.stdout == b"still there\n"
    for seen, seconds in found:
        assert isinstance(seen, SandboxUnavailable), seen
        assert (seen.remedy, seconds < 10) == ("moa-code doctor", True)


@pytest.mark.parametrize(
    ("call", "kind"),
    [(call, kind) for call in (PING, LIST, VERSION) for kind in ("500", "cut", "hang")]
    + [(LIST, "garbage"), (VERSION, "garbage")],  # for a ping any body will do
)
def test_trouble_at_the_opening_is_said_so(proxy, in_sandbox, impatient, call, kind):
    fault = proxy.fault(call, kind)
    with pytest.raises(SandboxUnavailable) as caught:
        in_sandbox(None, seconds=20)
    assert fault.seen
    assert caught.value.remedy
    fault.released.set()


def test_a_box_that_could_not_be_removed_is_removed_at_the_end(engine, proxy, in_sandbox):
    async def work(sandbox, bench):
        fault = proxy.fault(REMOVE, "500")
        seen = await sandbox.run_fresh(bench.job("print(1)"))
        kept = await asyncio.to_thread(engine.boxes)
        proxy.faults.clear()
        return seen, fault.seen, kept

    seen, met, kept = in_sandbox(work)
    assert (seen.stdout, met > 0, seen.box_id in kept) == (b"1\n", True, True)
    assert engine.boxes() == {}


@pytest.mark.parametrize("fresh", [False, True])
def test_a_connection_that_breaks_under_a_job_costs_nobody_an_answer(proxy, in_sandbox, fresh):
    async def work(sandbox, bench):
        run = sandbox.run_fresh if fresh else sandbox.run
        task = asyncio.create_task(run(bench.job("import time; MARK = 'cut-me'; time.sleep(0.8); print('done')")))
        await asyncio.to_thread(until, lambda: processes_that_say("cut-me"))
        return proxy.cut_streams(), await task

    cut, seen = in_sandbox(work)
    assert cut
    assert (seen.ended, seen.stdout) == (Ended.EXITED, b"done\n")


def test_a_connection_that_always_breaks_is_lost_after_a_few_boxes(proxy, in_sandbox):
    async def work(sandbox, bench):
        created = len([r for r in proxy.requests if "/create" in r])
        task = asyncio.create_task(sandbox.run(bench.job("import time; MARK = 'cut-me'; time.sleep(30)")))
        while not task.done():
            if await asyncio.to_thread(processes_that_say, "cut-me"):
                proxy.cut_streams()
            await asyncio.sleep(0.02)
        return await task, len([r for r in proxy.requests if "/create" in r]) - created

    seen, created = in_sandbox(work)
    assert (seen.ended, created) == (Ended.LOST, 2)
    assert "closed its channel" in seen.detail
