"""The image under the box: `python:3.x-slim` where a registry answers, else Debian made on the spot."""

from __future__ import annotations

import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from moa_code.core.errors import EnvironmentFault, SandboxUnavailable
from moa_code.provision.machine import Machine, Progress, apt_install, architecture, is_debian
from moa_code.provision.places import cache_dir, digest, require_space

if TYPE_CHECKING:
    from docker import DockerClient

_REGISTRY_S = 10  # until the first word of an answer; a registry that answers at all does so in one or two
_PULL_S = 120  # between two words
_SPACE_BYTES = 1 << 30
# Debian has no release with 3.12; its users' code runs on 3.13 sooner than on 3.11.
_SUITES = {11: ("bookworm", 11), 12: ("trixie", 13), 13: ("trixie", 13)}
PACKAGES = "python3,python3-venv,make"  # make: what most projects call their checks by
# Nothing in the box reads these; apt's are half of the tree.
_LEFT_OUT = (
    "var/cache/",
    "var/lib/apt/lists/",
    "var/log/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/locale/",
    "usr/share/lintian/",
    "debootstrap/",
    "dev/",
    "proc/",
    "sys/",
    "run/",
    "tmp/",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An image in the engine to build the box on, and the minor version of its Python."""

    reference: str
    minor: int


def ensure_base(
    client: DockerClient, *, minor: int, engine_architecture: str, machine: Machine, progress: Progress
) -> Base:
    """The base for CPython 3.`minor`, or the nearest that this machine can make. Raises `SandboxUnavailable`."""
    minor = min(max(minor, 11), 13)
    slim = f"python:3.{minor}-slim"
    suite, suite_minor = _SUITES[minor]
    made = f"moa-code-base:{digest(suite, PACKAGES, engine_architecture, *_LEFT_OUT)}"
    if _present(client, slim):
        return Base(reference=slim, minor=minor)
    if _present(client, made):
        return Base(reference=made, minor=suite_minor)
    progress(f"asking the registry for {slim}")
    refusal = pull(machine, "python", f"3.{minor}-slim", progress)
    if refusal is None:
        return Base(reference=slim, minor=minor)
    progress(f"no registry ({refusal}); making a Debian {suite} base here")
    _make(client, made, suite, engine_architecture, refusal, machine, progress)
    return Base(reference=made, minor=suite_minor)


def _present(client: DockerClient, reference: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        client.images.get(reference)
    except ImageNotFound:
        return False
    return True


def pull(machine: Machine, repository: str, tag: str, progress: Progress) -> str | None:
    """Pull an image; None when it has arrived, otherwise in one line why not. Gives up on silence after seconds."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    from moa_code.provision.knock import connect

    client = connect(machine.env, timeout_s=_REGISTRY_S)
    try:
        seen: set[str] = set()
        for event in client.api.pull(repository, tag=tag, stream=True, decode=True):
            if error := event.get("error"):
                return str(error).splitlines()[0]
            client.api.timeout = _PULL_S
            line = f"{event.get('id', '')} {event.get('status', '')}".strip()
            if line and line not in seen:
                seen.add(line)
                progress(line)
    except APIError as error:
        return (error.explanation or str(error)).splitlines()[0]
    except (DockerException, RequestException, OSError) as error:
        return str(error).splitlines()[0]
    finally:
        client.close()
    return None


def _make(
    client: DockerClient,
    reference: str,
    suite: str,
    engine_architecture: str,
    refusal: str,
    machine: Machine,
    progress: Progress,
) -> None:
    if engine_architecture != architecture():
        raise SandboxUnavailable(
            f"no registry gave a base image ({refusal}), and a base made here ({architecture()}) does not run on the "
            f"engine's architecture ({engine_architecture})",
            remedy="docker pull python:3.11-slim",
        )
    if not machine.is_root():
        raise SandboxUnavailable(
            f"no registry gave a base image ({refusal}), and making one with debootstrap needs root",
            remedy="docker pull python:3.11-slim, or once: sudo -E .venv/bin/moa-code setup",
        )
    debootstrap = _debootstrap(machine, progress)
    folder = cache_dir(machine.env)
    folder.mkdir(parents=True, exist_ok=True)
    require_space(folder, _SPACE_BYTES, "making the base image")
    with _scratch(folder) as scratch:
        root = scratch / "root"
        argv = [*_apart(machine), debootstrap, "--variant=minbase", f"--include={PACKAGES}", suite, str(root)]
        done = machine.run(argv, timeout_s=1800, progress=progress)
        if not done.ok:
            raise SandboxUnavailable(
                f"debootstrap could not make a Debian base (exit status {done.code}):{done.quote()}",
                remedy="check the network (debootstrap reads Debian's mirror), then: moa-code setup",
            )
        progress("packing the base")
        packed = scratch / "base.tar"
        pack(root, packed)
        progress(f"importing the base as {reference}")
        repository, _, tag = reference.partition(":")
        # By file name: the client sends a stream with a chunked header and unchunked bytes, which the engine refuses.
        client.api.import_image_from_file(str(packed), repository=repository, tag=tag)
    if not _present(client, reference):
        raise SandboxUnavailable(f"the engine did not take the base image {reference}", remedy="moa-code doctor")


def _debootstrap(machine: Machine, progress: Progress) -> str:
    if found := machine.which("debootstrap"):
        return found
    if not is_debian(machine):
        raise SandboxUnavailable(
            "no registry answers and debootstrap is not installed",
            remedy="install debootstrap, or: docker pull python:3.11-slim",
        )
    done = apt_install(machine, ("debootstrap", "debian-archive-keyring"), progress)
    found = machine.which("debootstrap")
    if not done.ok or found is None:
        raise SandboxUnavailable(
            f"apt-get could not install debootstrap:{done.quote()}", remedy="apt-get install -y debootstrap"
        )
    return found


def _apart(machine: Machine) -> list[str]:
    """How to run debootstrap in a mount namespace of its own, so that its mounts go when it ends, even when killed.

    Nothing where that cannot be had, as inside a plain chroot; `_scratch` then looks for mounts that stayed.
    """
    argv = ["unshare", "--mount"]
    return argv if machine.run([*argv, "true"], timeout_s=10).ok else []


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    scratch = Path(tempfile.mkdtemp(prefix="base-", dir=parent))
    try:
        scratch.chmod(0o755)
        yield scratch
    finally:
        # Never through a mount: below a /proc or /sys that a killed debootstrap left is the running system.
        for mount in _mounts_below(scratch):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        if left := _mounts_below(scratch):
            raise EnvironmentFault(f"{left[0]} is still mounted", remedy=f"umount --lazy {left[0]} && rm -r {scratch}")
        shutil.rmtree(scratch)


def _mounts_below(folder: Path) -> list[str]:
    # proc(5): the fifth field is the mount point, its spaces written as \040.
    points = [line.split()[4].replace("\\040", " ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if Path(point).is_relative_to(folder)), reverse=True)


def pack(root: Path, target: Path) -> None:
    """Write the tree at `root` as a tar that an engine imports: sorted, whole seconds, no setuid bit, no litter."""

    def slim(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = member.name.removeprefix("./")
        if any(name.startswith(prefix) for prefix in _LEFT_OUT):
            return None
        # Licences stay with what they license.
        if name.startswith("usr/share/doc/") and not member.isdir() and not name.endswith("/copyright"):
            return None
        if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
            return None
        # Group-setgid folders are harmless; files that lend rights are not.
        if not member.isdir():
            member.mode &= ~(stat.S_ISUID | stat.S_ISGID)
        member.mtime = int(member.mtime)
        member.uname = member.gname = ""
        return member

    with tarfile.open(target, "w") as archive:
        archive.add(root, arcname=".", filter=slim)
