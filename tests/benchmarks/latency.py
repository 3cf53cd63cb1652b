"""How soon a verified answer is there, and what is spent on it, against models with long-tailed latency on loopback.

Run as a script; needs the engine and the image. Its models are scripted: skill, latency and faults are drawn, the same
for every strategy, and verification is the real one. So it measures time, spend and robustness, never quality.

(a) the mixture against one that waits for everyone, on the same engine: `--runs` tasks each, paired;
(b) a verified answer against the critical path of its model calls and its verification, `--paths` runs one at a time;
(c) `--tasks` runs at once: is memory bounded, and has each of them a result?

An answer counts as verified when it has passed every visible check, once more in a fresh box. It is not minimised here:
that takes the same time whoever wrote the patch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeVar

from bench_task import KINDS, small_task
from model_server import Call, Profile

from moa_code.assets import tasks_dir
from moa_code.config import Config, load_config
from moa_code.core.behaviour import Behaviour
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate
from moa_code.core.run import Aggregate, Minimise, Propose, RunState, Status, Step
from moa_code.core.task import Task, TaskId
from moa_code.core.verdict import Verdict
from moa_code.engine.engine import Policy
from moa_code.engine.events import BaselineDone, CandidateJudged, Event, Finished, StepStarted
from moa_code.policies import moa
from moa_code.policies.finish import give_up, leader_of, over, passing, prove, readable, stop_early
from moa_code.policies.rounds import next_round
from moa_code.solve import Solved, solve
from moa_code.suites.loaded import LoadedTask
from moa_code.suites.task_folder import load_task
from moa_code.verify.verifier import Verifier
from moa_code.wiring.session import Session, open_session

TASK = "calendar-merge"
SKILL = {"tiny": 0.35, "small": 0.45, "middle": 0.6, "large": 0.75, "merger": 0.9}
PROPOSERS = tuple(f"pool/{name}" for name in SKILL if name != "merger")
PROSE = "\nThe merge looked at the wrong neighbour; the parts above now agree with what the checks expect.\n" * 3
AT_ONCE = 10  # runs of (a): they wait for models nearly all of the time
TIMEOUT_S = 60.0  # half of the default; a hang costs that
LONG_TAIL = {"median_s": 6.0, "sigma": 0.9, "hangs": 0.03, "busy": 0.05, "retry_after_s": 2.0}
CLEAN = {"median_s": 4.0, "sigma": 0.5, "hangs": 0.0, "busy": 0.0, "pieces": 160}
CROWD = {"median_s": 1.0, "sigma": 0.5, "hangs": 0.005, "busy": 0.02, "pieces": 10}


def wait_for_everyone(state: RunState) -> tuple[Step, ...]:
    """A mixture as it is usually built: the whole layer, then the aggregator, whatever the checks have said by then."""
    if why := over(state):
        return stop_early(why, state)
    if state.running:
        return ()
    steps = state.done
    if not any(isinstance(step, Propose) for step in steps):
        return (Propose(proposers=state.members.proposers, round=0, reason="the layer"),)
    if readable(state) and not any(isinstance(step, Aggregate) for step in steps):
        return (Aggregate(aggregator=state.members.aggregator, round=0, reason="the layer is complete"),)
    if holding := passing(state):
        return prove(leader_of(holding), state)
    step = next_round(state)
    return (step,) if step is not None else (give_up(state),)


def as_it_is(policy: Policy) -> Policy:
    """The policy, which believes that everything has been minimised."""

    def next_steps(state: RunState) -> tuple[Step, ...]:
        done = (Minimise(candidate_id=j.candidate.candidate_id, reason="not measured here") for j in state.judged)
        return policy(replace(state, done=(*state.done, *done)))

    return next_steps


ARMS: dict[str, Policy] = {"moa": as_it_is(moa.next_steps), "wait": as_it_is(wait_for_everyone)}


T = TypeVar("T")
Look = tuple[str, float, float]  # patch, empty for several; from, to


class Timed(Verifier):
    """A verifier that notes when it looked at what."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.looks: list[Look] = []

    async def verify(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict:
        return await self._noted(candidate.patch.sha256, super().verify(task, baseline, candidate))

    async def confirm(self, task: Task, baseline: Baseline, candidate: Candidate) -> Verdict:
        return await self._noted(candidate.patch.sha256, super().confirm(task, baseline, candidate))

    async def distinguish(self, task: Task, baseline: Baseline, candidates: Sequence[Candidate]) -> Behaviour:
        return await self._noted("", super().distinguish(task, baseline, candidates))

    async def _noted(self, patch: str, look: Awaitable[T]) -> T:
        started = time.monotonic()
        found = await look
        self.looks.append((patch, started, time.monotonic()))
        return found


@dataclass(slots=True, kw_only=True)
class Run:
    """One run: its events with their times, its result, its calls as the server saw them."""

    key: str
    arm: str
    events: list[tuple[float, Event]] = field(default_factory=list)
    solved: Solved | None = None
    calls: list[Call] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        self.events.append((time.monotonic(), event))

    def at(self, wanted: Callable[[Event], bool]) -> float | None:
        return next((at for at, event in self.events if wanted(event)), None)

    @property
    def asked(self) -> float:
        return self.at(lambda e: isinstance(e, BaselineDone)) or 0.0

    @property
    def verified_s(self) -> float:
        """Until the answer was handed out."""
        return (self.at(lambda e: isinstance(e, Finished)) or 0.0) - self.asked

    @property
    def verified(self) -> bool:
        return self.solved is not None and self.solved.result.status is Status.VERIFIED

    @property
    def booked(self) -> int:
        assert self.solved is not None
        return sum(spent.prompt_tokens + spent.completion_tokens for spent in self.solved.result.spent)


@contextmanager
def serving(profile: Profile) -> Iterator[str]:
    """The base URL of a model server in a process of its own."""
    script = Path(__file__).with_name("model_server.py")
    process = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(profile)))
        process.stdin.close()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


