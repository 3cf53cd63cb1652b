"""Runs one abuse case and says what became of it. No pytest in here: the suite, the table and mutations of the
verifier all call `run_case`.

    with open_stage("docker") as stage:
        result = run_case(case, stage)

After every case the same is asserted: nothing of it is left in the box, on the host or in the engine, the host's tree
is as before, the next honest candidate passes, no job outlived its limit by more than two seconds, and this process
did not grow.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import resource
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from abuse_cases import HOLE, BoxCase, CaseResult, HostCase, VerdictCase
from abuse_projects import PROJECTS
from cases_escape import SECRET, SECRET_NAME

from moa_code.config import load_config
from moa_code.core.box import BoxInfo, Ended, Job, Limits, Observation
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, Patch, patch_of
from moa_code.core.task import Task
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import Integrity, Outcome, Verdict
from moa_code.fix import task_of_repository
from moa_code.sandbox.docker import LABEL, OWNER_LABEL
from moa_code.sandbox.owner import this_process
from moa_code.verify_patch import verify_patch
from moa_code.wiring.session import Session, open_sandbox, open_session

# One set of outer walls for all cases, so that one warm box serves them; what holds for a single job may differ.
LIMITS = Limits(
    cpu_s=4.0,
    wall_s=8.0,
    memory_bytes=160 << 20,
    pids=24,
    output_bytes=32 * 1024,
    report_bytes=256 * 1024,
    disk_bytes=8 << 20,
    inodes=1500,
    open_files=64,
)
LATE_S = 2.0
START_S = 4.0  # a box that has to be started first; half a second on a machine that does nothing else
MOST_GROWTH_BYTES = 100 << 20
FIRST_JOB_UID = 1 << 29  # no user of this machine has such a number: whatever does is a job's
MARK = "moa-left"  # in the names of what attacks try to leave
HOST_FOLDERS = ("/tmp", "/dev/shm", "/var/tmp")
SETTLE_S = 3.0
ENGINE_MOUNTS = ("/overlay2/", "/containers/", "/docker/", "/containerd/", "/netns/")  # come and go with boxes
BREAKS_THE_BOX = frozenset({Ended.MEMORY, Ended.PIDS, Ended.DISK})
BOX_TREE = MemorySnapshot(
    files={
        "pack/__init__.py": b"",
        "pack/code.py": b"VALUE = 1\n",
        "tests/test_code.py": b"from pack.code import VALUE\n\n\ndef test_value():\n    assert VALUE == 2\n",
        "run.sh": b"#!/bin/sh\nexit 3\n",
    },
    executables=frozenset({"run.sh"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One job that the sandbox ran, and how long its caller waited."""

    limits: Limits
    observation: Observation
    waited_s: float
    fresh: bool


class Watched:
    """A sandbox that notes what it observed of every job."""

    def __init__(self, inner) -> None:
        self.inner = inner
        self.seen: list[Seen] = []

    @property
    def info(self) -> BoxInfo:
        return self.inner.info

    @property
    def slots(self) -> int:
        return self.inner.slots

    def __getattr__(self, name):
        return getattr(self.inner, name)

    async def open(self) -> None:
        await self.inner.open()

    async def run(self, job: Job) -> Observation:
        return await self._noted(self.inner.run, job, fresh=False)

    async def run_fresh(self, job: Job) -> Observation:
        return await self._noted(self.inner.run_fresh, job, fresh=True)

    async def aclose(self) -> None:
        await self.inner.aclose()

    async def _noted(self, run, job: Job, *, fresh: bool) -> Observation:
        started = time.monotonic()
        observation = await run(job)
        waited = time.monotonic() - started
        self.seen.append(Seen(limits=job.limits, observation=observation, waited_s=waited, fresh=fresh))
        return observation


class OneBaseline:
    """A verifier that takes the baseline of a task once, and is the real one in everything else."""

    def __init__(self, verifier) -> None:
        self._verifier = verifier
        self._known = {}

    def __getattr__(self, name):
        return getattr(self._verifier, name)

    async def baseline(self, task: Task):
        key = (task.tree.digest, task.checks)
        if key not in self._known:
            self._known[key] = await self._verifier.baseline(task)
        return self._known[key]


