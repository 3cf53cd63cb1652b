"""Frames between judge and candidate: a length, then JSON without objects. Whoever reads one checks every byte."""

from __future__ import annotations

import json
import math
import select
import socket
import struct
import time
from typing import Any

from box.oracle.values import Malformed

LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 32 << 20
CHUNK_BYTES = 1 << 18
IDLE_S = 0.002


class Closed(Exception):
    """The other side has gone. `partial`: in the middle of a frame."""

    def __init__(self, *, partial: bool) -> None:
        super().__init__("the other side has gone" + (" in the middle of a frame" if partial else ""))
        self.partial = partial


class Late(Exception):
    """Nothing came in time."""


class TooLong(Exception):
    """A frame over the cap; nothing was sent."""


def _refuse_object(pairs: object) -> None:
    raise Malformed("a JSON object")


def _refuse_constant(name: str) -> None:
    raise Malformed(f"the constant {name}")


def _small_int(text: str) -> int:
    if len(text) > 17:  # a larger one has its own tag
        raise Malformed("a long integer without its tag")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed("a number beyond floats")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_refuse_object, parse_constant=_refuse_constant, parse_int=_small_int, parse_float=_finite
)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)


class Channel:
    """One end of a stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self.largest = 0  # bytes of the largest frame that came

    def send(self, message: list[Any]) -> None:
        """Raises `TooLong`, `Closed`."""
        data = _ENCODER.encode(message).encode()
        if len(data) > MAX_FRAME_BYTES:
            raise TooLong(f"{len(data)} bytes")
        try:
            self._sock.sendall(LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise Closed(partial=True) from error

    def receive(self, seconds: float | None = None) -> list[Any]:
        """The next frame's array. Raises `Late`, `Closed`, `Malformed`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size, deadline, partial=False))
        if length > MAX_FRAME_BYTES:
            raise Malformed(f"a frame of {length} bytes")
        self.largest = max(self.largest, length)
        data = self._exactly(length, deadline, partial=True)
        try:
            message = _DECODER.decode(data.decode())
        except (ValueError, RecursionError, MemoryError) as error:
            raise Malformed("no JSON of ours") from error
        if type(message) is not list:
            raise Malformed("a frame that is no array")
        return message

    def waiting(self) -> bool:
        """Whether something can be read, or the other side has gone."""
        return bool(self._poll.poll(0))

    def _exactly(self, count: int, deadline: float | None, *, partial: bool) -> bytes:
        chunks: list[bytes] = []
        missing = count
        while missing:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0 or not self._poll.poll(left * 1000):
                    raise Late
            try:
                # What is readable may be nothing to receive (out-of-band data): a wait would have no end.
                chunk = self._sock.recv(min(missing, CHUNK_BYTES), 0 if deadline is None else socket.MSG_DONTWAIT)
            except BlockingIOError:
                time.sleep(IDLE_S)
                continue
            except OSError as error:
                raise Closed(partial=partial) from error
            if not chunk:
                raise Closed(partial=partial or bool(chunks))
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks)
