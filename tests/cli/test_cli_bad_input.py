"""What a user gets wrong: refused before a sandbox is opened, with value and remedy, and nothing left behind."""

import os
import shutil
import subprocess

import pytest
from cli_calls import PATCH, command, contents

from moa_code.assets import tasks_dir


def refused(done, code, *words):
    assert done.code == code, done.err
    assert done.out == ""
    assert "a fault of ours" not in done.err
    assert "\n  try: " in done.err
    for word in words:
        assert str(word) in done.err


@pytest.mark.parametrize("words", [["fix", "{shop}"], ["demo"], ["solve", "text-justify"], ["plan", "text-justify"]])
def test_without_git(moa, shop, monkeypatch, tmp_path, words):
    monkeypatch.setenv("PATH", str(tmp_path))
    refused(moa(*(word.format(shop=shop) for word in words)), 3, "git is not installed", "apt-get install git")


def test_demo_without_git_leaves_no_copy(moa, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    refused(moa("demo", "--keep", tmp_path / "here"), 3, "git")
    assert not (tmp_path / "here").exists()


def test_demo_keeps_out_of_a_folder_that_is_there(moa, shop):
    before = contents(shop)
    refused(moa("demo", "--keep", shop), 2, f"{shop} is there already", "--keep DIR")
    assert contents(shop) == before


def test_a_folder_that_does_not_exist(moa, tmp_path):
    refused(moa("fix", tmp_path / "nowhere"), 2, tmp_path / "nowhere", "is not a folder")
    refused(moa("verify", "--repo", tmp_path / "nowhere", "--patch", "-", stdin=PATCH), 2, "is not a folder")


def test_no_tests(moa, shop):
    (shop / "test_shop.py").unlink()
    refused(moa("fix", shop), 2, "no tests were found", "--test")


def test_an_empty_folder(moa, tmp_path):
    refused(moa("fix", tmp_path), 2, "holds no files")


@pytest.mark.parametrize("test", ["nosuch.py", "tests/nosuch", "pytest -k x", "pytest nosuch.py", "'", " "])
def test_checks_that_are_not_there(moa, shop, test):
    refused(moa("fix", shop, "--test", test), 2, "--test")


def test_a_task_or_a_repository(moa, shop):
    refused(moa("solve"), 2, "neither was given", "moa-code solve TASK")
    refused(moa("verify", "x", "--repo", shop, "--patch", "-"), 2, "both 'x' and --repo", "moa-code verify")
    refused(moa("solve", "text-justify", "--issue", "x"), 2, "--issue and --test go with --repo")


def test_an_unknown_task(moa):
    refused(moa("solve", "text-justfy"), 2, "'text-justfy'", "did you mean text-justify?")


@pytest.fixture
def task(tmp_path):
    folder = tmp_path / "task"
    shutil.copytree(tasks_dir() / "text-justify", folder)
    return folder


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("mode =", "mod =", ["mod"]),
        ("[limits]", "[limit]", ["limit"]),
        ("editable =", "editible =", ["editible"]),
        ("mode =", "# mode =", ["mode"]),
    ],
)
def test_a_task_folder_with_a_wrong_field(moa, task, before, after, words):
    text = (task / "task.toml").read_text()
    assert before in text or before == "[limits]"
    (task / "task.toml").write_text(text.replace(before, after, 1) if before in text else f"{text}\n{after}\n")
    refused(moa("solve", task), 2, "task.toml", *words)


def test_a_task_folder_without_its_parts(moa, task):
    (task / "instruction.md").unlink()
    refused(moa("solve", task), 2, "instruction.md")


@pytest.mark.parametrize("text", [None, b"", b"\xff\xfe"])
def test_an_issue_that_cannot_be_read(moa, shop, tmp_path, text):
    path = tmp_path / "issue.md"
    if text is not None:
        path.write_bytes(text)
    refused(moa("solve", "--repo", shop, "--issue", path), 2, f"--issue {path}")
    if text is not None:
        refused(moa("solve", "--repo", shop, "--issue", "-", stdin=text), 2, "--issue -")


@pytest.mark.parametrize("name", ["fix", "demo", "plan"])
def test_an_unknown_model_names_the_nearest(moa, shop, name):
    where = {"fix": [shop], "demo": [], "plan": ["--repo", shop]}[name]
    refused(moa(name, *where, "--proposer", "codestrl"), 2, "'codestrl'", "nearest: codestral")


def test_a_missing_key_names_the_variable(moa, shop):
    refused(moa("fix", shop, "--proposer", "sonnet"), 4, "$ANTHROPIC_API_KEY is not set", "export ANTHROPIC_API_KEY=")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--slots", "many"], ["sandbox.slots = 'many'", "a whole number"]),
        (["--memory", "1 pint"], ["limits.memory_bytes = '1 pint'"]),
        (["--backend", "vm"], ["sandbox.backend = 'vm'", "bubblewrap"]),
        (["--strategy", "guess"], ["strategy.name = 'guess'", "auto"]),
        (["--config", "/nowhere.toml"], ["no such configuration file: /nowhere.toml"]),
    ],
)
def test_a_flag_with_a_wrong_value(moa, shop, flags, words):
    done = moa("fix", shop, *flags)
    assert done.code == 2
    assert all(word in done.err for word in words)


