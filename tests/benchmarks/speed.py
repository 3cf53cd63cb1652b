"""`make bench`: what verification costs, as ratios measured side by side in one run. Prints a Markdown table.

Run as a script; needs the engine and the image. Each figure is a median unless it says otherwise.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from moa_code.config import load_config
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, Patch
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.sandbox.docker import DockerSandbox
from moa_code.verify.verifier import Verifier
from moa_code.wiring.session import open_session

WARM = 120
COLD = 10
STARTS = 15

BEFORE = b"def total(prices, taxes):\n    return sum(prices)\n"
TESTS = b"""from shop import total


def test_adds_prices():
    assert total([1, 2], []) == 3


def test_adds_taxes():
    assert total([1, 2], [1]) == 4


def test_nothing_costs_nothing():
    assert total([], []) == 0
"""


def small_task() -> Task:
    return Task(
        task_id=TaskId("small"),
        mode=Mode.FIX,
        instruction="",
        tree=MemorySnapshot(files={"shop.py": BEFORE, "tests/test_shop.py": TESTS}),
        checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
        rules=EditRules(protected=("tests/**",)),
    )


def candidate(number: int) -> Candidate:
    """A right answer whose text no other candidate has, so that none is answered from memory."""
    after = f"def total(prices, taxes):\n    answer_{number} = sum(prices) + sum(taxes)\n    return answer_{number}\n"
    patch = Patch(changes=(FileChange(path="shop.py", before=BEFORE, after=after.encode()),))
    return Candidate(candidate_id=CandidateId(f"c{number}"), patch=patch, origin=Origin(author="bench", role="user"))


async def warm(verifier: Verifier, slots: int) -> tuple[list[float], float, int]:
    """Latencies one at a time, candidates a second with all slots busy, wrong verdicts."""
    task = small_task()
    baseline = (await verifier.baseline(task)).baseline
    latencies, wrong = [], 0
    await verifier.verify(task, baseline, candidate(0))
    for number in range(1, WARM // 2):
        started = time.perf_counter()
        wrong += not (await verifier.verify(task, baseline, candidate(number))).passed
        latencies.append(time.perf_counter() - started)
    places = asyncio.Semaphore(slots)

    async def one(number: int) -> bool:
        async with places:
            return (await verifier.verify(task, baseline, candidate(number))).passed

    started = time.perf_counter()
    passed = await asyncio.gather(*(one(number) for number in range(WARM, 2 * WARM)))
    rate = WARM / (time.perf_counter() - started)
    return latencies, rate, wrong + passed.count(False)


def cold(sandbox: DockerSandbox) -> list[float]:
    """One hardened container a candidate, with the walls of our own boxes and a plain pytest in it."""
    import docker

    client = docker.from_env()
    task, took = small_task(), []
    with tempfile.TemporaryDirectory() as folder:
        for path, content in (("shop.py", candidate(1).patch.changes[0].after), ("tests/test_shop.py", TESTS)):
            target = Path(folder, path)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content or b"")
            target.chmod(0o644)
        Path(folder).chmod(0o755)
        walls = sandbox.walls(task.limits)
        for _ in range(COLD):
            started = time.perf_counter()
            config = client.api.create_host_config(**{**walls, "binds": {folder: {"bind": "/src", "mode": "ro"}}})
            command = "cp -r /src /box/t && cd /box/t && exec /opt/moa/bin/python -m pytest -q -p no:cacheprovider"
            made = client.api.create_container(
                sandbox.info.image_digest, ["sh", "-c", command], host_config=config, network_disabled=True
            )
            client.api.start(made["Id"])
            status = client.api.wait(made["Id"])["StatusCode"]
            client.api.remove_container(made["Id"], force=True, v=True)
            took.append(time.perf_counter() - started)
            assert status == 0, f"the plain run ended with {status}"
    client.close()
    return took


def starts(command: list[str], runs: int = STARTS) -> float:
    """Median seconds of a whole process."""
    took = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def leftovers() -> int:
    import docker

    client = docker.from_env()
    try:
        return len(client.api.containers(all=True, filters={"label": "moa-code.box"}))
    finally:
        client.close()


async def measure(say: Callable[[str], None]) -> None:
    config = load_config(environment=os.environ, flags={"sandbox.backend": "docker"})
    async with open_session(config, os.environ, say) as session:
        latencies, rate, wrong = await warm(session.verifier, session.sandbox.slots)
        assert isinstance(session.sandbox, DockerSandbox)
        one_each = await asyncio.to_thread(cold, session.sandbox)
        slots = session.sandbox.slots
    cuts = statistics.quantiles(latencies, n=100)
    each = statistics.median(one_each)
    print("| what | measured |")
    print("|---|---|")
    print(f"| full pipeline (policy, compile, ruff, 3 tests), warm, p50 / p95 / p99 | "
          f"{ms(cuts[49])} / {ms(cuts[94])} / {ms(cuts[98])} |")  # fmt: skip
    print(f"| sustained, {slots} boxes | {rate:.1f} candidates/s |")
    print(f"| one hardened `docker run` each (3 tests, no compile, no ruff), p50 | {ms(each)} = {1 / each:.2f}/s |")
    print(f"| latency: one `docker run` each against ours | {each / cuts[49]:.1f}x |")
    print(f"| throughput: ours against one `docker run` each | {rate * each:.1f}x |")
    print(f"| wrong verdicts / boxes left over | {wrong} / {leftovers()} |")


def main() -> None:
    asyncio.run(measure(lambda text: print(text, file=sys.stderr)))
    script = str(Path(sys.executable).with_name("moa-code"))
    click_s = starts([sys.executable, "-c", "import click"])
    help_s = starts([script, "--help"])
    print(f"| `moa-code --help` against `import click` | {ms(help_s)} / {ms(click_s)} = {help_s / click_s:.2f}x |")
    started = time.perf_counter()
    subprocess.run([script, "demo", "--quiet"], check=True, capture_output=True)
    print(f"| `moa-code demo`, once set up | {time.perf_counter() - started:.1f} s |")


if __name__ == "__main__":
    main()
