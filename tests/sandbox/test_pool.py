"""The pool over boxes that answer from a script: what is repeated, how often, and what is thrown away."""

import asyncio
import contextlib
import json

import pytest
from sandbox_bench import LIMITS, TREE

from moa_code.core.box import Ended, Job
from moa_code.core.errors import SandboxUnavailable
from moa_code.core.tree import MemorySnapshot
from moa_code.sandbox import box as box_module
from moa_code.sandbox import pool as pool_module
from moa_code.sandbox.box import Box
from moa_code.sandbox.pool import EngineAway, Pool
from moa_code.sandbox.wire import PREFIX, Channel

JOB = Job(tree=TREE, entry="command", payload={}, limits=LIMITS)


def frame(header, body=b""):
    encoded = json.dumps(header).encode()
    return PREFIX.pack(len(encoded), len(body)) + encoded + body


DONE = {
    "op": "done", "ended": "exited", "exit_code": 0, "signal": None, "output_truncated": False,
    "report_complete": True, "cpu_s": 0.0, "wall_s": 0.0, "max_rss_bytes": 0, "leftover_processes": 0,
    "broken_seal": "", "sizes": [2, 0, 0],
}  # fmt: skip


class Writer:
    """The box's ear: at each job it does what the script says next."""

    def __init__(self, reader, script):
        self.reader = reader
        self.script = script

    def write(self, data):
        with contextlib.suppress(ValueError):  # a body
            header = json.loads(data[PREFIX.size :])
            if header["op"] == "job":
                self._act(self.script.pop(0) if self.script else "done", header["id"])

    def _act(self, what, job_id):
        if what == "done":
            self.reader.feed_data(frame({**DONE, "id": job_id}, b"ok"))
        elif what == "refuses":
            self.reader.feed_data(frame({"op": "error", "id": job_id, "detail": "BadPath: ../x"}))
        elif isinstance(what, dict):
            self.reader.feed_data(frame({**DONE, "id": job_id, **what}, b"ok"))
        elif what in ("vanishes", "memory"):
            self.reader.feed_eof()

    async def drain(self):
        return

    def close(self):
        return


