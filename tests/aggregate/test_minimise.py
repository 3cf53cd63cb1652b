import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.aggregate.hunks import base_of, join, parses, split
from moa_code.aggregate.minimise import Reduction, line_units, looks_like_a_guard, reductions
from moa_code.aggregate.needed import lines_to_keep
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


GUARDED = b"""def f(items, limit):
    # what is large is left out
    unused = limit
    total = 0
    worst = 0
    for item in items:
        print(item)
        if item > limit:
            continue
        worst = max(worst, item)
        total += item
        if total < 0:
            raise ValueError(worst)
    if not items:
        print("nothing")
    return total
"""
MISSED = {"a.py": (13, 15)}  # the raise, and the print below it


def runs(p):
    names = {}
    exec(text(p).replace(b"print(", b"("), names)
    try:
        return names["f"]([1, 5, 2], 3) == 3 and names["f"]([2], 3) == 2
    except (ValueError, NameError, TypeError):
        return False


def test_what_no_check_executes_stays_with_what_it_needs():
    """The checks miss neither the guard nor `worst`, which it tells: they have no input for it."""
    reduction = reductions(patch(b"def f(items, limit):\n    pass\n", GUARDED), unexercised=MISSED)
    drive(reduction, runs)
    assert text(reduction.patch) == (
        b"def f(items, limit):\n    pass\n    total = 0\n    worst = 0\n    for item in items:\n"
        b"        if item > limit:\n            continue\n        worst = max(worst, item)\n        total += item\n"
        b"        if total < 0:\n            raise ValueError(worst)\n    return total\n"
    )
    assert reduction.unexercised == {"a.py": (11,)}
    assert reduction.complete


def test_a_guard_that_checks_execute_and_do_not_need_goes():
    reduction = reductions(patch(b"def f(items, limit):\n    pass\n", GUARDED), unexercised={"a.py": (15,)})
    drive(reduction, runs)
    assert b"raise" not in text(reduction.patch)
    assert b"worst" not in text(reduction.patch)
    assert reduction.unexercised == {}


def test_without_a_measurement_nothing_is_known_of_lines():
    reduction = reductions(patch(b"def f(items, limit):\n    pass\n", GUARDED))
    drive(reduction, runs)
    assert b"raise" not in text(reduction.patch)
    assert reduction.unexercised is None


def test_lines_are_followed_through_all_that_goes_around_them():
    """Equal lines are not mistaken for one another."""
    after = (
        b"def f(a):\n    x = 0\n    if a:\n        return 1\n"
        b"    y = 0\n    if y:\n        return 1\n    z = 0\n    return 5\n"
    )

    def oracle(p):
        names = {}
        exec(text(p), names)
        return names["f"](0) == 5

    reduction = reductions(patch(b"def f(a):\n    pass\n", after), unexercised={"a.py": (7,)})
    drive(reduction, oracle)
    assert text(reduction.patch) == b"def f(a):\n    pass\n    y = 0\n    if y:\n        return 1\n    return 5\n"
    assert reduction.unexercised == {"a.py": (5,)}


def test_a_helper_and_an_import_that_only_such_lines_need_stay():
    after = (
        b"import math\n\n\ndef g():\n    return math.pi\n\n\ndef f(a):\n    if a:\n        return g()\n    return 1\n"
    )
    kept = lines_to_keep(FileChange(path="a.py", before=None, after=after), (5, 10))
    assert kept == {1, 4, 5, 8, 9, 10}


@given(edits(), st.data())
@settings(max_examples=60, deadline=None)
def test_what_stays_stands_where_it_is_said_to(p, data):
    """Whatever goes and comes back, each line that is named is the one that was to stay."""
    files = {c.path: c.after.split(b"\n") for c in p.changes}
    missed = {
        path: tuple(n for n, line in enumerate(lines, 1) if line and data.draw(st.booleans()))
        for path, lines in files.items()
    }
    reduction = Reduction(p, unexercised=missed, width=data.draw(st.integers(1, 5)), max_tests=300)
    salt = data.draw(st.integers(0, 1000))
    drive(reduction, lambda q: hashlib.sha256(f"{salt}{q.sha256}".encode()).digest()[0] < 150)
    given_lines = {path: [files[path][n - 1] for n in numbers] for path, numbers in missed.items()}
    for path, numbers in reduction.unexercised.items():
        result = text(reduction.patch, path).split(b"\n")
        rest = iter(given_lines[path])
        assert all(result[n - 1] in rest for n in numbers)  # a subsequence: the same lines in the same order


@pytest.mark.parametrize(
    ("after", "missed", "kept"),
    [
        ("if a:|    return 1|return 2", (3,), (1, 2, 3)),
        ("b = a|c = 1|if b:|    return c|d = 2|return d", (5,), (1, 2, 3, 4, 5)),
        ("try:|    return a[0]|except KeyError:|    pass", (5,), (1, 2, 4, 5)),
        ("s = set()|s.add(a)|if a in s:|    raise ValueError|return a", (5,), (1, 2, 3, 4, 5)),
        ("if a:|    return 1|# why|else:|    return 2", (6,), (1, 2, 5, 6)),
        ("if a:|    print(a)|    log.info(a)|return 1", (2, 3, 4), ()),
        ("import os|b = 1|c = g()|return 1", (2, 3, 4), (1, 4)),
        ("b = []|b[0] = a|a.x = 1|while a:|    return b", (6,), (1, 2, 3, 4, 5, 6)),
        ("(", (1,), ()),
    ],
)
def test_which_lines_stay(after, missed, kept):
    after = "\n    ".join(["def f(a):", *after.split("|")]).encode()
    assert lines_to_keep(FileChange(path="a.py", before=None, after=after), missed) == set(kept)
    assert lines_to_keep(FileChange(path="a.txt", before=None, after=after), missed) == set()
    assert lines_to_keep(FileChange(path="a.py", before=after, after=None), missed) == set()


def test_what_was_replaced_does_not_stay_behind_a_new_exit():
    """Dropping the removal of the old `return` would pass every check, and leave a line that nothing can reach."""
    before = b'def f(a, b):\n    """Less."""\n    return a - b\n'
    after = b"def f(a, b):\n    return a - a * b\n"
    reduction = reductions(patch(before, after))
    drive(reduction, lambda p: b"return a - a * b" in text(p))
    assert text(reduction.patch) == b'def f(a, b):\n    """Less."""\n    return a - a * b\n'


def test_a_line_is_replaced_by_the_one_most_like_it_not_by_the_first():
    """The docstring is half like the new line, the old `return` far more: the docstring can stay."""
    doc = b'    """The price less so many per cent of it."""\n'
    before = b"def f(price, percent):\n" + doc + b"    return price - percent\n"
    after = b"def f(price, percent):\n    return price - price * percent / 100\n"
    reduction = reductions(patch(before, after))
    drive(reduction, lambda p: b"return price - price * percent / 100" in text(p))
    assert text(reduction.patch) == b"def f(price, percent):\n" + doc + b"    return price - price * percent / 100\n"


def test_dead_code_that_was_there_is_nobody_s_fault():
    before = b"def f(a):\n    return a\n    a = 1\n"
    after = b"def f(a):\n    # more\n    return a + 1\n    a = 1\n"
    reduction = reductions(patch(before, after))
    drive(reduction, lambda p: b"return a + 1" in text(p))
    assert text(reduction.patch) == b"def f(a):\n    return a + 1\n    a = 1\n"
