"""Choosing among several patches that all pass: which one is likeliest right beyond the checks it was chosen by."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from moa_code.propose.mutate.mutant import Mutant

# What passing is worth as evidence, by operator: an edit that special-cases inputs or removes code passes more
# often without being right than one that mends an expression (anti-patterns of Tan et al., FSE 2016).
_TRUST = {
    "guard": 0.35,
    "delete-statement": 0.4,
    "extend-condition": 0.55,
    "whole-condition": 0.6,
    "drop-term": 0.6,
    "unwrap-call": 0.7,
    "insert-statement": 0.7,
    "returned-value": 0.6,
    "borrowed-expression": 0.7,
    "boundary": 0.6,
    "clamp": 0.9,
    "concatenate": 0.75,
    "missing-amount": 0.8,
    "power": 0.7,
    "exit": 0.6,
    "header": 0.7,
    "wrap-call": 0.8,
    "record": 0.9,
    "else-branch": 0.7,
    "leftover": 0.7,
    "shared": 0.8,
    "repeated-value": 0.6,
    "subscript": 0.8,
    "target": 0.8,
}


_ECHO = 2.5
_LEAST_TOKENS = 4
_NAME = re.compile(r"(?<![.\w])[A-Za-z_]\w*")  # no attributes: those are never bound here
_TOKENS = re.compile(r"\w+|[^\w\s]+")
_WORDS = frozenset((*keyword.kwlist, *dir(builtins)))


def naturalness(mutant: Mutant) -> float:
    """How much like a programmer's repair the mutant looks, in (0, 1]; only its text is looked at."""
    score = 1.0
    for operator in mutant.operator.split(" + "):
        score *= _TRUST.get(operator, 1.0)
    before, after = _changed(mutant)
    if before.strip() or "\n" in after:  # one inserted line is as long as it has to be
        score *= 0.85 ** max(0, abs(len(after) - len(before)) // 12 - 1)
    for constant in _constants(after) - _constants(before):
        # 0, 1 and friends are everywhere; a number or a text that the program did not know smells of one test's case.
        score *= 0.95 if constant in ("0", "1", "-1", "None", "True", "False", "''", "[]") else 0.6
    if _forgets(mutant, before, after):
        score *= 0.3
    score *= 0.35 ** (mutant.order - 1)
    return score


def rank_plausible(mutants: Iterable[Mutant]) -> tuple[Mutant, ...]:
    """The mutants, all of which passed the same checks, likeliest right first; equals stay in the order given.

    Prior and naturalness both count.
    """
    return tuple(sorted(mutants, key=lambda m: -standing(m)))


def standing(mutant: Mutant) -> float:
    """How likely right a mutant is that passes, up to a common factor: prior, naturalness, likeness to other lines."""
    return mutant.prior * naturalness(mutant) * (_ECHO if _echoes(mutant) else 1.0)


def _echoes(mutant: Mutant) -> bool:
    """Whether the changed lines become like others of the file but for their names, which they were not before."""
    before, after = _changed(mutant)
    new, old = ([_shape(line) for line in part.splitlines()] for part in (after, before))
    fresh = [shape for shape in new if shape not in old]
    if not fresh or not all(shape.count(" ") >= _LEAST_TOKENS for shape in fresh):
        return False
    rest = _shapes(mutant.before)
    return all(rest[shape] for shape in fresh) and not any(rest[shape] > 1 for shape in old)


@lru_cache(maxsize=16)
def _shapes(text: str) -> Counter[str]:
    return Counter(_shape(line) for line in text.splitlines())


def _shape(line: str) -> str:
    """The line's tokens with each name that no language knows as a placeholder."""
    return " ".join("N" if t.isidentifier() and t not in _WORDS else t for t in _TOKENS.findall(line))


def _forgets(mutant: Mutant, before: str, after: str) -> bool:
    """Whether a name that the function read is only bound afterwards: what it was given should count."""
    taken, given = Counter(_NAME.findall(before)), Counter(_NAME.findall(after))
    fewer = [name for name in taken - given if name not in _WORDS]
    if not fewer:
        return False
    counts = _names_around(mutant.before, mutant.line)
    return any(counts[name] > 1 == counts[name] - taken[name] + given[name] for name in fewer)


@lru_cache(maxsize=64)
def _names_around(text: str, line: int) -> Counter[str]:
    """How often each name stands in the function around a line, by indentation alone."""
    lines = text.splitlines()
    first, depth = line - 1, _indent(lines[line - 1])
    while first > 0 and not (
        _indent(lines[first]) < depth and lines[first].lstrip().startswith(("def ", "async def "))
    ):
        first -= 1
    last = first + 1
    while last < len(lines) and (not lines[last].strip() or _indent(lines[last]) > _indent(lines[first])):
        last += 1
    return Counter(name for row in lines[first:last] for name in _NAME.findall(row))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _changed(mutant: Mutant) -> tuple[str, str]:
    """What was taken out and what was brought in: all lines from the first that differs to the last."""
    before, after = mutant.before.splitlines(), mutant.after.splitlines()
    start, most = 0, min(len(before), len(after))
    while start < most and before[start] == after[start]:
        start += 1
    tail = 0
    while tail < most - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return "\n".join(before[start : len(before) - tail]), "\n".join(after[start : len(after) - tail])


def _constants(text: str) -> set[str]:
    found = set()
    for line in text.splitlines():
        stripped = line.strip()
        for attempt in (stripped, f"{stripped} pass", f"if 1: pass\n{stripped} pass"):
            try:
                tree = ast.parse(attempt)
            except (SyntaxError, ValueError):
                continue
            found |= {repr(n.value) for n in ast.walk(tree) if isinstance(n, ast.Constant)}
            break
    return found
