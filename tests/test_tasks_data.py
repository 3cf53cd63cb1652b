"""The bundled tasks as data. That their checks do what they must is proved in boxes, in `tests/solve/`."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from moa_code.core.task import Mode
from moa_code.edits.policy import violations
from moa_code.suites.task_folder import load_task, task_names

ROOT = Path(__file__).parent.parent / "tasks"
NAMES = task_names([ROOT])


def demo_files():
    paths = [path for path in (ROOT / "demo").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(ROOT / "demo").as_posix(): path.read_bytes() for path in paths}


def test_there_are_tasks_of_every_mode():
    modes = Counter(load_task(ROOT / name).task.mode for name in NAMES)
    assert len(NAMES) >= 8
    assert set(modes) == set(Mode)


def test_a_task_is_called_what_its_folder_is_called():
    assert [load_task(ROOT / name).task.task_id for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_a_patch_that_the_policy_lets_through(name):
    loaded = load_task(ROOT / name)
    assert violations(loaded.solution, tree=loaded.task.tree, rules=loaded.task.rules) == ()


def test_some_references_need_several_files_and_most_more_than_a_line():
    files = [len(load_task(ROOT / name).solution.changes) for name in NAMES]
    assert sum(count > 1 for count in files) >= 4


def test_the_demo_is_a_repository_of_its_own():
    files = demo_files()
    assert {"pyproject.toml", "README.md", ".gitignore"} <= set(files)
    project = tomllib.loads(files["pyproject.toml"].decode())
    assert project["tool"]["pytest"]["ini_options"]["testpaths"] == ["tests"]
    assert not any(re.search(rb"TODO|FIXME|BUG", content) for content in files.values())
