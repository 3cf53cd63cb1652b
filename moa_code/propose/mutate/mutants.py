"""Small mistakes made in a candidate: the search for repairs read backwards, to see what the checks would notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from random import Random

from moa_code.core.brief import Suspect
from moa_code.core.patch import FileChange, Patch, patch_of
from moa_code.core.task import Task
from moa_code.edits.policy import glob_match
from moa_code.edits.written import written_lines
from moa_code.propose.mutate.edits import mutants as edited
from moa_code.propose.mutate.ingredients import harvest
from moa_code.propose.mutate.mutant import Mutant
from moa_code.propose.mutate.normal import code_key, compiled
from moa_code.propose.mutate.operators.catalogue import CATALOGUE
from moa_code.propose.mutate.slips import Ground, ground_of, is_slip
from moa_code.propose.mutate.source import decode

MOST_LOOKED_AT = 300  # edits of one file, of which the sample is drawn
MOST_STATEMENTS = 60  # of one file, chosen by chance where the candidate wrote more
MOST_ALIKE = 3  # of one family on one line, the likeliest, between which chance decides
NEAR_THE_BASE = 8  # lines: with more between them, no one mistake leads back to the base

_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "comparison": ("comparison",),
    "condition": ("connective", "negation", "drop-term", "whole-condition", "comprehension", "choice"),
    "arithmetic": ("arithmetic", "augmented-assignment", "swap-operands", "drop-operand", "regroup"),
    "off by one": ("off-by-one",),
    "constant": ("constant", "display"),
    "variable": ("variable", "attribute", "own-field"),
    "call": ("function", "method", "arguments", "unwrap-call"),
    "part": ("subscript",),
    "result": ("returned-value",),
    "flow": ("delete-statement", "branches", "exit"),
}
_FAMILY = {operator: family for family, operators in _FAMILIES.items() for operator in operators}
ALL = frozenset(_FAMILY)
BOUNDARIES = frozenset({"comparison", "connective", "constant", "off-by-one"})
"""Operators whose mistakes sit where examples are thin. Whether checks notice these says most about what they miss."""

_Groups = dict[int, dict[str, list[Mutant]]]


def mutants(
    task: Task, patch: Patch, *, most: int = 24, seed: int = 0, operators: frozenset[str] = ALL
) -> tuple[Patch, ...]:
    """At most `most` patches against the clean base, each the candidate's with one mistake in a line that it wrote.

    `operators` are those that make mistakes. The sample is spread over lines and kinds of mistakes, and the same for
    the same seed. None is the candidate or the base, none differs from the candidate only in what it says (docstrings,
    messages, annotations), all of them compile. Files that hold checks, or are no Python, are left as they are.
    """
    random = Random(seed)
    piles = [_wrong_in(change, patch, random, operators) for change in patch.changes if _may_change(task, change)]
    return tuple(islice(_in_turn(piles), most))


def _wrong_in(change: FileChange, patch: Patch, random: Random, operators: frozenset[str]) -> Iterator[Patch]:
    others = [other for other in patch.changes if other is not change]
    return (patch_of(*others, wrong) for wrong in _mistakes(change, random, operators))


def _may_change(task: Task, change: FileChange) -> bool:
    checks = {target.partition("::")[0] for target in task.checks.targets}
    return (
        change.after is not None
        and change.path.endswith(".py")
        and change.path not in checks
        and not any(glob_match(change.path, pattern) for pattern in task.rules.protected)
    )


def _mistakes(change: FileChange, random: Random, operators: frozenset[str]) -> Iterator[FileChange]:
    """The changed file with one mistake each, in the order in which they are to be taken."""
    assert change.after is not None
    try:
        text, encoding = decode(change.after)
        ground = ground_of(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    own = written_lines(change)
    if not own:
        return
    differs = _differs_from_base(change)
    for mutant in _spread(_grouped(_edits(text, change.path, own, ground, random, operators)), random):
        try:
            after = mutant.after.encode(encoding)
        except UnicodeEncodeError:
            continue
        if differs(mutant.after):
            yield FileChange(path=change.path, before=change.before, after=after)


def _edits(
    text: str, path: str, own: frozenset[int], ground: Ground, random: Random, operators: frozenset[str]
) -> Iterator[Mutant]:
    suspects = [Suspect(path=path, first_line=n, last_line=n, score=1.0, reason="written") for n in sorted(own)]
    heads = sorted({first for first, last in ground.heads if not own.isdisjoint(range(first, last + 1))})
    chosen = frozenset(random.sample(heads, min(len(heads), MOST_STATEMENTS)))
    made = edited(
        text,
        path=path,
        suspects=suspects,
        ingredients=harvest({path: text}),
        limit=MOST_LOOKED_AT,
        discount=lambda line: float(line in chosen),
        emphasis={operator.name: float(operator.name in operators) for operator in CATALOGUE},
    )
    for mutant in made:
        if mutant.prior <= 0:  # here begins what only repairs, and what somebody else wrote
            return
        touched = range(text.count("\n", 0, mutant.spans[0].start) + 1, text.count("\n", 0, mutant.spans[-1].end) + 2)
        if own.isdisjoint(touched) or mutant.description.endswith(", everywhere"):
            continue
        if is_slip(mutant, ground):
            yield mutant


def _grouped(found: Iterator[Mutant]) -> _Groups:
    groups: _Groups = {}
    for mutant in found:
        alike = groups.setdefault(mutant.line, {}).setdefault(_FAMILY[mutant.operator], [])
        if len(alike) < MOST_ALIKE:
            alike.append(mutant)
    return groups


def _spread(groups: _Groups, random: Random) -> Iterator[Mutant]:
    """One of every line in turn, of the kind of mistake that was taken least so far."""
    lines = sorted(groups)
    for line in lines:
        for alike in groups[line].values():
            random.shuffle(alike)
    taken: Counter[str] = Counter()
    while lines:
        random.shuffle(lines)
        for line in lines:
            families = sorted(groups[line])
            random.shuffle(families)
            family = min(families, key=lambda name: taken[name])
            taken[family] += 1
            yield groups[line][family].pop()
            if not groups[line][family]:
                del groups[line][family]
        lines = [line for line in sorted(lines) if groups[line]]


def _differs_from_base(change: FileChange) -> Callable[[str], bool]:
    """Whether a text is another program than the file before. Only small changes can be undone by one mistake."""
    try:
        base = decode(change.before)[0] if change.before is not None else None
    except (SyntaxError, UnicodeDecodeError):
        base = None
    if base is None or len(written_lines(change)) > NEAR_THE_BASE:
        return lambda text: text != base
    code = compiled(base)
    key = None if code is None else code_key(code)

    def differs(text: str) -> bool:
        made = compiled(text)
        return text != base and (key is None or made is None or code_key(made) != key)

    return differs


def _in_turn(piles: list[Iterator[Patch]]) -> Iterator[Patch]:
    """One of each in turn, none twice."""
    seen: set[str] = set()
    while piles:
        for pile in list(piles):
            found = next(pile, None)
            if found is None:
                piles.remove(pile)
            elif found.sha256 not in seen:
                seen.add(found.sha256)
                yield found
