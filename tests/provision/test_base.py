import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from docker.errors import ImageNotFound
from fake_machine import FakeMachine

from moa_code.core.errors import SandboxUnavailable
from moa_code.provision import base
from moa_code.provision.machine import Finished, architecture, quiet


class FakeClient:
    """An engine's images, and nothing else of it."""

    def __init__(self, *present):
        self.present = set(present)
        self.images = SimpleNamespace(get=self._get)
        self.api = SimpleNamespace(import_image_from_file=self._import)

    def _get(self, reference):
        if reference not in self.present:
            raise ImageNotFound(reference)
        return reference

    def _import(self, filename, repository, tag):
        self.present.add(f"{repository}:{tag}")


def ensure(client, machine, minor=11, engine_architecture=None):
    return base.ensure_base(
        client,
        minor=minor,
        engine_architecture=engine_architecture or architecture(),
        machine=machine,
        progress=quiet,
    )


@pytest.fixture
def no_registry(monkeypatch):
    monkeypatch.setattr(base, "pull", lambda *_: "no such host")


def test_an_image_that_is_there_is_not_pulled(tmp_path):
    assert ensure(FakeClient("python:3.12-slim"), FakeMachine(tmp_path), minor=12).minor == 12


@pytest.mark.parametrize(("minor", "tag"), [(11, "3.11-slim"), (13, "3.13-slim"), (14, "3.13-slim")])
def test_where_a_registry_answers_its_image_is_the_base(tmp_path, monkeypatch, minor, tag):
    monkeypatch.setattr(base, "pull", lambda *_: None)
    found = ensure(FakeClient(), FakeMachine(tmp_path), minor=minor)
    assert found.reference == f"python:{tag}"


@pytest.mark.parametrize(("minor", "suite", "python"), [(11, "bookworm", 11), (12, "trixie", 13), (13, "trixie", 13)])
def test_without_a_registry_debian_is_made_once(tmp_path, no_registry, minor, suite, python):
    client = FakeClient()
    machine = FakeMachine(tmp_path, installed=["debootstrap"])
    (tmp_path / ".cache/moa-code").mkdir(parents=True)
    machine.run = making_a_root(machine)
    made = ensure(client, machine, minor=minor)
    assert made.minor == python
    assert f" {suite} " in machine.ran[0]
    assert "://" not in machine.ran[0]
    assert ensure(client, machine, minor=minor) == made
    assert len(machine.ran) == 1
    assert list((tmp_path / ".cache/moa-code").iterdir()) == []


def making_a_root(machine):
    def run(argv, **_):
        if argv[-1] == "true":
            return Finished(code=0)
        machine.ran.append(" ".join(argv))
        Path(argv[-1], "usr").mkdir(parents=True)
        return Finished(code=0)

    return run


@pytest.mark.parametrize(
    ("machine", "engine", "message", "remedy"),
    [
        ({"root": False, "installed": ["debootstrap"]}, None, "needs root", "docker pull python:3.11-slim"),
        ({}, "riscv64", "does not run on the engine's architecture", "docker pull"),
        ({}, None, "debootstrap is not installed", "install debootstrap"),
        (
            {
                "installed": ["debootstrap"],
                "commands": {"unshare --mount /usr": Finished(code=1, tail=("E: mirror is down",))},
            },
            None,
            "E: mirror is down",
            "check the network",
        ),
    ],
)
def test_a_base_that_cannot_be_made_says_why(tmp_path, no_registry, machine, engine, message, remedy):
    with pytest.raises(SandboxUnavailable) as caught:
        ensure(FakeClient(), FakeMachine(tmp_path, **machine), engine_architecture=engine)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert list(tmp_path.rglob("base-*")) == []


def test_in_a_plain_chroot_debootstrap_runs_without_a_namespace(tmp_path, no_registry):
    commands = {"unshare": Finished(code=1), "/usr/sbin/debootstrap": Finished(code=1, tail=("E: reached",))}
    with pytest.raises(SandboxUnavailable, match="E: reached"):
        ensure(FakeClient(), FakeMachine(tmp_path, installed=["debootstrap"], commands=commands))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_clearing_up_never_walks_through_a_mount(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no mounts")
    code = (
        "import subprocess, sys; from pathlib import Path; from moa_code.provision.base import _scratch\n"
        "with _scratch(Path(sys.argv[1])) as scratch:\n"
        "    (scratch / 'proc').mkdir()\n"
        "    subprocess.run(['mount', '--bind', sys.argv[2], scratch / 'proc'], check=True)\n"
    )
    (tmp_path / "parent").mkdir()
    argv = ["unshare", "--mount", sys.executable, "-c", code, str(tmp_path / "parent"), str(outside)]
    subprocess.run(argv, check=True, cwd=Path(__file__).parents[2])
    assert (outside / "precious").exists()
    assert list((tmp_path / "parent").iterdir()) == []


def test_the_packed_base_lends_no_rights_and_carries_no_litter(tmp_path):
    root = tmp_path / "root"
    for name in (
        "usr/bin/su",
        "var/cache/apt/archives/x.deb",
        "usr/share/doc/bash/copyright",
        "usr/share/doc/bash/README",
        "usr/share/locale/de/x.mo",
        "etc/passwd",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "usr/bin/su").chmod(0o6755)
    (root / "bin").symlink_to("usr/bin")
    os.mkfifo(root / "etc/fifo")
    target = tmp_path / "base.tar"
    base.pack(root, target)
    with tarfile.open(target) as archive:
        members = {member.name.removeprefix("./"): member for member in archive}
        assert {name for name, member in members.items() if member.isfile()} == {
            "usr/bin/su",
            "usr/share/doc/bash/copyright",
            "etc/passwd",
        }
        assert members["usr/bin/su"].mode == 0o755
        assert members["bin"].linkname == "usr/bin"
    again = tmp_path / "again.tar"
    base.pack(root, again)
    assert again.read_bytes() == target.read_bytes()
