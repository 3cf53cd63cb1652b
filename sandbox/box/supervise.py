"""Running one job: lay out its tree, watch its clock, memory, disk, processes and output, kill all of it, report."""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from box import kernel, wire, workspace
from box.preload import ENTRIES, SLIM_ENTRIES
from box.watch import SHARED_FOLDERS, Meter, Pipe, Watch
from box.zygote import Gone, Zygote

FIRST_TICK_S = 0.008  # what is short is over by then; walls that need no look stand from the start
LAST_TICK_S = 0.025
TREE, JUDGE = "tree", "judge"  # folders of a job
KEPT_TREES = 4  # the host counts on one fewer


class Supervisor:
    """Holds base trees and runs jobs over them, one at a time."""

    def __init__(
        self, *, root: Path, uid_base: int, uid_count: int, zygote: Zygote, slim: Zygote, channel_in: int
    ) -> None:
        self._trees = root / "trees"
        self._work = root / "job"
        self._uid_base = uid_base
        self._uid_count = uid_count
        self._jobs = 0
        self._kept: list[str] = []  # names of base trees, oldest first
        self._whole = self._zygote = zygote  # the second is the one that runs the job
        self._slim = slim
        self._channel_in = channel_in
        self._separate = os.geteuid() == 0 and uid_base > 0
        self._ours = frozenset({1, os.getpid(), zygote.pid, slim.pid})
        self._cgroup = kernel.Cgroup()
        self._trees.mkdir(mode=0o700, exist_ok=True)
        self._work.mkdir(mode=0o755, exist_ok=True)

    def description(self) -> dict[str, Any]:
        return {
            "python": ".".join(str(part) for part in sys.version_info[:3]),
            "uid_separation": self._separate,
            "cgroup": self._cgroup.version,
            "confines_memory": self._cgroup.confines_memory,
            "enforced": self._cgroup.limits(),
        }

    def new_tree(self, digest: str) -> Path:
        """An empty folder for a base tree; older trees make room for it."""
        name = workspace.checked(digest)
        surplus = max(0, len(self._kept) + 1 - KEPT_TREES)
        for old in [name] if name in self._kept else self._kept[:surplus]:
            shutil.rmtree(self._trees / old)
            self._kept.remove(old)
        base = self._trees / name
        base.mkdir(mode=0o700)
        self._kept.append(name)
        return base

    def run(self, header: dict[str, Any], overlay: list[tuple[str, bytes | None]]) -> tuple[dict[str, Any], bytes]:
        """One job from start to wiped workspace."""
        self._jobs += 1
        uid = self._uid_base + self._jobs % self._uid_count if self._separate else os.geteuid()
        judge = uid + self._uid_count if self._separate else uid
        base = self._trees / workspace.checked(header["tree"])
        if not base.exists():
            raise ValueError(f"tree {header['tree']} was never sent")
        if header["entry"] not in ENTRIES:
            raise ValueError(f"there is no runner {header['entry']!r}; known: {', '.join(ENTRIES)}")
        slim = header["entry"] in SLIM_ENTRIES and header["payload"].get("slim", header["entry"] != "oracle")
        self._zygote = self._slim if slim else self._whole
        judged = header["judged"]
        users = (uid, judge) if judged and self._separate else (uid,)
        try:
            self._lay_out(base, overlay, header["sealed"], uid if self._separate else None, frozenset(judged))
            if judged:
                workspace.lay_out_some(base, self._work / JUDGE, judged, overlay, judge if self._separate else None)
            answer, body = self._watch(header, self._order(header, uid, judge if judged else None), users)
            untouched = set(header["sealed"]) - set(judged) - {path for path, _ in overlay}
            answer["broken_seal"] = workspace.broken_seal(base, self._work / TREE, sorted(untouched))
            return answer, body
        finally:
            self._clean(users)

    def _lay_out(
        self,
        base: Path,
        overlay: list[tuple[str, bytes | None]],
        sealed: list[str],
        owner: int | None,
        judged: frozenset[str],
    ) -> None:
        workspace.lay_out(base, self._work / TREE, overlay, workspace.Sealed(sealed), owner, judged)
        if judged and owner is not None:  # nothing the candidate writes may ever be loaded by its judge
            os.chown(self._work / TREE, -1, owner)
            os.chmod(self._work / TREE, 0o1770)
        for name in ("home", "tmp"):
            folder = self._work / name
            folder.mkdir(mode=0o700)
            if owner is not None:
                os.chown(folder, owner, owner)

    def _order(self, header: dict[str, Any], uid: int, judge: int | None) -> dict[str, Any]:
        """What the zygote is to start: the job, or its judge with the candidate beside it."""
        limits = header["limits"]
        tree = self._work / TREE
        order = {
            "entry": header["entry"],
            "limits": limits,
            "address_space_bytes": None if self._cgroup.confines_memory else _address_space(limits),
        }
        candidate = {"uid": uid, "cwd": str(tree), "env": self._environment(self._work / "home", self._work / "tmp")}
        if judge is None:
            return {**order, **candidate}
        bench = self._work / JUDGE
        candidate["sys_path"] = header["payload"]["sys_path"]
        own = {"uid": judge, "cwd": str(bench), "env": self._environment(bench, bench)}
        return {**order, **own, "candidate": candidate}

    def _environment(self, home: Path, temporary: Path) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    def _watch(
        self, header: dict[str, Any], order: dict[str, Any], users: tuple[int, ...]
    ) -> tuple[dict[str, Any], bytes]:
        limits = header["limits"]
        pairs = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        stdout, stderr, report = (Pipe(fd=reading) for reading, _ in pairs)
        for pipe in (stdout, stderr, report):
            os.set_blocking(pipe.fd, False)
        meter = Meter(self._cgroup, self._ours, frozenset(users) if self._separate else None)
        started = time.monotonic()
        payload = _nameless(self._trees, {**header["payload"], "seed": header["seed"]})
        # Before the job starts: what it had written by then would count for nothing.
        watch = Watch(limits, stdout, stderr, report, meter, self._work, started)
        try:
            pid = self._zygote.spawn(order, payload, (pairs[0][1], pairs[1][1], pairs[2][1]))
        finally:
            os.close(payload)
            for _, writing in pairs:
                os.close(writing)
        try:
            ended = self._until_end(watch, header["id"])
            wall_s = time.monotonic() - started
            leftover = meter.count()
            watch.last_look()
            self._kill_all(users, pid)
            final = ended if ended is not None else self._last_words(meter)
            for pipe in (stdout, stderr, report):
                while pipe.open and pipe.read() and len(pipe.kept) <= limits["report_bytes"]:
                    pass
            watch.read([])
        finally:
            for pipe in (stdout, stderr, report):
                os.close(pipe.fd)
        return _answer(header["id"], limits, watch, final, meter, wall_s, leftover if ended is not None else 0)

    def _until_end(self, watch: Watch, job_id: str) -> dict[str, Any] | None:
        """Watch until the main process ends (its wait status comes back) or a limit is passed (None)."""
        tick = FIRST_TICK_S
        while True:
            waiting: list[Any] = [pipe.fd for pipe in (watch.stdout, watch.stderr, watch.report) if pipe.open]
            ready, _, _ = select.select([self._zygote, self._channel_in, *waiting], [], [], tick)
            watch.read(ready)
            if self._zygote in ready:
                return self._last_words(watch.meter)
            if self._channel_in in ready:
                self._on_host_word(watch, job_id)
            if watch.over_limit(refresh=not ready or watch.due(tick)):
                return None
            tick = min(LAST_TICK_S, tick * 1.5)

    def _last_words(self, meter: Meter) -> dict[str, Any]:
        """How the main process ended after all. A zygote that the kernel took for the job's memory cannot say."""
        try:
            return self._zygote.ended()
        except Gone:
            if not meter.oom_killed:
                raise
            return {"status": 9, "cpu_s": 0.0, "max_rss_bytes": None}

    def _on_host_word(self, watch: Watch, job_id: str) -> None:
        """While a job runs the host says one thing only: cancel. A closed channel means the same, for all."""
        header, _ = wire.read_header(self._channel_in)
        if header.get("op") == "cancel" and header.get("id") == job_id:
            watch.passed = "cancelled"

    def _kill_all(self, users: tuple[int, ...], main_pid: int) -> None:
        if self._separate:
            kernel.kill_uids(frozenset(users))
            return
        for _ in range(1000):  # no uid of its own: everything in this PID namespace that is not ours
            alive = [p for p in kernel.processes(self._ours) if not p.zombie]
            if not alive:
                return
            for process in alive:
                try:
                    os.kill(process.pid, 9)
                except ProcessLookupError:
                    continue
        raise RuntimeError(f"processes of the job of pid {main_pid} will not die")

    def _clean(self, users: tuple[int, ...]) -> None:
        while True:  # orphans came to us as subreaper
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        workspace.wipe(self._work)
        if self._separate:
            for folder in SHARED_FOLDERS:
                for uid in users:
                    workspace.sweep_owned(folder, uid)


