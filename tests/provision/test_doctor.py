import pytest
from fake_machine import ABSENT, ANSWERS, FakeMachine, answers

from moa_code.core.errors import SandboxUnavailable
from moa_code.provision import doctor
from moa_code.provision.knock import Engine, Reach
from moa_code.provision.machine import Finished


@pytest.fixture(autouse=True)
def no_engine_to_ask_about_images(monkeypatch):
    def refuse(env, timeout_s):
        raise SandboxUnavailable("went away", remedy="moa-code setup")

    monkeypatch.setattr(doctor, "connect", refuse)


def lines(tmp_path, answer=ABSENT, **machine):
    machine.setdefault("commands", {"git --version": Finished(code=0, tail=("git version 2.39.5",))})
    examined = doctor.examine(machine=FakeMachine(tmp_path, **machine), ask=answers(answer))
    return {line.name: line for line in examined}


def test_a_bare_machine_is_described_without_raising(tmp_path):
    found = lines(tmp_path, commands={"git": Finished(code=127)})
    assert found["python"].ok
    assert {name for name, line in found.items() if line.ok is False and not name.startswith("disk")} == {
        "git",
        "engine",
        "image",
    }
    assert found["bubblewrap"].ok is None
    assert found["debootstrap"].ok is None
    assert all(line.remedy for line in found.values() if line.ok is not True)


@pytest.mark.parametrize(
    ("answer", "installed", "ok", "text", "remedy"),
    [
        (ANSWERS, [], True, "Docker 20.10.24 at unix:///var/run/docker.sock (cgroup v2, overlay2, x86_64)", ""),
        (ABSENT, ["dockerd"], False, "installed, not running", "moa-code setup"),
        (ABSENT, [], False, "not installed", "moa-code setup --install-engine"),
        (
            Engine(host="unix:///var/run/docker.sock", reach=Reach.DENIED),
            [],
            False,
            "permission denied at unix:///var/run/docker.sock",
            "sudo usermod -aG docker $USER && newgrp docker",
        ),
        (
            Engine(host="tcp://b:1", reach=Reach.BROKEN, detail="timed out"),
            [],
            False,
            "no answer from tcp://b:1: timed out",
            "unset DOCKER_HOST",
        ),
    ],
)
def test_the_engine_line(tmp_path, answer, installed, ok, text, remedy):
    line = lines(tmp_path, answer, installed=installed)["engine"]
    assert (line.ok, line.text, line.remedy) == (ok, text, remedy)


def test_an_engine_that_goes_away_in_between_is_a_line_too(tmp_path):
    assert lines(tmp_path, ANSWERS)["image"].text == "went away"


def test_bubblewrap_is_tried_and_not_only_found(tmp_path):
    commands = {
        "/usr/sbin/bwrap --version": Finished(code=0, tail=("bubblewrap 0.8.0",)),
        "/usr/sbin/bwrap --ro-bind": Finished(code=1, tail=("No permissions to create new namespace",)),
        "git": Finished(code=0, tail=("git version 2",)),
    }
    line = lines(tmp_path, installed=["bwrap"], commands=commands)["bubblewrap"]
    assert line.ok is None
    assert "No permissions to create new namespace" in line.text


def test_a_nearly_full_disk_is_not_ok(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "free_bytes", lambda path: 1 << 30)
    found = lines(tmp_path, ANSWERS)
    assert found["disk (cache)"].ok is False
    assert found["disk (engine)"].ok is False
    assert "1.0 GB free" in found["disk (cache)"].text


def test_pip_settings_are_named_and_their_values_kept_back(tmp_path):
    line = lines(tmp_path, env={"PIP_INDEX_URL": "https://me:secret@example.org"})["pip settings"]
    assert "PIP_INDEX_URL" in line.text
    assert "secret" not in line.text