class Boxes:
    """Starts boxes. `scripts`: what each box does at its jobs; "away" and "dead" instead of a box that comes up."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.started = []
        self.killed = []

    async def start(self, limits):
        script = self.scripts.pop(0) if self.scripts else ["done"] * 10
        number = len(self.started)
        self.started.append(script)
        if script == "away":
            raise EngineAway("the engine is away")
        if script == "gone":
            raise SandboxUnavailable("the image is gone")
        reader = asyncio.StreamReader()
        if script == "dead":
            reader.feed_eof()
        else:
            reader.feed_data(frame({"op": "ready"}))
        memory = isinstance(script, list) and "memory" in script

        async def kill():
            self.killed.append(number)

        async def ran_out_of_memory():
            return memory

        self.readers = [*getattr(self, "readers", []), reader]
        return Box(
            box_id=str(number),
            channel=Channel(reader, Writer(reader, script)),
            kill=kill,
            last_words=lambda: "",
            uses_left=100,
            ran_out_of_memory=ran_out_of_memory,
        )


def using(boxes, work, *, slots=2):
    async def whole():
        pool = Pool(boxes.start, slots)
        async with asyncio.timeout(20):
            try:
                return await work(pool)
            finally:
                await pool.aclose()

    found = asyncio.run(whole())
    up = [n for n, script in enumerate(boxes.started) if script not in ("away", "gone")]
    assert sorted(set(boxes.killed)) == up
    return found


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(pool_module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(pool_module, "LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr(box_module, "LAST_WORDS_S", 0.0)


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("scripts", "ended", "boxes"),
    [
        ([["done"]], Ended.EXITED, 1),
        ([["vanishes"]], Ended.EXITED, 2),
        ([["vanishes"], ["vanishes"]], Ended.EXITED, 3),
        ([["vanishes"]] * 9, Ended.LOST, 3),
        ([["refuses"]], Ended.EXITED, 2),
        ([["refuses"]] * 9, Ended.LOST, 2),
        ([["vanishes"], ["refuses"]] * 9, Ended.LOST, 2),
        ([["memory"]], Ended.EXITED, 2),
        ([["memory"]] * 9, Ended.MEMORY, 2),
        ([["vanishes"], ["memory"]], Ended.MEMORY, 2),
        ([["memory"], ["vanishes"], ["done"]], Ended.EXITED, 3),
        ([[{"sizes": [1, 1, 1]}]] * 9, Ended.LOST, 3),
        ([[{"sizes": "three"}]] * 9, Ended.LOST, 3),
        ([[{"ended": "well"}]] * 9, Ended.LOST, 3),
        ([[{"id": "another"}]] * 9, Ended.LOST, 3),
        (["away", "away", ["done"]], Ended.EXITED, 3),
        (["dead", "dead", ["done"]], Ended.EXITED, 3),
    ],
)
def test_a_lost_box_is_replaced_within_bounds(scripts, ended, boxes, fresh):
    made = Boxes(*(list(s) if isinstance(s, list) else s for s in scripts))
    seen = using(made, lambda pool: (pool.run_fresh if fresh else pool.run)(JOB))
    assert (seen.ended, len(made.started)) == (ended, boxes)
    assert seen.ended is not Ended.LOST or seen.detail


def test_a_silent_box_is_given_its_time_twice(monkeypatch):
    monkeypatch.setattr(box_module, "GRACE_S", -LIMITS.wall_s + 0.05)
    made = Boxes(*[["says nothing"] for _ in range(9)])
    seen = using(made, lambda pool: pool.run(JOB))
    assert (seen.ended, len(made.started)) == (Ended.LOST, 2)
    assert "no answer within" in seen.detail


@pytest.mark.parametrize(
    ("script", "words", "starts"), [("gone", "the image is gone", 1), ("dead", "did not come up", 3)]
)
def test_what_waiting_does_not_mend_is_raised(script, words, starts):
    made = Boxes(*[script] * 9)

    async def work(pool):
        with pytest.raises(SandboxUnavailable, match=words):
            await pool.run(JOB)

    using(made, work)
    assert len(made.started) == starts


def test_an_engine_that_stays_away_is_given_up(monkeypatch):
    monkeypatch.setattr(pool_module, "ENGINE_PATIENCE_S", 0.2)
    made = Boxes(*["away"] * 1000)

    async def work(pool):
        with pytest.raises(EngineAway):
            await pool.run(JOB)

    using(made, work)
    assert 5 < len(made.started) < 1000


def test_opening_waits_for_nothing():
    made = Boxes("away")

    async def work(pool):
        with pytest.raises(EngineAway):
            await pool.warm_up(LIMITS)

    using(made, work)
    assert len(made.started) == 1


def test_idle_boxes_that_have_gone_cost_a_job_none_of_its_tries():
    """As after a restart of the engine, which takes all idle boxes with it: more of them than a job has tries."""
    made = Boxes()

    async def work(pool):
        await asyncio.gather(*(pool.run_fresh(JOB) for _ in range(2)))
        for _ in range(5):
            await pool.warm_up(LIMITS)
        for reader in made.readers:
            reader.feed_eof()
        return await pool.run(JOB), len(made.started)

    seen, started = using(made, work, slots=8)
    assert (seen.ended, started) == (Ended.EXITED, 8)


def test_a_tree_that_cannot_be_read_leaves_no_half_frame_in_a_box():
    class Vanishing(MemorySnapshot):
        def read(self, path):
            raise KeyError(path)

    made = Boxes()
    broken = Job(tree=Vanishing(files={"a": b"1"}), entry="command", payload={}, limits=LIMITS)

    async def work(pool):
        with pytest.raises(KeyError):
            await pool.run(broken)
        return await pool.run(JOB)

    assert using(made, work).box_id == "1"
