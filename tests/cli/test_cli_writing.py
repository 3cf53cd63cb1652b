"""Writing where the reader is gone, the disk full, or the terminal not one."""

import io
import json
import subprocess
import sys

import pytest
from cli_calls import environment

from moa_code.cli.live import Terminal, events_file
from moa_code.core.box import BoxInfo, Limits
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import EMPTY_PATCH
from moa_code.core.run import Status
from moa_code.core.task import CheckId
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.engine.events import BaselineDone, CandidateJudged, Finished, Started

BROKEN = CheckResult(
    check_id=CheckId("test_m.py"), outcome=CheckOutcome.ERROR, detail="trace\nE   SyntaxError: invalid syntax"
)
HUNG = CheckResult(check_id=CheckId("test_a.py::test_x"), outcome=CheckOutcome.FAILED)
VERDICT = Verdict(
    candidate_id=CandidateId("c1"),
    patch_sha256="0",
    outcome=Outcome.FAILED,
    integrity=Integrity.IN_PROCESS,
    level=Level.COMPILES,
    counts=Counts(expected=2),
    stages=(),
    box=BoxInfo(backend="fake", image_digest="sha256:0"),
    limits=Limits(),
    detail="",
)


def shown(*events, stream=None):
    stream = stream or io.StringIO()
    terminal = Terminal(stream, clock=lambda: 0.0)
    for event in events:
        terminal(event)
    return stream


def test_a_baseline_says_what_is_broken_and_what_hangs():
    baseline = Baseline(results=(BROKEN, HUNG), hung=(HUNG.check_id,))
    text = shown(BaselineDone(baseline=baseline, duration_s=1)).getvalue()
    assert "test_m.py cannot be collected: SyntaxError: invalid syntax" in text
    assert "test_a.py::test_x did not come to an end (--cpu, --wall raise the limit)" in text


def test_what_a_candidate_wrote_cannot_steer_the_terminal():
    note = "evil \x1b[2Jname\nsecond line"
    candidate = Candidate(
        candidate_id=CandidateId("c1"), patch=EMPTY_PATCH, origin=Origin(author="m", role="proposer", note=note)
    )
    text = shown(CandidateJudged(candidate=candidate, verdict=VERDICT)).getvalue()
    assert "\x1b" not in text
    assert text.count("\n") == 1


class Gone(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def test_a_reader_that_has_gone_does_not_end_the_run():
    shown(Started(task_id="t", backend="b", image_digest="d"), stream=Gone())


def test_events_are_lines_of_json(tmp_path):
    listen, close = events_file(tmp_path / "events.jsonl")
    listen(Started(task_id="t", backend="b", image_digest="d"))
    listen(Finished(status=Status.VERIFIED, reason="all pass"))
    close()
    rows = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [row["event"] for row in rows] == ["Started", "Finished"]
    assert rows[1]["status"] == "verified"


def test_events_on_a_full_disk_are_given_up_aloud(capsys):
    listen, close = events_file(sys.modules["pathlib"].Path("/dev/full"))
    for _ in range(3):
        listen(Started(task_id="t", backend="b", image_digest="d"))
    close()
    assert capsys.readouterr().err.count("--events /dev/full is incomplete from here: No space left") == 1


@pytest.mark.parametrize("words", ["--help", "config show", "runs list --help"])
def test_a_closed_pipe_ends_quietly(home, words):
    """`| head -0`: the reader is gone before the first byte."""
    script = f"set -o pipefail; {sys.executable} -m moa_code {words} | true"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment(home), timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_behind_standard_output(home):
    script = f"{sys.executable} -m moa_code config show > /dev/full"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment(home), timeout=60)
    assert done.returncode == 3
    assert "standard output cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_standard_output_that_is_closed(home):
    script = f"{sys.executable} -m moa_code config show >&-"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment(home), timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