def _address_space(limits: dict[str, Any]) -> int:
    """A second line behind counted memory: what is mapped and not used, for each thread a stack and a malloc arena."""
    return int(limits["memory_bytes"]) + (1 << 30) + int(limits["pids"]) * (72 << 20)


def _nameless(folder: Path, payload: dict[str, Any]) -> int:
    """A readable descriptor of a file in `folder` that holds the payload as JSON and never has a name."""
    import json

    descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb", closefd=False) as stream:
        stream.write(json.dumps(payload).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _answer(
    job_id: str,
    limits: dict[str, Any],
    watch: Watch,
    final: dict[str, Any],
    meter: Meter,
    wall_s: float,
    leftover: int,
) -> tuple[dict[str, Any], bytes]:
    status = final["status"]
    ended = watch.passed
    if not ended and meter.oom_killed:
        ended = "memory"
    if not ended and meter.pids_refused:
        ended = "pids"
    signalled = os.WIFSIGNALED(status)
    if not ended and signalled and os.WTERMSIG(status) == 24:  # SIGXCPU: the second line behind our own count
        ended = "cpu_limit"
    if not ended:
        ended = "signalled" if signalled else "exited"
    cap = limits["output_bytes"]
    out = bytes(watch.stdout.kept[: max(cap - len(watch.stderr.kept), cap // 2)])
    err = bytes(watch.stderr.kept[: cap - len(out)])
    report = bytes(watch.report.kept[: limits["report_bytes"]])
    answer = {
        "op": "done",
        "id": job_id,
        "ended": ended,
        "exit_code": os.WEXITSTATUS(status) if ended == "exited" else None,
        "signal": os.WTERMSIG(status) if ended == "signalled" else None,
        "output_truncated": len(watch.stdout.kept) + len(watch.stderr.kept) > cap,
        "report_complete": len(watch.report.kept) <= limits["report_bytes"] and not watch.report.open,
        "cpu_s": max(meter.cpu_s(), final["cpu_s"]),
        "wall_s": wall_s,
        "max_rss_bytes": final["max_rss_bytes"],
        "leftover_processes": leftover,
        "sizes": [len(out), len(err), len(report)],
    }
    return answer, out + err + report
