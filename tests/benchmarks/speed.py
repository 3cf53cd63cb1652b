"""`make bench`: what verification costs, as ratios measured side by side in one run. Prints a Markdown table.

Run as a script; needs the engine and the image. `--task FOLDER` measures a task folder too, `--oracle FOLDER` one whose
visible tests an oracle can ask; `--only-verifier` leaves out what concerns the command line.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import docker
from bench_task import CHEAP, TESTS, Counting, Known, known, mixed, small_task
from leaks import held

from moa_code.config import load_config
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, Patch
from moa_code.core.task import CheckKind, Task
from moa_code.core.verdict import Outcome
from moa_code.sandbox.docker import DockerSandbox
from moa_code.suites.task_folder import load_task
from moa_code.verify.plan import LINT_RULES
from moa_code.verify.verifier import Verifier
from moa_code.wiring.session import open_sandbox, open_session

ONE_BY_ONE = 100
BATCH = 200
TWINS = 50
COLD = 10
STARTS = 15
BUSY = 4  # times as many candidates as boxes, so that what waits can share a job


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of each candidate, candidates a second over all, and verdicts other than the known ones."""

    each_s: tuple[float, ...]
    rate: float
    wrong: tuple[str, ...]

    def at(self, percent: int) -> float:
        return statistics.quantiles(self.each_s, n=100)[percent - 1]


async def timed(
    verifier: Verifier, task: Task, baseline: Baseline, candidates: Sequence[Known], *, at_once: int
) -> Timing:
    """Verdicts on all candidates, `at_once` of them asked for at the same time."""
    places = asyncio.Semaphore(at_once)

    async def one(wanted: Known) -> tuple[float, str]:
        async with places:
            started = time.perf_counter()
            verdict = await verifier.verify(task, baseline, wanted.candidate)
            took = time.perf_counter() - started
        told = f"{wanted.candidate.candidate_id}: {verdict.outcome}, not {wanted.outcome} ({verdict.detail})"
        return took, "" if verdict.outcome is wanted.outcome else told

    started = time.perf_counter()
    found = await asyncio.gather(*(one(wanted) for wanted in candidates))
    rate = len(candidates) / (time.perf_counter() - started)
    return Timing(each_s=tuple(took for took, _ in found), rate=rate, wrong=tuple(told for _, told in found if told))


