"""What our boxes hold, and which of them are still there: counted at the engine, ours alone."""

from __future__ import annotations

from dataclasses import dataclass

import docker

from moa_code.sandbox.docker import LABEL, OWNER_LABEL
from moa_code.sandbox.owner import this_process

RESIDENT = 4  # of an idle box: init, supervisor, two zygotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Boxes of this process, and processes in them beyond those that an idle box has."""

    boxes: int
    processes: int


def held() -> Held:
    """Ask while no job runs: whatever is there then beyond the supervisors was left behind."""
    client = docker.from_env()
    try:
        labels = [LABEL, f"{OWNER_LABEL}={this_process()}"]
        ours = client.api.containers(all=True, filters={"label": labels})
        extra = 0
        for box in ours:
            if box["State"] == "running":
                extra += max(0, len(client.api.top(box["Id"])["Processes"]) - RESIDENT)
        return Held(boxes=len(ours), processes=extra)
    finally:
        client.close()
