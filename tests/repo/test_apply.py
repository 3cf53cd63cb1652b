import signal
import stat
import subprocess
import sys

import pytest

from moa_code.core.errors import EnvironmentFault, TaskError
from moa_code.core.patch import FileChange, patch_of
from moa_code.repo import apply as apply_module
from moa_code.repo.apply import apply_patch, undo_patch
from moa_code.repo.record import State, blob_id, load

A = b"x = 1\ny = 2\nz = 3\n"


def change(path, before, after):
    return FileChange(path=path, before=before, after=after)


PATCH = patch_of(
    change("new/deep/b.py", None, b"b\n"), change("run.sh", b"#!/bin/sh\n", None), change("src/a.py", A, b"x = 2\n")
)


def contents(root):
    """Every file and folder below, with bytes and mode; `.git` left out."""
    return {
        str(p.relative_to(root)): (p.read_bytes() if p.is_file() else None, stat.S_IMODE(p.stat().st_mode))
        for p in sorted(root.rglob("*"))
        if ".git" not in p.relative_to(root).parts
    }


@pytest.fixture
def record(tmp_path):
    return tmp_path / "state/record.json"


def test_apply_and_undo_are_each_others_opposite(repository, record):
    (repository / "src/a.py").chmod(0o640)
    before = contents(repository)
    applied = apply_patch(repository, PATCH, record_path=record)
    assert applied.paths == ("new/deep/b.py", "run.sh", "src/a.py")
    assert (repository / "new/deep/b.py").read_bytes() == b"b\n"
    assert (repository / "src/a.py").read_bytes() == b"x = 2\n"
    assert stat.S_IMODE((repository / "src/a.py").stat().st_mode) == 0o640
    assert not (repository / "run.sh").exists()
    assert undo_patch(repository, record).already is False
    assert contents(repository) == before


def test_both_may_be_called_twice(repository, record):
    apply_patch(repository, PATCH, record_path=record)
    assert apply_patch(repository, PATCH, record_path=record).already
    undo_patch(repository, record)
    assert undo_patch(repository, record).already
    assert not apply_patch(repository, PATCH, record_path=record).already


def test_the_ids_are_those_of_git_for_sha256(repository, record, git, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    git(store, "init", "-q", "--object-format=sha256")
    assert git(store, "hash-object", "--stdin", stdin=A).decode().strip() == blob_id(A)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda root: (root / "src/a.py").write_bytes(b"mine"), "src/a.py"),
        (lambda root: (root / "run.sh").unlink(), "run.sh"),
        (lambda root: ((root / "new/deep").mkdir(parents=True), (root / "new/deep/b.py").write_bytes(b"mine")), "b.py"),
        (lambda root: ((root / "src").rename(root / "s"), (root / "src").symlink_to("s")), "src is a symbolic link"),
        (lambda root: ((root / "run.sh").unlink(), (root / "run.sh").symlink_to("src/a.py")), "run.sh is a symbolic"),
        (lambda root: ((root / "run.sh").unlink(), (root / "run.sh").mkdir()), "run.sh is a folder"),
        (lambda root: (root / "new").write_bytes(b"mine"), "new is a file"),
    ],
)
def test_a_dirty_overlap_is_refused_and_named(repository, record, spoil, named):
    spoil(repository)
    before = contents(repository)
    with pytest.raises(TaskError) as caught:
        apply_patch(repository, PATCH, record_path=record)
    assert named in caught.value.message
    assert "stash" in caught.value.remedy
    assert contents(repository) == before
    assert not record.exists()


@pytest.mark.parametrize("path", ["../out", "/etc/x", "a//b", "./a", ".git/config", "a/.GIT/hooks/x", "a\0b"])
def test_paths_that_lead_outside_are_refused(repository, record, path):
    with pytest.raises(TaskError, match="no path inside"):
        apply_patch(repository, patch_of(change(path, None, b"x")), record_path=record)


def test_undo_refuses_files_that_changed_since(repository, record):
    apply_patch(repository, PATCH, record_path=record)
    (repository / "src/a.py").write_bytes(b"x = 2\n# my own line\n")
    (repository / "run.sh").write_bytes(b"mine")
    before = contents(repository)
    with pytest.raises(TaskError, match=r"nothing was undone: run\.sh, src/a\.py"):
        undo_patch(repository, record)
    assert contents(repository) == before


def test_work_on_other_files_stays(repository, record):
    apply_patch(repository, PATCH, record_path=record)
    (repository / "new/deep/mine.py").write_bytes(b"mine")
    undo_patch(repository, record)
    assert (repository / "new/deep/mine.py").read_bytes() == b"mine"
    assert not (repository / "new/deep/b.py").exists()


def test_a_file_may_become_a_folder_and_back(repository, record):
    before = contents(repository)
    patch = patch_of(change("run.sh", b"#!/bin/sh\n", None), change("run.sh/inner", None, b"i"))
    apply_patch(repository, patch, record_path=record)
    assert (repository / "run.sh/inner").read_bytes() == b"i"
    undo_patch(repository, record)
    assert contents(repository) == before


