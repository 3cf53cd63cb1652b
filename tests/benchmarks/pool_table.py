"""Every recorded answer as a candidate with its verdict and its grades: what all policies of the pool choose from."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pool_cells import Cell, Line
from pool_judge import RememberingJudge

from moa_code.context.pack import pack
from moa_code.core.brief import Baseline, Brief
from moa_code.core.calls import CallRecord
from moa_code.core.candidate import Candidate, CandidateId, Draft, Origin
from moa_code.core.patch import Patch
from moa_code.edits.reply import EditFormat
from moa_code.models.recorded import RecordedModel
from moa_code.propose.llm import LlmProposer
from moa_code.propose.writer import LlmWriter, WriterSettings
from moa_code.suites.loaded import LoadedTask

IMPORTS = (
    "import bisect\nimport collections\nimport copy\nimport datetime\nimport functools\nimport hashlib\nimport heapq\n"
    "import itertools\nimport math\nimport operator\nimport random\nimport re\nimport statistics\nimport string\n"
    "import sys\n"
    "from bisect import bisect_left, bisect_right\nfrom collections import Counter, defaultdict, deque\n"
    "from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union\n\n"
)
"""The publishers of these answers ran each after a list of imports, and some rely on it: without one, 15 right answers
of 1,500 fail for want of `import math` and the like."""

T = TypeVar("T")
TOLD_EVERY = 8
"""Tasks."""


async def build(
    tasks: Sequence[LoadedTask], recorded: RecordedModel, judge: RememberingJudge, *, at_once: int
) -> tuple[Line, ...]:
    """The table, one line a task, in order. Asks boxes for what the store does not know."""
    lines = await _all("verified", tasks, lambda loaded: _line(loaded, recorded, judge), judge, at_once)
    lines = await _all("weighed", lines, lambda line: _weighed(line, judge), judge, at_once)
    return await _all("graded", lines, lambda line: _with_plus(line, judge), judge, at_once)


async def _all(
    word: str,
    things: Sequence[T],
    work: Callable[[T], Awaitable[Line]],
    judge: RememberingJudge,
    at_once: int,
) -> tuple[Line, ...]:
    """`work` on each, so many at once."""
    places = asyncio.Semaphore(at_once)
    done = 0

    async def one(thing: T) -> Line:
        nonlocal done
        async with places:
            line = await work(thing)
        done += 1
        if judge.asked and (done % TOLD_EVERY == 0 or done == len(things)):
            print(f"{word} {done} of {len(things)} tasks", file=sys.stderr, flush=True)
        return line

    return tuple(await asyncio.gather(*(one(thing) for thing in things)))


async def _weighed(line: Line, judge: RememberingJudge) -> Line:
    """The same line; the judge knows then how all that passes behaves together."""
    task, baseline = line.loaded.task, line.baseline
    passing = {
        cell.draft.patch.sha256: _candidate(cell.author, cell.draft.patch)
        for cell in line.cells.values()
        if cell.passed and cell.draft.patch is not None
    }
    if passing:
        await judge.distinguish(task, baseline, list(passing.values()))
    return line


def _candidate(author: str, patch: Patch) -> Candidate:
    return Candidate(candidate_id=CandidateId(author), patch=patch, origin=Origin(author=author, role="proposer"))


async def _with_plus(line: Line, judge: RememberingJudge) -> Line:
    """The line with the stricter grades, where that suite was loaded."""
    if line.loaded.stricter is None:
        return line
    cells = {}
    for author, cell in line.cells.items():
        plus = cell.right and cell.draft.patch is not None and await judge.plus(line.loaded, cell.draft.patch)
        cells[author] = replace(cell, plus=plus)
    return replace(line, cells=cells)


async def _line(loaded: LoadedTask, recorded: RecordedModel, judge: RememberingJudge) -> Line:
    baseline = await judge.baseline(loaded.task)
    brief = Brief(task=loaded.task, baseline=baseline)
    cells = {}
    for author in recorded.names:
        calls: list[CallRecord] = []
        draft = await _draft(author, recorded, brief, calls)
        cells[author] = await _cell(author, draft, loaded, baseline, judge, calls)
    return Line(loaded=loaded, baseline=baseline, cells=cells)


async def _draft(author: str, recorded: RecordedModel, brief: Brief, calls: list[CallRecord]) -> Draft:
    """The author's recorded reply, read as any model's is."""
    writer = LlmWriter(author, recorded, record=calls.append, settings=WriterSettings(asks_again=False))
    proposer = LlmProposer(writer, pack, edit_format=EditFormat.FUNCTION)
    drafts = [draft async for draft in proposer.drafts(brief)]
    return next((draft for draft in reversed(drafts) if draft.patch is not None), drafts[-1])


async def _cell(
    author: str,
    draft: Draft,
    loaded: LoadedTask,
    baseline: Baseline,
    judge: RememberingJudge,
    calls: Sequence[CallRecord],
) -> Cell:
    used = [call.usage.completion_tokens for call in calls]
    tokens = None if not used or None in used else sum(count or 0 for count in used)
    if draft.patch is None:
        return Cell(author=author, draft=draft, verdict=None, right=False, plus=False, tokens=tokens)
    verdict = await judge.verify(loaded.task, baseline, _candidate(author, draft.patch))
    right = await judge.right(loaded, draft.patch)
    return Cell(author=author, draft=draft, verdict=verdict, right=right, plus=False, tokens=tokens)


def cells_of(lines: Sequence[Line], author: str) -> Iterator[Cell]:
    return (line.cells[author] for line in lines)


def recording(data: Path) -> Path:
    return data / "recordings" / "humaneval.jsonl.gz"
