"""Boxes made by a Docker engine: one container each, its supervisor reached through the attach stream."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moa_code.core.box import BoxInfo, Job, Limits, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.sandbox.box import Box, LastWords
from moa_code.sandbox.owner import Owner, is_dead, this_process
from moa_code.sandbox.pool import USES, Pool
from moa_code.sandbox.settings import (
    FILE_SLACK_BYTES,
    SHM_BYTES,
    SUPERVISOR_BYTES,
    SUPERVISOR_CAPABILITIES,
    SUPERVISOR_PIDS,
    TMP_BYTES,
    TREE_BYTES,
    TREE_INODES,
    SandboxSettings,
    environment,
    supervisor_settings,
)
from moa_code.sandbox.wire import Channel

if TYPE_CHECKING:
    import docker

LABEL = "moa-code.box"
OWNER_LABEL = "moa-code.owner"
DEADLINE_LABEL = "moa-code.deadline"
LIFETIME_S = 6 * 3600  # after this even an owner on another host is taken for dead
API_TIMEOUT_S = 60
STREAM_PREFIX = struct.Struct(">BxxxI")
STDOUT = 1
STDERR = 2
COMMAND = ("/opt/moa/bin/python", "-s", "-P", "/opt/moa/box/server.py")


class DockerSandbox:
    """The `docker` backend of the `Sandbox` port. `image` is a digest, so that what runs is what is named."""

    def __init__(self, image: str, settings: SandboxSettings, seccomp_profile: str) -> None:
        self._image = image
        self._settings = settings
        self._profile = seccomp_profile
        self._pool = Pool(self._start, settings.slots)
        self._client: docker.DockerClient | None = None
        self._info = BoxInfo(backend="docker", image_digest=image)

    @property
    def info(self) -> BoxInfo:
        return self._info

    @property
    def slots(self) -> int:
        return self._settings.slots

    async def open(self) -> None:
        """Connects, sweeps what dead owners left, starts one box. Raises `SandboxUnavailable`."""
        self._client = await asyncio.to_thread(_connect)
        await asyncio.to_thread(_sweep, self._client)
        box = await self._pool.warm_up(self._settings.limits)
        version = await asyncio.to_thread(self._client.version)
        limits = self._settings.limits
        self._info = BoxInfo(
            backend="docker",
            image_digest=self._image,
            python=str(box.facts.get("python", "")),
            enforced={
                "engine": str(version.get("Version", "")),
                "network": "none",
                "root": "read-only",
                "capabilities": "none for jobs",
                "seccomp": "own allow-list",
                "uid": "one a job" if box.facts.get("uid_separation") else "shared",
                "memory_bytes": str(limits.memory_bytes + SUPERVISOR_BYTES),
                "pids": str(limits.pids + SUPERVISOR_PIDS),
                "cpus": str(self._settings.cpus),
                "tmpfs_bytes": str(TREE_BYTES + limits.disk_bytes),
            },
            missing=() if box.facts.get("confines_memory") else ("memory by cgroup: the kernel shows no limit",),
        )

    async def run(self, job: Job) -> Observation:
        return await self._pool.run(job)

    async def run_fresh(self, job: Job) -> Observation:
        return await self._pool.run_fresh(job)

    async def aclose(self) -> None:
        await self._pool.aclose()
        if self._client is not None:
            await asyncio.to_thread(self._client.close)

    async def _start(self, limits: Limits) -> Box:
        if self._client is None:
            raise SandboxUnavailable("the sandbox was not opened")
        name = f"moa-code-{secrets.token_hex(6)}"
        starting = asyncio.create_task(asyncio.to_thread(self._create, name, limits))
        try:
            container, stream = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread cannot be stopped: wait for what it makes, then take it away.
            await asyncio.gather(starting, return_exceptions=True)
            await asyncio.to_thread(self._remove, name, None)
            raise
        words = LastWords()
        try:
            channel, pump = await _channel(stream, words)
        except BaseException:
            await asyncio.to_thread(self._remove, container, stream)
            raise

        async def kill() -> None:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            channel.close()
            await asyncio.to_thread(self._remove, container, stream)

        return Box(box_id=name, channel=channel, kill=kill, last_words=words.text, uses_left=USES)

    def _create(self, name: str, limits: Limits) -> tuple[str, socket.socket]:
        """A started container and the attach stream to its supervisor. Blocking."""
        import docker.errors
        import requests.exceptions

        assert self._client is not None
        api = self._client.api
        try:
            created = api.create_container(
                self._image,
                command=[*COMMAND, supervisor_settings(separate_uids=True)],
                name=name,
                user="0:0",
                working_dir="/",
                hostname="box",
                stdin_open=True,
                network_disabled=True,
                environment=environment(secrets.randbelow(1 << 32)),
                labels={
                    LABEL: "1",
                    OWNER_LABEL: str(this_process()),
                    DEADLINE_LABEL: str(int(time.time()) + LIFETIME_S),
                },
                host_config=api.create_host_config(**self.walls(limits)),
            )
            try:
                stream = _attach(api, created["Id"])
                api.start(created["Id"])
            except BaseException:
                with contextlib.suppress(docker.errors.APIError):
                    api.remove_container(created["Id"], force=True, v=True)
                raise
        except docker.errors.ImageNotFound as error:
            raise SandboxUnavailable(f"the sandbox image {self._image} is gone", remedy="moa-code setup") from error
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise SandboxUnavailable(f"the engine could not start a box: {error}", remedy="moa-code doctor") from error
        return created["Id"], stream

    def walls(self, limits: Limits) -> dict[str, Any]:
        """What the engine enforces around a box, whatever runs in it."""
        from docker.types import LogConfig, Ulimit

        memory = limits.memory_bytes + SUPERVISOR_BYTES
        file_bytes = limits.disk_bytes + FILE_SLACK_BYTES
        box = f"size={TREE_BYTES + limits.disk_bytes},nr_inodes={TREE_INODES + limits.inodes}"
        return {
            "network_mode": "none",
            "read_only": True,
            "init": True,
            "ipc_mode": "private",
            "cap_drop": ["ALL"],
            "cap_add": list(SUPERVISOR_CAPABILITIES),
            "security_opt": ["no-new-privileges", f"seccomp={self._profile}"],
            "pids_limit": limits.pids + SUPERVISOR_PIDS,
            "mem_limit": memory,
            "memswap_limit": memory,
            "nano_cpus": int(self._settings.cpus * 1e9),
            "shm_size": SHM_BYTES,
            "tmpfs": {
                "/box": f"{box},mode=0755,exec,nosuid,nodev",
                "/tmp": f"size={TMP_BYTES},nr_inodes=10000,mode=1777,exec,nosuid,nodev",  # noqa: S108
            },
            "ulimits": [
                Ulimit(name="core", soft=0, hard=0),
                Ulimit(name="nofile", soft=4096, hard=4096),
                Ulimit(name="fsize", soft=file_bytes, hard=file_bytes),
            ],
            "log_config": LogConfig(type="none"),
        }

    def _remove(self, container: str, stream: socket.socket | None) -> None:
        """Shut the stream first: an unread flood would wedge the engine's teardown. Blocking; gone already is fine."""
        import docker.errors
        import requests.exceptions

        if stream is not None:
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
            stream.close()
        assert self._client is not None
        # An engine that has gone away leaves the container to the sweep of the next start.
        with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException):
            self._client.api.remove_container(container, force=True, v=True)


