"""What the whole suite shares: tests that need an engine or bubblewrap skip aloud, and nothing may be left behind."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from moa_code.core.errors import MoaError

SETTLE_S = 5.0  # what is dying when the session ends is given this long
ENGINE_MOUNTS = (
    "/var/lib/docker/",
    "/run/docker/",
    "/var/lib/containerd/",
    "/run/containerd/",
)  # come and go with boxes

_owners = {os.getpid()}
_missing = {}
_before = {}


@pytest.fixture
def owns_boxes():
    """Call with the pid of a process that opens sandboxes: what it leaves counts as ours at the end."""
    return _owners.add


@pytest.fixture(scope="session")
def sandbox_image():
    """Digest of the sandbox image, built if need be."""
    from moa_code.provision.setup import run_setup

    return run_setup(install_engine=False, progress=lambda line: print(line, file=sys.stderr)).image.digest


def pytest_runtest_setup(item):
    for marker, why_not in (("docker", _no_engine), ("bwrap", _no_bwrap)):
        if item.get_closest_marker(marker) is None:
            continue
        if marker not in _missing:
            _missing[marker] = why_not()
        if reason := _missing[marker]:
            if os.environ.get("CI") == "true":
                pytest.fail(f"continuous integration must have it: {reason}", pytrace=False)
            pytest.skip(reason)


def _no_engine():
    from moa_code.sandbox.docker import _connect

    try:
        _connect().close()
    except MoaError as error:
        return error.message
    return ""


def _no_bwrap():
    return "" if shutil.which("bwrap") else "bubblewrap is not installed"


def pytest_collection_finish(session):
    """The state to compare with, taken only where a test could leave something."""
    if any(item.get_closest_marker(name) for item in session.items for name in ("docker", "bwrap")):
        _before.update(_held())


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session, exitstatus):
    """The run fails, whatever its tests said, when something of it is still there."""
    if not _before:
        return
    deadline = time.monotonic() + SETTLE_S
    while (left := _left()) and time.monotonic() < deadline:
        time.sleep(0.1)
    if left:
        session.config.stash[_LEFT] = left
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    left = config.stash.get(_LEFT, None)
    if left:
        terminalreporter.section("LEFT BEHIND", sep="=", red=True, bold=True)
        for kind, things in left.items():
            for thing in things:
                terminalreporter.line(f"LEFT BEHIND: {kind}: {thing}", red=True)


_LEFT = pytest.StashKey()


@pytest.fixture
def left_behind():
    """What is there now and was not when the session began, by kind; empty when all is well."""
    return _left


def _left():
    now = _held()
    return {kind: sorted(now[kind] - _before.get(kind, set())) for kind in now if now[kind] - _before.get(kind, set())}


def _held():
    return {"container": _containers(), "process": _processes(), "mount": _mounts()}


def _containers():
    """Boxes of this run. Others may use the same engine at the same time, so only those of our owners count."""
    import docker
    import docker.errors

    from moa_code.sandbox.docker import LABEL, OWNER_LABEL
    from moa_code.sandbox.owner import Owner

    try:
        client = docker.from_env(timeout=20)
        found = client.api.containers(all=True, filters={"label": LABEL})
    except docker.errors.DockerException:
        return set()
    client.close()
    owners = {c["Names"][0]: Owner.parse(c["Labels"].get(OWNER_LABEL, "")) for c in found}
    return {name for name, owner in owners.items() if owner is not None and owner.pid in _owners}


def _processes():
    """Zombies and bubblewrap processes among our children, and boxes whose bubblewrap died before them."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        name, (state, parent) = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2 :].split()[:2]
        ours = int(parent) in _owners
        orphan = parent == "1" and b"/opt/moa/box/server.py" in command
        if (ours and (state == "Z" or name == "bwrap")) or (orphan and name != "docker-init"):
            found.add(f"{entry.name} {name} ({state}), child of {parent}")
    return found


def _mounts():
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    in_use = os.environ.get("PRIVATE_ENGINE_IN_USE")  # that of tests/faults, which lives as long as it is needed
    return {mount for mount in mounts if not mount.startswith((*ENGINE_MOUNTS, *([in_use] if in_use else [])))}
