"""Jobs as they are planned: secrets, order, limits, seals."""

import json
from dataclasses import replace

import pytest

from moa_code.core.box import Limits
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.verify import plan

FILES = {
    "pyproject.toml": b"",
    "setup.cfg": b"",
    "src/pkg/a.py": b"x = 1\n",
    "src/pkg/conftest.py": b"",
    "tests/test_a.py": b"from hypothesis import given\n",
    "tests/data.json": b"{}",
    "docs/tests.md": b"",
}


def task(files=None, **more):
    base = Task(
        task_id=TaskId("t"),
        mode=Mode.FIX,
        instruction="mend it",
        tree=MemorySnapshot(files=FILES if files is None else files),
        checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
        rules=EditRules(protected=PROTECTED_BY_DEFAULT),
    )
    return replace(base, **more)


def jobs(count):
    return [plan.pytest_job(task(), first=("t.py::a",), check_cpu_s=1.0) for _ in range(count)]


def test_secrets_are_never_the_same_twice():
    planned = jobs(50)
    assert len({p.nonce for p in planned}) == 50
    assert all(len(bytes.fromhex(p.nonce)) == 16 for p in planned)
    assert len({name for p in planned for name in p.canaries}) == 100
    assert len({p.exit_code for p in planned}) > 10


def test_the_seed_of_a_job_does_not_tell_its_secrets():
    one, other = (plan.pytest_job(task(), check_cpu_s=1.0, seed=7) for _ in range(2))
    assert one.job.seed == other.job.seed == 7
    assert one.nonce != other.nonce
    assert one.canaries.keys() != other.canaries.keys()


def test_an_agreed_exit_code_is_none_that_python_pytest_or_a_shell_would_give():
    codes = {p.exit_code for p in jobs(200)}
    assert codes <= set(range(32, 232))


def test_the_secrets_of_a_job_stand_in_its_payload():
    (planned,) = jobs(1)
    payload = planned.job.payload
    assert (payload["nonce"], payload["exit_code"]) == (planned.nonce, planned.exit_code)
    assert dict(payload["canaries"]) == dict(planned.canaries)
    assert sorted(planned.canaries.values()) == ["fail", "pass"]
    assert payload["first"] == ["t.py::a"]


def test_a_canary_is_called_like_any_check():
    names = [name for p in jobs(20) for name in p.canaries]
    assert all(name.startswith("test_") and "canary" not in name for name in names)


def test_a_baseline_has_no_canaries_and_runs_everything():
    planned = plan.baseline_job(task(), seed=1, coverage=True, hung=("t.py::h",))
    assert planned.canaries == {}
    assert not planned.job.payload.get("first")
    assert planned.job.payload["coverage"] is True
    assert planned.job.payload["hung"] == ["t.py::h"]
    assert planned.job.overlay == ()


def test_tests_configuration_and_all_that_is_protected_are_sealed():
    sealed = plan.sealed_paths(task())
    assert set(sealed) == {"pyproject.toml", "setup.cfg", "src/pkg/conftest.py", "tests/test_a.py", "tests/data.json"}
    assert plan.pytest_job(task(), check_cpu_s=1.0).job.sealed == sealed


def test_configuration_is_sealed_even_where_a_task_may_edit_it():
    loose = task(rules=EditRules(protected=()))
    assert set(plan.sealed_paths(loose)) == {"pyproject.toml", "setup.cfg", "src/pkg/conftest.py"}


def test_a_patch_is_laid_over_the_tree_and_not_into_it():
    patch = patch_of(FileChange(path="src/pkg/a.py", before=b"x = 1\n", after=b"x = 2\n"))
    job = plan.pytest_job(task(), patch, check_cpu_s=1.0).job
    assert job.overlay == patch.changes
    assert job.tree.read("src/pkg/a.py") == b"x = 1\n"


@pytest.mark.parametrize(("slowest", "budget"), [(0.0, 1.0), (0.01, 1.0), (0.05, 1.0), (0.5, 10.0), (3.0, 60.0)])
def test_a_checks_budget_comes_from_the_baseline_with_a_floor(slowest, budget):
    assert plan.check_budget_s(slowest) == pytest.approx(budget)