def _connect() -> docker.DockerClient:
    import docker
    import docker.errors
    import requests.exceptions

    try:
        client = docker.from_env(timeout=API_TIMEOUT_S)
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise SandboxUnavailable(
            f"no Docker engine answers: {error}", remedy="moa-code setup, or --backend bubblewrap"
        ) from error
    return client


def _sweep(client: docker.DockerClient) -> None:
    """Remove the boxes of owners that have died; never those of a living verifier beside us."""
    import docker.errors

    for container in client.api.containers(all=True, filters={"label": LABEL}):
        labels: Mapping[str, str] = container.get("Labels") or {}
        owner = Owner.parse(labels.get(OWNER_LABEL, ""))
        overdue = int(labels.get(DEADLINE_LABEL) or 0) < time.time()
        if overdue or (owner is not None and is_dead(owner)):
            with contextlib.suppress(docker.errors.NotFound):
                client.api.remove_container(container["Id"], force=True, v=True)


def _attach(api: Any, container: str) -> socket.socket:
    """A plain socket of the hijacked attach connection.

    The SDK hands out the socket inside an HTTP response whose end would close it; a duplicate lives as long as we need.
    """
    wrapped = api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    raw = getattr(wrapped, "_sock", wrapped)
    if not isinstance(raw, socket.socket) or hasattr(raw, "unwrap"):
        raise SandboxUnavailable(
            "the engine is reached through TLS or SSH, which boxes cannot be attached through",
            remedy="use a local engine, or forward its socket",
        )
    stream = raw.dup()
    wrapped.close()
    stream.setblocking(False)
    return stream


async def _channel(stream: socket.socket, words: LastWords) -> tuple[Channel, asyncio.Task[None]]:
    """Frames over the attach stream: what the engine wraps around standard output is taken off by a pump."""
    raw_reader, writer = await asyncio.open_connection(sock=stream)
    plain = asyncio.StreamReader(limit=1 << 20)

    async def pump() -> None:
        try:
            while True:
                kind, size = STREAM_PREFIX.unpack(await raw_reader.readexactly(STREAM_PREFIX.size))
                data = await raw_reader.readexactly(size)
                if kind == STDOUT:
                    plain.feed_data(data)
                elif kind == STDERR:
                    words.add(data)
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            return
        finally:
            plain.feed_eof()  # cancelled too: whoever waits for an answer must learn that none will come

    return Channel(plain, writer), asyncio.create_task(pump())
