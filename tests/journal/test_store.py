import dataclasses
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from moa_code.core.box import BoxInfo
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.errors import EnvironmentFault, TaskError
from moa_code.core.model import Completion, CompletionRequest, Finish, Message, Role, Usage
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.verdict import CheckOutcome, CheckResult, Counts, Integrity, Level, Outcome, Verdict
from moa_code.journal.answers import answer_key
from moa_code.journal.database import MIGRATIONS, open_database
from moa_code.journal.store import Journal

NOON = 1795348800.0  # 2026-11-22 12:00 UTC


class Clock:
    now = NOON

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state/journal.sqlite"


@pytest.fixture
def journal(path, clock):
    with Journal.open(path, clock=clock) as opened:
        yield opened


def candidate(name, before=b"a\n", after=b"b\n", **origin):
    change = FileChange(path="caf\udce9.py", before=before, after=after)
    origin = {"author": "builtin:mutate", "role": "proposer", **origin}
    return Candidate(candidate_id=CandidateId(name), patch=patch_of(change), origin=Origin(**origin), prior=0.25)


def verdict(name, outcome=Outcome.PASSED):
    return Verdict(
        candidate_id=name,
        patch_sha256="p",
        outcome=outcome,
        integrity=Integrity.IN_PROCESS,
        level=Level.WHOLE_SUITE,
        counts=Counts(expected=1, run=1, passed=1),
        results=(CheckResult(check_id="t.py::test", outcome=CheckOutcome.PASSED),),
        box=BoxInfo(backend="fake", image_digest="d", enforced={"pids": "64"}),
    )


def test_a_run_from_start_to_finish(journal, clock):
    run_id = journal.start_run(kind="fix", task_id="t", directory="/x", settings={"seed": 1})
    journal.add_step(run_id, "propose", "entry rung", {"models": ["a"]})
    journal.add_candidate(run_id, candidate("c1", role="aggregator", parents=("p",)))
    journal.add_verdict(run_id, verdict("c1", Outcome.INCONCLUSIVE))
    journal.add_verdict(run_id, verdict("c1"))
    journal.add_event(run_id, "verified", {"candidate": "c1"})
    assert journal.run(run_id).status == "running"
    clock.now += 5
    journal.finish_run(run_id, "verified", {"ok": True}, winner=CandidateId("c1"))
    row = journal.run("last")
    assert (row.run_id, row.kind, row.status, row.settings, row.result) == (
        run_id, "fix", "verified", {"seed": 1}, {"ok": True},
    )  # fmt: skip
    assert (row.started_at, row.finished_at) == (NOON, NOON + 5)
    assert journal.patch_of(run_id) == candidate("c1").patch
    assert journal.candidates(run_id) == (candidate("c1", role="aggregator", parents=("p",)),)
    assert journal.verdicts(run_id) == (verdict("c1", Outcome.INCONCLUSIVE), verdict("c1"))
    assert journal.steps(run_id)[0]["reason"] == "entry rung"
    assert journal.steps(run_id)[0]["detail"] == {"models": ["a"]}
    assert journal.events(run_id)[0]["kind"] == "verified"


def test_ids_grow_over_the_day_and_never_collide(journal, clock):
    made = [journal.start_run(kind="k", task_id="t") for _ in range(3)]
    clock.now += 0.01
    made.append(journal.start_run(kind="k", task_id="t"))
    clock.now += 3600
    made.append(journal.start_run(kind="k", task_id="t"))
    assert made[:2] == ["20261122-800000", "20261122-800001"]
    assert made == sorted(set(made))
    assert [row.run_id for row in journal.runs(2)] == made[:-3:-1]


def test_a_run_is_found_by_its_start_by_its_second_half_and_as_the_last(journal, clock):
    first = journal.start_run(kind="k", task_id="t")
    clock.now += 40_000
    second = journal.start_run(kind="k", task_id="t")
    assert journal.run(first[:10]).run_id == first
    assert journal.run(second[9:12]).run_id == second
    assert journal.run("last").run_id == second
    with pytest.raises(TaskError, match=f"2 runs fit '20261122': {second}, {first}"):
        journal.run("20261122")
    with pytest.raises(TaskError, match=f"no run '20261122-80000f'; nearest: {first}"):
        journal.run("20261122-80000f")
    with pytest.raises(TaskError, match="no run ''"):
        journal.run("")


def test_an_empty_journal_says_so(journal):
    with pytest.raises(TaskError, match="no run yet"):
        journal.run("last")
    with pytest.raises(TaskError, match="no run yet"):
        journal.run("x")


