"""The sandbox, the verifier and the journal of one command, open."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from moa_code.assets import sandbox_dir
from moa_code.config import Config
from moa_code.core.errors import SandboxUnavailable
from moa_code.core.ports import Sandbox
from moa_code.journal.store import Journal
from moa_code.models.connection import Traffic
from moa_code.sandbox.settings import SandboxSettings
from moa_code.verify.verifier import Verifier
from moa_code.wiring.probing import require_tight

Progress = Callable[[str], None]
OPT_BOX = "/opt/moa/box"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one command works with, open."""

    config: Config
    environment: Mapping[str, str]
    sandbox: Sandbox
    verifier: Verifier
    journal: Journal
    traffic: Traffic = field(default_factory=Traffic)  # with providers, of all its runs


@asynccontextmanager
async def open_session(
    config: Config, environment: Mapping[str, str], progress: Progress, *, sandbox: Sandbox | None = None
) -> AsyncIterator[Session]:
    """A sandbox that answers and was found tight (`sandbox`, else the one `open_sandbox` picks), and the journal.

    Raises `SandboxUnavailable`, `EnvironmentFault`, `ConfigError`.
    """
    journal = Journal.open(config.journal)
    try:
        sandbox = sandbox or open_sandbox(config, progress)
        try:
            await sandbox.open()
            await require_tight(sandbox, config.limits, seccomp_profile(), environment, progress)
            verifier = Verifier(sandbox, lint=config.verify.lint, paranoid=config.verify.paranoid)
            yield Session(config=config, environment=environment, sandbox=sandbox, verifier=verifier, journal=journal)
        finally:
            await sandbox.aclose()
    finally:
        journal.close()


def open_sandbox(config: Config, progress: Progress) -> Sandbox:
    """The backend that was asked for; `auto` is Docker where an engine answers, else bubblewrap, said aloud."""
    slots = config.sandbox.slots or os.cpu_count() or 1
    settings = SandboxSettings(slots=slots, limits=config.limits)
    match config.sandbox.backend:
        case "docker":
            return _docker(config, settings, progress)
        case "bubblewrap":
            return _bubblewrap(settings, progress)
        case _:
            try:
                return _docker(config, settings, progress)
            except SandboxUnavailable as error:
                if shutil.which("bwrap") is None:
                    raise
                progress(
                    f"no Docker box ({error.message}); using bubblewrap, whose missing limits stand in the verdict"
                )
                return _bubblewrap(settings, progress)


def _docker(config: Config, settings: SandboxSettings, progress: Progress) -> Sandbox:
    from moa_code.provision.setup import run_setup
    from moa_code.sandbox.docker import DockerSandbox

    if config.sandbox.image:
        return DockerSandbox(_own_image(config.sandbox.image, progress), settings, seccomp_profile())
    report = run_setup(install_engine=False, progress=progress)
    return DockerSandbox(report.image.digest, settings, seccomp_profile())


def _own_image(name: str, progress: Progress) -> str:
    """The digest of the user's image. Raises `SandboxUnavailable` when the engine has none of that name."""
    from moa_code.provision.engine import ensure_engine
    from moa_code.provision.image import find_image
    from moa_code.provision.knock import connect
    from moa_code.provision.machine import ThisMachine

    machine = ThisMachine()
    ensure_engine(install=False, progress=progress, machine=machine)
    client = connect(machine.env, timeout_s=30)
    try:
        found = find_image(client, name)
    finally:
        client.close()
    if found is None:
        raise SandboxUnavailable(
            f"the engine has no image {name!r}", remedy=f"docker pull {name}, or leave --image out to use the built one"
        )
    return found.digest


def _bubblewrap(settings: SandboxSettings, progress: Progress) -> Sandbox:
    from moa_code.provision.bubblewrap import ensure_bwrap, ensure_root
    from moa_code.sandbox.bubblewrap import BoxRoot, BubblewrapSandbox

    ensure_bwrap(install=False, progress=progress)
    made = ensure_root(progress)
    binds = (*((path, path) for path in made.binds), (f"{made.root}/box", OPT_BOX))
    root = BoxRoot(python=made.python, binds=binds, digest=made.digest)
    return BubblewrapSandbox(root, settings, seccomp_profile())


def seccomp_profile() -> str:
    return (sandbox_dir() / "seccomp.json").read_text(encoding="utf-8")
