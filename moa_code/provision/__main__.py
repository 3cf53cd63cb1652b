"""`python -m moa_code.provision stop | bubblewrap`: what make and `.ci/run` need and no user types."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from moa_code.core.errors import ExitCode, MoaError
from moa_code.provision.bubblewrap import ensure_bwrap
from moa_code.provision.engine import stop_if_ours
from moa_code.provision.machine import Progress

WORK: Mapping[str, Callable[[Progress], object]] = {
    "stop": stop_if_ours,  # leave no engine behind that this run started
    "bubblewrap": lambda progress: ensure_bwrap(install=True, progress=progress),  # for the tests of its backend
}


def main(argv: list[str]) -> int:
    if len(argv) != 1 or argv[0] not in WORK:
        print(f"usage: python -m moa_code.provision {' | '.join(WORK)}", file=sys.stderr)
        return ExitCode.USAGE
    try:
        WORK[argv[0]](lambda line: print(line, file=sys.stderr))
    except MoaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
