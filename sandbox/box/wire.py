"""Frames on the channel between the host and the supervisor: a JSON header and a body of bytes.

    4 bytes header length | 8 bytes body length | header (JSON object, UTF-8) | body          (big-endian)

Only the supervisor holds the channel; no job ever inherits it.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

PREFIX = struct.Struct(">IQ")
MAX_HEADER_BYTES = 64 * 1024 * 1024


class ChannelClosed(Exception):
    """The other side went away."""


def read_exactly(fd: int, size: int) -> bytes:
    """`size` bytes from `fd`. Raises `ChannelClosed` when it ends before."""
    parts = bytearray()
    while len(parts) < size:
        chunk = os.read(fd, min(1 << 20, size - len(parts)))
        if not chunk:
            raise ChannelClosed
        parts += chunk
    return bytes(parts)


def read_header(fd: int) -> tuple[dict[str, Any], int]:
    """The next frame's header and the length of its body, which the caller must read."""
    header_length, body_length = PREFIX.unpack(read_exactly(fd, PREFIX.size))
    if header_length > MAX_HEADER_BYTES:
        raise ChannelClosed
    header = json.loads(read_exactly(fd, header_length))
    if not isinstance(header, dict):
        raise ChannelClosed
    return header, body_length


def write_frame(fd: int, header: dict[str, Any], body: bytes = b"") -> None:
    """One frame, written whole. Raises `ChannelClosed` when the reader is gone."""
    encoded = json.dumps(header, separators=(",", ":")).encode()
    data = memoryview(PREFIX.pack(len(encoded), len(body)) + encoded + body)
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError as error:
        raise ChannelClosed from error