def test_one_sleeping_check_may_not_take_longer_than_the_whole_run():
    job = plan.baseline_job(task(limits=Limits(cpu_s=50, wall_s=3)), seed=1).job
    assert job.payload["check_wall_s"] == 3
    assert job.limits.wall_s == 3 * plan.BASELINE_FACTOR


def test_the_baseline_may_use_more_than_a_candidate():
    limits = Limits(cpu_s=10, wall_s=20)
    baseline = plan.baseline_job(task(limits=limits), seed=1).job
    candidate = plan.pytest_job(task(limits=limits), check_cpu_s=1.0).job
    assert baseline.limits.cpu_s == 30
    assert baseline.limits.wall_s == 60
    assert candidate.limits == limits
    assert baseline.payload["check_cpu_s"] == 2.0


@pytest.mark.parametrize(
    ("files", "imports", "hypothesis"),
    [
        (FILES, ["", "src"], True),
        ({"a.py": b"hypothesis", "test_a.py": b"import a"}, [""], False),
        ({"conftest.py": b"import hypothesis"}, [""], True),
    ],
)
def test_what_is_imported_from_and_loaded_is_read_off_the_tree(files, imports, hypothesis):
    payload = plan.pytest_job(task(files), check_cpu_s=1.0).job.payload
    assert (payload["sys_path"], payload["hypothesis"]) == (imports, hypothesis)


def test_static_and_command_jobs_say_what_they_run():
    static = plan.static_job(task(), [("src/pkg/a.py", b"x"), ("src/pkg/a.py", b"y")], Limits(cpu_s=1), lint=True).job
    assert (static.entry, static.payload["paths"], static.payload["select"], static.limits.cpu_s) == (
        "static", ["src/pkg/a.py", "src/pkg/a.py"], plan.LINT_RULES, 1,
    )  # fmt: skip
    assert static.tree.paths() == ()
    assert [(c.path, c.after) for c in static.overlay] == [("0/0/src/pkg/a.py", b"x"), ("0/1/src/pkg/a.py", b"y")]
    assert plan.static_job(task(), [], Limits(), lint=False).job.payload["select"] == ""
    command = task(checks=Checks(kind=CheckKind.COMMAND, argv=("make", "check")))
    assert plan.command_job(command).job.payload["argv"] == ["make", "check"]


def test_an_init_file_is_linted_among_the_packages_it_lies_in():
    there = {"0/top.py": b"1", "lib/deep/__init__.py": b"2", "lib/deep/in/__init__.py": b"3"}
    job = plan.static_job(task(there), [("lib/deep/in/__init__.py", b"new")], Limits(), lint=True).job
    assert job.tree.paths() == tuple(there)
    assert {c.path: c.after for c in job.overlay} == {
        "00/0/lib/deep/__init__.py": b"", "00/0/lib/deep/in/__init__.py": b"new",
    }  # fmt: skip


def test_tests_are_read_once_a_tree():
    class Counted(MemorySnapshot):
        reads = 0

        def read(self, path):
            Counted.reads += 1
            return super().read(path)

    counted = replace(task(), tree=Counted(files={"tests/test_once.py": b"def test_once(): pass"}))
    for _ in range(3):
        plan.pytest_job(counted, check_cpu_s=1.0)
    assert Counted.reads == 1


def test_every_payload_is_json():
    variants = [plan.Variant(changes=(), reaches=frozenset({"t.py::b", "t.py::a"}))]
    screen = plan.screen_job(task(), variants, failing=("t.py::a",), passing=(), hung=(), check_cpu_s=0.5, job_cpu_s=60)
    for planned in (
        *jobs(1),
        screen,
        plan.baseline_job(task(), seed=1),
        plan.static_job(task(), [], Limits(), lint=True),
    ):
        assert json.loads(json.dumps(planned.job.payload)).keys() == planned.job.payload.keys()
