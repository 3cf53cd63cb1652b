"""`builtin:mutate` as a proposer: from a brief to drafts, from verdicts to a better order."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath

from moa_code.core.brief import Baseline, Brief, Suspect
from moa_code.core.candidate import Candidate, Draft
from moa_code.core.patch import FileChange, Patch
from moa_code.core.task import EditRules
from moa_code.core.verdict import CheckOutcome, Outcome, Verdict
from moa_code.propose.mutate.ingredients import harvest
from moa_code.propose.mutate.mutant import Mutant
from moa_code.propose.mutate.ranking import standing
from moa_code.propose.mutate.search import Lesson, Search
from moa_code.propose.mutate.source import decode
from moa_code.propose.mutate.symptoms import emphasis

NAME = "builtin:mutate"
_MOST_HARVESTED = 200  # files beyond the suspect ones that are read for attributes and signatures
_AT_IMPORT = 0.5  # of the likeliest line's suspicion
_MOST_CHARACTERS = 200_000  # larger files are generated ones, and slow to parse


class MutateProposer:
    """Drafts single-file repairs by search over syntax-tree edits, likeliest first. One search at a time.

    `observe` matches candidates to drafts by the patch's hash; candidates of others are ignored.
    """

    def __init__(self) -> None:
        self._search: Search | None = None
        self._baseline: Baseline | None = None
        self._pending: dict[str, Mutant] = {}
        self._plausible: list[Mutant] = []

    @property
    def name(self) -> str:
        return NAME

    @property
    def plausible(self) -> tuple[Mutant, ...]:
        """Mutants that passed, in the order observed; `ranking.rank_plausible` chooses among them."""
        return tuple(self._plausible)

    async def drafts(self, brief: Brief) -> AsyncIterator[Draft]:
        """Drafts for the brief's suspect files, thousands, lazily. One lost draft where there is nothing to search."""
        originals, files, encodings = _readable(brief)
        suspects = tuple(s for s in brief.baseline.suspects if s.path in files)
        suspects += import_time(files, suspects)
        if not suspects or (brief.baseline.suspects and not any(s.path in files for s in brief.baseline.suspects)):
            reason = "no editable Python file has a suspicious line"
            if brief.baseline.suspects:
                reason += f"; the checks execute {', '.join(sorted({s.path for s in brief.baseline.suspects})[:5])}"
            yield Draft(author=NAME, lost=reason)
            return
        editable = {path: files[path] for path in {s.path for s in suspects}}
        search = Search(
            editable,
            suspects,
            harvest(files, _tests(brief)),
            hung=bool(brief.baseline.hung),
            emphasis=emphasis(r.detail for r in brief.baseline.failing),
        )
        self._search, self._baseline, self._pending, self._plausible = search, brief.baseline, {}, []
        for mutant in search:
            try:
                after = mutant.after.encode(encodings[mutant.path])
            except UnicodeEncodeError:
                continue  # a borrowed text that this file's encoding lacks
            patch = Patch(changes=(FileChange(path=mutant.path, before=originals[mutant.path], after=after),))
            self._pending[patch.sha256] = mutant
            note = f"{mutant.operator}: {mutant.path}:{mutant.line}: {mutant.description}"
            yield Draft(author=NAME, patch=patch, note=note, prior=standing(mutant))

    def observe(self, candidate: Candidate, verdict: Verdict) -> None:
        """Learn from one verdict. Inconclusive ones, and candidates of other authors, teach nothing."""
        mutant = self._pending.pop(candidate.patch.sha256, None)
        if mutant is None or self._search is None or self._baseline is None:
            return
        if verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.REJECTED):
            return
        if verdict.passed:
            self._plausible.append(mutant)
        self._search.learn(mutant, lesson(self._baseline, verdict))


def import_time(files: Mapping[str, str], suspects: Sequence[Suspect]) -> tuple[Suspect, ...]:
    """Faint suspects: the lines that ran at import, before any check, in files where no other line is suspect.

    With `suspects` only in files that those import, directly or not; without any, in all files.
    """
    top = max((s.score for s in suspects), default=1.0)
    reached = {s.path for s in suspects}
    names = {module_name(path): path for path in files}
    waiting, known = list(reached), set(reached)
    while waiting:
        for name in imported(files[waiting.pop()]):
            path = next((p for n, p in names.items() if n == name or n.endswith(f".{name}")), None)
            if path is not None and path not in known:
                known.add(path)
                waiting.append(path)
    found = []
    for path in sorted(known - reached if reached else files):
        for line in open_lines(files[path]):
            reason = "runs at import, and is read by what the failing checks execute"
            found.append(Suspect(path=path, first_line=line, last_line=line, score=top * _AT_IMPORT, reason=reason))
    return tuple(found)


