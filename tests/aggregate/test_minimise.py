import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.aggregate.hunks import base_of, join, parses, split
from moa_code.aggregate.minimise import Reduction, line_units, looks_like_a_guard, reductions
from moa_code.core.patch import EMPTY_PATCH, FileChange, patch_of


def patch(before, after, path="a.py"):
    return patch_of(FileChange(path=path, before=before, after=after))


def text(p, path="a.py"):
    return next((c.after for c in p.changes if c.path == path), None)


def drive(reduction, oracle):
    """Run to the end; every asked patch with its answer."""
    asked = {}
    while batch := reduction.next_batch():
        results = tuple(oracle(p) for p in batch)
        for p, result in zip(batch, results, strict=True):
            assert p.sha256 not in asked
            assert p.changes
            asked[p.sha256] = result
        reduction.tell(results)
    assert len(asked) == reduction.tests
    return asked


BEFORE = b"""def f(items, n):
    total = 0
    for item in items:
        total += item
    return total
"""
AFTER = b'''import logging


def f(items, n):
    """Add up."""
    log = logging.getLogger(__name__)
    if items is None:
        raise ValueError("no items")
    total = 0
    for item in items:
        if item > n:
            log.info("large")
            continue
        total += item
    log.info("done")
    return total
'''
NEEDED = b"""def f(items, n):
    total = 0
    for item in items:
        if item > n:
            continue
        total += item
    return total
"""


def test_a_verbose_patch_shrinks_to_what_the_checks_need():
    def oracle(p):
        names = {}
        exec(text(p), names)
        try:
            return names["f"]([1, 5, 2], 3) == 3
        except NameError:
            return False

    reduction = reductions(patch(BEFORE, AFTER))
    drive(reduction, oracle)
    assert text(reduction.patch) == NEEDED
    assert (reduction.lines_before, reduction.lines_after, reduction.complete) == (11, 2, True)


def test_guards_are_kept_when_asked_for_and_listed():
    reduction = reductions(patch(BEFORE, AFTER), keep=looks_like_a_guard)
    drive(reduction, lambda p: b"continue" in text(p))
    assert b"raise ValueError" in text(reduction.patch)
    assert b"Add up" not in text(reduction.patch)
    assert any(b"raise" in b"".join(hunk.after) for hunk in reduction.kept)


@pytest.mark.parametrize(
    ("added", "answer"),
    [
        (b"    if x is None:\n        raise ValueError(x)\n", True),
        (b"if not x:\n    return\n", True),
        (b"        if a:\n            return 1\n        elif b:\n            continue\n", True),
        (b"    assert x\n", True),
        (b"    if x:\n        y = 1\n", False),
        (b"    x = 1\n", False),
        (b"    if x:\n", False),
        (b"        x = 1\n    assert x\n", False),
        (b"    # note\n", False),
    ],
)
def test_what_a_guard_is(added, answer):
    (hunk,) = split(patch(b"pass\n", added + b"pass\n"))
    assert looks_like_a_guard(hunk) is answer


def test_a_whole_hunk_goes_in_one_of_several_files():
    both = patch_of(
        FileChange(path="a.py", before=b"x = 1\n", after=b"x = 2\n"),
        FileChange(path="b.txt", before=b"1\n", after=None),
        FileChange(path="new.py", before=None, after=b"y = 1\nz = 2\n"),
    )
    reduction = reductions(both)
    drive(reduction, lambda p: text(p, "new.py") is not None and b"z = 2" in text(p, "new.py"))
    assert reduction.patch == patch(None, b"z = 2\n", "new.py")


def test_what_cannot_shrink_stays_and_is_complete():
    one = patch(b"x = 1\n", b"x = 2\n")
    reduction = reductions(one)
    assert reduction.next_batch() == ()
    assert (reduction.patch, reduction.complete, reduction.tests) == (one, True, 0)
    assert reductions(EMPTY_PATCH).next_batch() == ()


