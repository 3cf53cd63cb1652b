"""What this machine has of what moa-code needs, one line a thing. Looks, changes nothing."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moa_code.core.errors import MoaError
from moa_code.provision.image import find_image, image_tag
from moa_code.provision.knock import Engine, Knock, Reach, connect, knock
from moa_code.provision.machine import Machine, ThisMachine, is_debian
from moa_code.provision.places import cache_dir, free_bytes

_SPACE_BYTES = 2 << 30
_PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_PROXY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing examined. `ok` is None where it is missing and can be done without; `remedy` mends what is not True."""

    name: str
    ok: bool | None
    text: str
    remedy: str = ""


def examine(
    env: Mapping[str, str] | None = None, *, machine: Machine | None = None, ask: Knock = knock
) -> tuple[Line, ...]:
    """Every line, most needed first. Never raises for what is missing; takes a few seconds at most."""
    machine = machine or ThisMachine(env)
    engine = ask(machine.env)
    return (
        _python(),
        _git(machine),
        _engine(engine, machine),
        _image(engine, machine),
        _bubblewrap(machine),
        _debootstrap(machine),
        *_disk(engine, machine),
        _pip(machine),
    )


def _python() -> Line:
    version = platform.python_version()
    return Line(name="python", ok=True, text=f"{version} ({sys.executable})")


def _git(machine: Machine) -> Line:
    done = machine.run(["git", "--version"], timeout_s=10)
    if not done.ok:
        return Line(name="git", ok=False, text="not installed", remedy="sudo apt-get install -y git")
    return Line(name="git", ok=True, text=done.tail[-1].removeprefix("git version "))


def _engine(engine: Engine, machine: Machine) -> Line:
    if engine.reach is Reach.ANSWERS:
        facts = f"cgroup v{engine.cgroup_version}, {engine.storage}, {engine.architecture}"
        return Line(name="engine", ok=True, text=f"Docker {engine.version} at {engine.host} ({facts})")
    if engine.reach is Reach.DENIED:
        return Line(
            name="engine",
            ok=False,
            text=f"permission denied at {engine.host}",
            remedy="sudo usermod -aG docker $USER && newgrp docker",
        )
    if engine.reach is Reach.BROKEN or not engine.local:
        return Line(
            name="engine",
            ok=False,
            text=f"no answer from {engine.host}: {engine.detail}",
            remedy="moa-code setup" if engine.local else "unset DOCKER_HOST",
        )
    if machine.which("dockerd"):
        return Line(name="engine", ok=False, text="installed, not running", remedy="moa-code setup")
    return Line(name="engine", ok=False, text="not installed", remedy="moa-code setup --install-engine")


def _image(engine: Engine, machine: Machine) -> Line:
    if engine.reach is not Reach.ANSWERS:
        return Line(name="image", ok=False, text="no engine to ask", remedy="moa-code setup")
    try:
        client = connect(machine.env, timeout_s=10)
        try:
            tag = image_tag()
            found = find_image(client, tag)
        finally:
            client.close()
    except MoaError as error:
        return Line(name="image", ok=False, text=error.message, remedy=error.remedy)
    if found is None:
        return Line(name="image", ok=False, text=f"{tag} is not built", remedy="moa-code setup")
    return Line(name="image", ok=True, text=f"{tag} ({found.size_bytes / 1e6:.0f} MB, {found.digest[:19]})")


def _bubblewrap(machine: Machine) -> Line:
    bwrap = machine.which("bwrap")
    if bwrap is None:
        return Line(
            name="bubblewrap", ok=None, text="not installed (optional)", remedy="sudo apt-get install -y bubblewrap"
        )
    version = machine.run([bwrap, "--version"], timeout_s=10)
    # Installed is not enough: many kernels and containers forbid the namespaces it is made of.
    trial = machine.run([bwrap, "--ro-bind", "/", "/", "--unshare-all", "--", "/bin/true"], timeout_s=10)
    named = version.tail[-1].removeprefix("bubblewrap ") if version.tail else "?"
    if not trial.ok:
        reason = trial.tail[-1] if trial.tail else f"exit status {trial.code}"
        return Line(
            name="bubblewrap",
            ok=None,
            text=f"{named}, and this kernel does not let it work: {reason}",
            remedy="sudo sysctl kernel.unprivileged_userns_clone=1",
        )
    return Line(name="bubblewrap", ok=True, text=named)


def _debootstrap(machine: Machine) -> Line:
    if found := machine.which("debootstrap"):
        return Line(name="debootstrap", ok=True, text=found)
    remedy = "sudo apt-get install -y debootstrap" if is_debian(machine) else "install debootstrap"
    return Line(name="debootstrap", ok=None, text="not installed (needed only without a registry)", remedy=remedy)


def _disk(engine: Engine, machine: Machine) -> tuple[Line, ...]:
    places = {"cache": cache_dir(machine.env)}
    if engine.data_root and engine.local:
        places["engine"] = Path(engine.data_root)
    return tuple(_space(what, path) for what, path in places.items())


def _space(what: str, path: Path) -> Line:
    free = free_bytes(path)
    text = f"{free / (1 << 30):.1f} GB free at {path}"
    if free < _SPACE_BYTES:
        return Line(name=f"disk ({what})", ok=False, text=f"{text}; 2 GB are wanted", remedy="docker system prune")
    return Line(name=f"disk ({what})", ok=True, text=text)


def _pip(machine: Machine) -> Line:
    # Names alone: an index address may carry a password.
    named = [name for name in _PIP_SETTINGS if machine.env.get(name)]
    text = f"honoured while the box is built, not kept in it: {', '.join(named)}" if named else "defaults"
    return Line(name="pip settings", ok=True, text=text)
