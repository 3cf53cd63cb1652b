"""A machine for tests: what is installed, who we are, and what each command does are data."""

from __future__ import annotations

from pathlib import Path

from moa_code.provision.knock import Engine, Reach
from moa_code.provision.machine import Finished, quiet

ABSENT = Engine(host="unix:///var/run/docker.sock", reach=Reach.ABSENT, detail="[Errno 2] No such file or directory")
ANSWERS = Engine(
    host="unix:///var/run/docker.sock",
    reach=Reach.ANSWERS,
    version="20.10.24",
    architecture="x86_64",
    cgroup_version="2",
    storage="overlay2",
    data_root="/",
)


class FakeMachine:
    """`commands` maps a command's first words to how it ends; what is not listed ends with status 0."""

    def __init__(self, home: Path, *, root=True, installed=(), paths=(), commands=None, env=None, installs=()):
        self.env = {"HOME": str(home), "USER": "ann", **(env or {})}
        self.root = root
        self.installed = set(installed)
        self.paths = set(paths)
        self.commands = commands or {}
        self.installs = set(installs)  # what `apt-get install` brings
        self.ran: list[str] = []
        self.spawned: list[str] = []
        self.terminated: list[int] = []

    def which(self, name):
        return f"/usr/sbin/{name}" if name in self.installed else None

    def run(self, argv, *, timeout_s, progress=quiet, env=None):
        line = " ".join(argv)
        self.ran.append(line)
        for start, finished in self.commands.items():
            if line.startswith(start):
                return finished
        if line.startswith("apt-get install"):
            self.installed |= self.installs
        return Finished(code=0)

    def spawn(self, argv, log):
        self.spawned.append(" ".join(argv))
        return 2**22 + 1  # above the kernel's largest process id: never somebody's

    def terminate(self, pid):
        self.terminated.append(pid)
        self.paths.discard(f"/proc/{pid}/stat")

    def exists(self, path):
        return path in self.paths

    def is_root(self):
        return self.root

    def sleep(self, seconds):
        return


def answers(*engines):
    """A knock that gives each answer once and the last one for ever."""
    left = list(engines)

    def ask(env):
        return left.pop(0) if len(left) > 1 else left[0]

    return ask
