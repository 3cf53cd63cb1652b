"""Choosing among several patches that all pass: which one is likeliest right beyond the checks it was chosen by."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable

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
    "clamp": 0.75,
    "concatenate": 0.75,
    "missing-amount": 0.8,
    "power": 0.7,
    "exit": 0.6,
    "header": 0.7,
    "wrap-call": 0.8,
    "subscript": 0.8,
    "target": 0.8,
}


def naturalness(mutant: Mutant) -> float:
    """How much like a programmer's repair the mutant looks, in (0, 1]; only its text is looked at."""
    score = 1.0
    for operator in mutant.operator.split(" + "):
        score *= _TRUST.get(operator, 1.0)
    before, after = _changed(mutant)
    score *= 0.85 ** max(0, abs(len(after) - len(before)) // 12)
    for constant in _constants(after) - _constants(before):
        # 0, 1 and friends are everywhere; a number or a text that the program did not know smells of one test's case.
        score *= 0.95 if constant in ("0", "1", "-1", "None", "True", "False", "''", "[]") else 0.6
    score *= 0.35 ** (mutant.order - 1)
    return score


def rank_plausible(mutants: Iterable[Mutant]) -> tuple[Mutant, ...]:
    """The mutants, all of which passed the same checks, likeliest right first; equals stay in the order given.

    Prior and naturalness both count.
    """
    return tuple(sorted(mutants, key=lambda m: -m.prior * naturalness(m)))


def _changed(mutant: Mutant) -> tuple[str, str]:
    """What was taken out and what was brought in."""
    before, after = mutant.before.splitlines(), mutant.after.splitlines()
    gone, new = [], []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            gone += before[a:b]
            new += after[c:d]
    return "\n".join(gone), "\n".join(new)


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