def told(address: str, run: str = "") -> tuple[list[Call], int]:
    """The calls of a run, or all, and how many were open at the same time."""
    with urllib.request.urlopen(f"{address}/calls?run={run}", timeout=30) as reply:
        document = json.load(reply)
    return [Call(**call) for call in document["calls"]], document["most_open"]


def answers(loaded: LoadedTask) -> dict[str, list[str]]:
    """The reference as a reply, and replies that mend only some of its files: what each misses differs."""
    assert loaded.solution is not None
    changes = loaded.solution.changes

    def reply(changed: set[str]) -> str:
        """All the files, with the reference's text for those that are changed."""
        files = [
            f"{c.path}\n```python\n{((c.after if c.path in changed else c.before) or b'').decode()}\n# {{n}}\n```\n"
            for c in changes
        ]
        return "Here are the files.\n\n" + "\n".join(files)

    paths = [c.path for c in changes]
    return {"right": [reply(set(paths))], "wrong": [reply({path}) for path in paths] + [reply(set())]}


@asynccontextmanager
async def opened(address: str, folder: Path, at_once: int, backend: str = "docker") -> AsyncIterator[Session]:
    """A session whose team is behind `address`, with a verifier that keeps times."""
    environment = {**os.environ, "BENCH_RUN": "all"}
    flags = {
        "models.proposers": PROPOSERS,
        "models.aggregator": "pool/merger",
        "models.endpoints": {"pool": {"base_url": f"{address}/v1", "api_key_env": "BENCH_RUN"}},
        "models.formats": dict.fromkeys((*PROPOSERS, "pool/merger"), "whole_file"),
        "models.limits": {"pool": {"at_once": at_once}},
        "models.timeout_s": TIMEOUT_S,
        "budget.usd": "none",
        "budget.tokens": "none",
        "budget.seconds": "none",
        "strategy.name": "moa",
        "sandbox.backend": backend,
        "journal": str(folder / "journal.sqlite"),
    }
    config = load_config(environment=environment, flags=flags)
    async with open_session(config, environment, lambda line: print(line, file=sys.stderr)) as session:
        yield replace(session, verifier=Timed(session.sandbox, lint=config.verify.lint))


async def one(session: Session, task: Task, arm: str, number: int, address: str) -> Run:
    """One run of one arm. Both arms of a number meet the same models."""
    key = f"r{number}"
    run = Run(key=key, arm=arm)
    environment = {**session.environment, "BENCH_RUN": f"{key}.{arm}"}
    config: Config = replace(session.config, seed=number)
    own = replace(session, config=config, environment=environment)
    run.solved = await solve(own, task, command="bench", listen=run.hear, policy=ARMS[arm])
    run.calls, _ = await asyncio.to_thread(told, address, f"{key}.{arm}")
    return run


class Table:
    def __init__(self) -> None:
        print("| what | measured |\n|---|---|", flush=True)

    def row(self, what: str, measured: str) -> None:
        print(f"| {what} | {measured} |", flush=True)


