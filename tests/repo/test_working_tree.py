import os
import socket

import pytest

from moa_code.core.errors import EnvironmentFault, TaskError
from moa_code.core.tree import MemorySnapshot
from moa_code.repo import working_tree
from moa_code.repo.working_tree import snapshot, state


def test_a_snapshot_holds_tracked_and_untracked_files_and_nothing_ignored(repository):
    (repository / "new.py").write_bytes(b"new")
    (repository / "debug.log").write_bytes(b"ignored")
    tree = snapshot(repository)
    assert tree.paths() == (".gitignore", "new.py", "run.sh", "src/a.py")
    assert tree.read("src/a.py") == b"x = 1\ny = 2\nz = 3\n"
    assert tree.executable("run.sh")
    assert not tree.executable("new.py")


def test_the_digest_is_that_of_the_same_files_in_memory(repository):
    tree = snapshot(repository)
    files = {path: tree.read(path) for path in tree.paths()}
    assert tree.digest == MemorySnapshot(files=files, executables=frozenset({"run.sh"})).digest


def test_a_tracked_file_that_was_deleted_is_not_part_of_it(repository):
    (repository / "src/a.py").unlink()
    assert "src/a.py" not in snapshot(repository).paths()


def test_an_unknown_path_is_a_key_error(repository):
    with pytest.raises(KeyError):
        snapshot(repository).read("nothing.py")


@pytest.mark.parametrize("managed", [True, False])
def test_links_sockets_and_what_lies_below_a_link_are_named_and_left_out(repository, git, tmp_path, managed):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(b"secret")
    (repository / "link").symlink_to("/etc/passwd")
    (repository / "folder").symlink_to(tmp_path / "outside")
    server = socket.socket(socket.AF_UNIX)
    os.mkfifo(repository / "pipe")
    if not managed:
        server.bind(str(repository / "sock"))
        (repository / ".git").rename(tmp_path / "elsewhere")
    tree = snapshot(repository)
    server.close()
    reasons = {left.path: left.reason for left in tree.left_out}
    assert reasons["link"] == reasons["folder"] == "symbolic link"
    if not managed:
        assert reasons["sock"] == reasons["pipe"] == "not a regular file"
    assert tree.paths() == (".gitignore", "run.sh", "src/a.py")


def test_a_tracked_folder_replaced_by_a_link_leads_nowhere(repository, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.py").write_bytes(b"secret")
    (repository / "src/a.py").unlink()
    (repository / "src").rmdir()
    (repository / "src").symlink_to(tmp_path / "outside")
    tree = snapshot(repository)
    assert "src/a.py" not in tree.paths()
    assert ("src/a.py", "below a symbolic link") in [(left.path, left.reason) for left in tree.left_out]


def test_a_repository_inside_is_left_out(repository, git):
    inner = repository / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "b.py").write_bytes(b"b")
    git(inner, "add", "b.py")
    git(inner, "commit", "-q", "-m", "inner")
    tree = snapshot(repository)
    assert [left.path for left in tree.left_out] == ["inner/"]
    git(repository, "add", "inner")
    assert [(left.path, left.reason) for left in snapshot(repository).left_out] == [("inner", "submodule")]


def test_names_that_are_not_utf8_and_hold_newlines_survive(repository):
    odd = [b"caf\xe9.py", b"two\nlines.py", b"tab\t.py", b'quote".py']
    for name in odd:
        (repository / os.fsdecode(name)).write_bytes(name)
    tree = snapshot(repository)
    for name in odd:
        assert tree.read(os.fsdecode(name)) == name
    assert len(tree.digest) == 64


def test_a_subfolder_is_a_tree_of_its_own(repository):
    assert snapshot(repository / "src").paths() == ("a.py",)


def test_without_a_repository_every_file_counts_but_no_virtual_environment(tmp_path):
    (tmp_path / "pkg/__pycache__").mkdir(parents=True)
    (tmp_path / "pkg/a.py").write_bytes(b"a")
    (tmp_path / "pkg/__pycache__/a.pyc").write_bytes(b"a")
    (tmp_path / "env/lib").mkdir(parents=True)
    (tmp_path / "env/pyvenv.cfg").write_bytes(b"home = /usr")
    (tmp_path / "env/lib/b.py").write_bytes(b"b")
    tree = snapshot(tmp_path)
    assert tree.paths() == ("pkg/a.py",)
    assert [left.path for left in tree.left_out] == ["env/", "pkg/__pycache__/"]
    assert state(tmp_path).is_repo is False


def test_a_folder_the_repository_ignores_is_walked(repository):
    (repository / ".gitignore").write_bytes(b"build/\n")
    (repository / "build").mkdir()
    (repository / "build/a.py").write_bytes(b"a")
    assert snapshot(repository / "build").paths() == ("a.py",)


