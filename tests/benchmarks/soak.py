"""`make soak`: ten thousand distinct candidates through one verifier: is its memory flat, is any verdict wrong?

Run as a script; needs the engine and the image. `--count` takes fewer, `--csv FILE` keeps the samples.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_task import CHEAP, Counting, Known, known, small_task
from leaks import held

from moa_code.config import load_config
from moa_code.sandbox.docker import DockerSandbox
from moa_code.wiring.session import open_sandbox, open_session

COUNT = 10_000
AT_ONCE = 8
SAMPLES = 100
COSTLY_EVERY = 500  # one that spins for its CPU limit, and one that takes memory and its box with it
MOST_SHOWN = 20
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The verifier's process after so many verdicts."""

    verdicts: int
    seconds: float
    rss_bytes: int
    descriptors: int


def candidates(count: int) -> Iterator[Known]:
    """Half of them right, the others wrong in every way there is."""
    for number in range(count):
        if number % COSTLY_EVERY == 100:
            yield known("spins", number)
        elif number % COSTLY_EVERY == 200:
            yield known("hoards", number)
        else:
            yield known("right" if number % 2 else CHEAP[number // 2 % len(CHEAP)], number)


def slope(samples: Sequence[Sample]) -> float:
    """Bytes a verdict, by least squares."""
    mean_x = sum(s.verdicts for s in samples) / len(samples)
    mean_y = sum(s.rss_bytes for s in samples) / len(samples)
    spread = sum((s.verdicts - mean_x) ** 2 for s in samples)
    return sum((s.verdicts - mean_x) * (s.rss_bytes - mean_y) for s in samples) / spread if spread else 0.0


async def soak(count: int, at_once: int) -> tuple[list[Sample], list[str], Counter[str], int]:
    """Samples, wrong verdicts, jobs by kind, and processes that idle boxes held at the end."""
    config = load_config(environment=os.environ, flags={"sandbox.backend": "docker"})

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    inner = open_sandbox(config, say)
    assert isinstance(inner, DockerSandbox)
    sandbox = Counting(inner)
    samples: list[Sample] = []
    wrong: list[str] = []
    waiting = candidates(count)
    done = 0
    started = time.monotonic()

    def sample() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        seconds = time.monotonic() - started
        open_fds = sum(1 for _ in Path("/proc/self/fd").iterdir())
        samples.append(Sample(verdicts=done, seconds=seconds, rss_bytes=pages * PAGE, descriptors=open_fds))
        print(f"{done} verdicts, {seconds:.0f} s, {pages * PAGE / 1e6:.1f} MB, {open_fds} descriptors, "
              f"{len(wrong)} wrong", file=sys.stderr, flush=True)  # fmt: skip

    async with open_session(config, os.environ, say, sandbox=sandbox) as session:
        task = small_task()
        baseline = (await session.verifier.baseline(task)).baseline

        async def worker() -> None:
            nonlocal done
            for wanted in waiting:
                verdict = await session.verifier.verify(task, baseline, wanted.candidate)
                done += 1
                if verdict.outcome is not wanted.outcome:
                    wrong.append(
                        f"{wanted.candidate.candidate_id}: {verdict.outcome}, not {wanted.outcome} ({verdict.detail})"
                    )
                if done % max(1, count // SAMPLES) == 0:
                    sample()

        sample()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())
        gc.collect()
        sample()
        idle = await asyncio.to_thread(held)
    return samples, wrong, sandbox.jobs, idle.processes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    parser.add_argument("--csv", type=Path)
    asked = parser.parse_args()
    samples, wrong, jobs, processes = asyncio.run(soak(asked.count, asked.at_once))
    left = held()
    if asked.csv:
        rows = [f"{s.verdicts},{s.seconds:.1f},{s.rss_bytes},{s.descriptors}" for s in samples]
        asked.csv.write_text("\n".join(["verdicts,seconds,rss_bytes,descriptors", *rows]) + "\n")
    rss = [s.rss_bytes / 1e6 for s in samples]
    later = [s for s in samples if s.verdicts >= asked.count / 2] or samples
    print("| what | measured |\n|---|---|")
    print(f"| candidates, {asked.at_once} at a time | {asked.count} in {samples[-1].seconds:.0f} s = "
          f"{asked.count / samples[-1].seconds:.1f}/s |")  # fmt: skip
    print(f"| memory of the verifier: start / end / peak | {rss[0]:.1f} / {rss[-1]:.1f} / {max(rss):.1f} MB |")
    print(f"| its slope over the second half | {slope(later) * 1000 / 1024:+.0f} KiB per 1000 candidates |")
    print(f"| its open descriptors: start / end | {samples[0].descriptors} / {samples[-1].descriptors} |")
    print(f"| jobs | {', '.join(f'{number} {entry}' for entry, number in sorted(jobs.items()))} |")
    print(f"| wrong verdicts | {len(wrong)} of {asked.count} |")
    print(f"| left behind: processes in idle boxes / boxes after the end | {processes} / {left.boxes} |")
    for line in wrong[:MOST_SHOWN]:
        print(line, file=sys.stderr)
    return 1 if wrong or left.boxes or processes else 0


if __name__ == "__main__":
    raise SystemExit(main())