def test_a_run_without_a_patch_says_so(journal):
    run_id = journal.start_run(kind="k", task_id="t")
    journal.finish_run(run_id, "unverified", {})
    with pytest.raises(TaskError, match="has no patch"):
        journal.patch_of("last")
    with pytest.raises(KeyError):
        journal.candidate(run_id, "c9")


def test_calls_keep_texts_once_and_unknown_stays_unknown(journal, path):
    run_id = journal.start_run(kind="k", task_id="t")
    for _ in range(2):
        journal.add_call(
            run_id,
            {"model": "m", "role": "proposer", "prompt": "p" * 1000, "answer": "lone \ud800", "temperature": 0.5},
        )
    journal.add_call(run_id, {"model": "m", "error": "429", "prompt_tokens": 3, "cost_usd": 0.5, "cached": True})
    first, _, third = journal.calls(run_id)
    assert (first["prompt"], first["answer"], first["cost_usd"]) == ("p" * 1000, "lone \ud800", None)
    assert first["detail"] == {"temperature": 0.5}
    assert (third["error"], third["prompt_tokens"], third["cost_usd"], third["cached"]) == ("429", 3, 0.5, True)
    assert third["answer"] is None
    assert sqlite3.connect(path).execute("SELECT count(*) FROM blobs").fetchone() == (2,)


def test_a_thousand_variants_of_a_file_take_little_room(journal, path):
    before = random.Random(0).randbytes(20_000)
    run_id = journal.start_run(kind="k", task_id="t")
    made = []
    for number in range(300):
        at = number * 60
        made.append(candidate(f"c{number}", before, before[:at] + b"changed %d" % number + before[at + 5 :]))
        journal.add_candidate(run_id, made[-1])
    assert journal.candidates(run_id) == tuple(made)
    assert sqlite3.connect(path).execute("SELECT sum(length(data)) FROM blobs").fetchone()[0] < 40_000


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, b""), (b"", None), (b"aaa", b"aaaa"), (b"aaaa", b"aa"), (b"", b"x"), (b"x", b""), (b"abab", b"ababab")],
)
def test_any_change_comes_back(journal, before, after):
    run_id = journal.start_run(kind="k", task_id="t")
    chained = [candidate("c", before, after), candidate("d", after, b"aaaaa"), candidate("e", b"aaaaa", b"aaa")]
    for each in chained:
        journal.add_candidate(run_id, each)
    empty = Candidate(candidate_id="z", patch=EMPTY_PATCH, origin=Origin(author="a", role="r"))
    journal.add_candidate(run_id, empty)
    assert journal.candidates(run_id) == (*chained, empty)


