"""`python -m moa_code.provision stop`: for `.ci/run`, which leaves no engine behind that it started."""

from __future__ import annotations

import sys

from moa_code.core.errors import ExitCode, MoaError
from moa_code.provision.engine import stop_if_ours


def main(argv: list[str]) -> int:
    if argv != ["stop"]:
        print("usage: python -m moa_code.provision stop", file=sys.stderr)
        return ExitCode.USAGE
    try:
        stop_if_ours(lambda line: print(line, file=sys.stderr))
    except MoaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