async def against_waiting(table: Table, loaded: LoadedTask, runs: int, scratch: Path) -> None:
    """(a)"""
    profile = Profile(**answers(loaded), prose=PROSE, skill=SKILL, **LONG_TAIL)
    with serving(profile) as address:
        async with opened(address, scratch, at_once=64) as session:
            places = asyncio.Semaphore(AT_ONCE)

            async def placed(arm: str, number: int) -> Run:
                async with places:
                    return await one(session, loaded.task, arm, number, address)

            await session.verifier.baseline(loaded.task)  # boxes are warm
            done = await asyncio.gather(*(placed(arm, n) for n in range(runs) for arm in ARMS))
    by_arm = {arm: [run for run in done if run.arm == arm] for arm in ARMS}
    table.row(
        "models (scripted: nothing here says anything about quality)",
        f"{len(PROPOSERS)} proposers and an aggregator; seconds log-normal, median {LONG_TAIL['median_s']:g}, sigma "
        f"{LONG_TAIL['sigma']:g}; {LONG_TAIL['hangs']:.0%} hang, {LONG_TAIL['busy']:.0%} answer 429",
    )
    for arm, mine in by_arm.items():
        table.row(f"{arm}: verified", f"{sum(run.verified for run in mine)} of {len(mine)}")
    pairs = [(a, b) for a, b in zip(*by_arm.values(), strict=True) if a.verified and b.verified]
    moas, waits = ([pair[n].verified_s for pair in pairs] for n in (0, 1))
    table.row("seconds until a verified answer, median (p95): moa", f"{median(moas):.1f} ({_p95(moas):.1f})")
    table.row("seconds until a verified answer, median (p95): wait", f"{median(waits):.1f} ({_p95(waits):.1f})")
    ratios = [w / m for m, w in zip(moas, waits, strict=True)]
    low, _, high = quantiles(ratios, n=4)
    table.row("wait against moa: ratio of medians", f"**{median(waits) / median(moas):.1f}x**")
    table.row(
        f"wait against moa: median of {len(pairs)} paired ratios (quartiles)",
        f"**{median(ratios):.1f}x** ({low:.1f}-{high:.1f})",
    )
    for arm, mine in by_arm.items():
        spend(table, arm, mine)


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def spend(table: Table, arm: str, runs: list[Run]) -> None:
    """What the server has billed: prompts of the calls it took up, and the tokens it had written."""
    calls = [call for run in runs for call in run.calls if call.kind != "busy"]
    cut = [call for call in calls if call.cut]
    billed = sum(call.prompt_tokens + call.written_tokens for call in calls)
    lost = sum(call.prompt_tokens + call.written_tokens for call in cut)
    saved = sum(call.whole_tokens - call.written_tokens for call in cut)
    booked = sum(run.booked for run in runs)
    table.row(
        f"{arm}: calls taken up; hung up on; tokens billed, of these for cut calls, not written because cut",
        f"{len(calls)}; {len(cut)}; {billed}, {lost} ({lost / billed:.0%}), {saved}",
    )
    table.row(f"{arm}: tokens our ledger booked against tokens billed", f"{booked / billed:.2f}x")


async def against_critical_path(table: Table, loaded: LoadedTask, runs: int, scratch: Path) -> None:
    """(b)"""
    profile = Profile(**answers(loaded), prose=PROSE, skill=SKILL, seed=1, **CLEAN)
    shares: list[tuple[float, float]] = []
    with serving(profile) as address:
        async with opened(address, scratch, at_once=64) as session:
            await session.verifier.baseline(loaded.task)
            await one(session, loaded.task, "moa", 9_999, address)  # litellm is loaded
            for number in range(runs):
                run = await one(session, loaded.task, "moa", number, address)
                if run.verified:
                    looks = [look for look in session.verifier.looks if look[1] >= run.asked]
                    edited, whole = critical_path(run, looks)
                    shares.append((run.verified_s / edited, run.verified_s / whole))
    for what, n in (("its whole calls", 1), ("its calls to the end of their edit, which is when it is read", 0)):
        ratios = [share[n] for share in shares]
        table.row(
            f"a verified answer against {what} plus its verification, {len(ratios)} runs: median (p95)",
            f"**{median(ratios):.3f}x** ({_p95(ratios):.3f}x)",
        )


