"""Model-written checks on candidates: one answer each, over a box that answers from a script and over a real one."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from moa_code.config import load_config
from moa_code.core.behaviour import WrittenCheck
from moa_code.core.box import BoxInfo, Ended, Limits, Observation
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task
from moa_code.core.tree import MemorySnapshot
from moa_code.edits.policy import PROTECTED_BY_DEFAULT
from moa_code.verify.verifier import Verifier
from moa_code.wiring.session import open_session

BASELINE = Baseline(results=(), check_cpu_s=0.01)
STUB = b'def second(numbers):\n    """The second smallest."""\n'
FILES = {"lib/numbers.py": STUB, "lib/other.py": b"x = 1\n", "written_checks/taken.py": b""}


def task(mode=Mode.IMPLEMENT, files=FILES):
    return Task(
        task_id="t",
        mode=mode,
        instruction="write it",
        tree=MemorySnapshot(files=files),
        checks=Checks(kind=CheckKind.COMMAND, argv=("true",)),
        limits=Limits(cpu_s=20, wall_s=60, memory_bytes=256 << 20),
        rules=EditRules(editable=("lib/numbers.py",), protected=PROTECTED_BY_DEFAULT),
    )


def written(*bodies, imports="from lib.numbers import second\n"):
    """Checks test_0, test_1 … with these bodies."""
    return tuple(
        WrittenCheck(author="m", name=f"test_{at}", code=f"{imports}\n\ndef test_{at}():\n    {body}\n", sentence="s")
        for at, body in enumerate(bodies)
    )


def edit(source):
    return patch_of(FileChange(path="lib/numbers.py", before=STUB, after=source.encode()))


def candidate(patch):
    return Candidate(candidate_id="c", patch=patch, origin=Origin(author="m", role="proposer"))


RIGHT = edit("def second(numbers):\n    return sorted(set(numbers))[1]\n")
THREE = written("assert second([1, 2]) == 2", "assert second([3, 1, 2]) == 2", "assert second([1, 1, 2]) == 2")


class ScriptedBox:
    """Answers with outcomes by the number of the check; a list of scripts is one a job, else one for all."""

    slots = 1
    info = BoxInfo(backend="scripted", image_digest="sha256:0")

    def __init__(self, *scripts, stub=None):
        self.scripts, self.stub, self.jobs = list(scripts), stub, []

    async def run(self, job):
        self.jobs.append(job)
        script = self.stub if self.stub is not None and not job.overlay else self.scripts[0]
        if job.overlay and len(self.scripts) > 1:
            self.scripts.pop(0)
        if "ended" in script:
            return Observation(ended=script["ended"], detail="gone")
        nonce = job.payload["nonce"] if not script.get("forged") else "forged"

        def line(kind, **values):
            return (nonce + json.dumps({"k": kind, **values}) + "\n").encode()

        files = job.payload["select"]
        ids = {int(path.rpartition("_")[2].removesuffix(".py")): path for path in files}
        names = {at: f"{path}::test_{at}" for at, path in ids.items()}
        broken = [names.pop(at).partition("::")[0] for at in script.get("broken", ()) if at in names]
        report = [line("collected", ids=list(names.values()))]
        report += [line("broken", id=path, detail="cannot") for path in broken]
        report += [
            line("inexpressible", id=names.pop(at), why="an object") for at in script.get("beyond", ()) if at in names
        ]
        report += [
            line("result", id=name, outcome=script[at], duration_s=0.01) for at, name in names.items() if at in script
        ]
        died = script.get("died")
        exit_code = 7 if died else job.payload["exit_code"]
        report += [] if died else [line("end", code=0)]
        return Observation(ended=Ended.EXITED, exit_code=exit_code, report=b"".join(report), report_complete=True)

    run_fresh = run


ALL_FAIL = {0: "failed", 1: "failed", 2: "failed"}


def votes(box, patch=RIGHT, checks=THREE, **changes):
    return asyncio.run(Verifier(box).vote(task(**changes), BASELINE, candidate(patch), checks))


def test_one_answer_a_check_in_their_order():
    box = ScriptedBox({0: "passed", 1: "failed", 2: "error"}, stub=ALL_FAIL)
    assert votes(box) == (True, False, False)


def test_what_a_stub_passes_says_nothing():
    box = ScriptedBox({0: "passed", 1: "passed", 2: "passed"}, stub={**ALL_FAIL, 1: "passed"})
    assert votes(box) == (True, None, True)


def test_the_stub_is_asked_once():
    box = ScriptedBox({0: "passed", 1: "passed", 2: "passed"}, stub=ALL_FAIL)
    verifier = Verifier(box)

    async def twice():
        for _ in range(2):
            await verifier.vote(task(), BASELINE, candidate(RIGHT), THREE)

    asyncio.run(twice())
    assert [bool(job.overlay) for job in box.jobs] == [True, False, True]


def test_code_that_is_there_already_is_no_stub():
    box = ScriptedBox({0: "passed", 1: "failed", 2: "passed"})
    assert votes(box, mode=Mode.EDIT) == (True, False, True)
    assert len(box.jobs) == 1


def test_what_cannot_cross_the_border_is_asked_beside_the_candidate():
    scripts = ({0: "passed", "beyond": [1], "broken": [2]}, {1: "passed", 2: "failed"})
    box = ScriptedBox(*scripts)
    assert votes(box, mode=Mode.EDIT) == (True, True, False)
    assert [job.entry for job in box.jobs] == ["oracle", "pytest"]
    assert [len(job.payload["select"]) for job in box.jobs] == [3, 2]


def test_a_candidate_that_a_check_cannot_even_import_fails_it():
    box = ScriptedBox({0: "passed", 1: "passed", "broken": [2]}, {"broken": [2]})
    assert votes(box, mode=Mode.EDIT) == (True, True, False)


def test_what_our_side_lost_says_nothing():
    assert votes(ScriptedBox({"ended": Ended.LOST}), mode=Mode.EDIT) == (None, None, None)


def test_who_forges_the_report_passes_nothing():
    box = ScriptedBox({0: "passed", 1: "passed", 2: "passed", "forged": True})
    assert votes(box, mode=Mode.EDIT) == (False, False, False)


def test_who_ends_the_session_fails_the_check_that_it_ended():
    assert votes(ScriptedBox({0: "passed", "died": True}), mode=Mode.EDIT) == (True, False, None)


def test_a_skipped_check_says_nothing():
    assert votes(ScriptedBox({0: "passed", 1: "skipped", 2: "passed"}), mode=Mode.EDIT) == (True, None, True)


def test_a_patch_that_may_not_be_passes_nothing_and_never_runs():
    box = ScriptedBox({0: "passed", 1: "passed", 2: "passed"})
    patch = patch_of(FileChange(path="lib/other.py", before=b"x = 1\n", after=b"x = 2\n"))
    assert votes(box, patch, mode=Mode.EDIT) == (False, False, False)
    assert box.jobs == []


def test_the_checks_lie_where_no_file_of_the_project_does_and_are_the_judges_alone():
    box = ScriptedBox({0: "passed", 1: "passed", 2: "passed"})
    votes(box, mode=Mode.EDIT)
    (job,) = box.jobs
    new = set(job.tree.paths()) - FILES.keys()
    assert new == {f"written_checks_/test_written_{at}.py" for at in range(3)} == set(job.judged)
    assert new <= set(job.sealed)


def test_no_checks_no_job():
    box = ScriptedBox({})
    assert votes(box, checks=()) == ()
    assert box.jobs == []


@pytest.fixture(scope="module", params=[pytest.param("docker", marks=pytest.mark.docker)])
def verifier(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    flags = {"sandbox.backend": request.param, "sandbox.slots": 1, "journal": str(Path(home) / "journal.sqlite")}
    config = load_config(environment={"HOME": str(home)}, flags=flags)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        session = runner.run(stack.enter_async_context(open_session(config, {}, lambda text: None)))
        try:
            yield lambda *args: runner.run(session.verifier.vote(*args))
        finally:
            runner.run(stack.aclose())


PROPERTY = """from hypothesis import Phase, given, settings, strategies as st
from lib.numbers import second


