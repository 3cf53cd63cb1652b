"""The judging process of function-level checks: runs each across the border and reports it by its exact id.

The candidate's code is in another process, of another user; nothing of it is ever loaded here.
"""

from __future__ import annotations

import os
import signal
import socket
import time
import traceback
from typing import Any

from box.oracle import checks
from box.oracle.channel import Channel
from box.oracle.far import CandidateGone, CheckTimeout, Far, Inexpressible, Tampered
from box.oracle.imports import install
from box.runners.paths import prepare_path
from box.runners.report import Reporter, shortened

OURS = (os.path.dirname(os.path.dirname(__file__)), os.path.dirname(os.__file__))
HUNG_WALL_S = 1.5  # for checks that hang, once one has
JUDGE_GRACE_S = 1.0  # the candidate's clock first, then the wait for its answer, then ours


def run(payload: dict[str, Any], report: int) -> int:
    """Payload: select, sys_path, far_paths, named, channel, first, seed, check_cpu_s, check_wall_s; optional coverage,
    and hung_cpu_s for what comes after a check that has hung.
    """
    reporter = Reporter(report, payload.pop("nonce"))
    agreed = int(payload.pop("exit_code"))
    far = Far(Channel(socket.socket(fileno=payload["channel"])), payload["named"])
    prepare_path(payload["sys_path"])
    install(far, payload["far_paths"], payload["sys_path"])
    if not payload.get("slim"):
        from box.runners import profile  # loading Hypothesis costs more than most checks

        profile.set_up_properties()
        profile.set_seed(payload["seed"])
    found = _collected(payload["select"], far, reporter)
    place = {name: number for number, name in enumerate(payload.get("first", ()))}
    found.sort(key=lambda check: place.get(check.name, len(place)))
    reporter.send("collected", ids=[check.name for check in found])
    gate = sum(check.name in place for check in found)
    failed = in_gate = hung = False
    for number, check in enumerate(found):
        if in_gate and number >= gate:
            break
        outcome = _judge(check, far, payload, reporter, hung=hung)
        hung = hung or far.timed_out
        failed = failed or outcome != "passed"
        in_gate = in_gate or (outcome != "passed" and number < gate)
    if payload.get("coverage"):
        for name, lines in _coverage(far).items():
            reporter.send("coverage", id=name, lines=lines)
    _close(far)
    if far.tampered:
        reporter.send("tampered", detail=far.tampered)
    reporter.send("end", code=1 if failed else 0)
    return agreed


def _collected(targets: list[str], far: Far, reporter: Reporter) -> list[checks.Check]:
    found: list[checks.Check] = []
    for target in targets:
        try:
            found += checks.load(target, far)
        except (OSError, SyntaxError, ValueError, checks.BadCheck) as error:
            reporter.send("broken", id=target.partition("::")[0], detail=str(error))
    return found


def _judge(check: checks.Check, far: Far, payload: dict[str, Any], reporter: Reporter, *, hung: bool) -> str:
    started = time.monotonic()
    cpu_s, wall_s = float(payload["check_cpu_s"]), float(payload["check_wall_s"])
    if hung and payload.get("hung_cpu_s"):
        cpu_s, wall_s = float(payload["hung_cpu_s"]), min(wall_s, HUNG_WALL_S)
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, wall_s + JUDGE_GRACE_S)
    far.start_check(cpu_s, wall_s)
    outcome, detail = "passed", ""
    try:
        if payload.get("coverage"):
            far.ask("context", check.name)
        check.run()
    except Inexpressible as error:
        outcome, detail = "failed", f"cannot be asked across processes: {error}"
    except (CandidateGone, CheckTimeout, Tampered) as error:
        outcome, detail = "failed", f"{type(error).__name__}: {error}"
    except BaseException as error:
        if type(error) is AssertionError and not error.args:
            error.args = (check.explain(),)
        outcome, detail = "failed", _told(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if far.trouble and outcome == "passed":
        outcome, detail = "failed", far.trouble
    if far.inexpressible and not far.tampered:
        reporter.send("inexpressible", id=check.name, why=shortened(far.inexpressible))
        if outcome == "passed":  # a check that swallows all
            outcome, detail = "failed", far.inexpressible
    if outcome == "failed" and far.notes:
        detail += "\n" + "\n".join(dict.fromkeys(far.notes))
    reporter.send(
        "result", id=check.name, outcome=outcome, detail=shortened(detail), duration_s=time.monotonic() - started
    )
    return outcome


def _told(error: BaseException) -> str:
    """The error's own words, the line of the check, and where the candidate's code raised it."""
    lines = traceback.format_exception_only(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [f"{f.filename}:{f.lineno}: {f.line}" for f in frames if not f.filename.startswith(OURS)][-2:]
    return "".join(lines).rstrip() + ("\n" + "\n".join(own) if own else "")


def _coverage(far: Far) -> dict[str, dict[str, list[int]]]:
    try:
        found = far.ask("coverage")
    except BaseException:
        return {}
    return found if type(found) is dict else {}


def _close(far: Far) -> None:
    try:
        far.close()
    except (Tampered, CandidateGone):
        return


def _out_of_time(number: int, frame: object) -> None:
    raise CheckTimeout("out of time: the check used up its own limit")
