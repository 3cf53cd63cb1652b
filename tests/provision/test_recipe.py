"""The files that pin what gets installed: complete, hashed, naming no host."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["constraints.txt", "sandbox/requirements.txt"]


def pins(name):
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^\s;]+)", (ROOT / name).read_text(), re.M))


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_and_hashed_and_no_host_is_named(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|-c|-r|--(?!hash=))", text, re.M)
    requirements = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.M)).splitlines()
    assert len(requirements) == len(pins(name))
    for line in requirements:
        assert re.search(r" --hash=sha256:[0-9a-f]{64}", line), line


def test_the_box_and_the_host_agree_on_what_they_share():
    host, box = pins(LOCKS[0]), pins(LOCKS[1])
    assert {name: host.get(name) for name in box} == box


@pytest.mark.parametrize("package", ["setuptools", "litellm", "docker", "click", "rich", "pytest", "mypy", "ruff"])
def test_the_lock_holds_what_the_project_names(package):
    assert package in pins("constraints.txt")


def test_the_two_withdrawn_releases_are_not_in_the_lock():
    assert pins("constraints.txt")["litellm"] not in {"1.82.7", "1.82.8"}