def test_what_was_read_stays_and_what_changed_before_reading_is_an_error(repository):
    tree = snapshot(repository)
    assert tree.read("run.sh") == b"#!/bin/sh\n"
    (repository / "run.sh").write_bytes(b"changed later")
    (repository / "src/a.py").write_bytes(b"changed first")
    assert tree.read("run.sh") == b"#!/bin/sh\n"
    with pytest.raises(TaskError, match=r"src/a\.py changed on the disk"):
        tree.read("src/a.py")


def test_a_file_swapped_for_a_link_after_the_look_is_not_followed(repository):
    tree = snapshot(repository)
    (repository / "src/a.py").unlink()
    (repository / "src/a.py").symlink_to("/etc/passwd")
    with pytest.raises(TaskError, match="changed on the disk"):
        tree.read("src/a.py")


@pytest.mark.parametrize("key", ["core.fsmonitor", "filter.evil.clean", "filter.evil.process"])
def test_nothing_the_repository_configures_runs(repository, git, tmp_path, key):
    mark = tmp_path / "ran"
    git(repository, "config", key, f"touch {mark}; cat")
    (repository / ".gitattributes").write_bytes(b"*.py filter=evil\n")
    (repository / ".git/hooks").mkdir(exist_ok=True)
    hook = repository / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    (repository / "src/a.py").write_bytes(b"x = 9\ny = 2\nz = 3\n")
    snapshot(repository)
    assert "src/a.py" in state(repository).dirty
    assert not mark.exists()


def test_state_names_head_branch_and_dirty_paths(repository, git):
    clean = state(repository)
    assert (clean.is_repo, clean.branch, clean.dirty, clean.untracked) == (True, "main", (), ())
    assert clean.head == git(repository, "rev-parse", "HEAD").decode().strip()
    (repository / "src/a.py").write_bytes(b"changed")
    (repository / "src/new file.py").write_bytes(b"new")
    git(repository, "mv", "run.sh", "go.sh")
    seen = state(repository)
    assert seen.dirty == ("go.sh", "run.sh", "src/a.py")
    assert seen.untracked == ("src/new file.py",)
    below = state(repository / "src")
    assert (below.dirty, below.untracked) == (("a.py",), ("new file.py",))


def test_before_the_first_commit_there_is_no_head(tmp_path, git):
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_bytes(b"a")
    assert state(tmp_path).head is None
    assert snapshot(tmp_path).paths() == ("a.py",)


def test_a_conflict_is_dirty(repository, git):
    git(repository, "checkout", "-q", "-b", "other")
    (repository / "src/a.py").write_bytes(b"theirs\n")
    git(repository, "commit", "-q", "-a", "-m", "theirs")
    git(repository, "checkout", "-q", "main")
    (repository / "src/a.py").write_bytes(b"ours\n")
    git(repository, "commit", "-q", "-a", "-m", "ours")
    with pytest.raises(Exception, match="merge"):
        git(repository, "merge", "other")
    assert state(repository).dirty == ("src/a.py",)
    assert "src/a.py" in snapshot(repository).paths()


def test_no_git_is_an_environment_fault_only_where_there_is_a_repository(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(EnvironmentFault) as caught:
        snapshot(repository)
    assert caught.value.remedy == "apt-get install git"
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "a.py").write_bytes(b"a")
    assert snapshot(plain).paths() == ("a.py",)


def test_a_git_environment_variable_of_a_calling_hook_leads_nowhere(repository, monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent")
    assert "src/a.py" in snapshot(repository).paths()


@pytest.mark.parametrize(("make", "words"), [(False, "does not exist"), (True, "is not a directory")])
def test_what_is_no_directory_is_a_task_error(tmp_path, make, words):
    target = tmp_path / "x"
    if make:
        target.write_bytes(b"")
    with pytest.raises(TaskError, match=words):
        snapshot(target)


def test_too_many_files_and_too_large_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(working_tree, "MAX_FILE_BYTES", 10)
    (tmp_path / "big").write_bytes(b"x" * 11)
    (tmp_path / "small").write_bytes(b"x")
    assert snapshot(tmp_path).paths() == ("small",)
    monkeypatch.setattr(working_tree, "MAX_FILES", 1)
    with pytest.raises(TaskError, match="more than 1 files"):
        snapshot(tmp_path)


def test_many_files_keep_their_contents_and_the_memory_stays_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(working_tree, "KEPT_BYTES", 1000)
    for number in range(50):
        (tmp_path / f"f{number:02}").write_bytes(b"%d" % number * 50)
    tree = snapshot(tmp_path)
    assert len(tree.digest) == 64
    assert sum(map(len, tree._kept.values())) <= 1000
    assert tree.read("f49") == b"49" * 50
