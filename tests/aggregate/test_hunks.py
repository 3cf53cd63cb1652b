import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.aggregate.hunks import Hunk, base_of, join, overlap, parses, split
from moa_code.core.patch import FileChange, patch_of

lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n", b"d"]), max_size=8).map(b"".join)
contents = st.none() | lines
patches = st.dictionaries(st.sampled_from("xyz"), st.tuples(contents, contents), max_size=3).map(
    lambda files: patch_of(*(FileChange(path=p, before=b, after=a) for p, (b, a) in files.items()))
)


@given(patches)
def test_split_and_join_are_each_others_opposite(patch):
    assert join(base_of(patch), split(patch)) == patch


@given(patches, st.data())
def test_any_part_of_the_hunks_is_a_patch_with_these_hunks_lines_alone(patch, data):
    hunks = split(patch)
    chosen = [hunk for hunk in hunks if data.draw(st.booleans())]
    part = join(base_of(patch), chosen)
    assert set(part.paths) <= set(patch.paths)
    assert sum(len(h.after or ()) for h in split(part)) <= sum(len(h.after or ()) for h in chosen)


def hunk(first, last, path="a", whole=False):
    return Hunk(path=path, first=first, last=last, before=(b"x\n",) * (last - first), after=(b"y\n",), whole=whole)


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        (hunk(0, 2), hunk(2, 3), False),
        (hunk(0, 2), hunk(1, 3), True),
        (hunk(0, 5), hunk(2, 3), True),
        (hunk(2, 2), hunk(2, 2), True),
        (hunk(2, 2), hunk(2, 3), True),
        (hunk(2, 2), hunk(0, 2), False),
        (hunk(1, 1), hunk(0, 2), True),
        (hunk(0, 2), hunk(0, 2, path="b"), False),
        (hunk(0, 0, whole=True), hunk(5, 6), True),
    ],
)
def test_overlap(a, b, answer):
    assert overlap(a, b) is overlap(b, a) is answer


def test_overlapping_hunks_do_not_join():
    base = base_of(patch_of(FileChange(path="a", before=b"x\n" * 5, after=b"")))
    with pytest.raises(ValueError, match="overlap at line 2"):
        join(base, [hunk(0, 2), hunk(1, 3)])


def test_patches_of_different_bases_have_none_in_common():
    one, two = (patch_of(FileChange(path="a", before=before, after=b"x")) for before in (b"1", b"2"))
    assert base_of(one, two) is None


@pytest.mark.parametrize(
    ("path", "content", "answer"),
    [
        ("a.py", b"x = 1", True),
        ("a.py", b"x = ", False),
        ("a.py", b"\0", False),
        ("a.py", b"(" * 10_000, False),
        ("a.txt", b"x = ", True),
        ("a.py", None, True),
    ],
)
def test_what_parses(path, content, answer):
    assert parses(path, content) is answer