@dataclass
class Stage:
    """An open sandbox with a verifier over it, and the state of the host to compare with."""

    backend: str
    runner: asyncio.Runner
    session: Session
    sandbox: Watched
    home: Path
    tasks: dict[str, Task] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)  # of the projects' folders, as they were written
    resting: Counter[str] = field(default_factory=Counter)
    first_rss: int = 0
    first_peak: int = 0
    honest: int = 0
    _client: object = None

    def run(self, work):
        return self.runner.run(work)

    @property
    def info(self) -> BoxInfo:
        return self.sandbox.info

    def task(self, project: str) -> Task:
        """The project as a repository on this machine's disk."""
        if project not in self.tasks:
            folder = self.home / project
            for path, text in PROJECTS[project].files.items():
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
            self.hashes[project] = tree_hash(folder)
            self.tasks[project] = task_of_repository(folder, self.session.config, test=PROJECTS[project].test)
        return self.tasks[project]

    def judge(self, task: Task, patch: Patch) -> Verdict:
        """The verdict as `moa-code verify` reaches it."""
        return self.run(verify_patch(self.session, task, patch))

    def job(self, code: str, *, sealed=(), isolated=True, limits=None) -> Job:
        python = "/opt/moa/bin/python" if self.backend == "docker" else self.sandbox.inner._root.python
        argv = [python, *(("-I", "-S") if isolated else ("-S",)), "-c", textwrap.dedent(code)]
        return Job(
            tree=BOX_TREE,
            entry="command",
            payload={"argv": argv},
            limits=replace(LIMITS, **{"cpu_s": 2.0, "wall_s": 4.0, **(limits or {})}),
            sealed=tuple(sealed),
        )

    def client(self):
        if self._client is None:
            import docker

            self._client = docker.from_env(timeout=30)
        return self._client

    def warm(self) -> frozenset[str]:
        return frozenset(box.box_id for _, box in self.sandbox.inner._pool._free)


@contextmanager
def open_stage(backend: str) -> Iterator[Stage]:
    """A stage on one backend, with one slot: cases come one after the other."""
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="abuse-")))
        config = load_config(
            environment={"HOME": str(home)},
            flags={
                "sandbox.backend": backend,
                "sandbox.slots": 1,
                "models.proposers": ("builtin:mutate",),
                "models.aggregator": "builtin:combine",
                "journal": str(home / "journal.sqlite"),
            },
        )
        config = replace(config, limits=LIMITS)
        runner = stack.enter_context(asyncio.Runner())
        watched = Watched(open_sandbox(config, lambda text: None))
        opened = AsyncExitStack()
        session = runner.run(opened.enter_async_context(open_session(config, {}, lambda text: None, sandbox=watched)))
        session = replace(session, verifier=OneBaseline(session.verifier))
        stage = Stage(backend=backend, runner=runner, session=session, sandbox=watched, home=home)
        try:
            _settle_in(stage)
            yield stage
        finally:
            runner.run(opened.aclose())
            if stage._client is not None:
                stage._client.close()


def _settle_in(stage: Stage) -> None:
    """An honest candidate and an honest job, then what a box at rest holds and what this process takes."""
    faults = _next_honest(stage, "small") + _honest_job(stage)
    if faults:
        raise RuntimeError(f"an honest candidate does not pass before any attack: {faults}")
    stage.resting = _inside(stage)
    stage.first_rss, stage.first_peak = _rss_bytes(), _peak_bytes()


def run_case(case: VerdictCase | BoxCase | HostCase, stage: Stage | None = None) -> CaseResult:
    """What became of `case`, and everything that is wrong with it. A case of the host needs no stage."""
    started = time.monotonic()
    if isinstance(case, HostCase):
        outcome = case.attempt()
        faults = () if outcome in case.expected else (f"{outcome}, expected {_names(case.expected)}",)
        seconds = time.monotonic() - started
        return CaseResult(
            case_id=case.case_id, row=case.row, backend="host", outcome=outcome, faults=faults, seconds=seconds
        )
    assert stage is not None
    before = _Before.take(stage)
    outcome, integrity, faults, detail = (
        _judge_case(case, stage) if isinstance(case, VerdictCase) else _box_case(case, stage)
    )
    project = case.project if isinstance(case, VerdictCase) else ""
    aftermath = before.faults_now(stage, project)
    return CaseResult(
        case_id=case.case_id,
        row=case.row,
        backend=stage.backend,
        outcome=outcome,
        integrity=integrity,
        faults=tuple(faults),
        aftermath=tuple(aftermath),
        detail=detail,
        seconds=time.monotonic() - started,
    )


