"""The contract on a Docker engine, and what that backend says of itself."""

import pytest
from contract import RunningContract
from contract_limits import LimitsContract
from contract_walls import WallsContract
from sandbox_bench import LIMITS, docker_sandbox
from sandbox_bench import bench as open_bench

from moa_code.core.errors import SandboxUnavailable
from moa_code.sandbox.docker import LABEL, OWNER_LABEL
from moa_code.sandbox.owner import this_process

pytestmark = pytest.mark.docker


def kill_boxes():
    """The supervisors of our boxes die, as under the kernel's out-of-memory killer."""
    import docker
    import docker.errors

    client = docker.from_env(timeout=20)
    for found in client.api.containers(filters={"label": [LABEL, f"{OWNER_LABEL}={this_process()}"]}):
        try:
            client.api.kill(found["Id"])
        except docker.errors.APIError:  # gone already
            continue
    client.close()


@pytest.fixture(scope="module")
def bench(sandbox_image):
    yield from open_bench(docker_sandbox(sandbox_image), "/opt/moa/bin/python", kill_boxes)


@pytest.fixture
def make_sandbox(sandbox_image):
    return lambda: docker_sandbox(sandbox_image)


class TestRunning(RunningContract):
    pass


class TestLimits(LimitsContract):
    pass


class TestWalls(WallsContract):
    pass


def test_info_names_engine_image_and_effective_limits(bench, sandbox_image):
    info = bench.sandbox.info
    assert (info.backend, info.image_digest) == ("docker", sandbox_image)
    assert info.python.startswith("3.")
    assert info.enforced["network"] == "none"
    assert info.enforced["uid"] == "one a job"
    assert int(info.enforced["memory_bytes"]) > LIMITS.memory_bytes
    assert int(info.enforced["pids"]) > LIMITS.pids
    assert info.missing == ()


def test_the_engine_enforces_what_info_says(bench):
    import docker

    client = docker.from_env(timeout=20)
    bench.run("pass")
    found = client.api.containers(filters={"label": [LABEL, f"{OWNER_LABEL}={this_process()}"]})
    assert found
    for one in found:
        host = client.api.inspect_container(one["Id"])["HostConfig"]
        assert (host["NetworkMode"], host["ReadonlyRootfs"], host["CapDrop"]) == ("none", True, ["ALL"])
        assert (host["Memory"], host["PidsLimit"]) == tuple(
            int(bench.sandbox.info.enforced[name]) for name in ("memory_bytes", "pids")
        )
        assert host["MemorySwap"] == host["Memory"]
        assert not host["Binds"]
        assert not host["Privileged"]
        assert "no-new-privileges" in host["SecurityOpt"]
        assert any(option.startswith("seccomp={") for option in host["SecurityOpt"])
    client.close()


def test_an_image_that_is_gone_is_said_so():
    import asyncio

    sandbox = docker_sandbox("sha256:" + "0" * 64)

    async def use():
        try:
            await sandbox.open()
        finally:
            await sandbox.aclose()

    with pytest.raises(SandboxUnavailable, match="gone") as caught:
        asyncio.run(use())
    assert caught.value.remedy == "moa-code setup"


def test_a_supervisor_that_does_not_come_up_tells_why(sandbox_image, monkeypatch):
    import asyncio

    from moa_code.sandbox import docker

    monkeypatch.setattr(docker, "supervisor_settings", lambda separate_uids: "no JSON")
    sandbox = docker_sandbox(sandbox_image)

    async def use():
        try:
            await sandbox.open()
        finally:
            await sandbox.aclose()

    with pytest.raises(SandboxUnavailable, match="JSONDecodeError"):
        asyncio.run(use())
