"""Ctrl-C: once to finish and save, twice to stop; never a box left behind."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from cli_calls import command, spawn

from moa_code.cli.running import Interrupts


class Run:
    """Stands for the command's task: counts how often it was cancelled."""

    def __init__(self):
        self.cancelled = 0

    def cancel(self):
        self.cancelled += 1


def test_once_is_gentle_twice_ends_and_more_changes_nothing(capsys):
    interrupts, run, gentle = Interrupts(), Run(), []
    interrupts.register(lambda: gentle.append(1))
    interrupts.press(run)
    assert (len(gentle), run.cancelled) == (1, 0)
    interrupts.press(run)
    interrupts.press(run)
    assert (len(gentle), run.cancelled) == (1, 1)
    assert "press Ctrl-C again to stop at once" in capsys.readouterr().err


def test_before_anything_could_be_saved_once_ends_it():
    interrupts, run = Interrupts(), Run()
    interrupts.press(run)
    assert run.cancelled == 1


def test_a_press_between_two_runs_ends_the_next_one():
    """`bench run` registers each task: a press while one is graded must not be forgotten when the next starts."""
    interrupts, run, gentle = Interrupts(), Run(), []
    interrupts.register(lambda: gentle.append("first"))
    interrupts.press(run)
    interrupts.register(lambda: gentle.append("second"))
    assert gentle == ["first", "second"]
    assert run.cancelled == 0


ENDLESS = "def test_x():\n    while True:\n        pass\n"


def until(path, word, seconds=60):
    deadline = time.monotonic() + seconds
    while word not in (path.read_text() if path.exists() else ""):
        assert time.monotonic() < deadline, f"{word!r} did not appear in {path}"
        time.sleep(0.02)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("numbers", "saved"), [([signal.SIGINT], True), ([signal.SIGTERM], True), ([signal.SIGINT] * 2, False)]
)
def test_an_interrupted_run_is_in_the_journal(home, shop, owns_boxes, tmp_path, numbers, saved):
    (shop / "test_shop.py").write_text(ENDLESS)
    events = tmp_path / "events.jsonl"
    process = spawn(home, "fix", shop, "--json", "--events", events, "--cpu", "60")
    owns_boxes(process.pid)
    try:
        until(events, "Started")
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.05 if len(numbers) > 1 else 0)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    rows = json.loads(command(home, "runs", "list", "--json").out)["runs"]
    assert [row["status"] for row in rows] == ["interrupted"]
    if saved:
        assert json.loads(out)["status"] == "interrupted"
        assert json.loads(out)["run_id"] == rows[0]["run_id"]
    assert not _boxes_of(process.pid)


def _boxes_of(pid):
    import docker

    from moa_code.sandbox.docker import LABEL, OWNER_LABEL
    from moa_code.sandbox.owner import Owner

    client = docker.from_env(timeout=20)
    try:
        found = client.api.containers(all=True, filters={"label": LABEL})
    finally:
        client.close()
    owners = [Owner.parse(container["Labels"].get(OWNER_LABEL, "")) for container in found]
    return [owner for owner in owners if owner is not None and owner.pid == pid]


@pytest.mark.docker
@pytest.mark.data
def test_an_interrupted_benchmark_keeps_what_is_done(home, owns_boxes, tmp_path):
    """Interrupted after the first attempt; what is missing then is the second alone."""
    named = Path(os.environ.get("MOA_CODE_DATA", ""))
    data = next((d for d in (named, named / "suites") if (d / "quixbugs" / "python_programs").is_dir()), None)
    if data is None:
        pytest.skip("set MOA_CODE_DATA to the folder that holds quixbugs")
    out = tmp_path / "out"
    tasks = ("--task", "gcd", "--task", "knapsack")
    process = spawn(home, "bench", "run", "quixbugs", "--data", data, "--out", out, *tasks)
    owns_boxes(process.pid)
    try:
        until(out / "quixbugs.jsonl", '"key"')
        process.send_signal(signal.SIGINT)
        table, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    rows = [json.loads(line) for line in (out / "quixbugs.jsonl").read_text().splitlines()]
    assert "interrupted" not in [row["status"] for row in rows]
    assert process.returncode == (130 if len(rows) < 2 else 0), err
    assert "gcd" in table
    assert not _boxes_of(process.pid)
