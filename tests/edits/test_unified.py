import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moa_code.core.errors import TaskError
from moa_code.core.patch import EMPTY_PATCH, FileChange, Patch, patch_of
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.unified import DiffError, parse_applied, parse_diff, render_diff

A = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"
TREE = MemorySnapshot(
    files={
        "a.txt": A,
        "dir/b.txt": b"x\ny\n",
        "crlf.txt": b"a\r\nb\r\n",
        "noeol.txt": b"a\nb",
        "empty": b"",
        "run": b"r\n",
    },
    executables=frozenset({"run"}),
)
HUNK = "@@ -1,4 +1,4 @@\n one\n-two\n+TWO\n three\n four\n"
PLAIN = f"--- a/a.txt\n+++ b/a.txt\n{HUNK}"
GIT = f"diff --git a/a.txt b/a.txt\nindex 1234567..89abcde 100644\n{PLAIN}"
AFTER = A.replace(b"two", b"TWO")


def parsed(text):
    return parse_diff(text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text, tree=TREE)


def change(path, before, after):
    return FileChange(path=path, before=before, after=after)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (GIT, [change("a.txt", A, AFTER)]),
        (PLAIN, [change("a.txt", A, AFTER)]),
        (PLAIN.replace("a.txt\n", "a.txt\t2024-01-01 00:00:00\n"), [change("a.txt", A, AFTER)]),
        (
            f"From 123 Mon\nSubject: words\n\n--- not a header\n\n---\n a.txt | 2 +-\n\n{GIT}",
            [change("a.txt", A, AFTER)],
        ),
        (f"{GIT}-- \n2.39.2\n\n", [change("a.txt", A, AFTER)]),
        (f"{GIT}\n\n", [change("a.txt", A, AFTER)]),
        (
            "--- a/crlf.txt\n+++ b/crlf.txt\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n",
            [change("crlf.txt", b"a\r\nb\r\n", b"a\r\nc\r\n")],
        ),
        (
            "--- a/noeol.txt\n+++ b/noeol.txt\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n",
            [change("noeol.txt", b"a\nb", b"a\nb\n")],
        ),
        (
            "--- a/dir/b.txt\n+++ b/dir/b.txt\n@@ -1,2 +1,2 @@\n x\n-y\n+y\n\\ No newline at end of file\n",
            [change("dir/b.txt", b"x\ny\n", b"x\ny")],
        ),
        (
            "diff --git a/new b/new\nnew file mode 100644\nindex 0000000..1234567\n"
            "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n",
            [change("new", None, b"n\n")],
        ),
        ("--- /dev/null\n+++ b/new\n@@ -0,0 +1,2 @@\n+n\n+m\n", [change("new", None, b"n\nm\n")]),
        ("diff --git a/new b/new\nnew file mode 100644\nindex 0000000..e69de29\n", [change("new", None, b"")]),
        (
            "diff --git a/empty b/empty\ndeleted file mode 100644\nindex e69de29..0000000\n",
            [change("empty", b"", None)],
        ),
        (
            "diff --git a/dir/b.txt b/dir/b.txt\ndeleted file mode 100644\n"
            "--- a/dir/b.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-x\n-y\n",
            [change("dir/b.txt", b"x\ny\n", None)],
        ),
        (
            "diff --git a/dir/b.txt b/c.txt\nsimilarity index 100%\nrename from dir/b.txt\nrename to c.txt\n",
            [change("c.txt", None, b"x\ny\n"), change("dir/b.txt", b"x\ny\n", None)],
        ),
        (
            "diff --git a/dir/b.txt b/c d.txt\nsimilarity index 50%\nrename from dir/b.txt\nrename to c d.txt\n"
            "--- a/dir/b.txt\n+++ b/c d.txt\t\n@@ -1,2 +1,2 @@\n-x\n+z\n y\n",
            [change("c d.txt", None, b"z\ny\n"), change("dir/b.txt", b"x\ny\n", None)],
        ),
        (
            'diff --git "a/caf\\303\\251" "b/caf\\303\\251"\nnew file mode 100644\n'
            '--- /dev/null\n+++ "b/caf\\303\\251"\n@@ -0,0 +1 @@\n+n\n',
            [change("café", None, b"n\n")],
        ),
        (
            "diff --git a/x b/y b/x b/y\nnew file mode 100644\n--- /dev/null\n+++ b/x b/y\t\n@@ -0,0 +1 @@\n+n\n",
            [change("x b/y", None, b"n\n")],
        ),
        (PLAIN.replace("@@ -1,4", "@@ -1,4").replace("\n one", "\n one"), [change("a.txt", A, AFTER)]),
        (
            GIT + "--- a/empty\n+++ b/empty\n@@ -0,0 +1 @@\n+e\n",
            [change("a.txt", A, AFTER), change("empty", b"", b"e\n")],
        ),
    ],
)
def test_reads_what_git_writes(text, changes):
    assert parsed(text) == patch_of(*changes)


