"""What a killed owner leaves behind is taken away; what a living one uses is left alone."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_bench import SETTINGS, Bench, bubblewrap_sandbox, docker_sandbox

from moa_code.sandbox.owner import is_dead, this_process

CHILD = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from sandbox_bench import Bench, bubblewrap_sandbox, docker_sandbox

async def main():
    sandbox = docker_sandbox(sys.argv[3]) if sys.argv[2] == "docker" else bubblewrap_sandbox()
    python = "/opt/moa/bin/python" if sys.argv[2] == "docker" else sandbox._root.python
    await sandbox.open()
    bench = Bench(None, sandbox, python, None)
    running = asyncio.create_task(sandbox.run(bench.job("import time; time.sleep(60)", wall_s=60)))
    print((await sandbox.run(bench.job("print(1)"))).box_id, flush=True)
    await running

asyncio.run(main())
"""


@pytest.fixture
def owner_process(owns_boxes):
    """Starts a process with an open sandbox and a running job; gives it back with the name of one of its boxes."""
    started = []

    def start(*argv):
        command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), *argv]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        owns_boxes(process.pid)
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def containers(owner):
    import docker

    from moa_code.sandbox.docker import LABEL, OWNER_LABEL

    client = docker.from_env(timeout=20)
    found = client.api.containers(all=True, filters={"label": [LABEL, f"{OWNER_LABEL}={owner}"]})
    client.close()
    return {name.lstrip("/") for one in found for name in one["Names"]}


def owner_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return replace(this_process(), pid=pid, started=int(fields[19]))


@pytest.mark.docker
def test_boxes_of_a_killed_owner_are_swept_and_those_of_a_living_one_are_not(owner_process, sandbox_image):
    doomed, box = owner_process("docker", sandbox_image)
    living, living_box = owner_process("docker", sandbox_image)
    dead, alive = owner_of(doomed.pid), owner_of(living.pid)
    assert box in containers(dead)
    doomed.kill()
    doomed.wait()
    before = containers(alive)
    assert (is_dead(dead), is_dead(alive), living_box in before) == (True, False, True)

    async def open_and_close():
        sandbox = docker_sandbox(sandbox_image)
        await sandbox.open()
        try:
            return await sandbox.run(Bench(None, sandbox, "/opt/moa/bin/python", None).job("print('fine')"))
        finally:
            await sandbox.aclose()

    assert asyncio.run(open_and_close()).stdout == b"fine\n"
    assert containers(dead) == set()
    assert containers(alive) == before
    assert living.poll() is None
    living.kill()
    living.wait()
    asyncio.run(open_and_close())
    assert containers(alive) == set()


@pytest.mark.docker
def test_a_box_whose_owner_was_killed_ends_by_itself(owner_process, sandbox_image):
    """Its channel has closed: it does not go on using the machine until somebody sweeps."""
    import docker

    process, box = owner_process("docker", sandbox_image)
    process.kill()
    process.wait()
    client = docker.from_env(timeout=20)
    deadline = time.monotonic() + 10
    while client.api.inspect_container(box)["State"]["Running"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not client.api.inspect_container(box)["State"]["Running"]
    client.close()
    asyncio.run(_open_and_close(docker_sandbox(sandbox_image)))


@pytest.mark.docker
def test_two_sandboxes_side_by_side_leave_each_other_alone(sandbox_image):
    async def both():
        first, second = docker_sandbox(sandbox_image), docker_sandbox(sandbox_image)
        job = Bench(None, None, "/opt/moa/bin/python", None).job("print('fine')")
        await first.open()
        box = (await first.run(job)).box_id
        await second.open()
        other = (await second.run(job)).box_id
        await second.aclose()
        again = await first.run(job)
        await first.aclose()
        return box, other, again

    box, other, again = asyncio.run(both())
    assert other != box
    assert (again.box_id, again.stdout) == (box, b"fine\n")


@pytest.mark.bwrap
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_bubblewrap_boxes_die_with_their_owner(owner_process, number):
    process, _ = owner_process("bubblewrap")
    inside = descendants(process.pid)
    assert len(inside) >= 6  # two boxes: bubblewrap twice, supervisor, zygote each
    os.kill(process.pid, number)
    process.wait()
    deadline = time.monotonic() + 5
    while (alive := {pid for pid in inside if running(pid)}) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert alive == set()


@pytest.mark.bwrap
def test_bubblewrap_leaves_nothing_behind(left_behind):
    asyncio.run(_open_and_close(bubblewrap_sandbox()))
    assert gone(left_behind)


@pytest.mark.docker
def test_docker_leaves_nothing_behind(left_behind, sandbox_image):
    asyncio.run(_open_and_close(docker_sandbox(sandbox_image)))
    assert gone(left_behind)


@pytest.mark.bwrap
def test_closing_while_jobs_run_and_boxes_start_leaves_nothing(left_behind):
    closing_under_load(bubblewrap_sandbox())
    assert gone(left_behind)


@pytest.mark.docker
def test_closing_docker_while_jobs_run_and_boxes_start_leaves_nothing(left_behind, sandbox_image):
    closing_under_load(docker_sandbox(sandbox_image))
    assert gone(left_behind)


def closing_under_load(sandbox):
    python = "/opt/moa/bin/python" if sandbox.info.backend == "docker" else sandbox._root.python
    job = Bench(None, None, python, None).job("import time; time.sleep(30)", wall_s=40)

    async def work():
        await sandbox.open()
        jobs = [asyncio.create_task(run(job)) for run in (sandbox.run, sandbox.run_fresh, sandbox.run)]
        await asyncio.sleep(0.15)
        await sandbox.aclose()
        return await asyncio.gather(*jobs, return_exceptions=True)

    async def bounded():
        async with asyncio.timeout(20):
            return await work()

    answers = asyncio.run(bounded())
    assert all("closed" in str(answer) for answer in answers), answers


def gone(left_behind):
    """Of what this module's own tests do: other modules' sandboxes are open until they end."""
    deadline = time.monotonic() + 5
    while (left := left_behind()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == {}
    return True


async def _open_and_close(sandbox):
    assert SETTINGS.slots == 2
    await sandbox.open()
    await sandbox.aclose()


def descendants(root):
    found, waiting = set(), [root]
    while waiting:
        for listed in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                children = {int(pid) for pid in listed.read_text().split()}
            except OSError:  # the thread has ended meanwhile
                continue
            found |= children
            waiting += children
    return found


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
