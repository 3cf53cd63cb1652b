"""Mistakes made in a candidate on purpose."""

import ast
import difflib

import pytest

from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of
from moa_code.core.task import CheckKind, Checks, EditRules, Mode, Task, TaskId
from moa_code.core.tree import MemorySnapshot
from moa_code.propose.mutate.mutants import mutants

STUB = b"def clamp(values, low, high):\n    raise NotImplementedError\n"
WHOLE = b'''import logging

log = logging.getLogger(__name__)


def clamp(values, low, high):
    """Values between low and high, 5 of them at most."""
    if low > high:
        raise ValueError(f"low {low} is above high {high}, by " + str(low - high))
    found: list = []
    for value in values:
        log.debug("looking at %d of %d", value + 1, len(values) - 1)
        if value < low:
            found.append(low)
            continue
        if value > high and high > 0:
            value = high
        found.append(value)
    return found[:5]
'''


def task(**more):
    return Task(
        task_id=TaskId("t"),
        mode=Mode.IMPLEMENT,
        instruction="",
        tree=MemorySnapshot(files={}),
        checks=Checks(kind=CheckKind.ORACLE, targets=("checks/test_a.py::test_b",)),
        **more,
    )


def patch(after, before=STUB, path="a.py"):
    return patch_of(FileChange(path=path, before=before, after=after))


def text(mutant, path="a.py"):
    return next(c.after for c in mutant.changes if c.path == path).decode()


def differing(mutant, base=WHOLE):
    """1-based lines of the candidate that differ in the mutant."""
    matcher = difflib.SequenceMatcher(None, base.decode().splitlines(), text(mutant).splitlines(), autojunk=False)
    return {n for kind, a, b, _, _ in matcher.get_opcodes() if kind != "equal" for n in range(a + 1, max(b, a + 1) + 1)}


def test_every_mutant_is_another_program_against_the_clean_base():
    candidate = patch(WHOLE)
    made = mutants(task(), candidate)
    assert len(made) == 24
    assert len({m.sha256 for m in made}) == 24
    trees = {ast.dump(ast.parse(text(m))) for m in made}
    assert len(trees) == 24
    assert not trees & {ast.dump(ast.parse(WHOLE)), ast.dump(ast.parse(STUB))}
    assert all(m.changes[0].before == STUB for m in made)


def test_what_only_talks_is_left_alone():
    lines = WHOLE.decode().splitlines()
    words = [n for n, line in enumerate(lines, 1) if "log" in line or '"""' in line]
    for mutant in mutants(task(), patch(WHOLE), most=500):
        assert not differing(mutant) & set(words)
        assert 'f"low {low} is above high {high}, by " + str(low - high)' in text(mutant) or "raise" not in text(mutant)


def test_a_last_continue_and_what_never_runs_are_left_alone():
    after = b"def f(a):\n    for x in a:\n        if x:\n            continue\n    return 1\n    return a + 2\n"
    made = [text(m) for m in mutants(task(), patch(after, before=None), most=500)]
    assert made
    assert all(m.endswith("    return a + 2\n") for m in made)
    assert not any("            pass" in m for m in made)


def test_mistakes_are_spread_over_lines_and_kinds():
    made = mutants(task(), patch(WHOLE), most=10)
    assert len({frozenset(differing(m)) for m in made}) >= 7


def test_the_same_seed_gives_the_same_sample_and_another_one_another():
    one, again, other = (mutants(task(), patch(WHOLE), most=8, seed=seed) for seed in (3, 3, 4))
    assert one == again
    assert {m.sha256 for m in one} != {m.sha256 for m in other}


def test_only_lines_that_the_candidate_wrote_are_touched():
    before = b"def f(n):\n    total = n * 2\n    if n > 3:\n        total = 0\n    return total\n"
    after = before.replace(b"n > 3", b"n >= 3")
    made = mutants(task(), patch(after, before), most=500)
    assert made
    assert all(3 in differing(m, after) for m in made)
    assert any(differing(m, after) == {3} for m in made)
    assert not any(differing(m, after) & {1, 2, 5} for m in made)
    assert before.decode() not in [text(m) for m in made]


def test_a_mutant_that_is_the_base_in_other_words_is_left_out():
    before = b"def f(n):\n    return n > 3\n"
    after = b"def f(n):\n    return n >= 3  # three counts\n"
    programs = {ast.dump(ast.parse(text(m))) for m in mutants(task(), patch(after, before), most=500)}
    assert programs
    assert ast.dump(ast.parse(before)) not in programs


def test_beside_a_removal_the_neighbours_are_tried():
    before = b"def f(n):\n    m = n + 1\n    m = m * 2\n    return m - 3\n"
    after = before.replace(b"    m = m * 2\n", b"")
    assert {frozenset(differing(m, after)) for m in mutants(task(), patch(after, before), most=500)} == {
        frozenset({2}), frozenset({3})}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "more"),
    [("checks/test_a.py", {}), ("a.txt", {}), ("conf/x.py", {"rules": EditRules(protected=("conf/**",))})],
)
def test_checks_and_other_files_are_no_place_for_mistakes(path, more):
    assert mutants(task(**more), patch(WHOLE, None, path)) == ()


def test_the_rest_of_the_patch_stays_and_files_take_turns():
    deleted = FileChange(path="gone.py", before=b"x = 1\n", after=None)
    both = patch_of(
        FileChange(path="a.py", before=STUB, after=WHOLE),
        FileChange(path="b.py", before=None, after=b"def g(x):\n    return x + 1 if x > 2 else x - 1\n"),
        deleted,
    )
    made = mutants(task(), both, most=8)
    assert all(deleted in m.changes and len(m.changes) == 3 for m in made)
    assert sum(text(m, "b.py") != text(both, "b.py") for m in made) == 4


@pytest.mark.parametrize("after", [b"def f(:\n", b"", b"# nothing\n", b"x = '\xff'\n", b"\x00"])
def test_nothing_to_get_wrong_gives_nothing(after):
    assert mutants(task(), patch(after, before=b"x = 1\n")) == ()
    assert mutants(task(), EMPTY_PATCH) == ()


def test_a_file_keeps_its_encoding_and_mark():
    after = "\ufeffdef f(n):\n    return n + 1 if n != 'é' else 0\n".encode()
    made = mutants(task(), patch(after, before=None))
    assert made
    assert all(m.changes[0].after.startswith(b"\xef\xbb\xbfdef f(n):\n") for m in made)
    assert any("é".encode() in m.changes[0].after for m in made)
    latin = "# coding: latin-1\ndef f(n):\n    return (n + 1, 'é')\n".encode("latin-1")
    made = mutants(task(), patch(latin, before=None))
    assert made
    assert any(b"\xe9" in m.changes[0].after for m in made)
