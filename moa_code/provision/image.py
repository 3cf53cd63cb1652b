"""The sandbox image: there in milliseconds when it is built, else built step by step with its progress shown."""

from __future__ import annotations

import io
import tarfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moa_code.assets import sandbox_dir
from moa_code.core.errors import SandboxUnavailable
from moa_code.provision.base import PACKAGES, Base, ensure_base
from moa_code.provision.knock import connect
from moa_code.provision.machine import Machine, Progress, ThisMachine, python_minor, quiet
from moa_code.provision.places import cache_dir, digest_files, exclusive, require_space, source_files
from moa_code.provision.wheels import fetch_wheels

if TYPE_CHECKING:
    from docker import DockerClient

REPOSITORY = "moa-code-sandbox"
PYTHON = "/opt/moa/bin/python"  # inside the image
SERVER = "/opt/moa/box/server.py"
_SPACE_BYTES = 512 << 20
_BUILD_S = 600  # between two words of the build
_TAIL_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRef:
    """The image to run boxes from. `digest` is the engine's content id, `sha256:…`."""

    tag: str
    digest: str
    size_bytes: int


def recipe() -> dict[str, bytes]:
    """Everything of ours that the image is made of, by path in the build context, in order."""
    root = sandbox_dir()
    return source_files(root / "Dockerfile", root / "requirements.txt", root / "warm.py", root / "box")


def image_tag(files: Mapping[str, bytes] | None = None, minor: int | None = None) -> str:
    """The image's name and tag; changes with the recipe, the requirements, the box's code, its base and its Python."""
    wanted = python_minor() if minor is None else minor
    return f"{REPOSITORY}:{digest_files(recipe() if files is None else files, f'{wanted} {PACKAGES}')}"


def find_image(client: DockerClient, tag: str) -> ImageRef | None:
    """The image `tag` when it is built already."""
    from docker.errors import ImageNotFound

    try:
        found = client.images.get(tag)
    except ImageNotFound:
        return None
    return ImageRef(tag=tag, digest=str(found.id), size_bytes=int(found.attrs["Size"]))


def ensure_image(progress: Progress = quiet, machine: Machine | None = None) -> ImageRef:
    """The image, built if it is missing. Raises `SandboxUnavailable` with the last lines of the step that failed."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    machine = machine or ThisMachine()
    client = connect(machine.env, timeout_s=_BUILD_S)
    try:
        # Read once: files may change while we build, and the tag says what went in.
        files = recipe()
        tag = image_tag(files)
        if found := find_image(client, tag):
            return found
        with exclusive(cache_dir(machine.env) / "image.lock", progress):
            # Another process may have built it while we waited.
            return find_image(client, tag) or _build(client, files, tag, machine, progress)
    except (DockerException, RequestException) as error:
        raise SandboxUnavailable(f"the Docker engine refused: {error}", remedy="moa-code doctor") from error
    finally:
        client.close()


def _build(
    client: DockerClient, files: Mapping[str, bytes], tag: str, machine: Machine, progress: Progress
) -> ImageRef:
    require_space(cache_dir(machine.env), _SPACE_BYTES, "building the sandbox image")
    architecture = str(client.api.info()["Architecture"])
    base = ensure_base(
        client, minor=python_minor(), engine_architecture=architecture, machine=machine, progress=progress
    )
    wheels = fetch_wheels(
        files["requirements.txt"].decode(),
        minor=base.minor,
        architecture=architecture,
        machine=machine,
        progress=progress,
    )
    context = {**files, **{f"wheels/{name}": data for name, data in wheels.items()}}
    progress(f"building {tag} on {base.reference}")
    _run_build(client, pack_context(context), tag, base, progress)
    if built := find_image(client, tag):
        progress(f"built {tag}: {built.size_bytes / 1e6:.0f} MB")
        return built
    raise SandboxUnavailable(f"the build ended well and left no image {tag}", remedy="moa-code doctor")


def pack_context(files: Mapping[str, bytes]) -> io.BytesIO:
    """A build context as a tar in memory. Times are 0, so that equal files make equal layers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(data))
    buffer.seek(0)
    return buffer


def _run_build(client: DockerClient, context: io.BytesIO, tag: str, base: Base, progress: Progress) -> None:
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    events = client.api.build(
        fileobj=context,
        custom_context=True,
        tag=tag,
        rm=True,
        forcerm=True,
        decode=True,
        network_mode="none",
        # The client would otherwise bake the proxies of ~/.docker/config.json in as build arguments.
        use_config_proxy=False,
        buildargs={"BASE": base.reference},
        labels={"moa-code.base": base.reference, "moa-code.python": f"3.{base.minor}"},
    )
    for event in events:
        if error := event.get("error"):
            quoted = "".join(f"\n    {line}" for line in tail)
            raise SandboxUnavailable(
                f"building {tag} on {base.reference} failed: {error}{quoted}",
                remedy="moa-code doctor",
            )
        for line in str(event.get("stream", "")).splitlines():
            if text := line.strip():
                tail.append(text)
                # The builder's own bookkeeping says nothing to a person.
                if not text.startswith(("--->", "Removing intermediate container")):
                    progress(text)
