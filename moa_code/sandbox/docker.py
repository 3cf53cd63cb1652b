"""Boxes made by a Docker engine: one container each, its supervisor reached through the attach stream."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from moa_code.core.box import BoxInfo, Job, Limits, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.sandbox.box import Box, LastWords
from moa_code.sandbox.owner import Owner, is_dead, this_process
from moa_code.sandbox.pool import USES, EngineAway, Pool
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
LIFETIME_S = 6 * 3600  # after this an owner that cannot be seen from here is taken for dead
API_TIMEOUT_S = 30  # an engine that takes longer for one answer is taken for broken
DEATH_S = 2.0  # from the end of a box's channel until the engine knows that it has ended
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
        self._left: set[str] = set()  # boxes that the engine may still hold: it did not say that they are gone
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
        version, kernel = await asyncio.to_thread(_swept, self._client)
        box = await self._pool.warm_up(self._settings.limits)
        limits = self._settings.limits
        self._info = BoxInfo(
            backend="docker",
            image_digest=self._image,
            python=str(box.facts.get("python", "")),
            kernel=kernel,
            enforced={
                "engine": version,
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
            # Once more: the engine may be back.
            await asyncio.gather(*(asyncio.to_thread(self._remove, name, None) for name in tuple(self._left)))
            await asyncio.to_thread(self._client.close)

    async def _start(self, limits: Limits) -> Box:
        if self._client is None:
            raise SandboxUnavailable("the sandbox was not opened")
        name = f"moa-code-{secrets.token_hex(6)}"
        unwanted = threading.Event()
        starting = asyncio.create_task(asyncio.to_thread(self._create, name, limits, unwanted))
        try:
            stream = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread cannot be stopped in the middle of a call: wait for what it makes, then take it away.
            unwanted.set()
            (made,) = await asyncio.gather(starting, return_exceptions=True)
            if isinstance(made, socket.socket):
                await asyncio.to_thread(self._remove, name, made)
            raise
        words = LastWords()
        try:
            channel, pump = await _channel(stream, words)
        except BaseException:
            await asyncio.to_thread(self._remove, name, stream)
            raise

        async def kill() -> None:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            channel.close()
            await asyncio.to_thread(self._remove, name, stream)

        async def ran_out_of_memory() -> bool:
            return await asyncio.to_thread(self._ran_out_of_memory, name)

        return Box(
            box_id=name,
            channel=channel,
            kill=kill,
            last_words=words.text,
            uses_left=USES,
            ran_out_of_memory=ran_out_of_memory,
        )

    def _create(self, name: str, limits: Limits, unwanted: threading.Event) -> socket.socket:
        """The attach stream to the supervisor of a started container. Blocking; leaves nothing when it fails."""
        import requests.exceptions

        assert self._client is not None
        api = self._client.api
        stream = None
        try:
            with _translated(f"the engine could not start a box of image {self._image}", image=self._image):
                api.create_container(
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
                stream = _attach(api, name)
                if not unwanted.is_set():
                    api.start(name)
        except BaseException as error:
            if isinstance(error.__cause__, requests.exceptions.Timeout):
                _shut(stream)
                self._left.add(name)  # it may be made all the same; asking now would only wait as long again
            else:
                self._remove(name, stream)
            raise
        return stream

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

    def _remove(self, name: str, stream: socket.socket | None) -> None:
        """Shut the stream first: an unread flood would wedge the engine's teardown. Blocking; gone already is fine."""
        import docker.errors
        import requests.exceptions

        _shut(stream)
        assert self._client is not None
        self._left.add(name)
        # An engine that has gone away is asked again when the sandbox is closed; then the next start sweeps.
        with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException):
            try:
                self._client.api.remove_container(name, force=True, v=True)
            except docker.errors.NotFound:
                self._left.discard(name)
            else:
                self._left.discard(name)

    def _ran_out_of_memory(self, name: str) -> bool:
        """Whether the box's end was the kernel's doing: its memory cgroup was full. Blocking."""
        import docker.errors
        import requests.exceptions

        assert self._client is not None
        deadline = time.monotonic() + DEATH_S
        with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException):
            while True:
                state = self._client.api.inspect_container(name)["State"]
                if not state["Running"] or time.monotonic() > deadline:
                    return bool(state["OOMKilled"]) and not state["Running"]
                time.sleep(0.02)
        return False


@contextlib.contextmanager
def _translated(what: str, *, image: str = "") -> Iterator[None]:
    """The engine's failures as `SandboxUnavailable`; as `EngineAway` where the engine itself was in trouble."""
    import docker.errors
    import requests.exceptions

    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise SandboxUnavailable(f"the sandbox image {image} is gone", remedy="moa-code setup") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError, ValueError) as error:
        reason = f"{what}: {error}"
        if "no space left on device" in str(error).lower():
            raise SandboxUnavailable(reason, remedy="docker system df, and free some space (df -h)") from error
        wrong = isinstance(error, docker.errors.APIError) and error.is_client_error()
        if wrong and not isinstance(error, docker.errors.NotFound):  # that one: the box was removed under us
            raise SandboxUnavailable(reason, remedy="moa-code doctor") from error
        raise EngineAway(reason, remedy="moa-code doctor") from error


def _connect() -> docker.DockerClient:
    import docker
    import docker.errors
    import requests.exceptions

    try:
        client = docker.from_env(timeout=API_TIMEOUT_S)
        # The SDK forgets its time limit when it attaches: an engine that hangs there would hang us.
        client.api.request = functools.partial(client.api.request, timeout=API_TIMEOUT_S)  # type: ignore[method-assign]
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError, ValueError) as error:
        raise SandboxUnavailable(
            f"no Docker engine answers: {error}", remedy="moa-code setup, or --backend bubblewrap"
        ) from error
    return client


def _swept(client: docker.DockerClient) -> tuple[str, str]:
    """Version of engine and kernel, after removing the boxes of dead owners; never those of a living verifier."""
    import docker.errors

    with _translated("the engine answers, and cannot be worked with"):
        for container in client.api.containers(all=True, filters={"label": LABEL}):
            if _is_orphan(container.get("Labels") or {}):
                # Another verifier may be sweeping too (gone, or about to be), and one that will not go stops nobody.
                with contextlib.suppress(docker.errors.APIError):
                    client.api.remove_container(container["Id"], force=True, v=True)
        about = client.version()
        return str(about.get("Version", "")), str(about.get("KernelVersion", ""))


def _is_orphan(labels: Mapping[str, str]) -> bool:
    """Whether the owner is dead, or cannot be seen from here and has had its time."""
    owner = Owner.parse(labels.get(OWNER_LABEL, ""))
    if owner is not None and owner.is_visible:
        return is_dead(owner)
    deadline = labels.get(DEADLINE_LABEL, "")
    return not (deadline.isascii() and deadline.isdigit()) or int(deadline) < time.time()


def _shut(stream: socket.socket | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)
        stream.close()


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