def module_name(path: str) -> str:
    """Dotted name by which a file is likely imported."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(text: str) -> set[str]:
    """Dotted names that a module imports, those of a relative import without what they are relative to."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{a.name}" if node.module else a.name for a in node.names}
            found |= {node.module} if node.module else set()
    return found


def open_lines(text: str) -> list[int]:
    """First lines of assignments at the top of a module and in bodies of classes."""
    tree = ast.parse(text)
    blocks = [tree.body, *(n.body for n in ast.walk(tree) if isinstance(n, ast.ClassDef))]
    return sorted(s.lineno for block in blocks for s in block if isinstance(s, ast.Assign | ast.AnnAssign) and s.value)


def lesson(baseline: Baseline, verdict: Verdict) -> Lesson:
    """What a verdict says against the baseline: checks fixed, checks broken, anything different at all."""
    failing = {r.check_id: r for r in baseline.failing}
    fixed = sum(r.outcome is CheckOutcome.PASSED for r in verdict.results if r.check_id in failing)
    hung = set(baseline.hung)
    different = bool(verdict.regressed) or fixed > 0
    for result in verdict.results:
        before = failing.get(result.check_id)
        if before is not None and (result.outcome is not before.outcome or result.detail != before.detail):
            # A check that hung has no words of its own to compare.
            different = different or result.check_id not in hung or verdict.outcome is not Outcome.TIMED_OUT
    if verdict.outcome is Outcome.TIMED_OUT and not hung:
        different = True
    return Lesson(
        fixed=fixed,
        failing=len(failing),
        regressed=len(verdict.regressed),
        changed=different,
        hung=verdict.outcome is Outcome.TIMED_OUT,
    )


def is_test(path: str) -> bool:
    """Whether a path is a test's by the usual names."""
    parts = PurePosixPath(path).parts
    name = parts[-1]
    named = name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
    return named or any(part in ("tests", "test", "visible_tests") for part in parts[:-1])


def allowed(path: str, rules: EditRules) -> bool:
    """Whether a patch may touch `path`."""
    return _matches(path, rules.editable) and not _matches(path, rules.protected)


def _matches(path: str, globs: tuple[str, ...]) -> bool:
    for glob in globs:
        # `**/x` also means x at the top; a folder's own name means all below it.
        variants = {glob, glob.removeprefix("**/"), f"{glob.rstrip('/')}/*"}
        if any(fnmatch(path, variant) for variant in variants):
            return True
    return False


def _readable(brief: Brief) -> tuple[dict[str, bytes], dict[str, str], dict[str, str]]:
    """Bytes, texts and encodings of the files to search in, and texts of others to borrow from."""
    tree, rules = brief.task.tree, brief.task.rules
    suspect = {s.path for s in brief.baseline.suspects}
    originals: dict[str, bytes] = {}
    texts: dict[str, str] = {}
    encodings: dict[str, str] = {}
    python = [p for p in tree.paths() if p.endswith(".py") and not is_test(p) and allowed(p, rules)]
    for path in sorted(python, key=lambda p: (p not in suspect, p))[:_MOST_HARVESTED]:
        content = tree.read(path)
        if len(content) > _MOST_CHARACTERS:
            continue
        try:
            text, encoding = decode(content)
            compile(text, path, "exec", dont_inherit=True)
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue  # no Python that could be searched; if it is the culprit, the baseline's own error says so
        originals[path], texts[path], encodings[path] = content, text, encoding
    return originals, texts, encodings


def _tests(brief: Brief) -> Mapping[str, str]:
    """Texts of the visible tests, for the constants in them."""
    tree = brief.task.tree
    found: dict[str, str] = {}
    for path in tree.paths():
        if path.endswith(".py") and is_test(path) and len(found) < 20:
            content = tree.read(path)
            if len(content) <= _MOST_CHARACTERS:
                found[path] = content.decode("utf-8", "replace")
    return found
