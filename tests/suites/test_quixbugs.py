import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from moa_code.core.errors import TaskError
from moa_code.core.task import CheckKind, Mode
from moa_code.suites.quixbugs import DATA_VARIABLE, data_folder, load, select
from moa_code.suites.quixbugs_rules import NODE_PROGRAMS

BATCH = Path(__file__).with_name("batch_pytest.py")
PLACES = ("quixbugs", "suites/quixbugs")
NEVER_END = ("bitcount", "find_first_in_sorted", "sqrt")
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(
        not any((Path(os.environ.get(DATA_VARIABLE) or os.devnull) / at).is_dir() for at in PLACES),
        reason=f"{DATA_VARIABLE} names no folder that holds quixbugs",
    ),
]


def lay_out(loaded, folder, *, solved):
    files = {path: loaded.task.tree.read(path) for path in loaded.task.tree.paths()}
    files |= {change.path: change.after for change in loaded.hidden.overlay()}
    if solved:
        files |= {change.path: change.after for change in loaded.solution.changes}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def run_batch(jobs):
    done = subprocess.run(
        [sys.executable, str(BATCH)], input=json.dumps(jobs), capture_output=True, text=True, timeout=300, check=True
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def suite():
    return load(Path(os.environ[DATA_VARIABLE]))


@pytest.mark.parametrize("part", ["python_programs", "correct_python_programs", "json_testcases", "python_testcases"])
def test_missing_data_says_where_to_get_it(tmp_path, part):
    for name in ("python_programs", "correct_python_programs", "json_testcases", "python_testcases"):
        if name != part:
            (tmp_path / "quixbugs" / name).mkdir(parents=True)
    with pytest.raises(TaskError, match=part) as caught:
        load(tmp_path)
    assert "github.com/jkoppel/QuixBugs" in caught.value.remedy
    assert "--data" in caught.value.remedy


def test_the_flag_wins_over_the_variable(tmp_path):
    assert data_folder(tmp_path, {DATA_VARIABLE: "/elsewhere"}) == tmp_path
    assert data_folder(None, {DATA_VARIABLE: "/elsewhere"}) == Path("/elsewhere")
    for environ in ({}, {DATA_VARIABLE: ""}):
        with pytest.raises(TaskError, match=DATA_VARIABLE):
            data_folder(None, environ)


class TestWithData:
    pytestmark = needs_data

    def test_forty_tasks_are_loaded(self, suite):
        assert len(suite) == 40
        for loaded in suite:
            name = loaded.task.entry_point
            assert loaded.task.task_id == f"quixbugs/{name}"
            assert (loaded.task.mode, loaded.task.checks.kind) == (Mode.FIX, CheckKind.PYTEST)
            assert loaded.task.rules.editable == (f"{name}.py",)
            assert "specification" in loaded.task.instruction
            assert set(loaded.task.tree.paths()) - {"node.py"} == {f"{name}.py", f"visible_tests/test_{name}.py"}
            assert ("node.py" in loaded.task.tree.paths()) == (name in NODE_PROGRAMS)

    def test_each_program_has_forty_made_cases_and_both_halves(self, suite):
        for loaded in suite:
            made = [check for check in loaded.hidden.expected if "_made.py::" in check]
            assert len(made) >= 40, loaded.task.task_id
            assert loaded.task.checks.expected
            assert len(loaded.hidden.expected) > len(made)

    def test_no_reference_text_reaches_a_task(self, suite):
        for loaded in suite:
            [change] = loaded.solution.changes
            shown = loaded.task.instruction.encode() + b"".join(map(loaded.task.tree.read, loaded.task.tree.paths()))
            fixed = set(change.after.split(b"\n")) - set(change.before.split(b"\n"))
            assert change.after not in shown
            assert all(path.startswith("hidden_tests/") for path in loaded.hidden.files.paths())
            assert not any(line in loaded.task.tree.read(change.path).split(b"\n") for line in fixed)

    def test_loading_twice_gives_the_same_tasks(self, suite):
        again = load(Path(os.environ[DATA_VARIABLE]))
        assert [one.task.tree.digest for one in suite] == [one.task.tree.digest for one in again]
        assert [one.hidden.files.digest for one in suite] == [one.hidden.files.digest for one in again]

    def test_references_pass_everything_and_defects_fail_something_visible(self, suite, tmp_path):
        jobs = []
        for loaded in suite:
            for solved in (True, False):
                folder = tmp_path / loaded.task.entry_point / ("reference" if solved else "start")
                lay_out(loaded, folder, solved=solved)
                targets = ["visible_tests", "hidden_tests"] if solved else ["visible_tests"]
                jobs.append({"folder": str(folder), "targets": targets, "cpu_s": 10 if solved else 1})
        results = iter(run_batch(jobs))
        for loaded in suite:
            reference, start = next(results), next(results)
            name = loaded.task.entry_point
            assert reference["status"] == 0, (name, reference)
            assert set(reference["outcomes"]) == set(loaded.task.checks.expected) | set(loaded.hidden.expected), name
            if name in NEVER_END:  # killed at the CPU limit, so nothing is reported
                assert start["status"] is None, (name, start)
            else:
                assert "failed" in start["outcomes"].values(), (name, start)
                assert set(start["outcomes"]) == set(loaded.task.checks.expected), name

    def test_selecting_by_name(self, suite):
        picked = select(suite, ("wrap", "quixbugs/gcd"))
        assert [loaded.task.entry_point for loaded in picked] == ["wrap", "gcd"]
        assert select(suite, ()) == suite
        with pytest.raises(TaskError, match="did you mean mergesort"):
            select(suite, ("merge_sort",))
