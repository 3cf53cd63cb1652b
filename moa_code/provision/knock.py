"""Knocks at a Docker engine: where it would be, whether it answers, what it is."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from moa_code.core.errors import SandboxUnavailable

if TYPE_CHECKING:
    from docker import DockerClient

PROBE_S = 5


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
        client = connect(wanted, timeout_s=PROBE_S)
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
        probe.settimeout(PROBE_S)
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
