"""Whole commands, while the engine, the disk or they themselves are taken away: exit codes, words, and what is left."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import threading

import pytest
from cli_calls import PATCH, Done, command, spawn
from private_engine import processes_that_say, until, why_not

from moa_code.cli import main

pytestmark = pytest.mark.docker

SLOW = """
import subprocess, sys
from shop import total

def test_total():
    subprocess.run([sys.executable, "-c", "import time; time.sleep({seconds})", "{mark}"], check=True)
    assert total(1, 2) == 3
"""


class Shop:
    """A repository with one bug, whose check takes a while and shows in the host's list of processes."""

    def __init__(self, folder, image):
        self.folder = folder
        self.mark = secrets.token_hex(8)
        self.image = image
        folder.mkdir()
        (folder / "shop.py").write_text("def total(a, b):\n    return a - b\n")
        self.check_takes(0.8)
        self.patch = folder.parent / f"{folder.name}.diff"
        self.patch.write_bytes(PATCH)

    def check_takes(self, seconds):
        (self.folder / "test_shop.py").write_text(SLOW.format(mark=self.mark, seconds=seconds))

    def verify(self, backend="docker"):
        return ("verify", "--repo", self.folder, "--patch", self.patch, "--json", *self._backend(backend))

    def fix(self, backend="docker"):
        team = ("--proposer", "builtin:mutate", "--aggregator", "builtin:combine")
        return ("fix", self.folder, "--json", *team, *self._backend(backend))

    def _backend(self, name):
        return ("--backend", name, *(("--image", self.image) if name == "docker" else ()))

    def runs(self):
        """Once its check runs in a box."""
        return until(lambda: processes_that_say(self.mark), 30)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def shop(tmp_path, sandbox_image):
    return Shop(tmp_path / "shop", sandbox_image)


@pytest.fixture
def started(home, owns_boxes):
    """A command in a process of its own, killed at the end at the latest."""
    processes = []

    def start(arguments, **options):
        process = spawn(home, *arguments, **options)
        owns_boxes(process.pid)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def here(home, monkeypatch, capfd):
    """A command in this process, where limits of time can be scaled down."""
    for name in [n for n in os.environ if n.startswith(("MOA_CODE_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def call(arguments):
        code = main.run([str(argument) for argument in arguments])
        return Done(int(code), *capfd.readouterr())

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


def statuses(home):
    return [row["status"] for row in json.loads(command(home, "runs", "list", "--json").out)["runs"]]


@pytest.mark.parametrize("name", ["verify", "fix"])
def test_an_engine_that_is_down_is_exit_code_3(engine, here, shop, name):
    engine.stop()
    done = here(getattr(shop, name)())
    assert (done.code, done.out) == (3, "")
    assert "no Docker engine answers" in done.err
    assert "try: start that engine, or unset DOCKER_HOST" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["verify", "fix"])
def test_an_engine_that_goes_in_the_middle_is_exit_code_3_and_the_next_run_works(
    engine, here, home, shop, impatient, name
):
    def pull_the_plug():
        shop.runs()
        engine.stop()

    thread = threading.Thread(target=pull_the_plug)
    thread.start()
    done = here(getattr(shop, name)())
    thread.join()
    assert (done.code, done.out) == (3, ""), done
    assert "moa-code: " in done.err
    assert "moa-code doctor" in done.err
    assert "failed" not in done.err
    assert set(statuses(home)) <= {"failed"}
    engine.start()
    engine.remove_boxes()
    shop.check_takes(0)
    again = here(shop.verify())
    assert again.code == 0, again.err


def test_an_engine_that_comes_back_in_the_middle_is_not_even_noticed(engine, started, shop):
    process = started(shop.verify())
    shop.runs()
    engine.restart(crash=True)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["outcome"]) == (0, "passed"), err


def test_of_two_verifiers_on_one_engine_one_is_killed_and_the_other_goes_on(engine, started, home, tmp_path, shop):
    other = Shop(tmp_path / "other", shop.image)
    shop.check_takes(60)
    other.check_takes(2.5)
    killed, living = started(shop.verify()), started(other.verify())
    shop.runs()
    other.runs()
    assert engine.boxes(killed.pid)
    killed.kill()
    killed.wait()
    until(lambda: not processes_that_say(shop.mark))  # nobody has to sweep for that
    shop.check_takes(0)
    third = command(home, *shop.verify())
    assert (third.code, json.loads(third.out)["outcome"]) == (0, "passed"), third.err
    assert living.poll() is None, "it ended too soon to show anything"
    assert engine.boxes(killed.pid) == {}
    assert engine.boxes(living.pid), "the boxes of the living one were swept"
    out, err = living.communicate(timeout=60)
    assert (living.returncode, json.loads(out)["outcome"]) == (0, "passed"), err


@pytest.mark.parametrize("backend", ["docker", pytest.param("bubblewrap", marks=pytest.mark.bwrap)])
def test_a_run_that_is_killed_is_called_interrupted_and_can_be_made_again(engine, started, home, shop, backend):
    shop.check_takes(60)
    process = started(shop.fix(backend))
    shop.runs()
    process.kill()
    process.wait()
    until(lambda: not processes_that_say(shop.mark))
    assert statuses(home) == ["interrupted"]
    assert command(home, "runs", "show", "last").code == 0
    shop.check_takes(0)
    done = command(home, *shop.fix(backend))
    assert (done.code, json.loads(done.out)["status"]) == (0, "verified"), done.err
    assert statuses(home) == ["verified", "interrupted"]


def test_ctrl_c_ends_a_run_whose_engine_hangs(proxy, here, shop, impatient):
    """Twice: the first asks it to finish, which it cannot."""
    fault = proxy.fault("POST .*/start", "hang")

    def press():
        until(lambda: fault.seen, 30)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    done = here(shop.fix())
    thread.join()
    assert done.code == 130, done
    fault.released.set()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of half a megabyte."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    with (folder / "filler").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"x" * 4096)
    assert os.statvfs(folder).f_bavail == 0


def test_a_journal_whose_disk_fills_up_is_named_and_loses_nothing(engine, started, home, shop, small_disk):
    journal = small_disk / "journal.sqlite"
    shop.check_takes(0)
    first = command(home, "--journal", journal, *shop.fix())
    assert first.code == 0, first.err
    shop.check_takes(2)
    process = started(("--journal", journal, *shop.fix()))
    shop.runs()
    fill(small_disk)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, ""), err
    assert f"the journal {journal} cannot be used: the disk is full" in err
    assert "Traceback" not in err
    shop.check_takes(0)
    assert command(home, "--journal", journal, *shop.fix()).code == 3
    (small_disk / "filler").unlink()
    listed = json.loads(command(home, "--journal", journal, "runs", "list", "--json").out)["runs"]
    assert [row["status"] for row in listed] == ["interrupted", "verified"]
    assert command(home, "--journal", journal, "runs", "diff", listed[1]["run_id"]).out.startswith("diff --git")
    assert command(home, "--journal", journal, *shop.fix()).code == 0


def test_an_engine_whose_disk_is_full_is_our_fault_with_what_to_do(engine, here, shop):
    """Its folder of containers is put on a small disk of its own."""
    folder = engine.folder / "data" / "containers"
    engine.stop()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=True)
    try:
        engine.start()
        fill(folder)
        done = here(shop.verify())
        assert (done.code, done.out) == (3, ""), done
        assert "no space left on device" in done.err
        assert "free some space" in done.err
        (folder / "filler").unlink()
        assert here(shop.verify()).code == 0
    finally:
        engine.remove_boxes()
        engine.stop()
        subprocess.run(["umount", "-l", folder], check=True)
