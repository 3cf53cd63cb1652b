"""A sandbox on a bench: one event loop a module, small limits, and jobs that run a few lines of Python."""

import asyncio
import sys
import textwrap
from dataclasses import replace

from moa_code.core.box import Ended, Job, Limits
from moa_code.core.tree import MemorySnapshot
from moa_code.sandbox.settings import SandboxSettings
from moa_code.wiring.session import seccomp_profile

LIMITS = Limits(
    cpu_s=5.0,
    wall_s=10.0,
    memory_bytes=128 << 20,
    pids=24,
    output_bytes=32 * 1024,
    report_bytes=64 * 1024,
    disk_bytes=8 << 20,
    inodes=1500,
    open_files=64,
)
SETTINGS = SandboxSettings(slots=2, limits=LIMITS)
TREE = MemorySnapshot(
    files={
        "pack/__init__.py": b"",
        "pack/code.py": b"VALUE = 1\n",
        "tests/test_code.py": b"from pack.code import VALUE\n\n\ndef test_value():\n    assert VALUE == 2\n",
        "run.sh": b"#!/bin/sh\nexit 3\n",
    },
    executables=frozenset({"run.sh"}),
)


class Bench:
    """An open sandbox and what differs between the backends: the Python inside, and how to kill a box from outside."""

    def __init__(self, runner, sandbox, python, kill_boxes):
        self.runner = runner
        self.sandbox = sandbox
        self.python = python
        self.kill_boxes = kill_boxes

    def job(self, code, *, pretend=None, tree=TREE, overlay=(), sealed=(), isolated=True, **limits):
        """A job of a few lines. `pretend` is what a backend that runs nothing is to do instead."""
        argv = [self.python, *(("-I", "-S") if isolated else ("-S",)), "-c", textwrap.dedent(code)]
        return Job(
            tree=tree,
            entry="command",
            payload={"argv": argv, "pretend": pretend or {}},
            limits=replace(LIMITS, **limits),
            overlay=tuple(overlay),
            sealed=tuple(sealed),
        )

    def wait(self, coroutine):
        return self.runner.run(coroutine)

    def run(self, code, **rest):
        return self.wait(self.sandbox.run(self.job(code, **rest)))

    def says(self, code, **rest):
        """What the job printed; it must end well."""
        seen = self.run(code, **rest)
        assert (seen.ended, seen.exit_code) == (Ended.EXITED, 0), seen
        return seen.stdout.decode()

    def still_works(self):
        assert self.says("print(6 * 7)", pretend={"stdout": "42\n"}) == "42\n"


def bench(sandbox, python, kill_boxes):
    """For a fixture: the open sandbox, closed again afterwards."""
    with asyncio.Runner() as runner:
        runner.run(sandbox.open())
        try:
            yield Bench(runner, sandbox, python, kill_boxes)
        finally:
            runner.run(sandbox.aclose())


def docker_sandbox(image, settings=SETTINGS):
    from moa_code.sandbox.docker import DockerSandbox

    return DockerSandbox(image, settings, seccomp_profile())


def bubblewrap_sandbox(settings=SETTINGS):
    from moa_code.wiring.session import _bubblewrap

    return _bubblewrap(settings, lambda line: print(line, file=sys.stderr))
