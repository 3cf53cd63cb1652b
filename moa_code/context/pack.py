"""Fill a budget of tokens with what is worth most for a task: failures, suspects, failing tests, then the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from moa_code.context.outline import Outline, outline
from moa_code.core.brief import Baseline
from moa_code.core.calls import Packed, Slice
from moa_code.core.task import Task
from moa_code.core.verdict import CheckResult
from moa_code.edits.policy import may_edit
from moa_code.prompts.compose import fenced
from moa_code.prompts.failure import failure_text
from moa_code.prompts.tokens import estimate_tokens

FAILURES_SHARE = 0.3  # of the budget: failure texts repeat themselves sooner than code does
FAILURE_TOKENS = 500  # of one check
OVERVIEW_SHARE = 0.2  # for one file at first: its signatures may not fill the room that several files' could share
MAX_FILE_BYTES = 400_000  # beyond, a file is data, unless a suspect or a failing test is in it
MAX_SUSPECT_BYTES = 5_000_000
MAX_REMEMBERED_CHARS = 60_000
MAX_FILES = 300  # looked at; beyond, a path in the list is all a file gets
LISTED_PATHS = 100
CALLERS = 20  # of suspects, in a focused slice
SUSPECTS = 12  # further ones are noise: ranks beyond the tenth rarely hold the fault

_TEXT = (".md", ".txt", ".rst", ".toml", ".cfg", ".ini", ".json", ".yaml", ".yml", ".csv")


@dataclass(slots=True)
class _File:
    """One file on its way in: what it can show at each level, and the level it has reached."""

    path: str
    read_only: bool
    source: str
    outline: Outline
    focus: set[int] = field(default_factory=set)  # lines of suspects or failing tests
    is_test: bool = False
    text: str = ""  # as chosen so far; empty is not shown

    def essence(self) -> str:
        """The suspects' functions or the failing tests alone; empty without any."""
        return self._part(self.focus)

    def overview(self) -> str:
        """The essence among the file's signatures. A test's other tests are left out."""
        return self._part(self.focus | (set() if self.is_test else self.outline.skeleton))

    def whole(self) -> str:
        return self.source

    def _part(self, lines: set[int]) -> str:
        text = self.outline.text(lines) if lines else ""
        return text if len(text) < len(self.source) else self.source

    def block(self, text: str) -> str:
        note = " (read only)" if self.read_only else ""
        part = "" if text == self.source else " (in part)"
        return f"{self.path}{note}{part}\n{fenced(text, 'python' if self.path.endswith('.py') else '')}\n"


_PASSES = ((_File.essence, 1.0), (_File.overview, OVERVIEW_SHARE), (_File.overview, 1.0), (_File.whole, 1.0))


class _Room:
    """What is left of the budget."""

    def __init__(self, tokens: int) -> None:
        self.left = tokens

    def take(self, text: str, instead_of: str = "") -> bool:
        """Pay for `text`, giving back what it replaces; False and nothing happens when it does not fit."""
        more = estimate_tokens(text) - estimate_tokens(instead_of)
        if more > self.left:
            return False
        self.left -= more
        return True


def pack(task: Task, baseline: Baseline, *, max_tokens: int, slice_: Slice = Slice.FULL) -> Packed:
    """The text of a task's tree for a model, within `max_tokens` by our estimate.

    By value: failure texts; suspects' functions; failing tests; signatures around the suspects; signatures of other
    files; then, while they fit, whole files in the same order; last a list of the paths left out. A focused slice is
    the full one where nothing is suspect.
    """
    room = _Room(max_tokens)
    failures = _failures(baseline.failing, int(max_tokens * FAILURES_SHARE))
    if not (failures and room.take(failures)):
        failures = ""
    files = _files(task, baseline, tests_first=slice_ is Slice.TESTS_FIRST)
    focused = slice_ is Slice.FOCUSED and bool(baseline.suspects)
    if focused:
        _focus_on_callers(files, baseline)
    for choose, share in _PASSES[:1] if focused else _PASSES:
        for file in files:
            text = choose(file)
            if text and text != file.text and estimate_tokens(text) <= max_tokens * share:
                old = file.block(file.text) + "\n" if file.text else ""
                if room.take(file.block(text) + "\n", old):
                    file.text = text
    shown = [file for file in files if file.text]
    parts = [file.block(file.text) for file in shown]
    paths = {file.path for file in shown}
    listed = _listing([path for path in task.tree.paths() if path not in paths])
    if listed and room.take(listed + "\n"):
        parts.append(listed)
    text = "\n".join(([failures] if failures else []) + parts)
    return Packed(text=text, shown=tuple(file.path for file in shown), tokens=estimate_tokens(text))


