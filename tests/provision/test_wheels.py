import sys

import pytest
from fake_machine import FakeMachine

from moa_code.core.errors import EnvironmentFault
from moa_code.provision.machine import Finished, quiet
from moa_code.provision.wheels import fetch_wheels, pip_command, platform_tags


class PipMachine(FakeMachine):
    """Its pip puts one wheel where it is told."""

    def run(self, argv, **kwargs):
        done = super().run(argv, **kwargs)
        if "download" in argv and done.ok:
            from pathlib import Path

            Path(argv[argv.index("--dest") + 1], "a-1-py3-none-any.whl").write_bytes(b"wheel")
        return done


def fetch(machine, minor=11):
    return fetch_wheels("a==1", minor=minor, architecture="x86_64", machine=machine, progress=quiet)


def test_wheels_are_fetched_once_for_each_python(tmp_path):
    machine = PipMachine(tmp_path)
    assert fetch(machine) == fetch(machine) == {"a-1-py3-none-any.whl": b"wheel"}
    assert sum("download" in line for line in machine.ran) == 1
    fetch(machine, minor=13)
    assert "--python-version 3.13" in machine.ran[-1]


def test_pip_is_asked_for_checked_binaries_and_told_no_index(tmp_path):
    machine = PipMachine(tmp_path)
    fetch(machine)
    line = machine.ran[-1]
    assert "--require-hashes" in line
    assert "--only-binary :all:" in line
    assert "index" not in line
    assert "://" not in line


def test_a_failed_download_quotes_pip_and_is_not_taken_for_done(tmp_path):
    failing = {f"{sys.executable} -m pip download": Finished(code=1, tail=("ERROR: THESE PACKAGES DO NOT MATCH",))}
    with pytest.raises(EnvironmentFault, match="DO NOT MATCH"):
        fetch(PipMachine(tmp_path, commands=failing))
    assert fetch(PipMachine(tmp_path)) == {"a-1-py3-none-any.whl": b"wheel"}


def test_a_python_without_pip_is_told_how_to_get_it(tmp_path):
    machine = FakeMachine(tmp_path, commands={f"{sys.executable} -m pip": Finished(code=1)})
    with pytest.raises(EnvironmentFault) as caught:
        pip_command(machine)
    assert caught.value.remedy == f"{sys.executable} -m ensurepip"


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_tags_are_of_one_architecture_and_unique(architecture):
    tags = platform_tags(architecture)
    assert len(set(tags)) == len(tags)
    assert all(tag.endswith(architecture) for tag in tags)
    assert f"manylinux_2_17_{architecture}" in tags