class Running:
    """Cases on several backends at the same time, a thread and a stage each, since they mostly wait.

    `result` waits for one. What opening a stage raises is raised for each of its cases.
    """

    def __init__(self, cases: Mapping[str, Sequence[VerdictCase | BoxCase]]) -> None:
        self._stopped = threading.Event()
        self._infos: dict[str, BoxInfo] = {}
        self._results: dict[tuple[str, str], Future[CaseResult]] = {
            (backend, case.case_id): Future() for backend, ours in cases.items() for case in ours
        }
        self._threads = [threading.Thread(target=self._work, args=item, daemon=True) for item in cases.items()]

    def __enter__(self) -> Running:
        os.environ[SECRET_NAME] = SECRET
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        del os.environ[SECRET_NAME]

    def result(self, backend: str, case_id: str) -> CaseResult:
        return self._results[backend, case_id].result()

    def info(self, backend: str) -> BoxInfo:
        """Known once a case of the backend is done."""
        return self._infos[backend]

    def _work(self, backend: str, cases: Sequence[VerdictCase | BoxCase]) -> None:
        try:
            with open_stage(backend) as stage:
                self._infos[backend] = stage.info
                for case in cases:
                    if self._stopped.is_set():
                        return
                    self._results[backend, case.case_id].set_result(run_case(case, stage))
        except BaseException as error:  # noqa: BLE001 - whoever waits for a result gets it
            for case in cases:
                future = self._results[backend, case.case_id]
                if not future.done():
                    future.set_exception(error)


def _judge_case(case: VerdictCase, stage: Stage) -> tuple[str, str, list[str], str]:
    task = stage.task(case.project)
    stage.run(stage.session.verifier.baseline(task))  # under the usual limits
    task = replace(task, limits=replace(task.limits, **case.limits))
    verdict = stage.judge(task, patch_to(task, case.files))
    outcome, detail = verdict.outcome, verdict.detail
    faults = _broken_attack(case, verdict)
    if case.held_out:
        graded = stage.run(_hold_out(stage, task, patch_to(task, case.files), case.held_out))
        outcome, detail = graded.outcome, f"held out: {graded.detail}"
    if outcome not in case.expected:
        faults.append(f"{outcome} ({verdict.integrity}): {detail}; expected {_names(case.expected)}")
    said = "\n".join(result.detail for result in verdict.failing)
    return outcome.value, verdict.integrity.value, faults, f"{detail}\n{said}"


def _broken_attack(case: VerdictCase, verdict: Verdict) -> list[str]:
    """Why this attack never came to what it is about, so that its failing shows nothing."""
    if case.stops_at:
        stopped = verdict.stages[-1].name if verdict.stages else ""
        return [] if stopped == case.stops_at else [f"it came to {stopped}, which {case.stops_at} was to stop"]
    if verdict.integrity is Integrity.ORACLE:  # then it has passed among its checks: it does what it should
        return []
    last = verdict.stages[-1].name if verdict.stages else ""
    if last in ("compile", "lint") and not verdict.passed:
        return [f"the attack is broken: {last}: {verdict.detail}"]
    said = "\n".join(result.detail for result in verdict.results)
    names = (
        "NameError",
        "PermissionError",
        "FileNotFoundError",
        "ImportError",
        "ModuleNotFoundError",
        "AttributeError",
        "TypeError",
        "IndexError",
        "KeyError",
    )
    broken = [name for name in names if name in said and name not in case.raises]
    return [f"the attack is broken: {said[-600:]}"] if broken else []


async def _hold_out(stage: Stage, task: Task, patch: Patch, hidden):
    changes = [FileChange(path=path, before=None, after=text.encode()) for path, text in hidden.items()]
    return await stage.session.verifier.hold_out(task, patch, changes, tuple(hidden), ())


