"""A small pytest task, candidates whose verdict is known beforehand, and a sandbox that counts its jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from moa_code.core.box import BoxInfo, Job, Observation
from moa_code.core.candidate import Candidate, CandidateId, Origin
from moa_code.core.patch import FileChange, Patch
from moa_code.core.ports import Sandbox
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.core.verdict import Outcome

BEFORE = b"def total(prices, taxes):\n    return sum(prices)\n"
TESTS = b"""from shop import total


def test_adds_prices():
    assert total([1, 2], []) == 3


def test_adds_taxes():
    assert total([1, 2], [1]) == 4


def test_nothing_costs_nothing():
    assert total([], []) == 0
"""


def small_task() -> Task:
    return Task(
        task_id=TaskId("small"),
        mode=Mode.FIX,
        instruction="",
        tree=MemorySnapshot(files={"shop.py": BEFORE, "tests/test_shop.py": TESTS}),
        checks=Checks(kind=CheckKind.PYTEST, targets=("tests",)),
        rules=EditRules(protected=("tests/**",)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A candidate and the verdict it must get."""

    candidate: Candidate
    outcome: Outcome
    kind: str


KINDS: dict[str, tuple[Outcome, str]] = {
    "right": (Outcome.PASSED, "def total(prices, taxes):\n    a{n} = sum(prices) + sum(taxes)\n    return a{n}\n"),
    "wrong": (Outcome.FAILED, "def total(prices, taxes):\n    return sum(prices) + len(taxes) * {n} + 2\n"),
    "regresses": (Outcome.FAILED, "def total(prices, taxes):\n    return (sum(prices) or -{n} - 1) + sum(taxes)\n"),
    "raises": (Outcome.FAILED, "def total(prices, taxes):\n    raise ValueError({n})\n"),
    "syntax": (Outcome.FAILED, "def total(prices, taxes:\n    return {n}\n"),
    "undefined": (Outcome.FAILED, "def total(prices, taxes):\n    return sum(prices) + sum(tax{n})\n"),
    "leaves at import": (Outcome.FAILED, "import os\n\nos._exit({n} % 3)\n"),
    "skips": (Outcome.FAILED, "import pytest\n\npytest.skip('{n}', allow_module_level=True)\n"),
    "forks and leaves": (
        Outcome.FAILED,
        "import os\nimport time\n\nfor _ in range(3):\n    if not os.fork():\n        time.sleep({n} + 60)\n\n\n"
        "def total(prices, taxes):\n    return 0\n",
    ),
    "deep": (Outcome.FAILED, "N = {n}\nx = " + "(" * 5000 + "\n"),
    "many findings": (Outcome.FAILED, "".join(f"import m{i}\n" for i in range(300)) + "N = {n}\n"),
    "talks": (Outcome.FAILED, "print('{n} ' * 9000)\n\n\ndef total(prices, taxes):\n    return 0\n"),
    "shouts": (Outcome.OVER_LIMIT, "N = {n}\nprint('x' * 400000)\n\n\ndef total(prices, taxes):\n    return 0\n"),
    "long message": (Outcome.FAILED, "def total(prices, taxes):\n    raise ValueError('{n} ' * 9000)\n"),
    "spins": (Outcome.TIMED_OUT, "def total(prices, taxes):\n    while True:\n        prices = [{n}]\n"),
    "hoards": (Outcome.OVER_LIMIT, "HELD = [bytearray(1 << 20) for _ in range(4000 + {n})]\n"),
}
"""What a candidate does, the verdict it must get, and its text, in which a number makes each one distinct."""

CHEAP = tuple(kind for kind in KINDS if kind not in ("spins", "hoards"))
"""Those that cost no more than an honest failure. The others use up a limit, or a box."""


def known(kind: str, number: int) -> Known:
    outcome, text = KINDS[kind]
    patch = Patch(changes=(FileChange(path="shop.py", before=BEFORE, after=text.replace("{n}", str(number)).encode()),))
    name = CandidateId(f"{kind}-{number}")
    return Known(
        candidate=Candidate(candidate_id=name, patch=patch, origin=Origin(author="bench", role="user")),
        outcome=outcome,
        kind=kind,
    )


def mixed(count: int, kinds: tuple[str, ...] = CHEAP, *, first: int = 0) -> list[Known]:
    """`count` distinct candidates, every other one right."""
    return [known("right" if n % 2 else kinds[n // 2 % len(kinds)], first + n) for n in range(count)]


class Counting:
    """A sandbox that counts the jobs it passes on, by their entry."""

    def __init__(self, inner: Sandbox) -> None:
        self.inner = inner
        self.jobs: Counter[str] = Counter()

    @property
    def info(self) -> BoxInfo:
        return self.inner.info

    @property
    def slots(self) -> int:
        return self.inner.slots

    async def open(self) -> None:
        await self.inner.open()

    async def run(self, job: Job) -> Observation:
        self.jobs[job.entry] += 1
        return await self.inner.run(job)

    async def run_fresh(self, job: Job) -> Observation:
        self.jobs[job.entry] += 1
        return await self.inner.run_fresh(job)

    async def aclose(self) -> None:
        await self.inner.aclose()

    def since(self, before: Counter[str]) -> Callable[[str], int]:
        return lambda entry: self.jobs[entry] - before[entry]
