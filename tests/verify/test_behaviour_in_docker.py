"""Candidates told apart in real boxes: honest ones, crashing ones, and ones that want the others' answers."""

import asyncio
from itertools import pairwise

import pytest

from moa_code.config import load_config
from moa_code.core.behaviour import AnswerKind
from moa_code.core.brief import Baseline
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.evidence.clusters import clusters, differences, suspicious
from moa_code.verify.verifier import Verifier
from moa_code.wiring.session import open_session

TWELVE_CPU_S = 0.6  # for twelve candidates and fifty inputs; 0.09 to 0.11 s were measured


@pytest.fixture(
    params=[pytest.param("docker", marks=pytest.mark.docker), pytest.param("bubblewrap", marks=pytest.mark.bwrap)]
)
def distinguish(request, tmp_path):
    """What `Verifier.distinguish` says of a task and modules by candidate, laid over its file `path`."""
    config = load_config(
        environment={"HOME": str(tmp_path)},
        flags={"sandbox.backend": request.param, "sandbox.slots": 1, "journal": str(tmp_path / "j.sqlite")},
    )

    def asked(task, path, modules):
        before = task.tree.read(path)
        candidates = [
            Candidate(
                candidate_id=CandidateId(name),
                patch=patch_of(FileChange(path=path, before=before, after=text.encode())),
                origin=Origin(author=name, role="proposer"),
            )
            for name, text in modules.items()
        ]

        async def run():
            async with open_session(config, {}, lambda text: None) as session:
                return await Verifier(session.sandbox).distinguish(task, Baseline(results=()), candidates)

        return asyncio.run(run())

    return asked


def task_of(files, kind, targets, **others):
    return Task(
        task_id=TaskId("t"),
        mode=Mode.FIX,
        instruction="",
        tree=MemorySnapshot(files={path: text.encode() for path, text in files.items()}),
        checks=Checks(kind=kind, targets=targets),
        **others,
    )


STUB = '''from typing import List


def has_close_elements(numbers: List[float], threshold: float) -> bool:
    """ Check if in given list of numbers, are any two numbers closer to each other than given threshold.
    >>> has_close_elements([1.0, 2.0, 3.0], 0.5)
    False
    >>> has_close_elements([1.0, 2.8, 3.0, 4.0, 5.0, 2.0], 0.3)
    True
    """
'''
PAIRS = STUB + "    return any(abs(a - b) < threshold for i, a in enumerate(numbers) for b in numbers[i + 1:])\n"
SORTED = STUB + "    s = sorted(numbers)\n    return any(b - a < threshold for a, b in zip(s, s[1:]))\n"
NEXT = STUB + "    return any(abs(a - b) < threshold for a, b in zip(numbers, numbers[1:]))\n"
HANGS = STUB + "    while len(numbers) > 3:\n        pass\n    return False\n"
DIES = STUB + "    import os\n    if len(numbers) > 3: os.kill(os.getpid(), 9)\n    return False\n"
SPIES = (
    STUB
    + """    import glob, os
    for name in glob.glob("/proc/[0-9]*/fd/*") + glob.glob("/proc/[0-9]*/mem"):
        if f"/{os.getpid()}/" not in name and "/self/" not in name:
            try:
                with open(name, "r+b", buffering=0) as stream:
                    stream.write(b"forged\\\\n")
                    return "open"
            except OSError:
                pass
    return "shut"
"""
)


def test_functions_with_docstring_examples_are_told_apart(distinguish):
    task = task_of(
        {
            "solution.py": STUB,
            "visible_tests/test_v.py": "from solution import *\n\nassert not has_close_elements([1.0, 2.0], 0.5)\n",
        },
        CheckKind.ORACLE,
        ("visible_tests/test_v.py",),
        entry_point="has_close_elements",
    )
    found = distinguish(
        task,
        "solution.py",
        {"pairs": PAIRS, "dies": DIES, "next": NEXT, "hangs": HANGS, "spies": SPIES, "sorted": SORTED, "again": PAIRS},
    )
    assert found.note == ""
    assert 30 <= len(found.calls) <= 60
    assert found.answers["pairs"] == found.answers["sorted"] == found.answers["again"]
    assert {answer.text for answer in found.answers["spies"]} == {"'shut'"}
    assert AnswerKind.DIED in {answer.kind for answer in found.answers["dies"]}
    assert AnswerKind.TIMED_OUT in {answer.kind for answer in found.answers["hangs"]}
    assert suspicious(found, "pairs") == 0
    assert suspicious(found, "hangs") > 0.3 < suspicious(found, "dies")
    good = clusters(found, ["pairs", "sorted", "next"])
    assert [cluster.members for cluster in good] == [("pairs", "sorted"), ("next",)]
    first = differences(found, good)[0]
    assert not first.edge
    assert [answer.text for answer in first.answers] == ["True", "False"]