def _box_case(case: BoxCase, stage: Stage) -> tuple[str, str, list[str], str]:
    job = stage.job(case.code, sealed=case.sealed, isolated=case.isolated, limits=case.limits)
    seen = stage.run(stage.sandbox.run(job))
    faults = []
    shown = seen.stdout[:500].decode("utf-8", "replace") + seen.stderr[-500:].decode("utf-8", "replace")
    if seen.ended not in case.expected:
        faults.append(f"{seen.ended} ({seen.exit_code}, {seen.signal}): {shown}; expected {_names(case.expected)}")
    if HOLE.encode() in seen.stdout:
        faults.append(shown)
    if case.says is not None and seen.stdout.decode("utf-8", "replace") != case.says:
        faults.append(f"it said {shown!r} and not {case.says!r}")
    for look in case.then:
        later = stage.run(stage.sandbox.run(stage.job(look, sealed=case.sealed)))
        if (later.ended, later.exit_code, later.stdout) != (Ended.EXITED, 0, b""):
            faults.append(f"the job after it: {later.ended} {later.exit_code} {later.stdout!r} {later.stderr[-300:]!r}")
    return seen.ended.value, "", faults, shown


def patch_to(task: Task, files) -> Patch:
    """The patch that makes the tree of `task` hold `files`; None deletes one."""
    there = set(task.tree.paths())
    changes = []
    for path, text in files.items():
        before = task.tree.read(path) if path in there else None
        after = text.encode() if isinstance(text, str) else text
        changes.append(FileChange(path=path, before=before, after=after))
    return patch_of(*changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What was there before a case."""

    folders: frozenset[tuple[str, str]]
    mounts: frozenset[str]
    warm: Mapping[str, int]  # jobs that each warm box will still take before it is replaced
    jobs: int

    @staticmethod
    def take(stage: Stage) -> _Before:
        return _Before(
            folders=_host_entries(),
            mounts=_mounts(),
            warm={box.box_id: box.uses_left for _, box in stage.sandbox.inner._pool._free},
            jobs=len(stage.sandbox.seen),
        )

    def faults_now(self, stage: Stage, project: str) -> list[str]:
        """Everything that a case changed and must not have changed."""
        ran = stage.sandbox.seen[self.jobs :]
        faults = _honest_job(stage) if not project else _next_honest(stage, project)
        faults += [fault for seen in ran for fault in _late(seen)]
        odd = any(seen.observation.ended in BREAKS_THE_BOX for seen in ran)
        used = len(stage.sandbox.seen) - self.jobs
        if not odd and any(left > used and box not in stage.warm() for box, left in self.warm.items()):
            faults.append("the warm box was lost on the way to the verdict")
        faults += _left_in_boxes(stage)
        for folder, name in sorted(_host_entries() - self.folders):
            with contextlib.suppress(OSError):
                path = Path(folder, name)
                if MARK in name or path.lstat().st_uid >= FIRST_JOB_UID:
                    faults.append(f"left on the host: {path}")
        if ipc := _host_ipc():
            faults.append(f"left on the host: {ipc}")
        if new := [path for path in sorted(_mounts() - self.mounts) if _may_be_ours(path, stage)]:
            faults.append(f"mounted on the host: {new}")
        if project and tree_hash(stage.home / project) != stage.hashes[project]:
            faults.append("the host's tree has changed")
        grown = max(_rss_bytes() - stage.first_rss, _peak_bytes() - max(stage.first_peak, stage.first_rss))
        if grown > MOST_GROWTH_BYTES:
            faults.append(f"this process has grown by {grown >> 20} MiB")
        return faults


def _next_honest(stage: Stage, project: str) -> list[str]:
    """Whether an honest patch, another one each time, passes in the warm box."""
    stage.honest += 1
    task = stage.task(project)
    mark = f"# honest {stage.honest}\n"
    files = {path: text + (mark if path.endswith(".py") else "") for path, text in PROJECTS[project].mended.items()}
    baseline = stage.run(stage.session.verifier.baseline(task)).baseline
    candidate = Candidate(
        candidate_id=CandidateId(f"honest-{stage.honest}"),
        patch=patch_to(task, files),
        origin=Origin(author="test", role="user"),
    )
    verdict = stage.run(stage.session.verifier.verify(task, baseline, candidate))
    if verdict.outcome is Outcome.PASSED:
        return []
    return [f"the next honest candidate: {verdict.outcome}: {verdict.detail}"]


def _honest_job(stage: Stage) -> list[str]:
    seen = stage.run(stage.sandbox.run(stage.job("print(6 * 7)")))
    if (seen.ended, seen.exit_code, seen.stdout) == (Ended.EXITED, 0, b"42\n"):
        return []
    return [f"the next honest job: {seen.ended} {seen.exit_code} {seen.stderr[-300:]!r} {seen.detail}"]


def _late(seen: Seen) -> list[str]:
    """Why this job took longer than it may. Slack only for what the machine does beside us."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    slack = LATE_S * min(4.0, max(1.0, busy))
    limit = seen.limits.wall_s
    faults = []
    if seen.observation.wall_s > limit + slack:
        faults.append(f"a job went on for {seen.observation.wall_s:.1f} s; its limit is {limit:g} s")
    if seen.waited_s > limit + slack + START_S:
        faults.append(f"a job's caller waited {seen.waited_s:.1f} s; its limit is {limit:g} s")
    return faults


def _left_in_boxes(stage: Stage) -> list[str]:
    """Boxes, volumes and processes beyond those at rest."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        faults = _box_faults(stage)
        if not faults or time.monotonic() > deadline:
            return faults
        time.sleep(0.02)


def _box_faults(stage: Stage) -> list[str]:
    faults = []
    if stage.backend == "docker":
        ours = [LABEL, f"{OWNER_LABEL}={this_process()}"]
        names = {
            n.lstrip("/") for c in stage.client().api.containers(all=True, filters={"label": ours}) for n in c["Names"]
        }
        if names != stage.warm():
            faults.append(f"containers {sorted(names)}, in use are {sorted(stage.warm())}")
        if volumes := stage.client().api.volumes(filters={"label": LABEL})["Volumes"]:
            faults.append(f"volumes {volumes}")
    elif len(_roots(stage)) != len(stage.warm()):
        faults.append(f"{len(_roots(stage))} bubblewrap processes for {len(stage.warm())} boxes")
    inside = _inside(stage)
    if inside != stage.resting:
        faults.append(f"in the box are {dict(inside)}, at rest {dict(stage.resting)}")
    return faults


def _roots(stage: Stage) -> list[int]:
    """The first process of every box, as this machine numbers it."""
    if stage.backend == "docker":
        api = stage.client().api
        return [api.inspect_container(name)["State"]["Pid"] for name in stage.warm()]
    return [pid for pid in _children(os.getpid()) if _stat(pid)[0] == "bwrap"]


def _inside(stage: Stage) -> Counter[str]:
    """What lives in the boxes: `name state-if-dead user-if-a-job's` of every process, counted."""
    waiting = _roots(stage)
    found: Counter[str] = Counter()
    while waiting:
        pid = waiting.pop()
        name, state = _stat(pid)
        if not name:
            continue
        with contextlib.suppress(OSError):
            job = "job " if Path(f"/proc/{pid}").stat().st_uid >= FIRST_JOB_UID else ""
            dead = "dead " if state in "ZX" else ""
            found[f"{job}{dead}{name}"] += 1
        waiting += _children(pid)
    return found


def _stat(pid: int) -> tuple[str, str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "", ""
    return text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2]


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _host_entries() -> frozenset[tuple[str, str]]:
    found = set()
    for folder in HOST_FOLDERS:
        with contextlib.suppress(OSError):
            found |= {(folder, path.name) for path in Path(folder).iterdir()}
    return frozenset(found)


def _host_ipc() -> list[str]:
    """Shared memory, semaphores and queues of jobs that this machine's own namespace holds."""
    found = []
    for kind in ("shm", "sem", "msg"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]:
                if any(word.isdigit() and FIRST_JOB_UID <= int(word) < 1 << 31 for word in line.split()[7:11]):
                    found.append(f"{kind}: {line.strip()}")
    return found


def _mounts() -> frozenset[str]:
    return frozenset(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())


def _may_be_ours(mount: str, stage: Stage) -> bool:
    """Not one of an engine, which come and go with boxes, nor below a temporary folder of somebody else's."""
    if any(part in mount for part in ENGINE_MOUNTS):
        return False
    return MARK in mount or mount.startswith(str(stage.home)) or not mount.startswith(HOST_FOLDERS)


def tree_hash(folder: Path) -> str:
    """Digest over names, modes and bytes of everything below `folder`."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        total.update(f"{path.relative_to(folder)}\0{info.st_mode:o}\0{info.st_uid}\0".encode() + content)
    return total.hexdigest()


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _names(values) -> str:
    return " or ".join(sorted(getattr(value, "value", value) for value in values))
