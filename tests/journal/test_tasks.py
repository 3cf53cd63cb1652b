"""The task of a run comes back as it was, or is not there at all."""

import pytest

from moa_code.core.box import Limits
from moa_code.core.errors import TaskError
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.journal import tasks
from moa_code.journal.store import Journal

TREE = MemorySnapshot(
    files={"a.py": b"x = 1\n", "caf\udce9/run.sh": b"\x00\xff", "empty": b""},
    executables=frozenset({"caf\udce9/run.sh"}),
)
TASK = Task(
    task_id=TaskId("shop"),
    mode=Mode.EDIT,
    instruction="do it",
    tree=TREE,
    checks=Checks(kind=CheckKind.PYTEST, targets=("tests",), expected=("t.py::test_a[\u00e9]",)),
    limits=Limits(cpu_s=3.5, pids=7),
    rules=EditRules(editable=("src/**",), protected=("x/**",), max_files=2),
    entry_point="f",
)


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "j.sqlite") as opened:
        yield opened


def test_it_comes_back_whole(journal, tmp_path):
    run = journal.start_run(kind="fix", task_id="shop")
    journal.add_task(run, TASK)
    with Journal.open(tmp_path / "j.sqlite") as again:
        stored = again.task(run)
    assert stored.whole
    assert stored.task == TASK
    assert (stored.digest, stored.task.tree.digest) == (TREE.digest, TREE.digest)
    assert stored.task.tree.executable("caf\udce9/run.sh")


def test_runs_on_the_same_tree_share_its_contents(journal, tmp_path):
    for _ in range(3):
        journal.add_task(journal.start_run(kind="fix", task_id="shop"), TASK)
    assert len(journal._db.rows("SELECT 1 FROM blobs")) == len(TREE.files)
    assert journal.forget(keep=0) == 0  # they are still running
    for row in journal.runs():
        journal.finish_run(row.run_id, "unverified", {})
    assert journal.forget(keep=1) == 2
    assert journal.task(journal.run("last").run_id).task == TASK
    assert journal.forget(keep=0) == 1
    assert journal._db.rows("SELECT 1 FROM blobs") == []
    assert journal._db.rows("SELECT 1 FROM tasks") == []


def test_an_older_run_has_none(journal):
    assert journal.task(journal.start_run(kind="fix", task_id="shop")) is None


def test_a_large_tree_is_not_kept_and_may_be_shown_again(journal, monkeypatch):
    monkeypatch.setattr(tasks, "MOST_TREE_BYTES", 4)
    run = journal.start_run(kind="fix", task_id="shop")
    journal.add_task(run, TASK)
    stored = journal.task(run)
    assert not stored.whole
    assert stored.task.tree.paths() == ()
    assert stored.on(TREE) == TASK
    with pytest.raises(TaskError, match="not what the run has seen"):
        stored.on(MemorySnapshot(files={"a.py": b"x = 2\n"}))


def test_an_empty_tree_is_a_tree(journal):
    run = journal.start_run(kind="fix", task_id="shop")
    empty = MemorySnapshot(files={})
    journal.add_task(run, Task(task_id=TaskId("e"), mode=Mode.FIX, instruction="", tree=empty, checks=TASK.checks))
    assert journal.task(run).whole


def test_damage_is_noticed(journal):
    run = journal.start_run(kind="fix", task_id="shop")
    journal.add_task(run, TASK)
    journal._db.write(lambda connection: connection.execute("UPDATE tasks SET digest = 'other'"))
    with pytest.raises(ValueError, match="damaged"):
        journal.task(run)
