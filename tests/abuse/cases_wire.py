"""Rows 24 and 25: hostile words on the wires that end on the host, the report of a job and the channel to a box."""

import asyncio
import json
import struct
import time
import tracemalloc
from functools import partial

from abuse_cases import HostCase

from moa_code.sandbox.wire import Channel, ChannelBroken
from moa_code.verify.reading import MOST_DETAIL_CHARS, MOST_LINE_BYTES, read_session

NONCE = "n" * 32
MOST_SECONDS = 3.0


def line(**event) -> bytes:
    return (NONCE + json.dumps(event) + "\n").encode()


COLLECTED = line(k="collected", ids=["a", "b"])
PASSED = line(k="result", id="a", outcome="passed") + line(k="result", id="b", outcome="passed")
END = line(k="end", code=1)


def report_read(make) -> str:
    """`forged` when the report is seen not to come from our plugin alone; what it was taken for otherwise."""
    report = make() if callable(make) else make
    tracemalloc.start()
    started = time.process_time()
    try:
        session = read_session(report, NONCE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if peak > len(report) + 8 * MOST_LINE_BYTES or time.process_time() - started > MOST_SECONDS:
        return f"read with {peak >> 20} MiB in {time.process_time() - started:.1f} s"
    said = "".join(r.detail + r.check_id for r in session.results)
    if any(len(r.detail) > 2 * MOST_DETAIL_CHARS for r in session.results) or not said.isascii():
        return "unbounded or unprintable words"
    if session.forged:
        return "forged"
    whole = session.end_code is not None and {r.check_id for r in session.results} == {"a", "b"}
    return "believed" if whole else "incomplete"


def report(row, name, make, *expected):
    return HostCase(row=row, name=name, attempt=partial(report_read, make), expected=frozenset(expected or ("forged",)))


REPORTS = (
    report(24, "an-honest-report", COLLECTED + PASSED + END, "believed"),
    report(24, "unsolicited-line", COLLECTED + PASSED + b"hello\n" + END),
    report(24, "a-wrong-nonce", COLLECTED + PASSED.replace(b"n" * 32, b"m" * 32, 1) + END),
    report(24, "a-short-nonce", COLLECTED + PASSED + END[1:]),
    report(24, "two-results", COLLECTED + PASSED + line(k="result", id="a", outcome="passed") + END),
    report(24, "a-failure-then-a-pass", COLLECTED + line(k="result", id="a", outcome="failed") + PASSED + END),
    report(24, "two-ends", COLLECTED + PASSED + END + END),
    report(24, "words-after-the-end", COLLECTED + PASSED + END + PASSED),
    report(24, "a-result-for-nobody", COLLECTED + PASSED + line(k="result", id="c", outcome="passed") + END),
    report(24, "collected-twice", COLLECTED + COLLECTED + PASSED + END),
    report(24, "the-same-id-twice", line(k="collected", ids=["a", "a", "b"]) + PASSED + END),
    report(24, "an-unknown-kind", COLLECTED + PASSED + line(k="verdict", outcome="passed") + END),
    report(24, "an-unknown-outcome", COLLECTED + line(k="result", id="a", outcome="PASSED") + END),
    report(24, "a-cut-line", COLLECTED + PASSED + END[:-1], "incomplete"),
    report(24, "a-cut-line-in-the-middle", COLLECTED + PASSED[:40], "incomplete"),
    report(24, "nothing", b"", "incomplete"),
    report(24, "an-end-alone", END, "incomplete"),
    report(24, "truth-for-a-code", COLLECTED + PASSED + line(k="end", code=True)),
    report(24, "words-for-a-code", COLLECTED + PASSED + line(k="end", code="1")),
    report(25, "depth", lambda: (NONCE + "[" * 100_000 + "\n").encode()),
    report(
        25,
        "depth-inside",
        lambda: (
            NONCE + '{"k":"result","id":"a","outcome":"passed","detail":' + "[" * 100_000 + "]" * 100_000 + "}\n"
        ).encode(),
    ),
    report(25, "a-million-digits", lambda: (NONCE + '{"k":"end","code":' + "9" * 1_000_000 + "}\n").encode()),
    report(25, "not-a-number", COLLECTED + PASSED + (NONCE + '{"k":"end","code":NaN}\n').encode()),
    report(
        25,
        "infinity-for-a-duration",
        COLLECTED + PASSED.replace(b'"passed"}', b'"passed", "duration_s": Infinity}') + END,
        "believed",
    ),
    report(
        25,
        "lone-surrogate",
        COLLECTED
        + line(k="result", id="a", outcome="passed")
        + (NONCE + '{"k":"result","id":"b","outcome":"passed","detail":"\\ud800\\u001b[2J"}\n').encode()
        + END,
        "believed",
    ),
    report(25, "no-utf-8", COLLECTED + NONCE.encode() + b'{"k":"end","code":1,"x":"\xff\xfe"}\n'),
    report(
        25, "duplicate-keys", COLLECTED + PASSED + (NONCE + '{"k":"end","code":0,"k":"verdict","k":"x"}\n').encode()
    ),
    report(25, "sixteen-megabytes-of-nothing", lambda: b"\n" * (16 << 20)),
    report(25, "millions-of-short-lines", lambda: b"ab\n" * (5 << 20)),
    report(25, "empty-objects", lambda: (NONCE + "{}\n").encode() * 400_000),
    report(
        25, "ids-that-are-lists", lambda: (NONCE + '{"k":"collected","ids":[' + "[]," * (5 << 20) + "[]]}\n").encode()
    ),
    report(25, "one-long-line", lambda: NONCE.encode() + b'{"k":"end","code":1,"x":"' + b"y" * (16 << 20) + b'"}\n'),
    report(
        25,
        "a-detail-without-end",
        lambda: COLLECTED + line(k="result", id="a", outcome="failed", detail="x" * 1_000_000),
        "incomplete",
    ),
    report(
        25, "a-pickle", COLLECTED + NONCE.encode() + b"\x80\x04c__builtin__\neval\n(V__import__('os')._exit(0)\ntR.\n"
    ),
    report(25, "a-number-for-everything", lambda: (NONCE + "1\n").encode() + COLLECTED + PASSED + END),
)


def frame_read(data: bytes) -> str:
    """What the host makes of the bytes that a box sends."""

    async def read() -> str:
        reader = asyncio.StreamReader(limit=1 << 20)
        reader.feed_data(data)
        reader.feed_eof()
        try:
            header, body = await Channel(reader, None).receive()
        except ChannelBroken:
            return "refused"
        return f"read {len(header)} {len(body)}"

    started = time.process_time()
    outcome = asyncio.run(read())
    return outcome if time.process_time() - started < MOST_SECONDS else "slow"


def framed(header: bytes, body: bytes = b"", *, claims: tuple[int, int] | None = None) -> bytes:
    return struct.pack(">IQ", *(claims or (len(header), len(body)))) + header + body


def frame(row, name, data, *expected):
    return HostCase(row=row, name=name, attempt=partial(frame_read, data), expected=frozenset(expected or ("refused",)))


FRAMES = (
    frame(24, "an-honest-frame", framed(b'{"op":"done"}', b"xy"), "read 1 2"),
    frame(24, "a-partial-frame", framed(b'{"op":"done"}', b"xy")[:-1]),
    frame(24, "a-frame-of-half-a-prefix", b"\0\0\0"),
    frame(24, "no-json", framed(b"hello")),
    frame(24, "a-list-for-a-header", framed(b"[1]")),
    frame(25, "a-huge-header", framed(b"{}", claims=(1 << 31, 0))),
    frame(25, "a-huge-body", framed(b"{}", claims=(2, 1 << 60))),
    frame(25, "a-deep-header", framed(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}")),
    frame(25, "digits-in-a-header", framed(b'{"a":' + b"9" * 200_000 + b"}")),
    frame(25, "no-utf-8-in-a-header", framed(b'{"a":"\xff\xfe"}')),
)

# ORACLE: here belong the cases of rows 24 and 25 on the protocol of `CheckKind.ORACLE`: unsolicited, duplicate, late
# and partial answers, wrong ids, and answers that are deep, huge, duplicated or no numbers. They are candidates (a
# VerdictCase of a project whose task is of that kind), since only a candidate can speak there.
ORACLE = ()
CASES = REPORTS + FRAMES + ORACLE
