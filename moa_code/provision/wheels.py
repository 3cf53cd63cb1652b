"""The wheels the box is made from, fetched by the host's own pip with whatever settings it has."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from moa_code.core.errors import EnvironmentFault
from moa_code.provision.machine import Machine, Progress
from moa_code.provision.places import cache_dir, digest

# Debian 12 has glibc 2.36 and every later base a newer one; wheels ask for at least 2.17 today.
_GLIBC_MINORS = range(36, 16, -1)


def platform_tags(architecture: str) -> list[str]:
    """Wheel platform tags that a glibc 2.36 system of `architecture` can load, newest first (PEP 600)."""
    tags = [f"manylinux_2_{minor}_{architecture}" for minor in _GLIBC_MINORS] + [f"manylinux2014_{architecture}"]
    if architecture == "x86_64":
        tags += ["manylinux_2_12_x86_64", "manylinux2010_x86_64", "manylinux_2_5_x86_64", "manylinux1_x86_64"]
    return [*tags, f"linux_{architecture}"]


def fetch_wheels(
    requirements: str, *, minor: int, architecture: str, machine: Machine, progress: Progress
) -> dict[str, bytes]:
    """The wheels that `requirements` (a file's text) names, for CPython 3.`minor` on `architecture`, by file name.

    From the cache when they are there; pip checks each against its hash. Raises `EnvironmentFault`.
    """
    folder = cache_dir(machine.env) / "wheels" / digest(requirements, str(minor), architecture)
    if not folder.is_dir():
        progress("fetching the box's packages with pip")
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        named = partial / "requirements.txt"
        named.write_text(requirements)
        download(partial, named, minor=minor, architecture=architecture, machine=machine, progress=progress)
        partial.rename(folder)
    return {wheel.name: wheel.read_bytes() for wheel in sorted(folder.glob("*.whl"))}


def download(
    into: Path, requirements: Path, *, minor: int, architecture: str, machine: Machine, progress: Progress
) -> None:
    """`pip download` of binary wheels alone, for a Python that need not be ours."""
    tags = [word for tag in platform_tags(architecture) for word in ("--platform", tag)]
    argv = [
        *pip_command(machine),
        *("download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", f"3.{minor}", *tags),
        *("--dest", str(into), "--requirement", str(requirements)),
    ]
    done = machine.run(argv, timeout_s=900, progress=progress)
    if not done.ok:
        raise EnvironmentFault(
            f"pip could not fetch the box's packages (exit status {done.code}):{done.quote()}",
            remedy="check the network and pip's settings (pip config list), then: moa-code setup",
        )


def pip_command(machine: Machine) -> list[str]:
    """How to call pip. Raises `EnvironmentFault` when the running Python has none."""
    argv = [sys.executable, "-m", "pip"]
    if not machine.run([*argv, "--version"], timeout_s=60).ok:
        raise EnvironmentFault(f"{sys.executable} has no pip", remedy=f"{sys.executable} -m ensurepip")
    return argv