def critical_path(run: Run, looks: list[Look]) -> tuple[float, float]:
    """Seconds that the answer needs at least: its author's call, the one its aggregator has waited for if it is a
    merged one, and all looks at these patches. With the calls to the end of their edits, and with the whole of them.
    """
    assert run.solved is not None
    assert run.solved.result.winner is not None
    chain = [run.solved.result.winner.candidate]
    if chain[0].origin.role == "aggregator":
        merging = run.at(lambda e: isinstance(e, StepStarted) and isinstance(e.step, Aggregate)) or 0.0
        before = [e.candidate for at, e in run.events if isinstance(e, CandidateJudged) and at <= merging]
        chain.insert(0, before[-1])
    patches = {candidate.patch.sha256 for candidate in chain} | {""}
    edited = whole = sum(to - from_ for patch, from_, to in looks if patch in patches)
    for candidate in chain:
        calls = [call for call in run.calls if f"pool/{call.model}" == candidate.origin.author]
        call = calls[min(candidate.origin.round, len(calls) - 1)]
        edited += call.edited_s
        whole += call.whole_s
    return edited, whole


def small_answers() -> dict[str, list[str]]:
    """Replies to `small_task`, each of them distinct."""

    def reply(kind: str) -> str:
        return f"shop.py\n```python\n{KINDS[kind][1]}```\n"

    return {"right": [reply("right")], "wrong": [reply(kind) for kind in ("wrong", "regresses", "raises", "undefined")]}


async def crowd(table: Table, tasks: int, backend: str, scratch: Path) -> None:
    """(c)"""
    task = small_task()
    profile = Profile(**small_answers(), prose=PROSE, skill=SKILL, seed=2, **CROWD)
    at_once = 48
    with serving(profile) as address:
        async with opened(address, scratch, at_once=at_once, backend=backend) as session:
            few = await burst(session, task, 20, first=0)
            before, began = rss_mb(), time.monotonic()
            results = await burst(session, task, tasks, first=100)
            took, after = time.monotonic() - began, peak_mb()
        calls, most_open = await asyncio.to_thread(told, address)
    verified = sum(status is Status.VERIFIED for status in results)
    honest = sum(status is Status.UNVERIFIED for status in results)
    lost = tasks - sum(isinstance(status, Status) for status in results)
    table.row(
        f"{tasks} runs at once on {os.cpu_count()} cores ({backend}): verified / honestly not / lost",
        f"{verified} / {honest} / **{lost}**",
    )
    table.row("seconds; runs a second", f"{took:.0f}; {tasks / took:.1f}")
    table.row(f"memory of our process: after {len(few)} runs, most with {tasks} at once", f"{before} / **{after} MB**")
    table.row(
        f"model calls; most open at once (limit {at_once}); hedged",
        f"{len(calls)}; {most_open}; {session.traffic.hedges.asked}",
    )


async def burst(session: Session, task: Task, runs: int, *, first: int) -> list[Status | BaseException]:
    """How each of `runs` at once ended, by status or by what it raised."""

    async def status(number: int) -> Status:
        own = replace(task, task_id=TaskId(f"{task.task_id}-{number}"))
        config = replace(session.config, seed=number)
        environment = {**session.environment, "BENCH_RUN": f"c{number % 50}"}
        crowd_session = replace(session, config=config, environment=environment)
        solved = await solve(crowd_session, own, command="bench", listen=lambda _: None, policy=ARMS["moa"])
        nonlocal ended
        ended += 1
        if ended % 25 == 0:
            print(f"{ended} of {runs} ended, {time.monotonic() - began:.0f} s, {rss_mb()} MB", file=sys.stderr)
        return solved.result.status

    ended, began = 0, time.monotonic()
    done = await asyncio.gather(*(status(first + n) for n in range(runs)), return_exceptions=True)
    for error in {repr(one): one for one in done if isinstance(one, BaseException)}.values():
        print(f"lost: {error!r}", file=sys.stderr)
    return list(done)


def rss_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() >> 20


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


async def measure(asked: argparse.Namespace) -> None:
    loaded = load_task(tasks_dir() / asked.task)
    table = Table()
    with tempfile.TemporaryDirectory() as scratch:
        if asked.runs:
            await against_waiting(table, loaded, asked.runs, Path(scratch))
        if asked.paths:
            await against_critical_path(table, loaded, asked.paths, Path(scratch))
        if asked.tasks:
            await crowd(table, asked.tasks, asked.backend, Path(scratch))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30, metavar="N", help="of (a); 0 leaves it out")
    parser.add_argument("--paths", type=int, default=20, metavar="N", help="of (b); 0 leaves it out")
    parser.add_argument("--tasks", type=int, default=1000, metavar="N", help="of (c); 0 leaves it out")
    parser.add_argument("--backend", default="docker", choices=("docker", "bubblewrap"), help="the boxes of (c)")
    parser.add_argument("--task", default=TASK, metavar="NAME", help="a task that ships with moa-code")
    asyncio.run(measure(parser.parse_args()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
