# Folders too deep and names too odd for pathlib:
# ruff: noqa: PTH101, PTH102, PTH118, PTH208, PTH211
import os
import stat
from pathlib import Path

import pytest
from box import workspace
from box.workspace import BadPath, Sealed, checked
from hypothesis import given
from hypothesis import strategies as st

FILES = {"a.py": b"a", "pack/b.py": b"b", "pack/deep/c.txt": b"c", "tests/test_a.py": b"t", "run.sh": b"#!"}


@pytest.fixture
def base(tmp_path):
    root = tmp_path / "base"
    root.mkdir()
    for path, content in FILES.items():
        workspace.store(root, path, content, path.endswith(".sh"))
    return root


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize("path", ["a", "a/b", "a.b/c-d", ".hidden", "a/..b", "...", "sp ace", "ü", "a\nb"])
def test_clean_paths_pass(path):
    assert checked(path) == path


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/./b", "a/../b", "../a", "a/..", "a\0b"]
)
def test_paths_that_could_leave_the_tree_do_not(path):
    with pytest.raises(BadPath):
        checked(path)


@given(st.text(alphabet="a./\0", max_size=12))
def test_whatever_passes_stays_within(path):
    try:
        checked(path)
    except BadPath:
        return
    assert os.path.normpath(f"/root/{path}") == f"/root/{path}"


def test_stored_files_are_read_only_and_keep_their_executable_bit(base):
    assert tree(base) == FILES
    assert stat.S_IMODE((base / "a.py").stat().st_mode) == 0o444
    assert stat.S_IMODE((base / "run.sh").stat().st_mode) == 0o555


def test_a_path_is_stored_once(base):
    with pytest.raises(FileExistsError):
        workspace.store(base, "a.py", b"other", False)


def test_lay_out_copies_overlays_and_deletes(base, tmp_path):
    work = tmp_path / "work"
    overlay = [("a.py", b"new"), ("pack/b.py", None), ("x/y/z.py", b"z"), ("run.sh", b"#!2"), ("not/there", None)]
    workspace.lay_out(base, work, overlay, Sealed(["tests/", "x/y/z.py"]), None)
    assert tree(work) == {
        "a.py": b"new", "pack/deep/c.txt": b"c", "tests/test_a.py": b"t", "run.sh": b"#!2", "x/y/z.py": b"z",
    }  # fmt: skip
    assert os.access(work / "run.sh", os.X_OK)
    assert tree(base) == FILES
    for folder in (work, work / "pack", work / "x/y"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
    assert (work / "tests/test_a.py").stat().st_ino == (base / "tests/test_a.py").stat().st_ino
    assert (work / "pack/deep/c.txt").stat().st_ino != (base / "pack/deep/c.txt").stat().st_ino


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_lay_out_gives_the_job_all_but_the_sealed(base, tmp_path):
    work = tmp_path / "work"
    workspace.lay_out(base, work, [("tests/new.py", b"n"), ("a.py", b"2")], Sealed(["tests/", "pack/b.py"]), 12345)
    owners = {str(p.relative_to(work)): p.stat().st_uid for p in work.rglob("*")}
    mine = {path for path, uid in owners.items() if uid == 12345}
    assert mine == {"a.py", "pack/deep/c.txt", "run.sh"}


def test_lay_out_refuses_a_bad_overlay_before_it_makes_anything(base, tmp_path):
    with pytest.raises(BadPath):
        workspace.lay_out(base, tmp_path / "work", [("../out", b"")], Sealed([]), None)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("names", "path", "inside"),
    [
        (["a.py"], "a.py", True), (["a.py"], "a.pyc", False), (["a.py"], "b/a.py", False), (["t/"], "t/x/y", True),
        (["t/"], "t", False), (["t/"], "tt/x", False), (["t"], "t/x", False), ([], "a", False),
    ],
)  # fmt: skip
def test_sealed(names, path, inside):
    assert (path in Sealed(names)) is inside


def build_deep(root, depth):
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT, dir_fd=here))
    os.close(here)


def test_wipe_takes_folders_of_any_depth(tmp_path):
    build_deep(tmp_path, 2000)
    build_deep(tmp_path / ("d" * 200), 0)
    workspace.wipe(tmp_path)
    assert os.listdir(tmp_path) == []


