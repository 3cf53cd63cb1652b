"""No box is worked with before it was tried: once for each engine, image and kernel, and whenever the user asks."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from moa_code.core.box import BoxInfo, Limits
from moa_code.core.ports import Sandbox
from moa_code.probe.findings import ProbeReport, refusal
from moa_code.probe.jobs import probe, scripts
from moa_code.probe.memory import remember, remembered
from moa_code.provision.places import cache_dir, digest_files, source_files
from moa_code.sandbox import settings
from moa_code.sandbox.fake import FakeSandbox

Progress = Callable[[str], None]

SIZES = frozenset({"memory_bytes", "pids", "cpus", "tmpfs_bytes"})
"""What `BoxInfo.enforced` says of the user's own limits: another size is the same kind of box."""


async def require_tight(
    sandbox: Sandbox, limits: Limits, seccomp: str, environment: Mapping[str, str], progress: Progress
) -> None:
    """Return once this kind of box is known to hold; probes it when that is not remembered.

    Raises `SandboxUnavailable` when something succeeds that the policy forbids, or nothing certain can be said.
    """
    if isinstance(sandbox, FakeSandbox):  # it runs nothing
        return
    if remembered(_folder(environment), probe_key(sandbox.info, seccomp)):
        return
    progress("probing the box, once for this engine, image and kernel")
    report = await probe_now(sandbox, limits, seccomp, environment, progress)
    if not report.tight and not report.holes:  # our side broke: that may pass
        progress("the probe did not come to an end; once more")
        report = await probe_now(sandbox, limits, seccomp, environment, progress)
    if not report.tight:
        raise refusal(report)


async def probe_now(
    sandbox: Sandbox, limits: Limits, seccomp: str, environment: Mapping[str, str], progress: Progress
) -> ProbeReport:
    """The findings on `sandbox`, which is open; remembered when it is tight. Raises `SandboxUnavailable`."""
    report = await probe(sandbox, limits)
    folder = _folder(environment)
    try:
        remember(folder, probe_key(sandbox.info, seccomp), report)
    except OSError as error:
        progress(f"what the probe found cannot be kept in {folder}, so it will be repeated: {error.strerror}")
    return report


async def probe_opened(
    sandbox: Sandbox, limits: Limits, seccomp: str, environment: Mapping[str, str], progress: Progress
) -> ProbeReport:
    """The same on a sandbox that is opened for it and closed again. Raises `SandboxUnavailable`."""
    try:
        await sandbox.open()
        return await probe_now(sandbox, limits, seccomp, environment, progress)
    finally:
        await sandbox.aclose()


def probe_key(info: BoxInfo, seccomp: str) -> dict[str, str]:
    """What the findings depend on. Our own sources stand for the walls that they build."""
    assert settings.__file__ is not None
    ours = source_files(Path(settings.__file__).parent)
    kept = {f"enforced {name}": value for name, value in info.enforced.items() if name not in SIZES}
    return {
        **kept,
        "backend": info.backend,
        "image": info.image_digest,
        "python": info.python,
        "missing": "; ".join(info.missing),
        "engine": info.enforced.get("engine") or _bubblewrap(),
        "kernel": info.kernel or platform.release(),
        "user": str(os.geteuid()),
        "trials": digest_files(dict(scripts())),
        "walls": digest_files(ours, seccomp),
    }


def _bubblewrap() -> str:
    """Which bubblewrap it is, without starting it."""
    found = shutil.which("bwrap")
    if found is None:
        return ""
    about = Path(found).stat()
    return f"{found} {about.st_size} {about.st_mtime_ns}"


def _folder(environment: Mapping[str, str]) -> Path:
    return cache_dir(environment) / "probe"