def test_forgetting_keeps_what_the_kept_runs_need(journal, path, clock):
    for number in range(4):
        clock.now += 1
        run_id = journal.start_run(kind="k", task_id="t")
        journal.add_candidate(run_id, candidate("c", b"base\n" * 50, b"base\n" * 50 + b"%d" % (number // 2)))
        journal.add_candidate(run_id, candidate("own", None, b"only run %d" % number))
        journal.add_verdict(run_id, verdict("c"))
        if number != 1:
            journal.finish_run(run_id, "verified", {}, winner=CandidateId("c"))
    kept = [journal.candidates(row.run_id) for row in journal.runs(1)]
    assert journal.forget(keep=1) == 2
    assert [row.status for row in journal.runs()] == ["verified", "running"]
    assert [journal.candidates(row.run_id) for row in journal.runs(1)] == kept
    assert sqlite3.connect(path).execute("SELECT count(*) FROM blobs").fetchone() == (5,)
    assert sqlite3.connect(path).execute("SELECT count(*) FROM verdicts").fetchone() == (2,)


def test_answers_are_cached_under_all_that_shapes_them(journal):
    request = CompletionRequest(model="m", messages=(Message(role=Role.USER, text="q"),), max_tokens=5)
    answer = Completion(text="a", finish=Finish.STOP, usage=Usage(cost_usd=0.1), mean_logprob=-0.5)
    key = answer_key(request)
    assert journal.cached_answer(key) is None
    journal.cache_answer(key, "m", answer)
    assert journal.cached_answer(key) == answer
    for change in ({"model": "n"}, {"max_tokens": 6}, {"temperature": 0.1}, {"seed": 1}, {"sample": 1}):
        assert answer_key(dataclasses.replace(request, **change)) != key
    assert answer_key(dataclasses.replace(request, timeout_s=1.0)) == key


def test_runs_of_dead_processes_are_interrupted_and_of_living_ones_left_alone(journal, path):
    mine = journal.start_run(kind="k", task_id="t")
    code = (
        "import sys;from pathlib import Path;from moa_code.journal.store import Journal\n"
        "j=Journal.open(Path(sys.argv[1]));print(j.start_run(kind='k',task_id='t'),flush=True);sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    theirs = other.stdout.readline().decode().strip()
    assert journal.orphans() == ()
    other.kill()
    assert journal.orphans() in ((theirs,), ())  # not yet waited for, perhaps still being torn down
    other.communicate()
    journal.orphans()
    assert journal.run(theirs).status == "interrupted"
    assert journal.run(mine).status == "running"


def test_a_reused_pid_is_another_process(journal, path):
    run_id = journal.start_run(kind="k", task_id="t")
    connection = sqlite3.connect(path)
    (owner,) = connection.execute("SELECT owner FROM runs").fetchone()
    connection.execute("UPDATE runs SET owner = ?", (owner.rpartition(" ")[0] + " 1",))
    connection.commit()
    assert journal.orphans() == (run_id,)


WRITER = """
import sys
from pathlib import Path
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.journal.store import Journal
journal = Journal.open(Path(sys.argv[1]))
run = journal.start_run(kind="k", task_id="t")
print(run, flush=True)
for n in range(1_000_000):
    change = FileChange(path="a", before=b"x" * 5000, after=b"x" * 5000 + b"%d" % n)
    origin = Origin(author="a", role="r")
    journal.add_candidate(run, Candidate(candidate_id=str(n), patch=patch_of(change), origin=origin))
    print(n, flush=True)
"""


def test_a_killed_writer_loses_at_most_what_was_in_flight(path):
    chance = random.Random(7)
    for _ in range(6):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        run_id = writer.stdout.readline().decode().strip()
        for _ in range(chance.randrange(40)):
            writer.stdout.readline()
        time.sleep(chance.random() / 100)
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = writer.communicate()[0].split()
        with Journal.open(path) as journal:
            stored = journal.candidates(run_id)
            assert [c.candidate_id for c in stored] == [str(n) for n in range(len(stored))]
            assert all(c.patch.changes[0].after.endswith(c.candidate_id.encode()) for c in stored)
            if acknowledged:
                assert len(stored) >= int(acknowledged[-1]) + 1
            assert run_id in journal.orphans()
        assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_threads_write_at_once(journal):
    run_id = journal.start_run(kind="k", task_id="t")

    def write(who):
        for number in range(20):
            journal.add_candidate(run_id, candidate(f"{who}-{number}"))

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.candidates(run_id)) == 80


def test_only_the_user_can_read_it(journal, path):
    journal.start_run(kind="k", task_id="t")
    assert all(p.stat().st_mode & 0o077 == 0 for p in path.parent.iterdir())


def test_a_newer_schema_is_refused_and_left_as_it_is(journal, path):
    journal.close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO migrations VALUES (?, 0)", (len(MIGRATIONS) + 1,))
    connection.commit()
    with pytest.raises(EnvironmentFault, match=f"has schema {len(MIGRATIONS) + 1}; this moa-code knows") as caught:
        Journal.open(path)
    assert "update moa-code" in caught.value.remedy


def test_another_programs_database_is_refused(path):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    with pytest.raises(EnvironmentFault, match="another program"):
        Journal.open(path)


def test_what_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, but long enough to look at" * 100)
    with pytest.raises(EnvironmentFault, match="no SQLite database"):
        Journal.open(path)


def test_a_path_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentFault, match="cannot make the journal"):
        Journal.open(tmp_path / "file/journal.sqlite")
    with pytest.raises(EnvironmentFault, match=r"cannot (make|be used)|cannot be opened"):
        Journal.open(tmp_path)


@pytest.mark.parametrize(
    ("pragma", "words"), [("max_page_count = 1", "the disk is full"), ("query_only = 1", "read-only")]
)
def test_a_full_disk_and_a_read_only_one_are_named(journal, pragma, words):
    run_id = journal.start_run(kind="k", task_id="t")
    journal._db.rows(f"PRAGMA {pragma}")
    with pytest.raises(EnvironmentFault, match=words):
        journal.add_event(run_id, "k", {"text": "x" * 1_000_000})
    assert journal.run("last").run_id == run_id


def test_a_locked_journal_is_named_after_the_wait(path):
    Journal.open(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(EnvironmentFault, match="another process holds it"):
        open_database(path, clock=time.time, busy_s=0.01)
    holder.execute("ROLLBACK")
    Journal.open(path).close()


def test_a_mistake_of_ours_is_not_dressed_up(journal):
    with pytest.raises(sqlite3.IntegrityError):
        journal.add_event("no such run", "k")
