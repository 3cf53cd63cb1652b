"""Finds a Docker engine that answers; where it may, starts or installs one; stops only what it started itself."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from moa_code.core.errors import SandboxUnavailable
from moa_code.provision.machine import Finished, Machine, Progress, ThisMachine, apt_install, is_debian, quiet
from moa_code.provision.places import engine_state_path

if TYPE_CHECKING:
    from docker import DockerClient

_PROBE_S = 5
_START_S = 60
PACKAGES = ("docker.io", "iptables", "ca-certificates")


class Reach(StrEnum):
    """What came back when we knocked."""

    ANSWERS = "answers"
    ABSENT = "absent"  # nothing listens there
    DENIED = "denied"  # it listens, not to us
    BROKEN = "broken"  # something listens and does not answer as an engine does


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One knock at one engine. The facts after `detail` are empty unless it answers."""

    host: str  # as DOCKER_HOST spells it
    reach: Reach
    detail: str = ""
    version: str = ""
    architecture: str = ""  # x86_64, aarch64
    cgroup_version: str = ""
    storage: str = ""
    data_root: str = ""

    @property
    def local(self) -> bool:
        """Whether the engine would run on this machine, so that we may start it."""
        return self.host.startswith("unix://")


class Knock(Protocol):
    def __call__(self, env: Mapping[str, str]) -> Engine: ...


