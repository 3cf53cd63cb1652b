"""Running the trials on an open sandbox, as ordinary jobs: what is probed is exactly what candidates get."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace

from moa_code.assets import sandbox_dir
from moa_code.core.box import Job, Limits, Observation
from moa_code.core.errors import SandboxUnavailable
from moa_code.core.ports import Sandbox
from moa_code.core.tree import MemorySnapshot
from moa_code.probe.findings import Finding, ProbeReport, judge_greed, judge_trials
from moa_code.probe.policy import GREED

SEALED = "sealed.txt"
PYTHON = ("python", "-s", "-S", "-E", "-m")  # the box's own: its folder leads PATH
OPEN_FILES = 64
TIGHT = Limits(
    cpu_s=5.0,
    wall_s=30.0,
    memory_bytes=64 << 20,
    pids=16,
    output_bytes=8192,
    report_bytes=8192,
    disk_bytes=4 << 20,
    inodes=200,
    open_files=OPEN_FILES,
)
"""Small, so that passing them takes no time and harms nobody where they do not hold."""


def scripts() -> Mapping[str, bytes]:
    """The trials' files, by their path in a job's tree. Raises `EnvironmentFault` when the installation lacks them."""
    folder = sandbox_dir() / "probe"
    return {f"probe/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))}


async def probe(sandbox: Sandbox, limits: Limits) -> ProbeReport:
    """What `sandbox`, which is open, refuses and what it lets through; `limits` are those of its warm boxes.

    Takes a few seconds. Raises `SandboxUnavailable` where no box can be started.
    """
    started = time.monotonic()
    tree = MemorySnapshot(files={**scripts(), SEALED: b"sealed\n"})
    greed: dict[str, Observation] = {}

    async def take(name: str) -> None:
        greed[name] = await sandbox.run(_greedy(tree, name))

    try:
        async with asyncio.TaskGroup() as group:
            trials = group.create_task(sandbox.run(_trials(tree, limits)))
            for name in GREED:
                group.create_task(take(name))
    except* SandboxUnavailable as several:
        failure = several.exceptions[0]
        raise SandboxUnavailable(f"the box could not be probed: {failure}", remedy="moa-code doctor") from failure
    findings, kernel = judge_trials(trials.result(), sandbox.info.missing)
    greedy: tuple[Finding, ...] = tuple(judge_greed(name, greed[name]) for name in GREED)
    return ProbeReport(
        box=sandbox.info, kernel=kernel, findings=findings + greedy, duration_s=time.monotonic() - started
    )


def _trials(tree: MemorySnapshot, limits: Limits) -> Job:
    settings = json.dumps({"open_files": OPEN_FILES})
    # The outer walls of the box that is up already; the rest as generous as a loaded machine may need.
    mine = replace(limits, cpu_s=30.0, wall_s=60.0, output_bytes=1 << 20, report_bytes=8192, open_files=OPEN_FILES)
    return Job(
        tree=tree,
        entry="command",
        payload={"argv": [*PYTHON, "probe", settings]},
        limits=mine,
        sealed=(SEALED,),
    )


def _greedy(tree: MemorySnapshot, name: str) -> Job:
    what, amount, _ = GREED[name]
    limits = TIGHT
    if what == "cpu":
        limits = replace(TIGHT, cpu_s=0.3)
    if what == "wall":
        limits = replace(TIGHT, wall_s=0.3)
    return Job(
        tree=tree,
        entry="command",
        payload={"argv": [*PYTHON, "probe.greedy", what, str(amount)]},
        limits=limits,
    )
