import os
from pathlib import Path

import pytest

from moa_code.core.errors import ExitCode, TaskError
from moa_code.core.patch import FileChange
from moa_code.core.task import CheckKind, Mode
from moa_code.edits.policy import violations
from moa_code.suites.folder_files import MAX_FILE_BYTES, read_files
from moa_code.suites.loaded import Environment
from moa_code.suites.task_folder import find_task, load_task, task_names

TOML = '[task]\nid = "halve"\nmode = "fix"\neditable = ["halve.py"]\n'


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "halve"
    for path, text in {
        "task.toml": TOML,
        "instruction.md": "Halve the number.\n",
        "workspace/halve.py": "def halve(n):\n    return n\n",
        "workspace/data/blob.bin": "",
        "visible_tests/test_halve.py": "from halve import halve\n\ndef test_two():\n    assert halve(2) == 1\n",
        "tests/test_halve_more.py": "from halve import halve\n\ndef test_four():\n    assert halve(4) == 2\n",
        "solution/halve.py": "def halve(n):\n    return n / 2\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "workspace/data/blob.bin").write_bytes(b"\xff\x00\xfe")
    return root


def refused(folder):
    with pytest.raises(TaskError) as caught:
        load_task(folder)
    assert caught.value.remedy
    assert caught.value.exit_code is ExitCode.USAGE
    return caught.value.message


def test_a_whole_task(folder):
    loaded = load_task(folder)
    task = loaded.task
    assert (task.task_id, task.mode, task.instruction) == ("halve", Mode.FIX, "Halve the number.\n")
    assert task.tree.paths() == ("data/blob.bin", "halve.py", "visible_tests/test_halve.py")
    assert task.tree.read("data/blob.bin") == b"\xff\x00\xfe"
    assert (task.checks.kind, task.checks.targets) == (CheckKind.PYTEST, ("visible_tests",))
    assert task.rules.editable == ("halve.py",)
    before, after = b"def halve(n):\n    return n\n", b"def halve(n):\n    return n / 2\n"
    assert loaded.solution.changes == (FileChange(path="halve.py", before=before, after=after),)
    assert loaded.folder == folder


def test_hidden_checks_are_no_part_of_the_task(folder):
    loaded = load_task(folder)
    assert loaded.hidden.files.paths() == ("hidden_tests/test_halve_more.py",)
    assert [change.path for change in loaded.hidden.overlay()] == ["hidden_tests/test_halve_more.py"]
    assert "test_four" not in repr(loaded.task)


@pytest.mark.parametrize(
    "path", ["visible_tests/test_halve.py", "hidden_tests/test_new.py", "conftest.py", "pyproject.toml"]
)
def test_checks_and_configuration_are_protected(folder, path):
    (folder / "task.toml").write_text(TOML.replace("halve.py", "**"))
    task = load_task(folder).task
    before = task.tree.read(path) if path in task.tree.paths() else None
    patch = load_task(folder).solution
    assert violations(patch, tree=task.tree, rules=task.rules) == ()
    touched = type(patch)(changes=(FileChange(path=path, before=before, after=b"pass\n"),))
    assert [violation.path for violation in violations(touched, tree=task.tree, rules=task.rules)]


def test_limits_and_environment(folder):
    (folder / "task.toml").write_text(
        TOML + "[limits]\ncpu_s = 2.5\nwall_s = 9\nmemory_mb = 64\npids = 8\noutput_kb = 16\n"
        '[environment]\npython = "3.12"\npackages = ["numpy"]\n'
    )
    loaded = load_task(folder)
    limits = loaded.task.limits
    assert (limits.cpu_s, limits.wall_s, limits.memory_bytes) == (2.5, 9.0, 64 * 1024 * 1024)
    assert (limits.pids, limits.output_bytes) == (8, 16 * 1024)
    assert loaded.environment == Environment(python="3.12", packages=("numpy",))


def test_commands_make_checks_that_need_no_visible_tests(folder):
    (folder / "task.toml").write_text(TOML + '[checks]\ncommands = [["make", "test"]]\n')
    (folder / "visible_tests/test_halve.py").unlink()
    (folder / "visible_tests").rmdir()
    checks = load_task(folder).task.checks
    assert (checks.kind, checks.argv, checks.targets) == (CheckKind.COMMAND, ("make", "test"), ())


def test_expected_ids(folder):
    (folder / "task.toml").write_text(TOML + '[checks]\nexpected = ["visible_tests/test_halve.py::test_two"]\n')
    assert load_task(folder).task.checks.expected == ("visible_tests/test_halve.py::test_two",)


def test_a_task_without_a_reference(folder):
    (folder / "solution/halve.py").unlink()
    (folder / "solution").rmdir()
    assert load_task(folder).solution is None


@pytest.mark.parametrize("name", ["workspace", "visible_tests", "tests"])
def test_a_missing_folder_is_named(folder, name):
    (folder / name).rename(folder.parent / "elsewhere")
    assert f"{name}/ is missing" in refused(folder)


def test_a_misspelt_folder_is_named(folder):
    (folder / "solution").rename(folder / "solutions")
    assert "unknown folder 'solutions'; did you mean solution?" in refused(folder)


@pytest.mark.parametrize("name", ["task.toml", "instruction.md"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert f"{name} is missing" in refused(folder)


def test_a_misspelt_file_is_named(folder):
    (folder / "instruction.md").rename(folder / "instructions.md")
    assert "did you mean instructions.md?" in refused(folder)


@pytest.mark.parametrize(("content", "why"), [(b" \n", "is empty"), (b"caf\xe9", "is not UTF-8")])
def test_an_instruction_must_be_readable(folder, content, why):
    (folder / "instruction.md").write_bytes(content)
    assert why in refused(folder)


def test_an_empty_part_is_refused(folder):
    (folder / "visible_tests/test_halve.py").unlink()
    assert "visible_tests holds no file" in refused(folder)


def test_a_reference_that_changes_nothing_is_refused(folder):
    (folder / "solution/halve.py").write_bytes((folder / "workspace/halve.py").read_bytes())
    assert "changes nothing" in refused(folder)


@pytest.mark.parametrize("reserved", ["visible_tests", "hidden_tests"])
def test_a_workspace_keeps_off_the_folders_of_checks(folder, reserved):
    (folder / "workspace" / reserved).mkdir()
    (folder / "workspace" / reserved / "x.py").write_text("")
    assert reserved in refused(folder)


def test_links_are_refused_wherever_they_lead(folder):
    (folder / "workspace/link.py").symlink_to(folder / "tests/test_halve_more.py")
    assert "link.py is a symbolic link" in refused(folder)
    (folder / "workspace/link.py").unlink()
    (folder / "tests").rename(folder.parent / "real")
    (folder / "tests").symlink_to(folder.parent / "real")
    assert "tests is a symbolic link" in refused(folder)


def test_a_large_file_is_refused(folder):
    with (folder / "workspace/big.bin").open("wb") as big:
        big.truncate(MAX_FILE_BYTES + 1)
    assert str(MAX_FILE_BYTES + 1) in refused(folder)


def test_special_files_and_repositories_are_refused(folder):
    os.mkfifo(folder / "workspace/pipe")
    assert "neither a file nor a folder" in refused(folder)
    (folder / "workspace/pipe").unlink()
    (folder / "workspace/.git").mkdir()
    assert "is a git repository" in refused(folder)


def test_leftovers_are_not_read_and_modes_are(folder):
    (folder / "workspace/__pycache__").mkdir()
    (folder / "workspace/__pycache__/halve.pyc").write_bytes(b"x")
    (folder / "workspace/.gitignore").write_text("*.pyc\n")
    (folder / "workspace/run.sh").write_text("#!/bin/sh\n")
    (folder / "workspace/run.sh").chmod(0o755)
    files = read_files(folder / "workspace")
    assert set(files.contents) == {".gitignore", "data/blob.bin", "halve.py", "run.sh"}
    assert files.executables == {"run.sh"}
    assert load_task(folder).task.tree.executable("run.sh")


def test_a_task_is_found_by_path_and_by_name(folder):
    assert find_task(str(folder), []) == folder
    assert find_task("halve", [folder.parent]) == folder
    assert task_names([folder.parent, folder.parent / "nowhere"]) == ("halve",)


def test_an_unknown_task_names_the_nearest(folder):
    with pytest.raises(TaskError, match="did you mean halve") as caught:
        find_task("halves", [folder.parent])
    assert "halve" in caught.value.remedy
    with pytest.raises(TaskError, match="no task 'nothing/here'"):
        find_task("nothing/here", [folder.parent])


def test_a_folder_that_is_no_task_is_told_from_one_that_is_not_there(folder):
    with pytest.raises(TaskError, match=r"holds no task\.toml"):
        find_task(str(folder / "workspace"), [])
    with pytest.raises(TaskError, match="is not a folder"):
        load_task(Path(folder / "task.toml"))