def engine_env(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with DOCKER_HOST as the engine is to be looked for.

    DOCKER_HOST and the current Docker context come first, as they do for Docker's own client. Without either, and
    without the system's socket, a rootless engine's socket is used when there is one.
    """
    found = dict(env)
    if found.get("DOCKER_HOST"):
        return found
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        host = ContextAPI.kwargs_from_context(environment=env).get("base_url", "")
    except (DockerException, OSError, ValueError) as error:
        raise SandboxUnavailable(
            f"the current Docker context cannot be read: {error}", remedy="docker context use default"
        ) from error
    plain = host.removeprefix("http+").replace("unix:///", "unix:/").replace("unix:/", "unix:///")
    if plain not in {"", "unix:///var/run/docker.sock"}:
        return found
    rootless = f"{env.get('XDG_RUNTIME_DIR', '')}/docker.sock"
    if rootless != "/docker.sock" and not Path("/var/run/docker.sock").exists() and Path(rootless).exists():
        found["DOCKER_HOST"] = f"unix://{rootless}"
    return found


def connect(env: Mapping[str, str] | None = None, *, timeout_s: int = 60) -> DockerClient:
    """A client of the engine that `engine_env` points to. Raises `SandboxUnavailable` when it does not answer."""
    import docker
    from docker.errors import DockerException

    wanted = engine_env(os.environ if env is None else env)
    try:
        return docker.from_env(timeout=timeout_s, environment=wanted)
    except (DockerException, OSError, ValueError) as error:
        raise SandboxUnavailable(
            f"the Docker engine at {_host(wanted)} does not answer: {error}", remedy="moa-code setup"
        ) from error


def knock(env: Mapping[str, str]) -> Engine:
    """Ask the engine who it is; a few seconds at most. Raises only for an unreadable Docker context."""
    from docker.errors import DockerException

    wanted = engine_env(env)
    host = _host(wanted)
    if host.startswith("unix://") and (refusal := _knock_socket(host)):
        return refusal
    try:
        client = connect(wanted, timeout_s=_PROBE_S)
        try:
            info = client.api.info()
        finally:
            client.close()
    except (SandboxUnavailable, DockerException, OSError) as error:
        cause = error.__cause__ or error
        return Engine(host=host, reach=Reach.BROKEN, detail=str(cause))
    return Engine(
        host=host,
        reach=Reach.ANSWERS,
        version=str(info.get("ServerVersion", "")),
        architecture=str(info.get("Architecture", "")),
        cgroup_version=str(info.get("CgroupVersion", "1")),
        storage=str(info.get("Driver", "")),
        data_root=str(info.get("DockerRootDir", "")),
    )


def _knock_socket(host: str) -> Engine | None:
    # The client library wraps errno three times over; a plain connect tells absent from denied.
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_S)
        try:
            probe.connect(host.removeprefix("unix://"))
        except PermissionError as error:
            return Engine(host=host, reach=Reach.DENIED, detail=str(error))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            return Engine(host=host, reach=Reach.ABSENT, detail=str(error))
        except OSError as error:
            return Engine(host=host, reach=Reach.BROKEN, detail=str(error))
    return None


def _host(env: Mapping[str, str]) -> str:
    if host := env.get("DOCKER_HOST"):
        return host
    from docker.context import ContextAPI

    host = ContextAPI.kwargs_from_context(environment=env).get("base_url", "")
    path = host.removeprefix("http+").removeprefix("unix:").lstrip("/")
    return f"unix:///{path or 'var/run/docker.sock'}" if not host or "unix:" in host else host


def ensure_engine(
    *, install: bool = False, progress: Progress = quiet, machine: Machine | None = None, ask: Knock = knock
) -> Engine:
    """An engine that answers.

    Starts an installed one; with `install`, and only as root on Debian or Ubuntu, installs the distribution's
    packages first. Raises `SandboxUnavailable`, whose remedy is the command that mends it.
    """
    machine = machine or ThisMachine()
    engine = ask(machine.env)
    if engine.reach is Reach.ANSWERS:
        return engine
    if engine.reach is Reach.DENIED:
        user = machine.env.get("USER") or "$USER"
        raise SandboxUnavailable(
            f"{user} may not use the Docker engine at {engine.host} (not in the group docker)",
            remedy=f"sudo usermod -aG docker {user} && newgrp docker   (or --backend bubblewrap)",
        )
    if engine.reach is Reach.BROKEN or not engine.local:
        raise SandboxUnavailable(
            f"the Docker engine at {engine.host} does not answer: {engine.detail}",
            remedy="unset DOCKER_HOST, or: docker context use default"
            if not engine.local
            else "sudo systemctl restart docker",
        )
    if machine.which("dockerd") is None:
        _install(install, progress, machine)
        engine = ask(machine.env)
        if engine.reach is Reach.ANSWERS:
            # The package's own scripts started it.
            _remember(machine, "systemd" if machine.exists("/run/systemd/system") else "service", 0)
            return engine
    return _start(engine, progress, machine, ask)


def _install(allowed: bool, progress: Progress, machine: Machine) -> None:
    debian = is_debian(machine)
    if not (allowed and debian and machine.is_root()):
        if not debian:
            remedy = "install Docker Engine 20.10 or newer from your distribution, then: moa-code setup"
        elif machine.is_root():
            remedy = "moa-code setup --install-engine"
        else:
            remedy = (
                f"sudo apt-get install -y {PACKAGES[0]} && sudo usermod -aG docker $USER   (or --backend bubblewrap)"
            )
        raise SandboxUnavailable("no Docker engine is installed on this machine", remedy=remedy)
    progress("no Docker engine here; installing the distribution's own")
    done = apt_install(machine, PACKAGES, progress)
    if not done.ok:
        raise SandboxUnavailable(
            f"apt-get could not install {PACKAGES[0]} (exit status {done.code}):{done.quote()}",
            remedy=f"apt-get update && apt-get install -y {PACKAGES[0]}",
        )


def _start(engine: Engine, progress: Progress, machine: Machine, ask: Knock) -> Engine:
    if not machine.is_root():
        systemd = machine.exists("/run/systemd/system")
        raise SandboxUnavailable(
            "a Docker engine is installed and not running",
            remedy="sudo systemctl start docker" if systemd else "sudo service docker start",
        )
    failures: list[str] = []
    service = _service(machine)
    # DOCKER_HOST names another socket than the one that a service would listen on.
    if service and engine.host in {"unix:///var/run/docker.sock", "unix:///run/docker.sock"}:
        progress(f"starting the Docker engine: {' '.join(service)}")
        done = machine.run(service, timeout_s=_START_S, progress=progress)
        if done.ok and (up := _wait(machine, ask, 20, None)):
            _remember(machine, "systemd" if service[0] == "systemctl" else "service", 0)
            return up
        failures.append(f"{' '.join(service)}: exit status {done.code}{done.quote()}")
    log = engine_state_path(machine.env).with_name("dockerd.log")
    # Boxes have no network, so an engine without bridge and packet filter serves them as well; where the kernel
    # or the container around us forbids both, it is the only one that starts.
    for extra in ((), ("--iptables=false", "--bridge=none")):
        dockerd = machine.which("dockerd") or "dockerd"
        argv = [dockerd, "--host", engine.host, *extra]
        progress(f"starting the Docker engine: {' '.join(argv)} (log: {log})")
        pid = machine.spawn(argv, log)
        _remember(machine, "dockerd", pid)
        if up := _wait(machine, ask, _START_S, pid):
            return up
        failures.append(f"{' '.join(argv)}:{Finished(code=1, tail=_last_lines(log)).quote()}")
        if _alive(machine, pid):
            machine.run(["kill", str(pid)], timeout_s=5)
        _forget(machine)
    raise SandboxUnavailable(
        "the Docker engine did not start:\n  " + "\n  ".join(failures),
        remedy=f"less {log}   (or --backend bubblewrap)",
    )


def _service(machine: Machine) -> list[str]:
    if machine.exists("/run/systemd/system") and machine.which("systemctl"):
        return ["systemctl", "start", "docker"]
    if machine.exists("/etc/init.d/docker") and machine.which("service"):
        return ["service", "docker", "start"]
    return []


def _wait(machine: Machine, ask: Knock, seconds: int, pid: int | None) -> Engine | None:
    for _ in range(seconds * 4):
        engine = ask(machine.env)
        if engine.reach is Reach.ANSWERS:
            return engine
        if pid is not None and not _alive(machine, pid):
            return None
        machine.sleep(0.25)
    return None


def _started_ticks(machine: Machine, pid: int) -> str:
    """When process `pid` started, in clock ticks since boot (proc(5)); empty when it is gone or a zombie."""
    if not machine.exists(f"/proc/{pid}/stat"):
        return ""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _alive(machine: Machine, pid: int) -> bool:
    return _started_ticks(machine, pid) != ""


def _last_lines(log: Path) -> tuple[str, ...]:
    try:
        return tuple(log.read_text(errors="replace").splitlines()[-8:])
    except FileNotFoundError:
        return ()


def _remember(machine: Machine, how: str, pid: int) -> None:
    path = engine_state_path(machine.env)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"how": how, "pid": pid, "started": _started_ticks(machine, pid)}))


def _forget(machine: Machine) -> None:
    engine_state_path(machine.env).unlink(missing_ok=True)


def stop_if_ours(progress: Progress = quiet, machine: Machine | None = None) -> bool:
    """Stop the engine if we started it, it still is that one, and nothing runs in it. True when it was stopped."""
    machine = machine or ThisMachine()
    path = engine_state_path(machine.env)
    try:
        noted = cast("dict[str, object]", json.loads(path.read_text()))
        how, pid, started = str(noted["how"]), int(str(noted["pid"])), str(noted["started"])
    except (FileNotFoundError, ValueError, KeyError):
        return False
    if how == "dockerd" and (not started or _started_ticks(machine, pid) != started):
        _forget(machine)
        return False
    if busy := _running_containers(machine.env):
        progress(f"leaving the Docker engine up: {busy} containers are running in it")
        return False
    argv = {
        "systemd": ["systemctl", "stop", "docker.socket", "docker"],
        "service": ["service", "docker", "stop"],
        "dockerd": ["kill", str(pid)],
    }[how]
    progress(f"stopping the Docker engine that we started: {' '.join(argv)}")
    done = machine.run(argv, timeout_s=60, progress=progress)
    if not done.ok:
        raise SandboxUnavailable(f"the Docker engine could not be stopped:{done.quote()}", remedy=" ".join(argv))
    for _ in range(80):
        if how != "dockerd" or not _alive(machine, pid):
            break
        machine.sleep(0.25)
    _forget(machine)
    return True


def _running_containers(env: Mapping[str, str]) -> int:
    try:
        client = connect(env, timeout_s=_PROBE_S)
    except SandboxUnavailable:
        return 0
    try:
        return len(client.containers.list())
    finally:
        client.close()