class Table:
    """Prints rows as they come, and remembers wrong verdicts."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.verdicts = 0
        print("| what | measured |\n|---|---|", flush=True)

    def row(self, what: str, measured: str) -> None:
        print(f"| {what} | {measured} |", flush=True)

    def latencies(self, what: str, timing: Timing) -> None:
        self.wrong += timing.wrong
        self.verdicts += len(timing.each_s)
        self.row(f"{what}, p50 / p95 / p99", " / ".join(ms(timing.at(percent)) for percent in (50, 95, 99)))

    def rate(self, what: str, timing: Timing, more: str = "") -> None:
        self.wrong += timing.wrong
        self.verdicts += len(timing.each_s)
        self.row(what, f"{timing.rate:.1f} candidates/s{more}")


async def small_pytest_task(table: Table, verifier: Verifier, sandbox: Counting, cold: Cold) -> None:
    """Ours, and one container each between them, so that both meet the same weather."""
    task = small_task()
    baseline = (await verifier.baseline(task)).baseline
    await timed(verifier, task, baseline, [known("right", 10_000 + n) for n in range(8)], at_once=sandbox.slots)
    parts, tests_alone, same_work = [], [], []
    for part in range(COLD):
        right = [known("right", part * ONE_BY_ONE + n) for n in range(ONE_BY_ONE // COLD)]
        parts.append(await timed(verifier, task, baseline, right, at_once=1))
        tests_alone.append(await asyncio.to_thread(cold.run, PYTEST))
        same_work.append(await asyncio.to_thread(cold.run, SAME_WORK))
    alone = Timing(
        each_s=tuple(took for part in parts for took in part.each_s),
        rate=statistics.mean(part.rate for part in parts),
        wrong=tuple(told for part in parts for told in part.wrong),
    )
    table.latencies("full pipeline (policy, compile, ruff, 3 tests), warm, right candidates one by one", alone)
    least, same = statistics.median(tests_alone), statistics.median(same_work)
    table.row("one hardened `docker run` each, the 3 tests alone, p50", f"{ms(least)} = {1 / least:.2f}/s")
    table.row("one hardened `docker run` each, the same work, p50", f"{ms(same)} = {1 / same:.2f}/s")
    ratio = f"{least / alone.at(50):.1f}x / {same / alone.at(50):.1f}x"
    table.row("latency: `docker run` against ours, tests alone / same work", ratio)
    right = [known("right", 5000 + n) for n in range(ONE_BY_ONE)]
    pairs = await timed(verifier, task, baseline, right, at_once=sandbox.slots)
    table.rate(f"sustained, right candidates, {sandbox.slots} at a time", pairs)
    right = [known("right", 6000 + n) for n in range(2 * ONE_BY_ONE)]
    busy = await timed(verifier, task, baseline, right, at_once=BUSY * sandbox.slots)
    table.rate(f"sustained, right candidates, {BUSY * sandbox.slots} at a time", busy)
    ratio = f"{busy.rate * least:.1f}x / {busy.rate * same:.1f}x"
    table.row("throughput: ours against one `docker run` each, tests alone / same work", ratio)
    before = sandbox.jobs.copy()
    batch = await timed(verifier, task, baseline, mixed(BATCH, first=2000), at_once=BATCH)
    jobs = sandbox.since(before)
    table.rate(
        f"{BATCH} distinct candidates at once, right and wrong in {len(CHEAP)} ways",
        batch,
        f"; {jobs('static')} compile passes and ruff processes, {jobs('pytest')} pytest jobs",
    )
    before = sandbox.jobs.copy()
    twin = known("right", 9000)
    twins = [replace(twin, candidate=replace(twin.candidate, candidate_id=CandidateId(f"t{n}"))) for n in range(TWINS)]
    same_tree = await timed(verifier, task, baseline, twins, at_once=TWINS)
    table.rate(f"{TWINS} identical trees at once", same_tree, f"; {sandbox.jobs.total() - before.total()} jobs")


async def oracle(table: Table, verifier: Verifier, sandbox: Counting) -> None:
    """The same small task with its checks asked across the process border."""
    asked = replace(small_task().checks, kind=CheckKind.ORACLE, targets=("tests/test_shop.py",))
    task = replace(small_task(), checks=asked)
    right = [known("right", n) for n in range(2 * ONE_BY_ONE + 1)]
    await figures(table, verifier, sandbox, task, right, mixed(BATCH), "oracle, the same 3 checks")


async def task_folder(table: Table, verifier: Verifier, sandbox: Counting, folder: Path, kind: CheckKind) -> None:
    """One task folder: its reference solution made distinct by comments, and what that replaces likewise."""
    loaded = load_task(folder)
    assert loaded.solution is not None, f"{folder} has no reference solution to measure with"
    files = tuple(path for path in loaded.task.tree.paths() if path.startswith("visible_tests/test_"))
    targets = files if kind is CheckKind.ORACLE else loaded.task.checks.targets
    task = replace(loaded.task, checks=replace(loaded.task.checks, kind=kind, targets=targets))
    right = [_known(_commented(loaded.solution, n), Outcome.PASSED) for n in range(2 * ONE_BY_ONE + 1)]
    wrong = [_known(_commented(_undone(loaded.solution), n), Outcome.FAILED) for n in range(ONE_BY_ONE)]
    await figures(table, verifier, sandbox, task, right, wrong, f"{kind} task {task.task_id}")


async def figures(
    table: Table,
    verifier: Verifier,
    sandbox: Counting,
    task: Task,
    right: Sequence[Known],
    others: Sequence[Known],
    label: str,
) -> None:
    """Latency one by one and rates with all boxes busy; `right` are one more than twice those timed one by one."""
    baseline = (await verifier.baseline(task)).baseline
    await timed(verifier, task, baseline, right[:1], at_once=1)
    alone = await timed(verifier, task, baseline, right[1 : 1 + ONE_BY_ONE], at_once=1)
    table.latencies(f"{label}: right candidates one by one", alone)
    at_once = BUSY * sandbox.slots
    busy = await timed(verifier, task, baseline, right[1 + ONE_BY_ONE :], at_once=at_once)
    table.rate(f"{label}: right candidates, {at_once} at a time", busy)
    table.rate(f"{label}: others, {at_once} at a time", await timed(verifier, task, baseline, others, at_once=at_once))


def _commented(patch: Patch, number: int) -> Patch:
    changes = (replace(c, after=c.after and c.after + b"\n# %d\n" % number) for c in patch.changes)
    return Patch(changes=tuple(changes))


def _undone(patch: Patch) -> Patch:
    """What a patch changes, put back: the same paths with their old content, made distinct afterwards."""
    kept = (c for c in patch.changes if c.before is not None and c.path.endswith(".py"))
    return Patch(changes=tuple(FileChange(path=c.path, before=c.before, after=(c.before or b"") + b"\n") for c in kept))


def _known(patch: Patch, outcome: Outcome) -> Known:
    origin = Origin(author="bench", role="user")
    candidate = Candidate(candidate_id=CandidateId(patch.sha256[:12]), patch=patch, origin=origin)
    return Known(candidate=candidate, outcome=outcome, kind="folder")


PYTEST = "/opt/moa/bin/python -m pytest -q -p no:cacheprovider"
SAME_WORK = (
    "/opt/moa/bin/python -m compileall -q shop.py && "
    f"/opt/moa/bin/ruff check --isolated --no-cache --quiet --select={LINT_RULES} shop.py && {PYTEST}"
)


class Cold:
    """One hardened container a candidate, with the walls of our own boxes, everything in it started anew."""

    def __init__(self, sandbox: DockerSandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._client = docker.from_env()
        after = known("right", 1).candidate.patch.changes[0].after
        for path, content in (("shop.py", after), ("tests/test_shop.py", TESTS)):
            target = folder / path
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content or b"")
            target.chmod(0o644)
        folder.chmod(0o755)

    def run(self, command: str) -> float:
        """Seconds from creating the container to its removal."""
        api = self._client.api
        walls = self._sandbox.walls(small_task().limits)
        started = time.perf_counter()
        config = api.create_host_config(**{**walls, "binds": {str(self._folder): {"bind": "/src", "mode": "ro"}}})
        argv = ["sh", "-c", f"cp -r /src /box/t && cd /box/t && {command}"]
        made = api.create_container(self._sandbox.info.image_digest, argv, host_config=config, network_disabled=True)
        api.start(made["Id"])
        status = api.wait(made["Id"])["StatusCode"]
        api.remove_container(made["Id"], force=True, v=True)
        took = time.perf_counter() - started
        assert status == 0, f"the plain run ended with {status}"
        return took

    def close(self) -> None:
        self._client.close()


def starts(command: list[str], runs: int = STARTS) -> float:
    """Median seconds of a whole process."""
    took = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.02 else f"{seconds * 1000:.1f} ms"


async def measure(table: Table, tasks: Sequence[tuple[CheckKind, Path]]) -> None:
    config = load_config(environment=os.environ, flags={"sandbox.backend": "docker"})

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    inner = open_sandbox(config, say)
    assert isinstance(inner, DockerSandbox)
    sandbox = Counting(inner)
    with tempfile.TemporaryDirectory() as scratch:
        async with open_session(config, os.environ, say, sandbox=sandbox) as session:
            cold = Cold(inner, Path(scratch))
            await small_pytest_task(table, session.verifier, sandbox, cold)
            await oracle(table, session.verifier, sandbox)
            for kind, folder in tasks:
                await task_folder(table, session.verifier, sandbox, folder, kind)
            idle = await asyncio.to_thread(held)
            cold.close()
    table.row("wrong verdicts", f"{len(table.wrong)} of {table.verdicts}")
    left = await asyncio.to_thread(held)
    table.row("left behind: processes in idle boxes / boxes after the end", f"{idle.processes} / {left.boxes}")
    for line in table.wrong:
        print(line, file=sys.stderr)


def command_line(table: Table) -> None:
    script = str(Path(sys.executable).with_name("moa-code"))
    click_s = starts([sys.executable, "-c", "import click"])
    help_s = starts([script, "--help"])
    table.row("`moa-code --help` against `import click`", f"{ms(help_s)} / {ms(click_s)} = {help_s / click_s:.2f}x")
    started = time.perf_counter()
    subprocess.run([script, "demo", "--quiet"], check=True, capture_output=True)
    table.row("`moa-code demo`, once set up", f"{time.perf_counter() - started:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--oracle", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--task", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--only-verifier", action="store_true")
    asked = parser.parse_args()
    table = Table()
    folders = [(CheckKind.ORACLE, folder) for folder in asked.oracle]
    folders += [(CheckKind.PYTEST, folder) for folder in asked.task]
    asyncio.run(measure(table, folders))
    if not asked.only_verifier:
        command_line(table)
    return 1 if table.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
