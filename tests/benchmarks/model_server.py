"""An OpenAI-compatible chat server with latencies as real ones have: long-tailed, now and then busy or silent.

Its answers are scripted, right or wrong by the skill of each model: what can be measured with it is time, spend and
robustness, never quality. Run as a script with a `Profile` as JSON on its input; prints its port.

What a call meets depends on the seed, the caller's key (the run) up to its first dot, the model and how often that
model was asked in that run, so that two strategies, told apart after the dot, meet the same weather. `GET
/calls?run=KEY` tells what came of each call, times as `time.monotonic()` of this machine.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from random import Random
from urllib.parse import parse_qs, urlsplit

EDIT_SHARE = 0.85  # of an answer's text; the rest explains it
FIRST_SHARE = 0.2  # of its time until the first piece
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(kw_only=True)
class Profile:
    """`skill` by model: how often its answer is a `right` one. Shares are of all calls. `{n}` in a text is a number of
    its own for each call, so that no two answers are the same.
    """

    right: list[str]
    wrong: list[str]
    prose: str
    skill: dict[str, float]
    seed: int = 0
    pieces: int = 40
    median_s: float = 1.0
    sigma: float = 1.0
    hangs: float = 0.0
    busy: float = 0.0
    retry_after_s: float = 1.0


@dataclass(kw_only=True)
class Call:
    """One call as its provider sees it. `edited_s` and `whole_s` are the seconds its edit and all of it take to say."""

    run: str
    model: str
    kind: str  # answer | busy | hang
    right: bool
    edited_s: float
    whole_s: float
    prompt_tokens: int
    whole_tokens: int
    began: float
    ended: float = 0.0
    written_tokens: int = 0
    cut: bool = False  # the client hung up


@dataclass
class Server:
    profile: Profile
    calls: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    number: int = 0
    open: int = 0
    most_open: int = 0

    def drawn(self, run: str, model: str, prompt: str) -> tuple[Call, str]:
        """What this call meets, and the text of its answer."""
        profile = self.profile
        self.asked[run, model] += 1
        self.number += 1
        random = Random(f"{profile.seed}|{run.partition('.')[0]}|{model}|{self.asked[run, model]}")
        chance, right = random.random(), random.random() < profile.skill[model]
        whole_s = profile.median_s * math.exp(profile.sigma * random.gauss(0, 1))
        kind = "busy" if chance < profile.busy else "hang" if chance < profile.busy + profile.hangs else "answer"
        text = random.choice(profile.right if right else profile.wrong).replace("{n}", str(self.number))
        call = Call(
            run=run,
            model=model,
            kind=kind,
            right=right,
            edited_s=whole_s * (FIRST_SHARE + (1 - FIRST_SHARE) * EDIT_SHARE),
            whole_s=whole_s,
            prompt_tokens=len(prompt) // 4,
            whole_tokens=(len(text) + len(profile.prose)) // 4,
            began=time.monotonic(),
        )
        self.calls[run].append(call)
        return call, text

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, target, _ = head.split(" ", 2)
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if method == "GET":
                    run = parse_qs(urlsplit(target).query).get("run", [""])[0]
                    calls = [asdict(c) for name in ([run] if run else [*self.calls]) for c in self.calls[name]]
                    self.whole(writer, 200, {"calls": calls, "most_open": self.most_open})
                else:
                    await self.answer(reader, writer, json.loads(body), headers["authorization"].split()[-1])
                    if writer.is_closing():
                        return
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: dict[str, object], run: str
    ) -> None:
        call, text = self.drawn(run, str(body["model"]), str(body["messages"]))
        if call.kind == "busy":
            call.ended = time.monotonic()
            error = {"message": "slow down", "type": "rate_limit", "param": None, "code": None}
            self.whole(writer, 429, {"error": error}, f"retry-after: {self.profile.retry_after_s}\r\n")
            return
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        gone = asyncio.create_task(reader.read(1))
        talking = asyncio.create_task(self.talk(writer, call, text, body))
        try:
            await asyncio.wait({gone, talking}, return_when=asyncio.FIRST_COMPLETED)
            if not talking.done():
                call.cut = True
                raise ConnectionResetError
            await talking
            await writer.drain()
            writer.close()
        finally:
            self.open -= 1
            call.ended = time.monotonic()
            for task in (gone, talking):
                task.cancel()
            await asyncio.gather(gone, talking, return_exceptions=True)

    async def talk(self, writer: asyncio.StreamWriter, call: Call, text: str, body: dict[str, object]) -> None:
        if call.kind == "hang":
            await asyncio.Event().wait()
        started = time.monotonic()
        await asyncio.sleep(call.whole_s * FIRST_SHARE)
        writer.write(HEAD)
        in_all = self.profile.pieces
        edit_pieces = round(in_all * EDIT_SHARE)
        pieces = [*_cut(text, edit_pieces), *_cut(self.profile.prose, in_all - edit_pieces)]
        for number, piece in enumerate(pieces, 1):
            edit = min(1.0, number / edit_pieces) * (call.edited_s - call.whole_s * FIRST_SHARE)
            prose = max(0, number - edit_pieces) / (in_all - edit_pieces) * (call.whole_s - call.edited_s)
            await asyncio.sleep(max(0.0, started + call.whole_s * FIRST_SHARE + edit + prose - time.monotonic()))
            call.written_tokens = call.whole_tokens * number // in_all
            self.event(writer, body, [{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
            await writer.drain()
        self.event(writer, body, [{"index": 0, "delta": {}, "finish_reason": "stop"}])
        used = {"prompt_tokens": call.prompt_tokens, "completion_tokens": call.whole_tokens}
        self.event(writer, body, [], used | {"total_tokens": sum(used.values())})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    def event(
        self,
        writer: asyncio.StreamWriter,
        body: dict[str, object],
        choices: list[dict[str, object]],
        usage: dict[str, int] | None = None,
    ) -> None:
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"], "choices": choices}
        line = b"data: " + json.dumps(chunk | ({"usage": usage} if usage else {})).encode() + b"\n\n"
        writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")

    def whole(self, writer: asyncio.StreamWriter, status: int, value: object, more: str = "") -> None:
        data = json.dumps(value).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n{more}\r\n"
        writer.write(head.encode() + data)


def _cut(text: str, pieces: int) -> list[str]:
    step = max(1, -(-len(text) // pieces))
    cut = [text[at : at + step] for at in range(0, len(text), step)]
    return cut + [""] * (pieces - len(cut))


async def main(profile: Profile) -> None:
    server = await asyncio.start_server(Server(profile).serve, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # whoever started us may be killed
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(main(Profile(**json.load(sys.stdin))))
