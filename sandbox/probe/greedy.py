"""One job that takes more than its limit: `python -m probe.greedy WHAT AMOUNT`.

It ends with status 0 when it got the amount and was left in peace, with 3 when the kernel refused some of it.
"""

from __future__ import annotations

import os
import sys
import time

KEPT_S = 3.0  # long enough for whoever counts to look
REFUSED = 3
CHUNK = 1 << 20


def memory(amount: int) -> None:
    """Bytes, each page written to."""
    kept = [b"x" * CHUNK for _ in range(amount // CHUNK)]
    time.sleep(KEPT_S)
    del kept


def children(amount: int) -> None:
    """The same in four processes that are small each."""
    os.fork()
    os.fork()
    memory(amount // 4)


def pids(amount: int) -> None:
    """Processes, each of which makes more, as a bomb does; about `amount`, where nothing stops them."""
    first, note = os.getpid(), "refused"
    try:
        for _ in range(amount.bit_length()):
            os.fork()
    except OSError:
        open(note, "w").close()  # whichever it happened to
    time.sleep(KEPT_S)
    if os.getpid() == first and os.path.exists(note):
        raise BlockingIOError


def disk(amount: int) -> None:
    """Bytes in one file."""
    with open("large", "wb", buffering=0) as stream:
        for _ in range(amount // CHUNK):
            stream.write(b"x" * CHUNK)
        time.sleep(KEPT_S)


def files(amount: int) -> None:
    """Empty files."""
    for number in range(amount):
        os.close(os.open(f"file{number}", os.O_CREAT | os.O_WRONLY, 0o600))
    time.sleep(KEPT_S)


def cpu(amount: int) -> None:
    """Seconds of CPU time."""
    while time.process_time() < amount:
        pass


def wall(amount: int) -> None:
    """Seconds that pass."""
    time.sleep(amount)


def output(amount: int) -> None:
    """Bytes on standard output."""
    for _ in range(amount // 4096):
        os.write(1, b"x" * 4096)


WORK = {
    "memory": memory,
    "children": children,
    "pids": pids,
    "disk": disk,
    "files": files,
    "cpu": cpu,
    "wall": wall,
    "output": output,
}


def main(argv: list[str]) -> int:
    try:
        WORK[argv[1]](int(argv[2]))
    except (OSError, MemoryError):
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
