"""All trials, one after the other."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

from probe import controls, files, kernel, limits, network, privileges, processes, secrets
from probe.trial import Trial, try_one


def trials(settings: dict[str, int]) -> Iterator[Trial]:
    yield from controls.trials()
    yield from network.trials()
    yield from kernel.trials()
    yield from processes.trials()
    yield from privileges.trials()
    yield from files.trials()
    yield from secrets.trials()
    yield from limits.trials(settings["open_files"])


def main(argv: list[str]) -> int:
    secrets.note_descriptors()  # before we open any of our own
    count = 0
    for trial in trials(json.loads(argv[1])):
        print(json.dumps(try_one(trial)), flush=True)
        count += 1
    print(json.dumps({"trials": count, "kernel": os.uname().release, "machine": os.uname().machine}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
