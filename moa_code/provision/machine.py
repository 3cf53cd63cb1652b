"""The machine under us: its commands, its paths, who we are on it. Tests put another one in its place."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Progress = Callable[[str], None]

# Debian keeps daemons and debootstrap where an ordinary user's PATH does not look.
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_TAIL_LINES = 15


def quiet(_: str) -> None:
    """A `Progress` that drops what it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended. `code` is 127 when it is not installed, 124 when it was killed after its time."""

    code: int
    tail: tuple[str, ...] = ()  # the last lines of stdout and stderr together

    @property
    def ok(self) -> bool:
        return self.code == 0

    def quote(self) -> str:
        """The last lines, indented, to stand in an error message; empty when the command said nothing."""
        return "".join(f"\n    {line}" for line in self.tail)


class Machine(Protocol):
    """What provisioning asks of the machine."""

    env: Mapping[str, str]

    def which(self, name: str) -> str | None: ...

    def run(
        self, argv: Sequence[str], *, timeout_s: float, progress: Progress = quiet, env: Mapping[str, str] | None = None
    ) -> Finished:
        """Run to the end, each line of output to `progress`; the whole process group dies at `timeout_s`."""
        ...

    def spawn(self, argv: Sequence[str], log: Path) -> int:
        """Start a daemon that outlives us, its output appended to `log`; its process id comes back."""
        ...

    def terminate(self, pid: int) -> None:
        """Ask the daemon `pid` to end; nothing when it has."""
        ...

    def exists(self, path: str) -> bool: ...

    def is_root(self) -> bool: ...

    def sleep(self, seconds: float) -> None: ...


class ThisMachine:
    """The real one."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self.env: Mapping[str, str] = dict(os.environ if env is None else env)

    def which(self, name: str) -> str | None:
        path = os.pathsep.join([self.env.get("PATH", ""), *_SYSTEM_PATH])
        return shutil.which(name, path=path)

    def run(
        self, argv: Sequence[str], *, timeout_s: float, progress: Progress = quiet, env: Mapping[str, str] | None = None
    ) -> Finished:
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=dict(self.env if env is None else env),
                start_new_session=True,
                umask=0o022,
            )
        except FileNotFoundError:
            return Finished(code=127, tail=(f"{argv[0]}: not installed",))
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            _kill_group(process.pid)

        timer = threading.Timer(timeout_s, end)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if text := line.rstrip():
                    tail.append(text)
                    progress(text)
            code = process.wait()
        except BaseException:
            # Ctrl-C, or a progress callback that raised: leave nothing running behind.
            _kill_group(process.pid)
            process.wait()
            raise
        finally:
            timer.cancel()
        if overdue.is_set():
            return Finished(code=124, tail=(*tail, f"killed after {timeout_s:g} s"))
        return Finished(code=code, tail=tuple(tail))

    def spawn(self, argv: Sequence[str], log: Path) -> int:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=dict(self.env),
                start_new_session=True,
                umask=0o022,
            )
        return process.pid

    def terminate(self, pid: int) -> None:
        # Not the command: a minimal Debian has no `kill` outside of its shells.
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return

    def exists(self, path: str) -> bool:
        return Path(path).exists()

    def is_root(self) -> bool:
        return os.geteuid() == 0

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def is_debian(machine: Machine) -> bool:
    """Whether packages come through apt here: Debian, Ubuntu and what derives from them."""
    return machine.exists("/etc/debian_version") and machine.which("apt-get") is not None


def apt_install(machine: Machine, packages: Sequence[str], progress: Progress) -> Finished:
    """`apt-get update`, then install `packages` without recommends. Needs root on Debian."""
    env = {**machine.env, "DEBIAN_FRONTEND": "noninteractive"}
    progress(f"apt-get update && apt-get install {' '.join(packages)}")
    updated = machine.run(["apt-get", "update"], timeout_s=300, progress=progress, env=env)
    # A third-party source that is down fails `update` though Debian's own lists arrived; `install` then decides.
    if not updated.ok:
        progress("apt-get update complained; trying the packages it knows")
    return machine.run(
        ["apt-get", "install", "-y", "--no-install-recommends", *packages], timeout_s=900, progress=progress, env=env
    )


def architecture() -> str:
    """This machine's architecture in the kernel's words: `x86_64`, `aarch64`."""
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


def python_minor() -> int:
    """The running interpreter's minor version: 11 for 3.11."""
    return sys.version_info.minor
