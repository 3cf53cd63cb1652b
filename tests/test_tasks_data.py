"""Proves the bundled tasks: the start state fails, the reference passes. Plain pytest in temporary folders."""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from moa_code.core.task import Mode
from moa_code.edits.policy import violations
from moa_code.suites.task_folder import load_task, task_names

ROOT = Path(__file__).parent.parent / "tasks"
BATCH = Path(__file__).parent / "suites" / "batch_pytest.py"
NAMES = task_names([ROOT])
STATES = ("start", "reference")
DEMO_FAILING = {
    "tests/test_orders.py::test_an_order_over_two_lots_ships_what_was_wanted",
    "tests/test_orders.py::test_an_order_over_three_lots_empties_the_first_two",
    "tests/test_transfers.py::test_balance_moves_half_of_the_difference",
}


def write(files, folder):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def demo_files():
    paths = [path for path in (ROOT / "demo").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(ROOT / "demo").as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Outcomes by (task, state, which checks); the demo is a task whose only checks are its own tests."""
    keys, jobs = [], []
    for name in NAMES:
        loaded = load_task(ROOT / name)
        files = {path: loaded.task.tree.read(path) for path in loaded.task.tree.paths()}
        files |= {change.path: change.after for change in loaded.hidden.overlay()}
        for state in STATES:
            if state == "reference":
                files |= {change.path: change.after for change in loaded.solution.changes}
            folder = tmp_path_factory.mktemp(f"{name}-{state}")
            write(files, folder)
            for which in ("visible_tests", "hidden_tests"):
                keys.append((name, state, which))
                one_is_enough = ["-x"] if (state, which) == ("start", "hidden_tests") else []
                jobs.append({"folder": str(folder), "targets": [*one_is_enough, which], "cpu_s": 20})
    files = demo_files()
    path, wrong, right = "inventory/allocation.py", b"min(lot.free, wanted)", b"min(lot.free, missing)"
    assert files[path].count(wrong) == 1
    for state, content in (("start", files[path]), ("reference", files[path].replace(wrong, right))):
        folder = tmp_path_factory.mktemp(f"demo-{state}")
        write(files | {path: content}, folder)
        keys.append(("demo", state, "tests"))
        jobs.append({"folder": str(folder), "targets": ["tests"], "cpu_s": 20})
    done = subprocess.run(
        [sys.executable, str(BATCH)], input=json.dumps(jobs), capture_output=True, text=True, timeout=240, check=True
    )
    return dict(zip(keys, json.loads(done.stdout), strict=True))


def test_there_are_tasks_of_every_mode():
    modes = Counter(load_task(ROOT / name).task.mode for name in NAMES)
    assert len(NAMES) >= 8
    assert set(modes) == set(Mode)


def test_a_task_is_called_what_its_folder_is_called():
    assert [load_task(ROOT / name).task.task_id for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_start_state_fails_some_checks_and_passes_others(results, name):
    start = results[name, "start", "visible_tests"]
    assert start["status"] == 1
    assert set(start["outcomes"].values()) == {"passed", "failed"}


@pytest.mark.parametrize("name", NAMES)
def test_hidden_checks_fail_on_the_start_state(results, name):
    assert "failed" in results[name, "start", "hidden_tests"]["outcomes"].values()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["visible_tests", "hidden_tests"])
def test_the_reference_passes(results, name, which):
    reference = results[name, "reference", which]
    assert reference["status"] == 0
    assert set(reference["outcomes"].values()) == {"passed"}


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_a_patch_that_the_policy_lets_through(name):
    loaded = load_task(ROOT / name)
    assert violations(loaded.solution, tree=loaded.task.tree, rules=loaded.task.rules) == ()


def test_some_references_need_several_files_and_most_more_than_a_line():
    files = [len(load_task(ROOT / name).solution.changes) for name in NAMES]
    assert sum(count > 1 for count in files) >= 4


def test_the_demo_fails_three_tests_of_many(results):
    start, reference = results["demo", "start", "tests"], results["demo", "reference", "tests"]
    assert {check for check, outcome in start["outcomes"].items() if outcome == "failed"} == DEMO_FAILING
    assert set(reference["outcomes"].values()) == {"passed"}
    assert set(reference["outcomes"]) == set(start["outcomes"])
    assert len(start["outcomes"]) >= 25


def test_the_demo_is_a_repository_of_its_own():
    files = demo_files()
    assert {"pyproject.toml", "README.md", ".gitignore"} <= set(files)
    project = tomllib.loads(files["pyproject.toml"].decode())
    assert project["tool"]["pytest"]["ini_options"]["testpaths"] == ["tests"]
    assert not any(re.search(rb"TODO|FIXME|BUG", content) for content in files.values())
