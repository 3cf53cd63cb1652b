import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moa_code.core.errors import EnvironmentFault, TaskError
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.repo.git_diff import canonical_diff


def change(path, before, after):
    return FileChange(path=path, before=before, after=after)


def test_a_changed_file():
    text = canonical_diff(patch_of(change("src/a.py", b"x = 1\ny = 2\n", b"x = 1\ny = 3\n")))
    assert text.splitlines()[0] == "diff --git a/src/a.py b/src/a.py"
    assert text.endswith("--- a/src/a.py\n+++ b/src/a.py\n@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n+y = 3\n")


def test_the_empty_patch_is_the_empty_text():
    assert canonical_diff(EMPTY_PATCH) == ""


def test_created_deleted_and_executable():
    patch = patch_of(change("new", None, b"n\n"), change("old", b"o\n", None), change("run", b"1\n", b"2\n"))
    text = canonical_diff(patch, executables=frozenset({"run"}))
    assert "diff --git a/new b/new\nnew file mode 100644\n" in text
    assert "diff --git a/old b/old\ndeleted file mode 100644\n" in text
    assert " 100755\n--- a/run" in text


def test_the_settings_of_a_user_change_nothing(tmp_path, monkeypatch):
    (tmp_path / ".gitconfig").write_text("[diff]\nnoprefix = true\ncontext = 0\nexternal = false\n[core]\nabbrev = 5\n")
    patch = patch_of(change("a", b"1\n2\n3\n", b"1\n2\n4\n"))
    plain = canonical_diff(patch)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert canonical_diff(patch) == plain


def test_a_path_git_refuses_is_a_task_error():
    with pytest.raises(TaskError, match="no path inside"):
        canonical_diff(patch_of(change("a/../../b", None, b"")))


def test_no_git_is_an_environment_fault(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="git is not installed"):
        canonical_diff(patch_of(change("a", None, b"")))


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda n: n not in (".", "..") and not n.casefold().startswith((".git", "git~"))
)
contents = (
    st.none() | st.binary(max_size=40) | st.lists(st.sampled_from([b"a\n", b"b\r\n", b"c"]), max_size=6).map(b"".join)
)


@given(st.dictionaries(names, st.tuples(contents, contents), max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_git_apply_of_the_diff_gives_the_tree_after_the_patch(tmp_path_factory, files):
    patch = patch_of(*(change(path, *both) for path, both in files.items()))
    tree = tmp_path_factory.mktemp("tree")
    for c in patch.changes:
        if c.before is not None:
            (tree / c.path).write_bytes(c.before)
    text = canonical_diff(patch)
    if not text:
        assert not patch.changes
        return
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn"], cwd=tree, input=text.encode("utf-8", "surrogateescape"), check=True
    )
    for c in patch.changes:
        target = tree / c.path
        assert (target.read_bytes() if target.exists() else None) == c.after
