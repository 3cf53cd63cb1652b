"""Task folders and suites whose checks are judged from another process, read and in real boxes."""

import asyncio
import shutil
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from oracle_suites import human_eval, mbpp, polyglot, quixbugs

from moa_code.core.box import Limits
from moa_code.core.errors import BaselineFault, TaskError
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import CheckOutcome, Integrity, Level, Outcome
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.suites.task_folder import load_task

sys.path.insert(0, str(Path(__file__).parents[1] / "solve"))
from docker_bench import Bench, edit

FOLDER = Path(__file__).parent / "oracle_task"
LIMITS = Limits(cpu_s=20, wall_s=60, memory_bytes=256 << 20)
TARGET = "visible_tests/ledger_checks.py::test_to_the_last_cent"


def test_a_folder_of_this_kind():
    loaded = load_task(FOLDER)
    assert loaded.task.checks.kind is CheckKind.ORACLE
    assert loaded.task.checks.targets == ("visible_tests/cases.json", "visible_tests/ledger_checks.py")
    assert loaded.hidden.targets == ("hidden_tests/cases.jsonl", "hidden_tests/more.py")
    assert "visible_tests/_tables.py" in loaded.task.tree.paths()


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(FOLDER, tmp_path / "task"))


def checks_table(folder, text):
    path = folder / "task.toml"
    path.write_text(path.read_text().replace('kind = "oracle"', text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "orakel"', "did you mean oracle"),
        ('kind = "oracle"\ncommands = [["make"]]', "a command is needed for that kind"),
        ('kind = "command"', "a command is needed for that kind"),
        ('kind = "pytest"\ncommands = [["make"]]', "a command is needed for that kind"),
        ("kind = 3", "must be a string"),
    ],
)
def test_kinds_that_cannot_be(folder, text, words):
    checks_table(folder, text)
    with pytest.raises(TaskError, match=words):
        load_task(folder)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("", "pytest"), ('kind = "pytest"', "pytest"), ('commands = [["make"]]', "command")],
)
def test_other_kinds(folder, text, kind):
    checks_table(folder, text)
    assert load_task(folder).task.checks.kind == kind


def test_without_a_file_of_checks(folder):
    for path in (folder / "visible_tests").iterdir():
        if not path.name.startswith("_"):
            path.unlink()
    with pytest.raises(TaskError, match="holds no checks"):
        load_task(folder)


@pytest.fixture(
    scope="module",
    params=[pytest.param("docker", marks=pytest.mark.docker), pytest.param("bubblewrap", marks=pytest.mark.bwrap)],
)
def bench(request, tmp_path_factory):
    from moa_code.config import load_config
    from moa_code.wiring.session import open_session

    home = tmp_path_factory.mktemp("home")
    flags = {
        "sandbox.backend": request.param,
        "sandbox.slots": 1,
        "models.proposers": ("builtin:mutate",),
        "models.aggregator": "builtin:combine",
        "journal": str(home / "journal.sqlite"),
    }
    config = load_config(environment={"HOME": str(home)}, flags=flags)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        session = runner.run(stack.enter_async_context(open_session(config, {}, lambda text: None)))
        try:
            yield Bench(runner, session)
        finally:
            runner.run(stack.aclose())


def held_out(bench, loaded, patch):
    hidden = loaded.hidden
    return bench.run(
        bench.session.verifier.hold_out(loaded.task, patch, hidden.overlay(), hidden.targets, hidden.expected)
    )


def test_the_folder_in_a_box(bench):
    loaded = load_task(FOLDER)
    baseline = bench.baseline(loaded.task)
    assert [r.check_id for r in baseline.failing] == [TARGET]
    assert len(baseline.results) == 7
    good = bench.confirm(loaded.task, baseline, loaded.solution)
    assert (good.outcome, good.integrity, good.level) == (Outcome.PASSED, Integrity.ORACLE, Level.WHOLE_SUITE)
    assert good.counts.passed == 7
    graded = held_out(bench, loaded, loaded.solution)
    assert (graded.outcome, graded.integrity) == (Outcome.PASSED, Integrity.ORACLE)
    assert graded.counts.run == 4
    assert held_out(bench, loaded, EMPTY_PATCH).outcome is Outcome.FAILED


