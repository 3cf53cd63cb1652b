"""Judge and candidate as two forked processes on this machine, without a box: `Pairs` asks a warm server for them.

The server is this file as a script. It reads an order a line, JSON ({"files", "judged", "entry", "payload"}), writes
{"events", "exit", "stdout", "seconds"} a line.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SANDBOX = Path(__file__).parents[2] / "sandbox"
NONCE = "n0nce"
AGREED = 42
WORDS = (
    "cannot be asked across processes",
    "tampered",
)


@dataclass(frozen=True)
class Session:
    """What the judge reported: outcome and detail by check, and the rest as it came."""

    outcomes: dict
    details: dict
    events: list
    exit: int
    stdout: str
    seconds: float

    @property
    def failing(self):
        return {name: self.details[name] for name, outcome in self.outcomes.items() if outcome != "passed"}

    @property
    def passed(self):
        return (
            bool(self.outcomes) and not self.failing and not self.broken and not self.tampered and self.exit == AGREED
        )

    @property
    def broken(self):
        return {event["id"]: event["detail"] for event in self.events if event["k"] == "broken"}

    @property
    def tampered(self):
        return [event["detail"] for event in self.events if event["k"] == "tampered"]

    @property
    def inexpressible(self):
        return {event["id"]: event["why"] for event in self.events if event["k"] == "inexpressible"}


class Pairs:
    """The server; a context manager."""

    def __enter__(self):
        environment = {**os.environ, "PYTHONPATH": str(SANDBOX), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # as in the image
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )
        return self

    def __exit__(self, *error):
        self._server.stdin.close()
        self._server.wait(timeout=20)

    def run(self, files, judged, *, entry="oracle", select=None, named=(), cpu_s=2.0, wall_s=8.0, **payload):
        """The session over `judged` (text by path) with `files` (text by path) as the candidate's tree."""
        order = {
            "files": files,
            "judged": judged,
            "entry": entry,
            "payload": {
                "nonce": NONCE,
                "exit_code": AGREED,
                "seed": 1,
                "select": list(judged if select is None else select),
                "sys_path": [""],
                "far_paths": [path for path in files if path.endswith(".py")],
                "named": list(named),
                "unfit": [],
                "check_cpu_s": cpu_s,
                "check_wall_s": wall_s,
                "hypothesis": any("hypothesis" in text for text in judged.values()),
                **payload,
            },
        }
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        answer = json.loads(self._server.stdout.readline())
        events = answer["events"]
        results = [event for event in events if event["k"] == "result"]
        return Session(
            outcomes={event["id"]: event["outcome"] for event in results},
            details={event["id"]: event["detail"] for event in results},
            events=events,
            exit=answer["exit"],
            stdout=answer["stdout"],
            seconds=answer["seconds"],
        )


def serve():
    import hypothesis.strategies  # noqa: F401  warmed once for all forks
    from box.oracle import answer
    from box.runners import oracle_run, pytest_run, split_run

    runs = {"oracle": oracle_run.run, "split": split_run.run, "pytest": pytest_run.run}
    for line in sys.stdin:
        order = json.loads(line)
        root = Path(tempfile.mkdtemp(prefix="oracle-pair-"))
        try:
            found = pair(root, order, runs[order["entry"]], answer)
        finally:
            shutil.rmtree(root, ignore_errors=True)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def pair(root, order, run, answer):
    alone = order["entry"] == "pytest"
    for side, files in (("candidate", order["files"]), ("judge", order["judged"])):
        where = root if alone else root / side
        where.mkdir(exist_ok=True)
        for name, text in files.items():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_text(text, encoding="utf-8", newline="")
    started = time.monotonic()
    judges, candidates = socket.socketpair()
    reading, writing = os.pipe()
    candidate = 0 if alone else os.fork()
    if candidate == 0 and not alone:
        start(root / "candidate", root / "candidate-out")
        for other in (reading, writing):
            os.close(other)
        judges.close()
        answer.run(candidates, order["payload"]["sys_path"])
    judge = os.fork()
    if judge == 0:
        start(root if alone else root / "judge", root / "judge-out")
        os.close(reading)
        candidates.close()
        code = 70
        try:
            code = run({**order["payload"], "channel": judges.detach()}, writing)
        except BaseException:  # noqa: BLE001  as a job of the box does
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    for end in (judges, candidates):
        end.close()
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        report = stream.read().decode()
    _, status = os.waitpid(judge, 0)
    seconds = time.monotonic() - started
    if candidate:
        end_session(candidate)
        os.waitpid(candidate, 0)
    return {
        "events": [json.loads(line[len(NONCE) :]) for line in report.splitlines()],
        "exit": os.waitstatus_to_exitcode(status),
        "stdout": (root / "judge-out").read_text(errors="replace")[-20000:],
        "seconds": seconds,
    }


def end_session(leader):
    """Kill it and what it has started: programs have groups of their own, and its session."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(ValueError, OSError):
            if os.getsid(int(entry.name)) == leader:
                os.kill(int(entry.name), signal.SIGKILL)


def start(folder, output):
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    to = os.open(output, os.O_WRONLY | os.O_CREAT)
    for source, target in ((null, 0), (to, 1), (to, 2)):
        os.dup2(source, target)
    os.chdir(folder)


if __name__ == "__main__":
    serve()