def test_wipe_takes_names_and_kinds_of_any_sort_and_follows_no_link(tmp_path):
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    (outside / "keep").write_text("keep")
    root.mkdir()
    for name in (b"new\nline", b"\xff\xfe", b"a" * 255, b"-rf", b" ", b".moved-0", b"..."):
        folder = os.path.join(os.fsencode(root), name)
        os.mkdir(folder)
        os.mkdir(os.path.join(folder, name))
        os.symlink(outside, os.path.join(folder, b"link"))
        os.mkfifo(os.path.join(folder, b"fifo"))
        os.chmod(os.path.join(folder, name), 0)
        os.chmod(folder, 0o500)
    (root / "link").symlink_to(outside)
    (root / "dangling").symlink_to("nowhere")
    os.link(outside / "keep", root / "hard")
    workspace.wipe(root)
    assert os.listdir(root) == []
    assert (outside / "keep").read_text() == "keep"


def test_wipe_of_wide_and_nested_folders(tmp_path):
    for a in range(5):
        for b in range(5):
            folder = tmp_path / str(a) / str(b) / "x"
            folder.mkdir(parents=True)
            (folder / "f").write_text("")
    workspace.wipe(tmp_path)
    assert os.listdir(tmp_path) == []


def test_sweep_takes_what_belongs_to_the_uid_alone(tmp_path):
    (tmp_path / "mine/deep").mkdir(parents=True)
    (tmp_path / "mine/deep/f").write_text("")
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("/")
    assert workspace.sweep_owned(str(tmp_path), os.geteuid() + 1) == 0
    assert len(os.listdir(tmp_path)) == 3
    assert workspace.sweep_owned(str(tmp_path), os.geteuid()) == 3
    assert os.listdir(tmp_path) == []
    assert workspace.sweep_owned("/nonexistent-folder", 1) == 0


def test_fullness_counts_what_is_free():
    free_bytes, _ = workspace.fullness(Path("/dev/shm"))
    probe = Path("/dev/shm") / f"moa-code-test-{os.getpid()}"
    try:
        probe.write_bytes(b"x" * (8 << 20))
        assert workspace.fullness(Path("/dev/shm"))[0] < free_bytes
    finally:
        probe.unlink()


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda work: None, ""),
        (lambda work: (work / "free.py").write_text("other"), ""),
        (lambda work: (work / "tests/a.py").unlink(), "tests/a.py"),
        (lambda work: ((work / "tests/a.py").unlink(), (work / "tests/a.py").write_text("x = 1\n")), "tests/a.py"),
        (lambda work: ((work / "tests/a.py").unlink(), (work / "tests/a.py").symlink_to("/etc/passwd")), "tests/a.py"),
        (lambda work: (work / "tests").rename(work / "elsewhere"), "tests/a.py"),
    ],
    ids=["nothing", "another file", "removed", "written anew", "a link", "its folder moved"],
)
def test_a_sealed_file_is_ours_afterwards_or_named(tmp_path, change, broken):
    base, work = tmp_path / "base", tmp_path / "work"
    base.mkdir()
    workspace.store(base, "tests/a.py", b"x = 1\n", False)
    workspace.store(base, "free.py", b"y = 1\n", False)
    workspace.lay_out(base, work, [], workspace.Sealed(["tests/a.py"]), None)
    change(work)
    assert workspace.broken_seal(base, work, ["tests/a.py", "never/there.py"]) == broken


def test_the_judge_alone_gets_what_is_judged(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    for name in ("tests/a.py", "m.py"):
        workspace.store(base, name, b"old\n", False)
    overlay = [("m.py", b"new\n"), ("tests/b.py", b"hidden\n")]
    judged = frozenset({"tests/a.py", "tests/b.py", "tests/missing.py"})
    workspace.lay_out(base, tmp_path / "tree", overlay, workspace.Sealed(["tests/a.py"]), None, judged)
    workspace.lay_out_some(base, tmp_path / "judge", judged, overlay, None)

    def inside(folder):
        return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}

    assert inside(tmp_path / "tree") == {"m.py": "new\n"}
    assert inside(tmp_path / "judge") == {"tests/a.py": "old\n", "tests/b.py": "hidden\n"}
    assert (tmp_path / "judge").stat().st_mode & 0o777 == 0o700
