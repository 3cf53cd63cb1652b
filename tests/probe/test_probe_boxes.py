"""The probe on real boxes: tight on both backends, and a wall that is taken away is found."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from moa_code.config import load_config
from moa_code.core.errors import SandboxUnavailable
from moa_code.probe.findings import Standing
from moa_code.probe.jobs import probe
from moa_code.sandbox.docker import DockerSandbox
from moa_code.sandbox.settings import SandboxSettings
from moa_code.wiring.session import _bubblewrap, open_session, seccomp_profile

SETTINGS = SandboxSettings(slots=2)
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="run by a user, jobs share the supervisor's uid (info says so)")


def probed(sandbox):
    async def main():
        try:
            await sandbox.open()
            return await probe(sandbox, SETTINGS.limits)
        finally:
            await sandbox.aclose()

    return asyncio.run(main())


def holes(report):
    return {(f.kind, f.name) for f in report.faults}


@pytest.mark.docker
def test_docker_is_tight(sandbox_image):
    report = probed(DockerSandbox(sandbox_image, SETTINGS, seccomp_profile()))
    assert report.tight, report.faults
    assert {f.standing for f in report.findings} == {Standing.REFUSED, Standing.ALLOWED}
    assert len(report.findings) > 250
    assert report.kernel == report.box.kernel


@pytest.mark.bwrap
@AS_ROOT
def test_bubblewrap_is_tight():
    report = probed(_bubblewrap(SETTINGS, lambda line: print(line, file=sys.stderr)))
    assert report.tight, report.faults
    assert {f.standing for f in report.findings} == {Standing.REFUSED, Standing.ALLOWED}


@pytest.mark.docker
def test_a_box_without_the_filter_is_found_out_and_refused(sandbox_image, tmp_path):
    """By the probe, and by the first session that would have worked with it."""
    report = probed(DockerSandbox(sandbox_image, SETTINGS, "unconfined"))
    found = holes(report)
    assert not report.tight
    for expected in (
        ("network", "socket(AF_INET)"),
        ("network", "socket(AF_NETLINK)"),
        ("tracing", "ptrace(ATTACH) of its own child"),
        ("tracing", "process_vm_readv()"),
        ("keyrings", "add_key()"),
        ("kernel", "running without a filter"),
    ):
        assert expected in found
    assert "writing outside" not in {kind for kind, _ in found}

    environment = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    config = load_config(environment=environment, flags={"journal": str(tmp_path / "journal.sqlite")})

    async def work():
        weak = DockerSandbox(sandbox_image, SETTINGS, "unconfined")
        async with open_session(config, environment, print, sandbox=weak):
            pytest.fail("a session was opened over it")

    with pytest.raises(SandboxUnavailable, match="AF_INET"):
        asyncio.run(work())
    assert not list(Path(tmp_path / "cache").rglob("*.json"))


def _writable(options):
    options["host_config"]["ReadonlyRootfs"] = False


def _networked(options):
    options["host_config"]["NetworkMode"] = "host"  # there is not a bridge everywhere
    options["network_disabled"] = False


def _with_the_profile_of_the_engine(options):
    options["host_config"]["SecurityOpt"] = ["no-new-privileges"]


@pytest.mark.docker
@pytest.mark.parametrize(
    ("weaken", "expected"),
    [
        (_networked, ("network", "a route to a network")),
        (_writable, ("writing outside", "a folder that is not its own")),
        (_with_the_profile_of_the_engine, ("network", "socket(AF_INET)")),
    ],
    ids=["network", "root", "profile"],
)
def test_a_wall_that_is_taken_away_is_missed(sandbox_image, monkeypatch, weaken, expected):
    from docker.api.client import APIClient

    if weaken is _networked and len(Path("/proc/net/route").read_text().splitlines()) < 2:
        pytest.skip("this machine has no network to show")
    create = APIClient.create_container

    def weakened(self, image, **options):
        weaken(options)
        return create(self, image, **options)

    monkeypatch.setattr(APIClient, "create_container", weakened)
    assert expected in holes(probed(DockerSandbox(sandbox_image, SETTINGS, seccomp_profile())))
