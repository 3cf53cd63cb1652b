import shutil
import subprocess
import sys

import pytest
from fake_machine import FakeMachine

from moa_code.core.errors import SandboxUnavailable
from moa_code.provision.bubblewrap import ensure_bwrap, ensure_root
from moa_code.provision.machine import Finished


def test_a_missing_bubblewrap_names_its_package(tmp_path):
    with pytest.raises(SandboxUnavailable) as caught:
        ensure_bwrap(install=True, machine=FakeMachine(tmp_path, root=False))
    assert caught.value.remedy == "sudo apt-get install -y bubblewrap"


def test_bubblewrap_is_installed_on_debian_as_root_when_allowed(tmp_path):
    machine = FakeMachine(tmp_path, installed=["apt-get"], paths=["/etc/debian_version"], installs=["bwrap"])
    assert ensure_bwrap(install=True, machine=machine) == "/usr/sbin/bwrap"


def test_a_root_is_made_once_from_hashed_packages(tmp_path):
    machine = FakeMachine(tmp_path)
    root = ensure_root(machine=machine)
    steps = len(machine.ran)
    assert ensure_root(machine=machine) == root
    assert len(machine.ran) == steps
    install = next(line for line in machine.ran if " install " in line)
    assert "--require-hashes" in install
    assert "://" not in install
    assert root.root in root.binds
    assert "/usr" in root.binds


def test_a_root_that_failed_half_way_is_made_anew(tmp_path):
    failing = {f"{sys.executable} -m pip --python": Finished(code=1, tail=("ERROR: no route to the mirror",))}
    with pytest.raises(SandboxUnavailable, match="no route to the mirror"):
        ensure_root(machine=FakeMachine(tmp_path, commands=failing))
    machine = FakeMachine(tmp_path)
    ensure_root(machine=machine)
    assert any(" install " in line for line in machine.ran)


@pytest.mark.bwrap
def test_a_box_made_of_the_binds_alone_runs_pytest(tmp_path):
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        pytest.skip("bubblewrap is not installed")
    root = ensure_root()
    (tmp_path / "test_a.py").write_text(
        "from hypothesis import given, settings, strategies as st\n"
        "@settings(database=None)\n@given(st.integers())\ndef test_a(x):\n    assert x == x\n"
    )
    binds = [word for path in root.binds for word in ("--ro-bind", path, path)]
    argv = [bwrap, "--unshare-all", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *binds]
    argv += ["--ro-bind", str(tmp_path), "/work", "--chdir", "/work"]
    argv += [root.python, "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
