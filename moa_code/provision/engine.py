"""Gets a Docker engine to answer: starts or installs one where it may, and stops only what it started itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from moa_code.core.errors import SandboxUnavailable
from moa_code.provision.knock import PROBE_S, Engine, Knock, Reach, connect, knock
from moa_code.provision.machine import Finished, Machine, Progress, ThisMachine, apt_install, is_debian, quiet
from moa_code.provision.places import engine_state_path

_START_S = 60
_STOP_S = 20
PACKAGES = ("docker.io", "iptables", "ca-certificates")


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
        restart = "systemctl restart docker" if machine.exists("/run/systemd/system") else "service docker restart"
        raise SandboxUnavailable(
            f"the Docker engine at {engine.host} does not answer: {engine.detail}",
            remedy=f"sudo {restart}" if engine.local else "unset DOCKER_HOST, or: docker context use default",
        )
    if machine.env.get("DOCKER_HOST"):
        # Somebody else's engine: one that we started would listen elsewhere.
        raise SandboxUnavailable(
            f"no Docker engine answers at {engine.host}, which DOCKER_HOST names: {engine.detail}",
            remedy="start that engine, or unset DOCKER_HOST",
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
            machine.terminate(pid)
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


def _gone(machine: Machine, pid: int) -> bool:
    for _ in range(_STOP_S * 4):
        if not _alive(machine, pid):
            return True
        machine.sleep(0.25)
    return False


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
    if how == "dockerd":
        progress(f"stopping the Docker engine that we started: process {pid}")
        machine.terminate(pid)
        if not _gone(machine, pid):
            raise SandboxUnavailable(f"the Docker engine does not end: process {pid}", remedy=f"kill {pid}")
    else:
        argv = ["systemctl", "stop", "docker.socket", "docker"] if how == "systemd" else ["service", "docker", "stop"]
        progress(f"stopping the Docker engine that we started: {' '.join(argv)}")
        done = machine.run(argv, timeout_s=60, progress=progress)
        if not done.ok:
            raise SandboxUnavailable(f"the Docker engine could not be stopped:{done.quote()}", remedy=" ".join(argv))
    _forget(machine)
    return True


def _running_containers(env: Mapping[str, str]) -> int:
    try:
        client = connect(env, timeout_s=PROBE_S)
    except SandboxUnavailable:
        return 0
    try:
        return len(client.containers.list())
    finally:
        client.close()
