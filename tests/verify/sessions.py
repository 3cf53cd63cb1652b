"""Reports as the pytest runner writes them, line by line."""

import json
from dataclasses import replace

from moa_code.core.box import Ended, Observation
from moa_code.verify.grade import Expectation, grade
from moa_code.verify.reading import read_session

NONCE = "5eed" * 8
EXIT = 77
CANARIES = {"test_3a1c": "pass", "test_9d2f": "fail"}
MUST_PASS, MUST_FAIL = "t.py::test_3a1c", "t.py::test_9d2f"
IDS = ("t.py::test_a", "t.py::test_b", "t.py::test_c")
EXPECTED = Expectation(checks=IDS, gate=1, canaries=CANARIES, agreed_exit=EXIT)


def line(kind, nonce=NONCE, **values):
    return (nonce + json.dumps({"k": kind, **values}) + "\n").encode()


def result(name, outcome="passed", detail="", **more):
    return line("result", id=name, outcome=outcome, detail=detail, duration_s=0.01, **more)


def lines_of(outcomes=None, *, extra=(), code=1, collected=None):
    """A whole session's lines; `outcomes` maps ids to what differs from a pass, None leaves the result out."""
    told = {**dict.fromkeys(IDS, "passed"), MUST_PASS: "passed", MUST_FAIL: "failed", **(outcomes or {})}
    names = list(told) if collected is None else list(collected)
    results = [result(name, outcome) for name, outcome in told.items() if outcome is not None]
    end = [] if code is None else [line("end", code=code)]
    return [line("collected", ids=names), *results, *extra, *end]


def left(report=b"", ended=Ended.EXITED, **more):
    """What the box saw of a job that left as agreed."""
    if ended is Ended.EXITED:
        more = {"exit_code": EXIT, **more}
    return Observation(ended=ended, report=report, **{"report_complete": True, **more})


def graded(lines, expected=EXPECTED, **seen):
    report = b"".join(lines)
    return grade(left(report, **seen), read_session(report, NONCE), expected)


def expecting(**more):
    return replace(EXPECTED, **more)