def test_a_record_in_use_is_not_overwritten(repository, record):
    apply_patch(repository, PATCH, record_path=record)
    with pytest.raises(TaskError, match="still applied"):
        apply_patch(repository, patch_of(change("other", None, b"o")), record_path=record)


@pytest.mark.parametrize("failing", range(3))
def test_a_failure_at_any_rename_puts_everything_back(repository, record, monkeypatch, failing):
    patch = patch_of(*(change(f"f{n}", None, b"new") for n in range(2)), change("src/a.py", A, b"x"))
    before = contents(repository)
    real, calls = apply_module.put_in_place, []

    def breaks_once(*arguments):
        calls.append(arguments)
        if len(calls) == failing + 1:
            raise OSError(28, "No space left on device")
        real(*arguments)

    monkeypatch.setattr(apply_module, "put_in_place", breaks_once)
    with pytest.raises(EnvironmentFault, match="No space left"):
        apply_patch(repository, patch, record_path=record)
    assert contents(repository) == before
    assert load(record).state is State.UNDONE


def test_an_interrupt_puts_everything_back(repository, record, monkeypatch):
    before = contents(repository)
    real, calls = apply_module.put_in_place, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(apply_module, "put_in_place", interrupted)
    with pytest.raises(KeyboardInterrupt):
        apply_patch(repository, PATCH, record_path=record)
    assert contents(repository) == before


def test_a_file_edited_in_the_middle_is_kept(repository, record, monkeypatch):
    real = apply_module.write_beside

    def edits(root, path, *rest):
        if path == "src/a.py":
            (repository / "src/a.py").write_bytes(b"typed just now")
        real(root, path, *rest)

    monkeypatch.setattr(apply_module, "write_beside", edits)
    with pytest.raises(TaskError, match=r"src/a\.py"):
        apply_patch(repository, PATCH, record_path=record)
    assert (repository / "src/a.py").read_bytes() == b"typed just now"


VICTIM = """
import os, signal, sys
from pathlib import Path
from moa_code.core.patch import FileChange, patch_of
from moa_code.repo import apply, files, record
at, verb, root, path = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
left = [at]
def deadly(function):
    def step(*arguments, **named):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return step
for name in ("write_beside", "put_in_place", "remove", "remove_empty_folder", "save", "moved_on"):
    setattr(apply, name, deadly(getattr(apply, name)))
A = b"x = 1\\ny = 2\\nz = 3\\n"
patch = patch_of(FileChange(path="new/deep/b.py", before=None, after=b"b\\n"),
    FileChange(path="run.sh", before=b"#!/bin/sh\\n", after=None),
    FileChange(path="src/a.py", before=A, after=b"x = 2\\n"))
if verb == "apply":
    apply.apply_patch(root, patch, record_path=path)
else:
    apply.undo_patch(root, path)
"""


@pytest.mark.parametrize("verb", ["apply", "undo"])
def test_a_kill_at_any_step_is_mended_by_the_next_call(repository, record, verb):
    before = contents(repository)
    killed = 0
    for at in range(1, 20):
        if verb == "undo":
            apply_patch(repository, PATCH, record_path=record)
        done = subprocess.run(
            [sys.executable, "-c", VICTIM, str(at), verb, str(repository), str(record)], capture_output=True, timeout=60
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        killed += 1
        if verb == "apply":
            apply_patch(repository, PATCH, record_path=record)
            assert (repository / "src/a.py").read_bytes() == b"x = 2\n"
        undo_patch(repository, record)
        assert contents(repository) == before
    assert done.returncode == 0
    assert killed >= 6


def test_two_at_once_are_refused(repository, record, tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", "import fcntl,os,sys;f=os.open(sys.argv[1],os.O_RDONLY);fcntl.flock(f,fcntl.LOCK_EX);"
         "print('held',flush=True);sys.stdin.read()", str(repository)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(TaskError, match="another apply"):
            apply_patch(repository, PATCH, record_path=record)
    finally:
        holder.communicate()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 1}', '{"schema": 99}', "\xff"])
def test_a_damaged_record_is_named(repository, record, text):
    record.parent.mkdir()
    record.write_text(text, encoding="latin-1")
    with pytest.raises(TaskError, match=r"record\.json"):
        undo_patch(repository, record)


def test_without_a_record_there_is_nothing_to_undo(repository, record):
    with pytest.raises(TaskError, match="nothing to undo"):
        undo_patch(repository, record)


def test_a_record_that_cannot_be_written_stops_before_anything_is_touched(repository, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    before = contents(repository)
    with pytest.raises(EnvironmentFault, match="cannot write the record"):
        apply_patch(repository, PATCH, record_path=tmp_path / "file/record.json")
    assert contents(repository) == before
