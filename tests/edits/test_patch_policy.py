"""Section D of the abuse catalogue, as far as a `Patch` can express it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.core.patch import EMPTY_PATCH, FileChange, Patch, patch_of
from moa_code.core.task import EditRules
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT, Rule, glob_match, violations

TREE = MemorySnapshot(
    files={
        "README.md": b"hello\n",
        "pkg/__init__.py": b"",
        "pkg/core.py": b"x = 1\n",
        "pkg/latin.py": b"# coding: latin-1\ns = '\xe9'\n",
        "pkg/logo.png": b"\x89PNG\0\0",
        "tests/test_core.py": b"def test(): pass\n",
        "checks/test_more.py": b"def test(): pass\n",
        "queue/__init__.py": b"",
    }
)
RULES = EditRules(protected=PROTECTED_BY_DEFAULT)


def created(path, after=b"x = 1\n"):
    return Patch(changes=(FileChange(path=path, before=None, after=after),))


def modified(path, after=b"x = 2\n"):
    return Patch(changes=(FileChange(path=path, before=TREE.read(path), after=after),))


def deleted(path):
    return Patch(changes=(FileChange(path=path, before=TREE.read(path), after=None),))


def rules_of(patch, rules=RULES):
    return {v.rule for v in violations(patch, tree=TREE, rules=rules)}


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a.py", "a.py", True),
        ("a.py", "b.py", False),
        ("a.py", "*.py", True),
        ("d/a.py", "*.py", False),
        ("d/a.py", "d/*.py", True),
        ("d/e/a.py", "d/*.py", False),
        ("d/e/a.py", "d/*/a.py", True),
        ("a.py", "**", True),
        ("d/e/a.py", "**", True),
        ("a.py", "**/a.py", True),
        ("d/e/a.py", "**/a.py", True),
        ("d/e/ba.py", "**/a.py", False),
        ("d/a.py", "d/**", True),
        ("d/e/f/a.py", "d/**", True),
        ("d", "d/**", False),
        ("de/a.py", "d/**", False),
        ("d/a.py", "d/**/a.py", True),
        ("d/e/f/a.py", "d/**/a.py", True),
        ("d/e/f/a.py", "**/e/**", True),
        ("e/a.py", "**/e/**", True),
        ("d/e", "**/e/**", False),
        ("d/e/a.py", "d/", True),
        ("d", "d/", False),
        ("a1.py", "a?.py", True),
        ("a1.py", "a[0-9].py", True),
        ("ax.py", "a[!0-9].py", True),
        ("a/b", "a?b", False),
        (".hidden", "*", True),
        ("a\nb", "*", True),
        ("A.py", "a.py", False),
        ("a.py", "", False),
        ("a/" * 400 + "b", "**/a/**/a/**/a/**/c", False),
    ],
)
def test_glob_match(path, pattern, expected):
    assert glob_match(path, pattern) is expected


def test_honest_patches_break_no_rule():
    for patch in (
        EMPTY_PATCH,
        modified("pkg/core.py"),
        created("pkg/new.py"),
        created("pkg/sub/deep.py"),
        created("pkg/random.py"),  # not an import root: `pkg.random` hides nothing
        created("pkg/données.txt"),
        created("queue/extra.py"),
        deleted("pkg/core.py"),
        modified("pkg/latin.py", b"# coding: latin-1\ns = '\xe8'\n"),
    ):
        assert violations(patch, tree=TREE, rules=RULES) == ()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "C:/x.py",
        "../x.py",
        "pkg/../../x.py",
        "pkg/./x.py",
        "pkg//x.py",
        "pkg/",
        "..",
        ".",
        "pkg\\x.py",
        "pkg/a\0.py",
        "pkg/a\n.py",
        "pkg/a\x7f.py",
        "pkg/a\x85.py",
        "pkg/a\u2028.py",
        "pkg/a\udce9.py",
        "pkg/a\u200b.py",
        "pkg/a\u00ad.py",
        "pkg/a\ufe0f.py",
        "pkg/" + "a" * 256,
        "/".join(["aaaa"] * 250),
        "pkg/e\u0301.py",  # decomposed
    ],
)
def test_bad_spelling(path):
    assert Rule.SPELLING in rules_of(created(path))


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/pre-commit",
        ".git/config",
        "pkg/.git/config",
        ".GIT/config",
        ".Git",
        "git~1/config",
        "GIT~2",
        ".gitattributes",
        "pkg/.gitmodules",
        ".gitignore",
        ".github/workflows/ci.yml",
        ".gitlab-ci.yml",
        ".git ./x",
        ".git::$INDEX_ALLOCATION/x",
        ".g\u200cit/config",
        ".gi\ufefft/config",
        "\uff0egit/config",  # full-width stop
        ".\uff47\uff49\uff54/config",  # full-width letters
        ".g\u0456t/config",  # Cyrillic i
        ".g\u0131t/config",  # dotless i
        ".g\u0130t/config",  # dotted capital I
        ".gi\u0442/config",  # Cyrillic te
        "\u2024git/config",  # one dot leader
        ".\u0261it/config",  # script g
        ".gi\u0301t/config",
        ".𝐠𝐢𝐭/config",
        ".gⅰt/config",
    ],
)
def test_whatever_is_or_looks_like_gits_own(path):
    assert Rule.GIT in rules_of(created(path))


@pytest.mark.parametrize("path", ["legit/x.py", "agit~1.py", "git/x.py", "digit.py", "pkg/it.git.py"])
def test_what_only_sounds_like_git(path):
    assert rules_of(created(path)) == set()


@pytest.mark.parametrize(
    "path",
    [
        "PKG/new.py",
        "pkg/Core.py",
        "pkg/CORE.PY",
        "readme.md",
        "pkg/core.py/x.py",
        "pkg",
        "tests",
        "ｐkg/new.py",
    ],
)
def test_clashes_with_the_tree(path):
    assert Rule.CLASH in rules_of(created(path))


@pytest.mark.parametrize(
    ("a", "b"), [("new.py", "New.py"), ("n/a.py", "N/b.py"), ("n", "n/a.py"), ("straße", "STRASSE")]
)
def test_clashes_within_the_patch(a, b):
    patch = patch_of(*(FileChange(path=p, before=None, after=b"1\n") for p in (a, b)))
    assert Rule.CLASH in rules_of(patch)


@pytest.mark.parametrize(
    ("patch", "rule"),
    [
        (Patch(changes=(FileChange(path="pkg/core.py", before=b"x = 0\n", after=b"x = 2\n"),)), Rule.BASE),
        (Patch(changes=(FileChange(path="pkg/core.py", before=None, after=b"x = 2\n"),)), Rule.BASE),
        (Patch(changes=(FileChange(path="pkg/none.py", before=b"x = 0\n", after=None),)), Rule.BASE),
        (modified("pkg/core.py", b"x = 1\n\0"), Rule.BINARY),
        (created("pkg/new.py", b"\x7fELF\0"), Rule.BINARY),
        (created("pkg/new.py", b"\xff\xfe"), Rule.BINARY),
        (modified("pkg/core.py", b"x = '\xe9'\n"), Rule.BINARY),
        (deleted("pkg/logo.png"), Rule.BINARY),
    ],
)
def test_content(patch, rule):
    assert rule in rules_of(patch)


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_new.py",
        "tests/data/x.txt",
        "a/tests/x.py",
        "test/x.py",
        "test_new.py",
        "pkg/new_test.py",
        "conftest.py",
        "pkg/conftest.py",
        "Tests2/CONFTEST.py",
        "lib/Tests/x.py",
        "pytest.ini",
        "tox.ini",
        "setup.cfg",
        "setup.py",
        "pyproject.toml",
        "sub/pyproject.toml",
        "Makefile",
        ".circleci/config.yml",
        "Jenkinsfile",
        ".ci/run",
        "requirements.txt",
        "requirements-dev.txt",
        "constraints.txt",
        "poetry.lock",
        "uv.lock",
        "package-lock.json",
        "Dockerfile",
        "ruff.toml",
        "mypy.ini",
        "visible_tests/test_a.py",
    ],
)
def test_protected_by_default(path):
    assert Rule.PROTECTED in rules_of(created(path))


def test_protection_wins_over_editable_and_holds_for_deletion():
    rules = EditRules(editable=("**", "tests/test_core.py"), protected=("tests/**",))
    assert rules_of(deleted("tests/test_core.py"), rules) == {Rule.PROTECTED}


def test_outside_editable():
    rules = EditRules(editable=("pkg/*.py",))
    assert rules_of(modified("pkg/core.py"), rules) == set()
    assert rules_of(modified("README.md"), rules) == {Rule.OUTSIDE}
    assert rules_of(created("pkg/sub/x.py"), rules) == {Rule.OUTSIDE}
    assert rules_of(modified("pkg/core.py"), EditRules(editable=())) == {Rule.OUTSIDE}


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("pytest.py", Rule.SHADOWS),
        ("src/random.py", Rule.SHADOWS),
        ("_pytest/__init__.py", Rule.SHADOWS),
        ("hypothesis/__init__.py", Rule.SHADOWS),
        ("pluggy.py", Rule.SHADOWS),
        ("ruff.py", Rule.SHADOWS),
        ("json/__init__.py", Rule.SHADOWS),
        ("checks/typing.py", Rule.SHADOWS),  # tests lie there, so the runner puts it on the import path
        ("random.cpython-311-x86_64-linux-gnu.so", Rule.STARTUP),
        ("sitecustomize.py", Rule.STARTUP),
        ("pkg/usercustomize.py", Rule.STARTUP),
        ("sitecustomize/__init__.py", Rule.STARTUP),
        ("evil.pth", Rule.STARTUP),
        ("conftest.py", Rule.STARTUP),
        ("pytest.ini", Rule.STARTUP),
        ("setup.cfg", Rule.STARTUP),
        ("tox.ini", Rule.STARTUP),
        ("pyproject.toml", Rule.STARTUP),
        ("pkg/__pycache__/core.cpython-311.pyc", Rule.STARTUP),
        ("evil.dist-info/entry_points.txt", Rule.STARTUP),
        ("evil.egg-info/entry_points.txt", Rule.STARTUP),
        (".hypothesis/examples/x", Rule.STARTUP),
    ],
)
def test_files_loaded_unasked_are_refused_even_where_nothing_is_protected(path, rule):
    assert rule in rules_of(created(path), EditRules())


def test_a_task_may_name_a_file_that_is_loaded_unasked():
    rules = EditRules(editable=("pyproject.toml", "random.py", "pkg/**"))
    assert rules_of(created("pyproject.toml"), rules) == set()
    assert rules_of(created("random.py"), rules) == set()
    assert rules_of(created("json.py"), EditRules(editable=("*.py",))) == {Rule.SHADOWS}


def test_a_module_the_tree_has_already_is_not_shadowed_anew():
    assert rules_of(created("queue/helper.py")) == set()
    assert rules_of(created("queue/__init__.pyi")) == set()


def test_size_caps():
    many = patch_of(*(FileChange(path=f"pkg/n{i}.py", before=None, after=b"1\n") for i in range(4)))
    assert rules_of(many, EditRules(max_files=3)) == {Rule.TOO_MANY}
    assert rules_of(many, EditRules(max_files=4)) == set()
    assert rules_of(created("pkg/big.txt", b"x" * 2000), EditRules(max_patch_bytes=1999)) == {Rule.TOO_BIG}


def test_a_small_edit_of_a_big_file_is_small():
    before = b"".join(b"line %d\n" % i for i in range(20_000))
    tree = MemorySnapshot(files={"big.txt": before})
    after = before.replace(b"line 9000\n", b"line nine thousand\n")
    patch = Patch(changes=(FileChange(path="big.txt", before=before, after=after),))
    assert violations(patch, tree=tree, rules=EditRules(max_patch_bytes=100)) == ()


names = st.text(max_size=12) | st.sampled_from(["..", ".", ".git", "a/b", "tests/x", "pkg/core.py", "\udc80", "a\0"])


@given(st.dictionaries(st.lists(names, min_size=1, max_size=4).map("/".join), st.binary(max_size=20), max_size=4))
def test_any_patch_is_judged_and_what_passes_stays_inside(created_files):
    patch = patch_of(*(FileChange(path=p, before=None, after=c) for p, c in created_files.items()))
    found = violations(patch, tree=TREE, rules=RULES)
    for violation in found:
        violation.message.encode("utf-8", "surrogateescape")
        assert "\n" not in violation.message
    for path in set(patch.paths) - {v.path for v in found}:
        assert not path.startswith("/")
        assert not {"", ".", ".."} & set(path.split("/"))
        path.encode("utf-8")
