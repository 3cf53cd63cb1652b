import os
import time
from pathlib import Path

import pytest
from fake_machine import FakeMachine

from moa_code.provision.machine import Finished, ThisMachine, apt_install, is_debian


def test_output_is_passed_on_line_by_line_and_its_end_kept():
    seen = []
    done = ThisMachine().run(
        ["sh", "-c", "for i in $(seq 40); do echo $i; done; exit 3"], timeout_s=20, progress=seen.append
    )
    assert seen == [str(i) for i in range(1, 41)]
    assert done.code == 3
    assert done.tail[-1] == "40"
    assert len(done.tail) < 20


def test_what_is_not_installed_is_status_127():
    assert ThisMachine().run(["no-such-command-here"], timeout_s=5).code == 127


def test_a_command_that_hangs_dies_with_its_children(tmp_path):
    pid_file = tmp_path / "pid"
    done = ThisMachine().run(["sh", "-c", f"sleep 60 & echo $! > {pid_file}; wait"], timeout_s=0.5)
    assert done.code == 124
    assert "killed after 0.5 s" in done.tail[-1]
    child = int(pid_file.read_text())
    for _ in range(100):
        if not _runs(child):
            break
        time.sleep(0.05)
    assert not _runs(child)


def test_a_progress_callback_that_raises_leaves_nothing_running():
    pids = []

    def interrupt(line):
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ThisMachine().run(["sh", "-c", "echo $$; sleep 60"], timeout_s=30, progress=interrupt)
    assert not _runs(pids[0])


def _runs(pid):
    """Alive, and not a zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_daemon_writes_to_its_log_and_is_in_a_session_of_its_own(tmp_path):
    log = tmp_path / "logs" / "d.log"
    pid = ThisMachine().spawn(["sh", "-c", "echo started; exec sleep 30"], log)
    try:
        assert os.getsid(pid) == pid
        for _ in range(100):
            if log.read_text() == "started\n":
                break
            time.sleep(0.05)
        assert log.read_text() == "started\n"
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_a_broken_third_party_source_does_not_stop_the_installation(tmp_path):
    machine = FakeMachine(tmp_path, commands={"apt-get update": Finished(code=100)})
    assert apt_install(machine, ("git",), lambda line: None).ok
    assert machine.ran[-1] == "apt-get install -y --no-install-recommends git"


@pytest.mark.parametrize(
    ("paths", "installed", "expected"),
    [(["/etc/debian_version"], ["apt-get"], True), ([], ["apt-get"], False), (["/etc/debian_version"], [], False)],
)
def test_debian_is_known_by_its_file_and_its_tool(tmp_path, paths, installed, expected):
    assert is_debian(FakeMachine(tmp_path, paths=paths, installed=installed)) is expected
