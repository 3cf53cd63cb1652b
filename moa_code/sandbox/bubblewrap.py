"""Boxes made by bubblewrap: namespaces without a daemon.

Run by root it keeps every promise but those that need a cgroup; run by a user it has one uid only. What is missing
is named.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
from dataclasses import dataclass
from pathlib import PurePosixPath

from moa_code.core.box import BoxInfo, Job, Limits, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.sandbox.box import Box, LastWords
from moa_code.sandbox.pool import USES, Pool
from moa_code.sandbox.seccomp import SeccompUnavailable, filter_program
from moa_code.sandbox.settings import (
    COUNTING_CAPABILITY,
    SHM_BYTES,
    SUPERVISOR_CAPABILITIES,
    TMP_BYTES,
    TREE_BYTES,
    SandboxSettings,
    environment,
    supervisor_settings,
)
from moa_code.sandbox.wire import Channel

STREAM_LIMIT_BYTES = 1 << 20
UNCOUNTED = frozenset({"memfd_create"})
"""System calls that take memory which only a cgroup sees: no process has it mapped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxRoot:
    """What the box sees of this machine, read-only: an interpreter with the tools, and folders it lives in.

    `binds` are (path here, path in the box); `/opt/moa/box` must be among the latter.
    """

    python: str
    binds: tuple[tuple[str, str], ...]
    digest: str


class BubblewrapSandbox:
    """The `bubblewrap` backend of the `Sandbox` port."""

    def __init__(self, root: BoxRoot, settings: SandboxSettings, seccomp_profile: str) -> None:
        self._root = root
        self._settings = settings
        self._profile = seccomp_profile
        self._as_root = os.geteuid() == 0
        self._pool = Pool(self._start, settings.slots)
        self._filter: bytes | None = None
        self._info = BoxInfo(backend="bubblewrap", image_digest=root.digest)

    @property
    def info(self) -> BoxInfo:
        return self._info

    @property
    def slots(self) -> int:
        return self._settings.slots

    async def open(self) -> None:
        """Starts one box. Raises `SandboxUnavailable` where bubblewrap is absent or refused by the kernel."""
        if shutil.which("bwrap") is None:
            raise SandboxUnavailable("bubblewrap is not installed", remedy="apt-get install bubblewrap")
        missing = [] if self._as_root else ["separate uid: not run by root, so job and supervisor share one"]
        try:
            self._filter = filter_program(self._profile, without=UNCOUNTED)
        except SeccompUnavailable as error:
            missing.append(f"seccomp: {error}")
        box = await self._pool.warm_up(self._settings.limits)
        if not box.facts.get("confines_memory"):
            missing.append("memory and pids by cgroup: counted by the supervisor instead, every 25 ms, as mapped")
        missing.append("cpus: a box may use all of them")
        self._info = BoxInfo(
            backend="bubblewrap",
            image_digest=self._root.digest,
            python=str(box.facts.get("python", "")),
            enforced={
                "network": "none",
                "root": "read-only",
                "capabilities": "none for jobs",
                "seccomp": "own allow-list" if self._filter else "none",
                "uid": "one a job" if box.facts.get("uid_separation") else "shared",
                "tmpfs_bytes": str(TREE_BYTES + self._settings.limits.disk_bytes),
            },
            missing=tuple(missing),
        )

    async def run(self, job: Job) -> Observation:
        return await self._pool.run(job)

    async def run_fresh(self, job: Job) -> Observation:
        return await self._pool.run_fresh(job)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _start(self, limits: Limits) -> Box:
        read_fd = _readable(self._filter) if self._filter else None
        starting = asyncio.create_task(
            asyncio.create_subprocess_exec(
                *self._command(limits, read_fd),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=() if read_fd is None else (read_fd,),
                limit=STREAM_LIMIT_BYTES,
                env={},
                start_new_session=True,
            )
        )
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Cancelled half-way asyncio waits for ever for pipes that it never connected: let it finish.
            (done,) = await asyncio.gather(starting, return_exceptions=True)
            if isinstance(done, asyncio.subprocess.Process):
                await _end(done)
            raise
        except OSError as error:
            raise SandboxUnavailable(f"bubblewrap could not be started: {error}", remedy="moa-code doctor") from error
        finally:
            if read_fd is not None:
                os.close(read_fd)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        channel = Channel(process.stdout, process.stdin)
        words = LastWords()
        listening = asyncio.create_task(words.listen(process.stderr))

        async def kill() -> None:
            await _end(process)
            channel.close()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

        return Box(
            box_id=f"bwrap-{secrets.token_hex(4)}",
            channel=channel,
            kill=kill,
            last_words=words.text,
            uses_left=USES,
            ran_out_of_memory=_nobody_knows,
        )

    def _command(self, limits: Limits, seccomp_fd: int | None) -> list[str]:
        command = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        command += ["--die-with-parent", "--hostname", "box", "--clearenv", "--cap-drop", "ALL"]
        if self._as_root:
            for name in (*SUPERVISOR_CAPABILITIES, COUNTING_CAPABILITY):
                command += ["--cap-add", f"CAP_{name}"]
        else:
            command += ["--unshare-user"]
        for key, value in environment(secrets.randbelow(1 << 32)).items():
            command += ["--setenv", key, value]
        command += ["--proc", "/proc", "--dev", "/dev"]
        for size, path in (
            (TREE_BYTES + limits.disk_bytes, "/box"),
            (TMP_BYTES, "/tmp"),  # noqa: S108 - the box's own
            (SHM_BYTES, "/dev/shm"),  # noqa: S108 - the box's own
        ):
            command += ["--size", str(size), "--perms", "1777" if path != "/box" else "0755", "--tmpfs", path]
        for folder in _folders_above([there for _, there in self._root.binds]):
            command += ["--perms", "0755", "--dir", folder]
        for here, there in self._root.binds:
            command += ["--ro-bind", here, there]
        if seccomp_fd is not None:
            command += ["--seccomp", str(seccomp_fd)]
        # An ordinary user owns this /dev, a tmpfs without a size, and the settings of its own namespaces.
        command += ["--remount-ro", "/dev", "--ro-bind", "/proc/sys", "/proc/sys"]
        command += ["--remount-ro", "/", "--chdir", "/box"]
        server = [self._root.python, "-s", "-P", "/opt/moa/box/server.py", supervisor_settings(self._as_root)]
        return [*command, "--", *server]


async def _nobody_knows() -> bool:
    """Without a cgroup of its own a box falls to the memory of the whole machine, which is nobody's fault in it."""
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it and all in its namespace, and wait until it is gone.

    asyncio calls a process gone when its pipes have ended too, and stops reading a pipe that nobody empties.
    """
    if process.returncode is None:  # else the number may be another's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.gather(process.wait(), *(_empty(pipe) for pipe in (process.stdout, process.stderr) if pipe))


async def _empty(pipe: asyncio.StreamReader) -> None:
    with contextlib.suppress(RuntimeError):  # somebody is reading it: then it will be emptied
        while await pipe.read(STREAM_LIMIT_BYTES):
            continue


def _folders_above(paths: list[str]) -> list[str]:
    """The folders that must exist before `paths` can be bound, outermost first.

    Left to itself bubblewrap gives them mode 0700, and a job, which is another user, would not reach its interpreter.
    """
    bound = set(paths)
    found = set()
    for path in paths:
        above = [str(folder) for folder in PurePosixPath(path).parents][:-1]
        if bound.isdisjoint(above):
            found.update(above)
    return sorted(found)


def _readable(data: bytes) -> int:
    """A descriptor from which `data` can be read once."""
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