@settings(max_examples=50, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(st.lists(st.integers(), min_size=2, unique=True))
def test_sorted(numbers):
    assert second(numbers) == sorted(numbers)[1]
"""
REAL = (
    *THREE,
    *written("assert second is not None"),
    *written(
        "with pytest.raises(IndexError):\n        second([1])",
        imports="import pytest\nfrom lib.numbers import second\n",
    ),
    *written(
        "assert second([0.1, 0.2]) == pytest.approx(0.2)",
        imports="import pytest\nimport lib.numbers\nsecond = lib.numbers.second\n",
    ),
    WrittenCheck(author="m", name="test_sorted", code=PROPERTY, sentence="s", is_property=True),
)
CANDIDATES = {
    "right": ("return sorted(set(numbers))[1]", (True, True, True, None, True, True, True)),
    "equal ones": ("return sorted(numbers)[1]", (True, True, False, None, True, True, True)),
    "last": ("return numbers[-1]", (True, True, True, None, False, True, False)),
    "none": ("return None", (False, False, False, None, False, False, False)),
    "hangs": ("\n    while True: pass", (False, False, False, None, False, False, False)),
    "ends": ("\n    import os; os._exit(0)", (False, False, False, None, False, False, False)),
}


@pytest.mark.parametrize("name", CANDIDATES)
def test_votes_in_a_real_box(verifier, name):
    body, expected = CANDIDATES[name]
    told = verifier(task(), BASELINE, candidate(edit(f"def second(numbers):\n    {body}\n")), REAL)
    assert told == expected


@pytest.mark.docker
def test_an_untouched_tree_votes_too(verifier):
    told = verifier(replace(task(), mode=Mode.EDIT), BASELINE, candidate(EMPTY_PATCH), REAL)
    assert told == (False, False, False, True, False, False, False)
