"""The contract on bubblewrap, and what that backend says of itself."""

import contextlib
import os
import signal
from pathlib import Path

import pytest
from contract import RunningContract
from contract_limits import LimitsContract
from contract_walls import WallsContract
from sandbox_bench import bench as open_bench
from sandbox_bench import bubblewrap_sandbox

from moa_code.core.errors import SandboxUnavailable

pytestmark = [
    pytest.mark.bwrap,
    pytest.mark.skipif(os.geteuid() != 0, reason="run by a user, jobs share the supervisor's uid (info says so)"),
]


def kill_boxes():
    """Our bubblewrap processes die; what lives in their namespaces must follow."""
    for task in Path("/proc/self/task").iterdir():
        children = ""
        with contextlib.suppress(OSError):  # threads come and go
            children = (task / "children").read_text()
        for pid in children.split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text() == "bwrap\n":
                    os.kill(int(pid), signal.SIGKILL)


@pytest.fixture(scope="module")
def bench():
    sandbox = bubblewrap_sandbox()
    yield from open_bench(sandbox, sandbox._root.python, kill_boxes)


@pytest.fixture
def make_sandbox():
    return bubblewrap_sandbox


class TestRunning(RunningContract):
    pass


class TestLimits(LimitsContract):
    pass


class TestWalls(WallsContract):
    pass


def test_info_names_what_is_kept_and_what_is_missing(bench):
    info = bench.sandbox.info
    assert info.backend == "bubblewrap"
    assert info.image_digest.startswith("venv:")
    assert (info.enforced["network"], info.enforced["seccomp"], info.enforced["uid"]) == (
        "none", "own allow-list", "one a job",
    )  # fmt: skip
    assert [reason.split(":")[0] for reason in info.missing] == ["memory and pids by cgroup", "cpus"]


def test_without_bubblewrap_it_is_said_so(monkeypatch):
    import asyncio

    sandbox = bubblewrap_sandbox()
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxUnavailable, match="not installed") as caught:
        asyncio.run(sandbox.open())
    assert "bubblewrap" in caught.value.remedy


def test_a_supervisor_that_does_not_come_up_tells_why(monkeypatch):
    import asyncio

    from moa_code.sandbox import bubblewrap

    monkeypatch.setattr(bubblewrap, "supervisor_settings", lambda separate_uids: "no JSON")
    sandbox = bubblewrap_sandbox()

    async def use():
        try:
            await sandbox.open()
        finally:
            await sandbox.aclose()

    with pytest.raises(SandboxUnavailable, match="JSONDecodeError"):
        asyncio.run(use())
