"""Finding, starting, installing and stopping the engine, on machines that are data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_machine import ABSENT, ANSWERS, FakeMachine, answers

from moa_code.core.errors import SandboxUnavailable
from moa_code.provision import engine
from moa_code.provision.engine import ensure_engine, stop_if_ours
from moa_code.provision.knock import Engine, Reach
from moa_code.provision.machine import Finished
from moa_code.provision.places import engine_state_path

DEBIAN = ("/etc/debian_version",)
SYSTEMD = ("/run/systemd/system",)
INIT = ("/etc/init.d/docker",)


def test_an_engine_that_answers_is_taken_as_it_is(tmp_path):
    machine = FakeMachine(tmp_path)
    assert ensure_engine(machine=machine, ask=answers(ANSWERS)) is ANSWERS
    assert machine.ran == machine.spawned == []


@pytest.mark.parametrize(
    ("machine", "answer", "install", "message", "remedy"),
    [
        (
            {},
            Engine(host="unix:///var/run/docker.sock", reach=Reach.DENIED),
            True,
            "ann may not use the Docker engine",
            "sudo usermod -aG docker ann",
        ),
        (
            {},
            Engine(host="tcp://build:2375", reach=Reach.BROKEN, detail="timed out"),
            True,
            "tcp://build:2375 does not answer: timed out",
            "unset DOCKER_HOST",
        ),
        (
            {"installed": ["apt-get"], "paths": DEBIAN},
            ABSENT,
            False,
            "no Docker engine",
            "moa-code setup --install-eng",
        ),
        (
            {"installed": ["apt-get"], "paths": DEBIAN, "root": False},
            ABSENT,
            True,
            "no Docker engine",
            "sudo apt-get install -y docker.io",
        ),
        ({}, ABSENT, True, "no Docker engine", "install Docker Engine 20.10 or newer"),
        (
            {"installed": ["dockerd", "systemctl"], "paths": SYSTEMD, "root": False},
            ABSENT,
            True,
            "installed and not running",
            "sudo systemctl start docker",
        ),
        (
            {"installed": ["dockerd", "service"], "paths": INIT, "root": False},
            ABSENT,
            True,
            "installed and not running",
            "sudo service docker start",
        ),
        (
            {
                "installed": ["apt-get"],
                "paths": DEBIAN,
                "commands": {"apt-get install": Finished(code=100, tail=("E: Unable to locate package docker.io",))},
            },
            ABSENT,
            True,
            "E: Unable to locate package docker.io",
            "apt-get update && apt-get install -y docker.io",
        ),
    ],
)
def test_what_is_missing_ends_in_one_message_with_its_remedy(tmp_path, machine, answer, install, message, remedy):
    with pytest.raises(SandboxUnavailable) as caught:
        ensure_engine(install=install, machine=FakeMachine(tmp_path, **machine), ask=answers(answer))
    assert message in caught.value.message
    assert caught.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("installed", "paths", "started"),
    [
        (["dockerd", "systemctl"], SYSTEMD, "systemctl start docker"),
        (["dockerd", "service"], INIT, "service docker start"),
    ],
)
def test_an_installed_engine_is_started_by_its_service(tmp_path, installed, paths, started):
    machine = FakeMachine(tmp_path, installed=installed, paths=paths)
    assert ensure_engine(machine=machine, ask=answers(ABSENT, ABSENT, ANSWERS)) is ANSWERS
    assert machine.ran == [started]
    assert engine_state_path(machine.env).exists()


def test_without_a_service_the_daemon_is_started_on_the_socket_that_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_alive", lambda machine, pid: True)
    machine = FakeMachine(tmp_path, installed=["dockerd"])
    assert ensure_engine(machine=machine, ask=answers(ABSENT, ABSENT, ANSWERS)) is ANSWERS
    assert machine.spawned == ["/usr/sbin/dockerd --host unix:///var/run/docker.sock"]
    assert json.loads(engine_state_path(machine.env).read_text())["how"] == "dockerd"


def test_a_daemon_that_dies_is_tried_without_network_and_then_its_log_is_quoted(tmp_path):
    machine = FakeMachine(tmp_path, installed=["dockerd"])
    log = engine_state_path(machine.env).with_name("dockerd.log")
    log.parent.mkdir(parents=True)
    log.write_text("failed to start daemon: iptables not found\n")
    with pytest.raises(SandboxUnavailable, match="iptables not found"):
        ensure_engine(machine=machine, ask=answers(ABSENT))
    assert [line.split()[3:] for line in machine.spawned] == [[], ["--iptables=false", "--bridge=none"]]
    assert not engine_state_path(machine.env).exists()


def test_a_failing_service_falls_back_to_the_daemon_aloud(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_alive", lambda machine, pid: True)
    machine = FakeMachine(
        tmp_path,
        installed=["dockerd", "service"],
        paths=INIT,
        commands={"service docker start": Finished(code=1, tail=("ulimit: error",))},
    )
    said = []
    ensure_engine(machine=machine, ask=answers(ABSENT, ANSWERS), progress=said.append)
    assert len(machine.spawned) == 1
    assert any("dockerd" in line for line in said)


def test_on_debian_as_root_the_distributions_engine_is_installed_when_allowed(tmp_path):
    machine = FakeMachine(tmp_path, installed=["apt-get"], paths=DEBIAN, installs=["dockerd"])
    assert ensure_engine(install=True, machine=machine, ask=answers(ABSENT, ANSWERS)) is ANSWERS
    assert machine.ran == [
        "apt-get update",
        "apt-get install -y --no-install-recommends docker.io iptables ca-certificates",
    ]


def test_nothing_is_stopped_that_we_did_not_start(tmp_path):
    machine = FakeMachine(tmp_path)
    assert stop_if_ours(machine=machine) is False
    assert machine.ran == []


def test_a_daemon_whose_id_was_taken_by_another_process_is_left_alone(tmp_path):
    machine = FakeMachine(tmp_path, paths=[f"/proc/{os.getpid()}/stat"])
    state = engine_state_path(machine.env)
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"how": "dockerd", "pid": os.getpid(), "started": "1"}))
    assert stop_if_ours(machine=machine) is False
    assert machine.ran == []
    assert not state.exists()


def test_our_daemon_is_asked_to_end_and_awaited(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_running_containers", lambda env: 0)
    machine = FakeMachine(tmp_path, paths=[f"/proc/{os.getpid()}/stat"])
    state = engine_state_path(machine.env)
    state.parent.mkdir(parents=True)
    started = engine._started_ticks(machine, os.getpid())
    state.write_text(json.dumps({"how": "dockerd", "pid": os.getpid(), "started": started}))
    assert stop_if_ours(machine=machine) is True
    assert machine.terminated == [os.getpid()]
    assert not state.exists()


@pytest.mark.parametrize(("busy", "stopped"), [(0, True), (2, False)])
def test_our_engine_is_stopped_unless_something_runs_in_it(tmp_path, monkeypatch, busy, stopped):
    monkeypatch.setattr(engine, "_running_containers", lambda env: busy)
    machine = FakeMachine(tmp_path)
    state = engine_state_path(machine.env)
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"how": "service", "pid": 0, "started": ""}))
    assert stop_if_ours(machine=machine) is stopped
    assert machine.ran == (["service docker stop"] if stopped else [])
    assert state.exists() is not stopped


def test_importing_provision_does_not_import_the_docker_client():
    """`--help` pays for every import."""
    code = (
        "import sys, moa_code.provision.setup, moa_code.provision.doctor, moa_code.provision.bubblewrap;"
        "print('docker' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )
    assert done.stdout.strip() == "False"
