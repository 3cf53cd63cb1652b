"""The host's end of the channel to a box: frames over a byte stream, strictly read.

The format is that of `sandbox/box/wire.py`. What arrives comes from a supervisor we started, yet it is checked like
foreign data: a box that talks nonsense is a lost box.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping

PREFIX = struct.Struct(">IQ")
MAX_HEADER_BYTES = 1 << 20
MAX_BODY_BYTES = 64 << 20


class ChannelBroken(Exception):
    """The box went away or does not keep to the protocol."""


class Channel:
    """Frames over a pair of asyncio streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def ended(self) -> bool:
        """Whether the box has gone away and nothing more is to be read of it."""
        return self._reader.at_eof()

    async def send(self, header: Mapping[str, object], body: bytes = b"") -> None:
        encoded = json.dumps(header, separators=(",", ":")).encode()
        try:
            self._writer.write(PREFIX.pack(len(encoded), len(body)) + encoded)
            if body:
                self._writer.write(body)
            await self._writer.drain()
        except (ConnectionError, OSError) as error:
            raise ChannelBroken(f"the box cannot be written to: {error}") from error

    async def send_raw(self, data: bytes) -> None:
        """Part of a body whose length was announced by `announce`."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (ConnectionError, OSError) as error:
            raise ChannelBroken(f"the box cannot be written to: {error}") from error

    async def announce(self, header: Mapping[str, object], body_length: int) -> None:
        """A header whose body follows through `send_raw`."""
        encoded = json.dumps(header, separators=(",", ":")).encode()
        await self.send_raw(PREFIX.pack(len(encoded), body_length) + encoded)

    async def receive(self) -> tuple[dict[str, object], bytes]:
        """The next frame. Raises `ChannelBroken`."""
        try:
            prefix = await self._reader.readexactly(PREFIX.size)
            header_length, body_length = PREFIX.unpack(prefix)
            if header_length > MAX_HEADER_BYTES or body_length > MAX_BODY_BYTES:
                raise ChannelBroken(f"a frame of {header_length} + {body_length} bytes is over the caps")
            header = json.loads(await self._reader.readexactly(header_length))
            body = await self._reader.readexactly(body_length)
        except (asyncio.IncompleteReadError, ConnectionError, OSError) as error:
            raise ChannelBroken("the box closed its channel") from error
        except (ValueError, RecursionError) as error:
            raise ChannelBroken(f"the box sent no valid frame: {error}") from error
        if not isinstance(header, dict):
            raise ChannelBroken("the box sent a frame without a header object")
        return header, body

    def close(self) -> None:
        self._writer.close()
