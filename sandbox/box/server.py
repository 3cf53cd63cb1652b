"""The supervisor: takes trees and jobs from the host, runs one job at a time in a zygote's child, tells what it saw.

Started by the host as `python server.py '{"root": "/box", "uid_base": N, "uid_count": N}'`; speaks frames (wire.py) on
its standard input and output. It judges nothing. It ends when the channel does.

    host → box   tree  {digest, files: [[path, size, executable], …]} + contents
                 job   {id, tree, entry, payload, limits, overlay: [[path, size or -1], …], sealed, judged,
                       seed} + contents
                 cancel {id}
    box → host   ready {python, uid_separation, cgroup, enforced}
                 done  {id, ended, exit_code, signal, …} + stdout, stderr, report
                 error {id, detail}
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from box import kernel, wire, workspace, zygote
from box.preload import PRELOAD, SLIM
from box.supervise import Supervisor


def main(argv: list[str]) -> int:
    settings = json.loads(argv[1])
    channel_in, channel_out = _take_channel()
    os.umask(0o022)
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    slim = zygote.start(SLIM, keep_out=(channel_in, channel_out))
    whole = zygote.start(PRELOAD, keep_out=(channel_in, channel_out, slim.fileno()))
    for one in (slim, whole):
        one.ended()
    supervisor = Supervisor(
        root=Path(settings["root"]),
        uid_base=settings["uid_base"],
        uid_count=settings["uid_count"],
        zygote=whole,
        slim=slim,
        channel_in=channel_in,
    )
    wire.write_frame(channel_out, {"op": "ready", **supervisor.description()})
    try:
        while True:
            _serve_one(supervisor, channel_in, channel_out)
    except wire.ChannelClosed:
        return 0


def _serve_one(supervisor: Supervisor, channel_in: int, channel_out: int) -> None:
    header, length = wire.read_header(channel_in)
    match header.get("op"):
        case "tree":
            _unpack(supervisor, header, channel_in)
        case "job":
            contents = wire.read_exactly(channel_in, length)
            try:
                answer, body = supervisor.run(header, _overlay(header, contents))
            except (OSError, RuntimeError, ValueError, KeyError, workspace.BadPath) as error:
                answer, body = (
                    {"op": "error", "id": header.get("id"), "detail": f"{type(error).__name__}: {error}"},
                    b"",
                )
            wire.write_frame(channel_out, answer, body)
        case "cancel":
            return  # what it named has ended already
        case other:
            raise SystemExit(f"unknown operation {other!r}")


def _unpack(supervisor: Supervisor, header: dict[str, Any], channel_in: int) -> None:
    """Store a tree whose content has the digest it goes by: SHA-256 over its paths, modes and SHA-256 of contents."""
    base = supervisor.new_tree(header["digest"])
    total = hashlib.sha256()
    for path, size, executable in header["files"]:
        content = wire.read_exactly(channel_in, size)
        workspace.store(base, path, content, executable)
        entry = f"{path}\0{int(executable)}\0{hashlib.sha256(content).hexdigest()}\n"
        total.update(entry.encode("utf-8", "surrogateescape"))
    if total.hexdigest() != header["digest"]:
        raise SystemExit(f"tree {header['digest']} came with other content")


def _overlay(header: dict[str, Any], contents: bytes) -> list[tuple[str, bytes | None]]:
    overlay: list[tuple[str, bytes | None]] = []
    at = 0
    for path, size in header["overlay"]:
        if size < 0:
            overlay.append((path, None))
            continue
        overlay.append((path, contents[at : at + size]))
        at += size
    return overlay


def _take_channel() -> tuple[int, int]:
    """Move the channel away from descriptors 0 and 1, which jobs would inherit."""
    channel_in, channel_out = os.dup(0), os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return channel_in, channel_out


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