def test_a_configuration_that_is_no_toml(moa, shop, home):
    (home / "config" / "moa-code").mkdir(parents=True)
    (home / "config" / "moa-code" / "config.toml").write_text("[models\n")
    done = moa("fix", shop)
    assert done.code == 2
    assert "config.toml is not valid TOML" in done.err


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[models.endpoints.evil]\nbase_url = 'http://evil/v1'\n", "models.endpoints"),
        ("[models]\nproposers = ['openai/x@http://evil/v1']\n", "models.proposers"),
        ("[sandbox]\nimage = 'evil'\n", "sandbox.image"),
        ("[budget]\nusd = 'none'\n", "budget.usd"),
    ],
)
def test_a_repository_that_wants_too_much(moa, shop, text, word):
    (shop / "moa.toml").write_text(text)
    done = moa("fix", shop)
    assert done.code == 2
    assert word in done.err
    assert str(shop / "moa.toml") in done.err


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        (b"", ["is empty"]),
        (b"\n \n", ["is empty"]),
        (b"hello\n", ["no diff in it"]),
        (PATCH + b"\0\1", ["NUL byte"]),
        (PATCH.replace(b"a - b", b"a * b"), ["shop.py"]),
        (PATCH.replace(b"\n", b"\r\n"), ["line "]),
        (PATCH.replace(b"shop.py", b"nosuch.py"), ["nosuch.py is not in the tree"]),
        (PATCH.replace(b"shop.py", b"../shop.py"), ["../shop.py"]),
        (PATCH.replace(b"a/shop.py", b"/etc/passwd").replace(b"b/shop.py", b"/etc/passwd"), ["line "]),
        (b"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n", ["120000"]),
        (b"diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+x\n", ["160000"]),
        (b"diff --git a/x b/x\nGIT binary patch\nliteral 1\nA\n", ["binary"]),
        (PATCH + b"#" * 1_100_000, ["bytes"]),
        (b"#" * 10_000_001, ["larger than 10 MB"]),
    ],
)
def test_a_patch_that_is_none(moa, shop, tmp_path, patch, words):
    before = contents(tmp_path)
    refused(moa("verify", "--repo", shop, "--patch", "-", stdin=patch), 2, *words)
    assert contents(tmp_path) == before


def test_a_patch_file_that_cannot_be_read(moa, shop, tmp_path):
    refused(moa("verify", "--repo", shop, "--patch", tmp_path / "no"), 2, "No such file or directory")
    refused(moa("verify", "--repo", shop, "--patch", tmp_path), 2, "Is a directory")


@pytest.mark.parametrize("events", ["nowhere/events.jsonl", "."])
def test_events_that_cannot_be_written(moa, shop, tmp_path, events):
    before = contents(shop)
    refused(moa("fix", shop, "--events", tmp_path / events), 2, f"--events {tmp_path / events}")
    assert contents(shop) == before


def test_a_journal_where_none_can_be(moa, shop, tmp_path):
    file = tmp_path / "notes.txt"
    for text in ("x", "not a database\n" * 100):
        file.write_text(text)
        refused(moa("--journal", file / "j.sqlite", "fix", shop), 3, file, "--journal FILE")
        refused(moa("--journal", file, "runs", "list"), 3, "no SQLite database", "--journal FILE")
        assert file.read_text() == text


def test_a_journal_on_a_full_disk(moa, shop, tmp_path):
    """The smallest tmpfs there is holds no journal: said before any sandbox is set up, and the tree stays as it is."""
    full = tmp_path / "full"
    full.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", full], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a tmpfs takes root and its capabilities")
    try:
        before = contents(shop)
        refused(moa("--journal", full / "journal.sqlite", "fix", shop), 3, full / "journal.sqlite", "the disk is full")
        assert contents(shop) == before
    finally:
        subprocess.run(["umount", full], check=True)


@pytest.mark.parametrize("words", [["show", "x"], ["diff", "last"]])
def test_a_run_that_is_not_there(moa, words):
    refused(moa("runs", *words), 2, "no run")


@pytest.mark.parametrize("name", ["apply", "undo"])
def test_nothing_to_apply_or_undo(moa, name):
    refused(moa(name, "last"), 2, "no run yet", "moa-code demo")


def test_an_unknown_suite(moa):
    refused(moa("bench", "run", "quixbug"), 2, "'quixbug'", "quixbugs")


def test_bench_without_its_data(moa, tmp_path):
    done = moa("bench", "run", "quixbugs", "--data", tmp_path / "no", "--out", tmp_path / "out")
    refused(done, 2, tmp_path / "no")
    assert not (tmp_path / "out").exists()


def test_no_engine(shop, home):
    """A port of this machine where nobody listens."""
    before = contents(shop)
    done = command(home, "fix", shop, "--backend", "docker", env={"DOCKER_HOST": "tcp://127.0.0.1:1"})
    assert done.code == 3, done.err
    assert done.out == ""
    assert "tcp://127.0.0.1:1" in done.err
    assert "\n  try: " in done.err
    assert contents(shop) == before
