"""One box: the conversation with one supervisor, whatever started it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TypedDict, cast

from moa_code.core.box import Ended, Job, Observation
from moa_code.core.tree import Snapshot, TreeDigest
from moa_code.sandbox.wire import Channel, ChannelBroken

READY_TIMEOUT_S = 30.0
GRACE_S = 10.0  # beyond a job's own wall limit, for laying out and wiping
LAST_WORDS_S = 0.05  # they come another way than the channel's end
KEPT_TREES = 3  # the supervisor keeps one more

ODD = frozenset({Ended.MEMORY, Ended.PIDS, Ended.DISK, Ended.LOST})
"""After these a box is thrown away rather than used again."""


class Loss(StrEnum):
    """How a box was lost under a job."""

    VANISHED = "vanished"  # its channel ended
    SILENT = "silent"  # no answer in time
    REFUSED = "refused"  # it answered that it could not run the job
    MEMORY = "memory"  # the kernel took its supervisor, because what runs in the box had used up its memory


class Refused(ChannelBroken):
    """The box answered that it could not run the job."""


class Done(TypedDict):
    """The supervisor's `done` frame."""

    op: str
    id: str
    ended: str
    exit_code: int | None
    signal: int | None
    output_truncated: bool
    report_complete: bool
    cpu_s: float
    wall_s: float
    max_rss_bytes: int
    leftover_processes: int
    broken_seal: str
    sizes: list[int]


class LastWords:
    """The end of what a supervisor says on its standard error: the reason when it does not come up."""

    def __init__(self) -> None:
        self._kept = b""

    def add(self, chunk: bytes) -> None:
        self._kept = (self._kept + chunk)[-2000:]

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace").strip()

    async def listen(self, stream: asyncio.StreamReader) -> None:
        """Take in what `stream` brings until it ends."""
        while chunk := await stream.read(4096):
            self.add(chunk)


@dataclass(slots=True, kw_only=True, eq=False)
class Box:
    """A supervisor on the other end of a channel. One job at a time; not reusable once `worn`."""

    box_id: str
    channel: Channel
    kill: Callable[[], Coroutine[object, object, None]]
    last_words: Callable[[], str]
    uses_left: int
    ran_out_of_memory: Callable[[], Coroutine[object, object, bool]]  # asked once its channel has ended
    worn: bool = False
    loss: Loss | None = None
    facts: dict[str, object] = field(default_factory=dict)
    _trees: list[TreeDigest] = field(default_factory=list)

    @property
    def gone(self) -> bool:
        """Whether it has ended while nobody used it."""
        return self.channel.ended

    async def wait_ready(self) -> None:
        """Raises `ChannelBroken` or `TimeoutError`."""
        async with asyncio.timeout(READY_TIMEOUT_S):
            header, _ = await self.channel.receive()
        if header.get("op") != "ready":
            raise ChannelBroken(f"expected a ready frame, got {header.get('op')!r}")
        self.facts = header

    async def run(self, job: Job) -> Observation:
        """What the box saw of `job`. Lost on the way it is `Ended.LOST`, and `loss` says how; a box whose supervisor
        fell to the memory limit is `Ended.MEMORY`. Cancelling wears the box out, job and all.
        """
        self.uses_left -= 1
        try:
            async with asyncio.timeout(job.limits.wall_s + GRACE_S):
                await self._ensure_tree(job.tree)
                observation = await self._ask(job)
        except TimeoutError:
            return await self._lost(Loss.SILENT, f"no answer within {job.limits.wall_s + GRACE_S:.0f} s")
        except Refused as error:
            return await self._lost(Loss.REFUSED, str(error))
        except ChannelBroken as error:
            return await self._lost(Loss.VANISHED, str(error))
        except BaseException:
            self.worn = True  # half a frame may stand in its channel
            raise
        self.worn = self.worn or self.uses_left <= 0 or observation.ended in ODD
        return observation

    async def _lost(self, loss: Loss, detail: str) -> Observation:
        self.worn, self.loss = True, loss
        if loss is Loss.VANISHED and await self.ran_out_of_memory():
            self.loss = Loss.MEMORY
            return Observation(ended=Ended.MEMORY, box_id=self.box_id, detail="the box itself ran out of memory")
        await asyncio.sleep(LAST_WORDS_S)
        if words := self.last_words():
            detail = f"{detail}; it said: {words}"
        return Observation(ended=Ended.LOST, box_id=self.box_id, detail=detail)

    async def _ensure_tree(self, tree: Snapshot) -> None:
        digest = tree.digest
        if digest in self._trees:
            return
        files = [(path, tree.read(path), tree.executable(path)) for path in tree.paths()]
        header = {"op": "tree", "digest": digest, "files": [(p, len(content), x) for p, content, x in files]}
        await self.channel.announce(header, sum(len(content) for _, content, _ in files))
        for _, content, _ in files:
            await self.channel.send_raw(content)
        self._trees = [*self._trees[-(KEPT_TREES - 1) :], digest]

    async def _ask(self, job: Job) -> Observation:
        job_id = secrets.token_hex(8)
        contents = [change.after for change in job.overlay]
        header: Mapping[str, object] = {
            "op": "job",
            "id": job_id,
            "tree": job.tree.digest,
            "entry": job.entry,
            "payload": dict(job.payload),
            "limits": asdict(job.limits),
            "overlay": [(c.path, -1 if c.after is None else len(c.after)) for c in job.overlay],
            "sealed": job.sealed,
            "judged": job.judged,
            "seed": job.seed,
        }
        await self.channel.send(header, b"".join(content for content in contents if content is not None))
        answer, body = await self.channel.receive()
        if answer.get("id") != job_id:
            raise ChannelBroken("the box answered something that was not asked")
        if answer.get("op") == "error":
            raise Refused(f"the box could not run the job: {answer.get('detail')}")
        try:
            return self._read(cast(Done, answer), body)
        except (KeyError, TypeError, ValueError) as error:
            raise ChannelBroken(f"the box sent no valid answer: {type(error).__name__}: {error}") from error

    def _read(self, done: Done, body: bytes) -> Observation:
        out, err, report = done["sizes"]
        if out + err + report != len(body):
            raise ChannelBroken("the box announced other sizes than it sent")
        ended = Ended.LOST if done["ended"] == "cancelled" else Ended(done["ended"])
        return Observation(
            ended=ended,
            exit_code=done["exit_code"],
            signal=done["signal"],
            stdout=body[:out],
            stderr=body[out : out + err],
            report=body[out + err :],
            output_truncated=done["output_truncated"],
            report_complete=done["report_complete"],
            cpu_s=done["cpu_s"],
            wall_s=done["wall_s"],
            max_rss_bytes=done["max_rss_bytes"],
            leftover_processes=done["leftover_processes"],
            broken_seal=str(done["broken_seal"]),
            box_id=self.box_id,
            detail="cancelled" if done["ended"] == "cancelled" else "",
        )
