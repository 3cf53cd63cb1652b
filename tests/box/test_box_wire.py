import asyncio
import json
import os

import pytest
from box import wire
from hypothesis import given
from hypothesis import strategies as st

from moa_code.sandbox.wire import Channel, ChannelBroken

# A pipe holds 64 KiB: what is written before it is read must fit.
values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), st.lists, max_leaves=8)
headers = st.dictionaries(st.text(max_size=20), values, max_size=5)
bodies = st.binary(max_size=8000)


class Sink:
    """What `Channel` needs of a writer."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data)

    async def drain(self):
        pass


def piped(data):
    """A descriptor that brings `data` and then ends."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading


def host_reads(data):
    async def read():
        stream = asyncio.StreamReader()
        stream.feed_data(data)
        stream.feed_eof()
        return await Channel(stream, Sink()).receive()

    return asyncio.run(read())


def written(header, body):
    reading, writing = os.pipe()
    wire.write_frame(writing, header, body)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        return stream.read()


@given(headers, bodies)
def test_what_the_box_writes_the_host_reads(header, body):
    assert host_reads(written(header, body)) == (header, body)


@given(headers, bodies)
def test_what_the_host_writes_the_box_reads(header, body):
    sink = Sink()
    asyncio.run(send(sink, header, body))
    reading = piped(sink.data)
    try:
        found, length = wire.read_header(reading)
        assert (found, wire.read_exactly(reading, length)) == (header, body)
    finally:
        os.close(reading)


async def send(sink, header, body):
    await Channel(asyncio.StreamReader(), sink).send(header, body)


@given(st.lists(st.tuples(headers, st.binary(max_size=500)), max_size=4))
def test_frames_follow_each_other(frames):
    data = b"".join(written(header, body) for header, body in frames)
    reading = piped(data)
    try:
        for header, body in frames:
            found, length = wire.read_header(reading)
            assert (found, wire.read_exactly(reading, length)) == (header, body)
        with pytest.raises(wire.ChannelClosed):
            wire.read_header(reading)
    finally:
        os.close(reading)


@given(st.binary(max_size=200))
def test_garbage_never_passes_for_a_frame_on_the_host(data):
    try:
        header, body = host_reads(data)
    except ChannelBroken:
        return
    assert isinstance(header, dict)
    assert data.endswith(body)


@given(headers, bodies, st.data())
def test_a_frame_cut_short_is_a_broken_channel(header, body, data):
    whole = written(header, body)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(ChannelBroken):
        host_reads(cut)


@pytest.mark.parametrize("text", [b"[]", b"1", b'"x"', b"null", b"{", b"\xff", b"[" * 5000])
def test_a_header_that_is_no_object_is_refused(text):
    with pytest.raises(ChannelBroken):
        host_reads(wire.PREFIX.pack(len(text), 0) + text)


def test_a_frame_over_the_caps_is_refused_before_it_is_read():
    for header_length, body_length in ((1 << 30, 0), (2, 1 << 40)):
        with pytest.raises(ChannelBroken, match="over the caps"):
            host_reads(wire.PREFIX.pack(header_length, body_length) + b"{}")
    reading = piped(wire.PREFIX.pack(wire.MAX_HEADER_BYTES + 1, 0))
    with pytest.raises(wire.ChannelClosed):
        wire.read_header(reading)
    os.close(reading)


def test_a_reader_that_is_gone_closes_the_channel():
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(wire.ChannelClosed):
        wire.write_frame(writing, {"op": "done"}, b"x" * 100)
    os.close(writing)


def test_both_ends_speak_the_same_format():
    from moa_code.sandbox import wire as ours

    assert wire.PREFIX.format == ours.PREFIX.format
    assert json.loads(written({"a": "ä"}, b"")[wire.PREFIX.size :]) == {"a": "ä"}
