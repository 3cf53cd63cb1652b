"""`moa-code setup` from start to finish: an engine that answers, and the image in it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from moa_code.provision.engine import ensure_engine
from moa_code.provision.image import ImageRef, ensure_image
from moa_code.provision.knock import Engine
from moa_code.provision.machine import Machine, Progress, ThisMachine, quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupReport:
    """What is ready now, and how long it took."""

    engine: Engine
    image: ImageRef
    duration_s: float


def run_setup(*, install_engine: bool, progress: Progress = quiet, machine: Machine | None = None) -> SetupReport:
    """Get everything ready that the docker backend needs; a fraction of a second when it is.

    Raises `SandboxUnavailable` or another `EnvironmentFault`, each with the command that mends it.
    """
    started = time.monotonic()
    machine = machine or ThisMachine()
    engine = ensure_engine(install=install_engine, progress=progress, machine=machine)
    image = ensure_image(progress, machine)
    return SetupReport(engine=engine, image=image, duration_s=time.monotonic() - started)