BAD = {
    "empty": ("", "no diff"),
    "prose alone": ("I would change line 2.\n", "no diff"),
    "hunk alone": (HUNK, "line 1: a hunk without a file"),
    "wrong context": (PLAIN.replace(" three", " drei"), "line 3: hunk 1 of a.txt: line 3 of the file is b'three"),
    "offset": (PLAIN.replace("@@ -1,4 +1,4 @@", "@@ -2,4 +2,4 @@"), "hunk 1 of a.txt: line 2"),
    "wrong new number": (PLAIN.replace("+1,4", "+2,4"), "new line number should be 1"),
    "past the end": (PLAIN.replace("-1,4 +1,4", "-8,4 +8,4"), "the file has 9"),
    "truncated": (PLAIN.rsplit(" four", 1)[0], "the diff ends inside the hunk of line 3"),
    "cut in a line": (PLAIN[:-2], "the diff ends inside the hunk"),
    "too many lines": (PLAIN + " five\n", "line 9: neither a file nor a hunk"),
    "garbage between": (GIT + "hello\n" + GIT, "neither a file nor a hunk"),
    "garbage in a hunk": (PLAIN.replace(" three", "three"), "comes inside the hunk"),
    "twice": (GIT + GIT, "a.txt is changed a second time"),
    "overlap": (PLAIN + "@@ -3,2 +3,2 @@\n-three\n+THREE\n four\n", "before the end of the hunk above"),
    "no context after": ("--- a/a.txt\n+++ b/a.txt\n@@ -2 +2 @@\n-two\n+TWO\n", "no context after it"),
    "hunk of context": ("--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n two\n", "changes nothing"),
    "same line out and in": (
        "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-one\n+one\n two\n",
        "nothing of a.txt changes",
    ),
    "impossible numbers": ("--- a/a.txt\n+++ b/a.txt\n@@ -0,1 +1 @@\n-one\n+two\n", "impossible line numbers"),
    "empty hunk": ("--- a/a.txt\n+++ b/a.txt\n@@ -1,0 +1,0 @@\n", "impossible line numbers"),
    "not a hunk line": ("--- a/a.txt\n+++ b/a.txt\n@@ -one +1 @@\n-one\n+two\n", "not a hunk's first line"),
    "no prefix": ("--- a.txt\n+++ a.txt\n" + HUNK, "does not start with a/"),
    "other prefix": ("--- i/a.txt\n+++ w/a.txt\n" + HUNK, "does not start with a/"),
    "absolute": ("--- /a.txt\n+++ /a.txt\n" + HUNK, "does not start with a/"),
    "absolute inside": ("--- a//etc/x\n+++ b//etc/x\n" + HUNK, "absolute"),
    "dots": ("--- a/../x\n+++ b/../x\n" + HUNK, "`..`"),
    "dots created": ("--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n", "`..`"),
    "git folder": ("--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+x\n", "git's own"),
    "missing": ("--- a/none\n+++ b/none\n" + HUNK, "none is not in the tree"),
    "created over": ("--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1 @@\n+x\n", "a.txt is in the tree already"),
    "half deleted": (
        "diff --git a/a.txt b/a.txt\ndeleted file mode 100644\n--- a/a.txt\n+++ /dev/null\n@@ -9,1 +8,0 @@\n-nine\n",
        "8 of its lines are not among the removed",
    ),
    "undeclared deletion": (
        "diff --git a/empty b/empty\n--- a/empty\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
        "/dev/null stands",
    ),
    "rename over": ("diff --git a/dir/b.txt b/a.txt\nrename from dir/b.txt\nrename to a.txt\n", "in the tree already"),
    "rename of nothing": ("diff --git a/no b/c\nrename from no\nrename to c\n", "no is not in the tree"),
    "rename out": ("diff --git a/a.txt b/../c\nrename from a.txt\nrename to ../c\n", "`..`"),
    "half a rename": ("diff --git a/a.txt b/c\nrename from a.txt\n", "do not go with"),
    "other rename": ("diff --git a/a.txt b/c\nrename from dir/b.txt\nrename to c\n", "do not go with"),
    "silent rename": ("--- a/a.txt\n+++ b/c.txt\n" + HUNK, "renames need"),
    "rename of an executable": ("diff --git a/run b/walk\nrename from run\nrename to walk\n", "executable"),
    "copy": ("diff --git a/a.txt b/c\nsimilarity index 100%\ncopy from a.txt\ncopy to c\n", "a copy"),
    "mode": ("diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 100755\n", "mode would change"),
    "mode and text": (GIT.replace("index", "old mode 100644\nnew mode 100755\nindex"), "mode would change"),
    "executable created": (
        "diff --git a/n b/n\nnew file mode 100755\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n",
        "only regular",
    ),
    "symlink": (
        "diff --git a/n b/n\nnew file mode 120000\n--- /dev/null\n+++ b/n\n"
        "@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n",
        "only regular",
    ),
    "symlink changed": (GIT.replace("100644", "120000"), "not the index line of a regular file"),
    "submodule": (
        "diff --git a/n b/n\nnew file mode 160000\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+Subproject commit 0\n",
        "only regular",
    ),
    "binary": ("diff --git a/n b/n\nnew file mode 100644\nindex 00000..1234\nGIT binary patch\nliteral 1\n", "binary"),
    "binary notice": (
        "diff --git a/a.txt b/a.txt\nindex 0000..1234 100644\nBinary files a/a.txt and b/a.txt differ\n",
        "binary",
    ),
    "NUL": (PLAIN.replace("+TWO", "+T\0O"), "line 6: a NUL byte"),
    "NUL in name": ("--- a/a\0\n+++ b/a\0\n" + HUNK, "NUL"),
    "newline in name": ('--- "a/a\\nb"\n+++ "b/a\\nb"\n' + HUNK, "control character"),
    "not UTF-8 in name": ('--- "a/\\377"\n+++ "b/\\377"\n' + HUNK, "not UTF-8"),
    "open quote": ('--- "a/a\n+++ "b/a\n' + HUNK, "not closed"),
    "unknown escape": ('--- "a/\\x41"\n+++ "b/\\x41"\n' + HUNK, "unknown escape"),
    "CRLF diff": (GIT.replace("\n", "\r\n"), "carriage return"),
    "header disagrees": (
        GIT.replace("diff --git a/a.txt b/a.txt", "diff --git a/run b/run"),
        "not those of the `diff --git`",
    ),
    "both null": ("--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+x\n", "both sides"),
    "nothing said": ("diff --git a/a.txt b/a.txt\nindex 0000..1234 100644\n", "nothing is said"),
    "combined": (GIT + "diff --cc a.txt\n", "combined"),
    "after signature": (GIT + "-- \n2.39\n" + GIT, "after the signature"),
    "line without end inside": (
        "--- a/a.txt\n+++ b/a.txt\n@@ -8,2 +8,3 @@\n eight\n+x\n\\ No newline at end of file\n nine\n",
        "a line without its end",
    ),
    "missing newline not marked": (
        "--- a/noeol.txt\n+++ b/noeol.txt\n@@ -1,2 +1,2 @@\n-a\n+c\n b\n",
        "line 2 of the file is b'b'",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_refuses(text, message):
    with pytest.raises(DiffError) as caught:
        parsed(text)
    assert message in caught.value.message
    assert isinstance(caught.value, TaskError)


def test_caps():
    with pytest.raises(DiffError, match="bytes"):
        parse_diff(GIT.encode(), tree=TREE, max_bytes=10)
    with pytest.raises(DiffError, match="more than 1 hunks"):
        parse_diff((PLAIN + "@@ -8,2 +8,2 @@\n eight\n-nine\n+NINE\n").encode(), tree=TREE, max_hunks=1)
    flood = "--- a/a.txt\n+++ b/a.txt\n" + "@@ -1 +1 @@\n-one\n+one\n" * 20_000
    with pytest.raises(DiffError, match="hunks"):
        parsed(flood)


def test_renders_as_git_does():
    patch = patch_of(change("a.txt", A, AFTER), change("new file", None, b"n"), change("empty", b"", None))
    assert render_diff(patch) == (
        "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n"
        "@@ -1,5 +1,5 @@\n one\n-two\n+TWO\n three\n four\n five\n"
        "diff --git a/empty b/empty\ndeleted file mode 100644\n"
        "diff --git a/new file b/new file\nnew file mode 100644\n--- /dev/null\n+++ b/new file\t\n@@ -0,0 +1 @@\n+n\n"
        "\\ No newline at end of file\n"
    )
    assert render_diff(EMPTY_PATCH) == ""


line = st.sampled_from(
    [b"a", b"b", b"", b" ", b"\xe9", b"-- ", b"++ x", b"@@ -1 +1 @@", b"x\r", b"\x0b", b"diff --git a/x b/x"]
)
content = st.builds(
    lambda lines, end: b"\n".join(lines) + end, st.lists(line, max_size=14), st.sampled_from([b"", b"\n"])
)
content |= st.binary(max_size=60).map(lambda b: b.replace(b"\0", b""))
path = st.sampled_from(["a", "d/b", "sp ace", "d/x b/y", "é/ü", 'q"uote', "tail ", "-dash", "a'b", "#x", "日本"])
trees = st.dictionaries(path, content, max_size=4)


def patch_between(before, after):
    return patch_of(*(change(p, before.get(p), after.get(p)) for p in {*before, *after}))


@given(trees, trees)
def test_render_and_parse_round_trip(before, after):
    patch = patch_between(before, after)
    data = render_diff(patch).encode("utf-8", "surrogateescape")
    if patch == EMPTY_PATCH:
        assert data == b""
    else:
        assert parse_diff(data, tree=MemorySnapshot(files=before)) == patch


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *argv, **more):
    clean = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    return subprocess.run(["git", *argv], cwd=folder, env=clean, capture_output=True, timeout=30, **more)


def written(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    folder.mkdir(exist_ok=True)


def read_back(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@needs_git
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=trees, after=trees)
def test_git_apply_makes_the_same_tree(tmp_path, before, after):
    patch = patch_between(before, after)
    if patch == EMPTY_PATCH:
        return
    folder = tmp_path / "tree"
    written(folder, before)
    data = render_diff(patch).encode("utf-8", "surrogateescape")
    done = git(folder, "apply", "--whitespace=nowarn", "-", input=data)
    assert done.returncode == 0, done.stderr
    assert read_back(folder) == after


@needs_git
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=trees, after=trees)
def test_reads_what_git_diff_writes(tmp_path, before, after):
    """Renames are found by git; contents that git takes for binary are refused."""
    patch = patch_between(before, after)
    folder = tmp_path / "tree"
    written(folder, before)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    base = git(folder, "write-tree").stdout.decode().strip()
    for name in before:
        (folder / name).unlink()
    for name, data in after.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    git(folder, "add", "-A")
    diff = git(folder, "diff", "--cached", "-M", base).stdout
    shutil.rmtree(folder)
    if patch == EMPTY_PATCH:
        assert diff == b""
    elif b"\nBinary files " in diff or b"\ncopy from" in diff:
        with pytest.raises(DiffError):
            parse_diff(diff, tree=MemorySnapshot(files=before))
    else:
        assert parse_diff(diff, tree=MemorySnapshot(files=before)) == patch


@needs_git
@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_every_diff_that_git_refuses_is_refused_here_too(tmp_path, text, message):
    """The other way round is not promised: we refuse more (modes, links, copies)."""
    folder = tmp_path / "tree"
    written(folder, {p: TREE.read(p) for p in TREE.paths()})
    before = read_back(folder)
    applied = git(folder, "apply", "--check", "-", input=text.encode("utf-8", "surrogateescape")).returncode == 0
    assert read_back(folder) == before
    if not applied:
        with pytest.raises(DiffError):
            parsed(text)


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_are_refused(data):
    try:
        parse_diff(data, tree=TREE)
    except DiffError:
        return
    raise AssertionError("random bytes made a patch")


@settings(max_examples=300)
@given(st.data())
def test_a_mutated_diff_applies_whole_inside_the_tree_or_is_refused(data):
    pieces = [t for t, _ in BAD.values() if isinstance(t, str)] + [GIT, PLAIN]
    lines = "".join(data.draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=2))).splitlines(keepends=True)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(lines)))
        lines[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.lists(st.sampled_from(lines or ["x\n"]), max_size=2)
        )
    try:
        patch = parsed("".join(lines))
    except DiffError:
        return
    assert isinstance(patch, Patch)
    for c in patch.changes:
        assert ".." not in c.path.split("/")
        assert c.before == TREE.files.get(c.path)
    assert parse_diff(render_diff(patch).encode("utf-8", "surrogateescape"), tree=TREE) == patch


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": b"1\n2\n3\n"}, {"a": b"1\n9\n3\n"}),
        ({"a": b"".join(b"%d\n" % n for n in range(90))}, {"a": b"x\n" + b"".join(b"%d\n" % n for n in range(3, 88))}),
        ({"a": b"1\n"}, {"a": b"1\n", "new": b"n\n"}),
        ({"a": b"1\n", "old": b"o\n"}, {"a": b"1"}),
        ({"a": b"1"}, {"a": b"1\n2"}),
    ],
)
def test_a_diff_that_is_in_the_tree_already_comes_out_again(before, after):
    patch = patch_of(*(FileChange(path=p, before=before.get(p), after=after.get(p)) for p in {**before, **after}))
    diff = render_diff(patch).encode("utf-8", "surrogateescape")
    assert parse_diff(diff, tree=MemorySnapshot(files=before)) == patch
    assert parse_applied(diff, tree=MemorySnapshot(files=after)) == patch
    with pytest.raises(DiffError):
        parse_applied(diff, tree=MemorySnapshot(files={"a": b"something else\n"}))