def test_the_number_of_tests_is_bounded_and_the_result_still_passes():
    before = b"".join(b"x%d = 0\n\n" % n for n in range(60))
    after = before.replace(b" = 0", b" = 1")
    reduction = reductions(patch(before, after), max_tests=10)
    asked = drive(reduction, lambda p: b"x7 = 1" in text(p))
    assert len(asked) <= 10
    assert not reduction.complete
    assert b"x7 = 1" in text(reduction.patch)
    assert reduction.lines_after < reduction.lines_before


def test_misuse_is_refused():
    reduction = reductions(patch(b"x = 1\ny = 1\n", b"x = 2\ny = 2\n"))
    batch = reduction.next_batch()
    with pytest.raises(RuntimeError):
        reduction.next_batch()
    with pytest.raises(ValueError, match="results expected"):
        reduction.tell((True,) * (len(batch) + 1))
    with pytest.raises(ValueError, match="width"):
        Reduction(EMPTY_PATCH, width=0)


old_lines = st.lists(st.integers(0, 9), max_size=8)


@st.composite
def edits(draw):
    """A file of assignments edited at random, by lines and by small blocks."""
    before = [b"v%d = 0\n" % n for n in range(draw(st.integers(1, 10)))]
    after = []
    for n, line in enumerate(before):
        kind = draw(st.sampled_from(["keep", "keep", "change", "drop", "add", "block"]))
        if kind == "keep":
            after.append(line)
        elif kind == "change":
            after.append(b"v%d = 1\n" % n)
        elif kind == "add":
            after += [line, b"new%d = 1\n" % n]
        elif kind == "block":
            after += [b"if v0:\n", b"    in%d = 1\n" % n, b"    also%d = 1\n" % n, line]
    created = draw(st.none() | st.integers(0, 4))
    changes = [FileChange(path="a.py", before=b"".join(before), after=b"".join(after))]
    if created is not None:
        content = b"".join(b"made%d = 1\n" % n for n in range(created))
        changes.append(FileChange(path="b.py", before=None, after=content))
    return patch_of(*changes)


def needs(p, units):
    """A monotone oracle: passes when the patch still contains all these atomic changes."""
    have = {(u.path, u.first, u.before, u.after) for h in split(p) for u in line_units(h)}
    return units <= have


def atoms(p):
    return [u for h in split(p) for u in line_units(h)]


@given(edits(), st.data())
@settings(max_examples=60, deadline=None)
def test_with_a_monotone_oracle_the_result_passes_and_is_1_minimal(p, data):
    tokens = sorted({line for u in atoms(p) for line in u.after or () if b" = 1" in line})
    wanted = set(data.draw(st.lists(st.sampled_from(tokens), unique=True))) if tokens else set()

    def oracle(q):
        whole = b"".join(c.after or b"" for c in q.changes)
        return all(token in whole for token in wanted)

    if not oracle(p):
        return
    reduction = Reduction(p, width=data.draw(st.integers(1, 5)), max_tests=10_000)
    drive(reduction, oracle)
    result = reduction.patch
    assert reduction.complete
    assert oracle(result)
    units = atoms(result)
    base = base_of(p)
    for n in range(len(units)):
        less = join(base, units[:n] + units[n + 1 :])
        if less.changes and all(parses(c.path, c.after) for c in less.changes):
            assert not oracle(less), (text(result), text(less))


@given(edits(), st.integers(0, 1000), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_with_an_erratic_oracle_the_result_is_one_that_passed(p, salt, width):
    reduction = Reduction(p, width=width, max_tests=200)
    asked = drive(reduction, lambda q: hashlib.sha256(f"{salt}{q.sha256}".encode()).digest()[0] < 90)
    assert reduction.patch == p or asked[reduction.patch.sha256]
    assert reduction.tests <= 200


@given(edits())
def test_the_units_of_a_hunk_make_up_the_hunk(p):
    assert join(base_of(p), atoms(p)) == p