def _focus_on_callers(files: list[_File], baseline: Baseline) -> None:
    """Add the functions that call a suspect to what is in focus, by name alone: no import is followed."""
    names: set[str] = set()
    for file in files:
        for suspect in baseline.suspects[:SUSPECTS]:
            if suspect.path == file.path:
                for one in file.outline.definitions:
                    if one.first <= suspect.last_line and suspect.first_line <= one.last:
                        *owner, last = one.name.split(".")
                        names.add(owner[-1] if last == "__init__" and owner else last)
    if not names:
        return
    called = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\s*\(")
    left = CALLERS
    for file in files:
        for one in file.outline.definitions:
            body = "\n".join(file.outline.lines[one.body - 1 : one.last])
            if left and one.first not in file.focus and called.search(body):
                file.focus |= set(range(one.first, one.last + 1))
                left -= 1


def _failures(failing: tuple[CheckResult, ...], max_tokens: int) -> str:
    """Failing checks under their texts; a text that several share is said once."""
    by_detail: dict[str, list[CheckResult]] = {}
    for result in failing:
        by_detail.setdefault(failure_text(result.detail, FAILURE_TOKENS), []).append(result)
    parts: list[str] = []
    left = max_tokens
    for detail, results in by_detail.items():
        names = "\n".join(f"- {r.check_id} ({r.outcome.value})" for r in results[:20])
        more = f"\n- and {len(results) - 20} more with the same text" if len(results) > 20 else ""
        part = f"{names}{more}\n" + (f"{fenced(detail)}\n" if detail else "")
        left -= estimate_tokens(part)
        if left < 0 and parts:
            parts.append(
                f"- and {len(failing) - sum(map(len, list(by_detail.values())[: len(parts)]))} more failing checks\n"
            )
            break
        parts.append(part)
    return "Failing checks:\n" + "".join(parts) if parts else ""


def _files(task: Task, baseline: Baseline, *, tests_first: bool) -> list[_File]:
    """The files worth reading, most valuable first: suspects by score, failing tests, mentioned ones, then by path.

    `tests_first` has failing tests before suspects.
    """
    scores: dict[str, float] = {}
    for suspect in baseline.suspects[:SUSPECTS]:
        scores[suspect.path] = max(scores.get(suspect.path, 0.0), suspect.score)
    tests: dict[str, set[str]] = {}
    for result in baseline.failing:
        path, _, name = result.check_id.partition("::")
        tests.setdefault(path, set()).add(re.sub(r"\[.*\Z", "", name, flags=re.DOTALL).replace("::", "."))
    words = task.instruction + "\n" + "\n".join(result.detail for result in baseline.failing)

    def rank(path: str) -> tuple[int, float, str]:
        if path in scores:
            return (0, -scores[path], path)
        if path in tests:
            return (-1 if tests_first else 1, 0.0, path)
        protected = _read_only(task, path)
        mentioned = path in words or path == f"{task.entry_point}.py"
        kind = 0 if path.endswith(".py") else 4
        return (2 + kind + (0 if mentioned else 1) + (2 if protected else 0), 0.0, path)

    readable = [p for p in task.tree.paths() if p.endswith((".py", *_TEXT)) or p in scores]
    files: list[_File] = []
    for path in sorted(readable, key=rank)[:MAX_FILES]:
        source = _source(task, path, MAX_SUSPECT_BYTES if path in scores or path in tests else MAX_FILE_BYTES)
        if source is None:
            continue
        seen = (
            _outline(source)
            if path.endswith(".py")
            else Outline(lines=tuple(source.splitlines()), definitions=(), skeleton=frozenset(), parsed=False)
        )
        file = _File(path=path, read_only=_read_only(task, path), source=source, outline=seen)
        for suspect in baseline.suspects[:SUSPECTS]:
            if suspect.path == path:
                file.focus |= seen.around(suspect.first_line, suspect.last_line)
        if path in tests and path not in scores:
            file.is_test = True
            file.focus |= {line for name in tests[path] for line in seen.named(name)}
        files.append(file)
    return files


def _outline(source: str) -> Outline:
    return _remembered(source) if len(source) <= MAX_REMEMBERED_CHARS else outline(source)


@lru_cache(maxsize=MAX_FILES)
def _remembered(source: str) -> Outline:
    """Every letter of a run is about the same tree, and parsing it takes most of the time that a letter takes."""
    return outline(source)


def _read_only(task: Task, path: str) -> bool:
    rules = task.rules
    return not may_edit(path, rules)


def _source(task: Task, path: str, max_bytes: int) -> str | None:
    """The text of a file; None for what is not text, is empty or is too large to be code."""
    data = task.tree.read(path)
    if not data.strip() or len(data) > max_bytes or b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _listing(paths: list[str]) -> str:
    if not paths:
        return ""
    more = f"\n- and {len(paths) - LISTED_PATHS} more" if len(paths) > LISTED_PATHS else ""
    return "Files not shown:\n" + "\n".join(f"- {path}" for path in paths[:LISTED_PATHS]) + more + "\n"