def test_what_is_wrong_fails_in_a_box(bench):
    loaded = load_task(FOLDER)
    baseline = bench.baseline(loaded.task)
    source = loaded.task.tree.read("bank/ledger.py").decode()
    for wrong in (
        source.replace("<= 0", "< 9"),
        source.replace("<= 0", "< 0").replace("total += cents", "total = cents"),
        source + "class Yes:\n    __eq__ = lambda self, other: True\n\n\nLedger.balance = Yes()\n",
    ):
        verdict = bench.verify(loaded.task, baseline, edit(loaded.task, "bank/ledger.py", wrong))
        assert (verdict.outcome, verdict.integrity) == (Outcome.FAILED, Integrity.ORACLE)
        assert any(r.outcome is CheckOutcome.FAILED for r in verdict.failing)


def test_the_checks_are_not_there_for_the_candidate(bench):
    """Neither in its own tree, nor anywhere else that it can list."""
    loaded = load_task(FOLDER)
    baseline = bench.baseline(loaded.task)
    source = loaded.task.tree.read("bank/ledger.py").decode().replace("<= 0", "< 0")
    look = (
        "import os\nfound = []\nfor top in ('.', '..', '../..', '/tmp'):\n    for _, _, names in os.walk(top):\n"
        "        found += names\n"
        "assert 'ledger.py' in found\nassert not {'ledger_checks.py', '_tables.py', 'cases.json'} & set(found), found\n"
    )
    verdict = bench.verify(loaded.task, baseline, edit(loaded.task, "bank/ledger.py", look + source))
    assert verdict.outcome is Outcome.PASSED, verdict.failing


@pytest.mark.parametrize("path", ["visible_tests/cases.json", "visible_tests/_tables.py", "visible_tests/more.json"])
def test_the_checks_are_protected(bench, path):
    loaded = load_task(FOLDER)
    baseline = bench.baseline(loaded.task)
    verdict = bench.verify(loaded.task, baseline, edit(loaded.task, path, "[]"))
    assert verdict.outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import bank.ledger\nclass Mine: ...\nassert bank.ledger.merge([], Mine())\n", "from another process"),
        ("class TestIt: ...\n", "cannot be read"),
    ],
)
def test_checks_that_cannot_be_judged_so(bench, folder, text, words):
    (folder / "visible_tests" / "more.py").write_text(text)
    with pytest.raises(BaselineFault, match=words):
        bench.baseline(load_task(folder).task)


def samples():
    """A few of each suite, among them generators, graphs of nodes, endless loops and classes."""
    by_name = {}
    for suite in (human_eval, mbpp, quixbugs, polyglot):
        for question in suite():
            by_name[question.name] = question
    names = ["HumanEval/0", "HumanEval/32", "HumanEval/163", "mbpp/367", "mbpp/927", "mbpp/11"]
    names += [
        "flatten",
        "sqrt",
        "bitcount",
        "detect_cycle",
        "breadth_first_search",
        "react",
        "zipper",
        "simple_linked_list",
    ]
    return [by_name[name] for name in names]


@pytest.mark.data
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_suites_in_a_box(bench):
    """What is wrong is the untouched tree, the reference the patch."""
    for question in samples():
        task = Task(
            task_id=TaskId(question.name.replace("/", "-")),
            mode=Mode.IMPLEMENT,
            instruction=question.name,
            tree=MemorySnapshot(files={p: t.encode() for p, t in {**question.wrong, **question.judged}.items()}),
            checks=Checks(
                kind=CheckKind.ORACLE if question.entry == "oracle" else CheckKind.PYTEST,
                targets=question.select or tuple(question.judged),
            ),
            limits=LIMITS,
            rules=EditRules(protected=(*PROTECTED_BY_DEFAULT, *question.judged)),
        )
        baseline = bench.baseline(task)
        assert baseline.failing, question.name
        changed = {path: text for path, text in question.files.items() if question.wrong[path] != text}
        patch = patch_of(
            *(
                FileChange(path=path, before=question.wrong[path].encode(), after=text.encode())
                for path, text in changed.items()
            )
        )
        verdict = bench.confirm(task, baseline, patch)
        assert verdict.outcome is Outcome.PASSED, (question.name, verdict.detail, verdict.failing)
        assert verdict.integrity is Integrity.ORACLE, question.name