def test_who_wrecks_the_job_is_left_out_and_nobody_else(distinguish):
    task = task_of({"solution.py": STUB}, CheckKind.ORACLE, (), entry_point="has_close_elements")
    kills = STUB + "    import os\n    os.kill(os.getppid(), 9)\n    return True\n"
    bombs = STUB + "    import os\n    while True:\n        os.fork()\n"
    eats = STUB + "    return len([0] * 10 ** 10)\n"
    found = distinguish(
        task, "solution.py", {"first": PAIRS, "kills": kills, "bombs": bombs, "eats": eats, "last": SORTED}
    )
    assert {"first", "last", "eats"} <= set(found.answers)
    assert "kills" not in found.answers
    assert "a candidate ended the job" in found.note
    assert found.answers["first"] == found.answers["last"]
    assert {answer.kind for answer in found.answers["eats"]} == {AnswerKind.RAISED}
    assert AnswerKind.VALUE not in {answer.kind for answer in found.answers.get("bombs", ())}


BISECT = '''"""Looking things up."""


def position(items, wanted):
    """Where `wanted` stands in the sorted list `items`, else -1."""
    low, high = 0, len(items) - 1
    while low <= high:
        middle = (low + high) // 2
        if items[middle] == wanted:
            return middle
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1
'''
TEST = """import pytest

from shop.lookup import position


@pytest.mark.parametrize(("items", "wanted", "expected"), [([1, 3, 5], 3, 1), ([2, 4, 6, 8], 8, 3), ([1, 2, 9], 7, -1)])
def test_position(items, wanted, expected):
    assert position(items, wanted) == expected
"""


def test_functions_of_a_package_under_src_are_asked_inside_their_precondition(distinguish):
    task = task_of(
        {"src/shop/__init__.py": "", "src/shop/lookup.py": BISECT, "tests/test_lookup.py": TEST},
        CheckKind.PYTEST,
        ("tests",),
    )
    linear = BISECT.partition("    low, high")[0] + "    return items.index(wanted) if wanted in items else -1\n"
    wrong = BISECT.replace("low <= high", "low < high")
    found = distinguish(
        task, "src/shop/lookup.py", {"bisect": BISECT + "# the same\n", "linear": linear, "wrong": wrong}
    )
    lists = [eval(call.removeprefix("position"))[0] for call in found.calls]
    assert all(a <= b for items in lists for a, b in pairwise(items)), "at the edge too"
    assert [cluster.members for cluster in clusters(found)][-1] == ("wrong",)
    told = differences(found, most=3)
    assert told
    assert all("-1" in {answer.text for answer in one.answers} for one in told)


def test_twelve_candidates_cost_no_more_than_a_check(distinguish, monkeypatch):
    """CPU time, so that a loaded machine decides nothing."""
    from moa_code.verify.turns import Turns

    spent = []
    run = Turns.run

    async def counted(self, job, **others):
        seen = await run(self, job, **others)
        spent.append(seen.cpu_s)
        return seen

    monkeypatch.setattr(Turns, "run", counted)
    task = task_of({"solution.py": STUB}, CheckKind.ORACLE, (), entry_point="has_close_elements")
    found = distinguish(task, "solution.py", {str(n): PAIRS + f"# {n}\n" for n in range(12)})
    assert len(found.answers) == 12
    assert len(clusters(found)) == 1
    assert len(spent) == 1
    assert spent[0] < TWELVE_CPU_S
    print(f"12 candidates, {len(found.calls)} inputs: {1000 * spent[0]:.0f} ms of CPU")
