"""How hard checks look, over real boxes of both kinds: weak checks against strong ones, on the same candidate."""

import asyncio

import pytest

from moa_code.config import load_config
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.patch import FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.propose.mutate.mutants import mutants
from moa_code.wiring.session import open_session

BACKENDS = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bubblewrap", marks=pytest.mark.bwrap),
]
STUB = b"def largest(values, limit):\n    raise NotImplementedError\n"
GOOD = b'''def largest(values, limit):
    """The largest value that is not above the limit; None where there is none."""
    best = None
    for value in values:
        if value > limit:
            continue
        if best is None or value > best:
            best = value
    if limit < 0:
        return None
    while best is not None and best > limit:
        best -= 1
    return best
'''
WEAK = "from a import largest\n\n\ndef test_one():\n    assert largest([1, 2], 9) is not None\n"
STRONG = """from a import largest


def test_in_order():
    assert largest([1, 2, 3], 9) == 3


def test_out_of_order():
    assert largest([5, 2, 3], 9) == 5


def test_at_the_limit():
    assert largest([1, 2, 3], 2) == 2


def test_above_the_limit_first():
    assert largest([7, 1], 2) == 1


def test_none():
    assert largest([7], 2) is None


def test_nothing():
    assert largest([], 2) is None
"""


def task(kind, checks):
    return Task(
        task_id=TaskId("t"),
        mode=Mode.IMPLEMENT,
        instruction="",
        tree=MemorySnapshot(files={"a.py": STUB, "checks/test_a.py": checks.encode()}),
        checks=Checks(kind=kind, targets=("checks/test_a.py",)),
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_strong_checks_notice_more_than_weak_ones(tmp_path, backend):
    config = load_config(
        environment={"HOME": str(tmp_path)},
        flags={"sandbox.backend": backend, "sandbox.slots": 2, "journal": str(tmp_path / "j.sqlite")},
    )
    patch = patch_of(FileChange(path="a.py", before=STUB, after=GOOD))
    candidate = Candidate(candidate_id="c", patch=patch, origin=Origin(author="a", role="user"))
    made = mutants(task(CheckKind.ORACLE, WEAK), patch)

    async def run():
        async with open_session(config, {"HOME": str(tmp_path)}, lambda text: None) as session:
            found = {}
            for kind in (CheckKind.PYTEST, CheckKind.ORACLE):
                for checks in (WEAK, STRONG):
                    one = task(kind, checks)
                    baseline = (await session.verifier.baseline(one)).baseline
                    assert (await session.verifier.verify(one, baseline, candidate)).passed
                    found[kind, checks] = await session.verifier.strength(one, baseline, candidate, made, seconds=60)
            return found

    found = asyncio.run(run())
    assert len(made) >= 20
    for kind in (CheckKind.PYTEST, CheckKind.ORACLE):
        weak, strong = found[kind, WEAK], found[kind, STRONG]
        assert (weak.tried, strong.tried, weak.note, strong.note) == (len(made), len(made), "", "")
        assert weak.killed <= 0.4 * len(made)
        assert strong.killed >= 0.65 * len(made)
        assert weak.unexercised == {"a.py": (6, 10, 12)}
        assert strong.unexercised == {"a.py": (10, 12)}
