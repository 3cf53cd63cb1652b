"""Frames between judge and candidate: what is no frame of ours is refused, whatever its bytes."""

import json
import math
import socket
import struct
import threading
import time

import pytest
from box.oracle import channel
from box.oracle.channel import Channel, Closed, Late, TooLong
from box.oracle.values import Malformed
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def ends():
    left, right = socket.socketpair()
    with left, right:
        yield Channel(left), right


def frame(data, length=None):
    return struct.pack(">I", len(data) if length is None else length) + data


def received(ends, data, seconds=5.0):
    judge, other = ends
    writer = threading.Thread(target=other.sendall, args=(data,), daemon=True)
    writer.start()
    return judge.receive(seconds)


messages = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
).filter(lambda message: isinstance(message, list))


@given(messages)
def test_round_trip(message):
    left, right = socket.socketpair()
    with left, right:
        Channel(left).send(message)
        assert Channel(right).receive(5) == message


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data):
    left, right = socket.socketpair()
    with left, right:
        right.sendall(data)
        right.shutdown(socket.SHUT_WR)
        try:
            Channel(left).receive(5)
        except (Malformed, Closed):
            return


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'[{"a": 1}]',
        b'{"a": 1, "a": 2}',
        b"3",
        b"null",
        b'"text"',
        b"[1",
        b"[1] [2]",
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[123456789012345678901]",
        b"\xff\xfe",
        b"[" * 100_000 + b"]" * 100_000,
        b"['a']",
    ],
)
def test_no_json_of_ours(ends, data):
    with pytest.raises(Malformed):
        received(ends, frame(data))


def test_a_frame_over_the_cap_is_not_read(ends):
    with pytest.raises(Malformed, match="frame of"):
        received(ends, frame(b"[]", length=channel.MAX_FRAME_BYTES + 1))


def test_a_frame_over_the_cap_is_not_sent(ends, monkeypatch):
    monkeypatch.setattr(channel, "MAX_FRAME_BYTES", 1000)
    with pytest.raises(TooLong):
        ends[0].send(["x" * 1001])
    ends[0].send(["x"])
    assert ends[1].recv(100) == frame(b'["x"]')


def test_what_is_not_finite_is_not_sent(ends):
    with pytest.raises(ValueError, match="Out of range"):
        ends[0].send([math.nan])


def test_late(ends):
    started = time.monotonic()
    with pytest.raises(Late):
        ends[0].receive(0.05)
    assert time.monotonic() - started < 5


def test_a_frame_that_comes_a_byte_at_a_time_is_late_too(ends):
    """The deadline is of the frame, not of each read."""
    judge, other = ends
    stop = threading.Event()

    def drip():
        for byte in frame(b"[" + b" " * 1000 + b"]"):
            if stop.wait(0.01):
                return
            other.sendall(bytes([byte]))

    writer = threading.Thread(target=drip, daemon=True)
    writer.start()
    started = time.monotonic()
    with pytest.raises(Late):
        judge.receive(0.2)
    stop.set()
    assert time.monotonic() - started < 5


def test_closed(ends):
    ends[1].close()
    with pytest.raises(Closed) as gone:
        ends[0].receive(5)
    assert not gone.value.partial
    with pytest.raises(Closed):
        ends[0].send(["x" * 10_000_000])


@pytest.mark.parametrize("data", [b"\0", frame(b"[1]")[:-1], frame(b"", length=10)])
def test_closed_in_the_middle(ends, data):
    ends[1].sendall(data)
    ends[1].close()
    with pytest.raises(Closed) as gone:
        ends[0].receive(5)
    assert gone.value.partial


def test_waiting(ends):
    judge, other = ends
    assert not judge.waiting()
    other.sendall(b"\0")
    assert judge.waiting()


def test_large_frames(ends):
    text = "é" * 2_000_000
    assert received(ends, frame(json.dumps([text]).encode())) == [text]


def test_several_frames_stay_apart(ends):
    judge, other = ends
    other.sendall(frame(b"[1]") + frame(b"[2]"))
    assert [judge.receive(5), judge.receive(5)] == [[1], [2]]
