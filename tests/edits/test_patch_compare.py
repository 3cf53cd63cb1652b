import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.core.patch import FileChange, patch_of
from moa_code.edits.compare import changed_bytes, changed_lines, first_difference
from moa_code.edits.lines import matching_blocks, split_lines


@pytest.mark.parametrize(
    ("a", "b", "at"),
    [
        (b"", b"", None),
        (b"abc", b"abc", None),
        (b"abc", b"abd", 2),
        (b"abc", b"ab", 2),
        (b"", b"x", 0),
        (b"xa", b"ya", 0),
    ],
)
def test_first_difference(a, b, at):
    assert first_difference(a, b) == at


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (b"a\nb\nc\n", b"a\nB\nc\n", 2),
        (b"a\nb\nc\n", b"a\nc\n", 1),
        (b"a\nc\n", b"a\nb\nc\n", 1),
        (None, b"a\nb\n", 2),
        (b"a\nb\n", None, 2),
        (None, b"", 0),
        (b"a", b"a\n", 2),
    ],
)
def test_changed_lines(before, after, lines):
    assert changed_lines(patch_of(FileChange(path="f", before=before, after=after))) == lines


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_changed_bytes_is_what_lies_between_common_ends(a, b):
    size = changed_bytes(FileChange(path="f", before=a, after=b))
    assert (size == 0) is (a == b)
    assert abs(len(a) - len(b)) <= size <= len(a) + len(b)


few_lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n", "\n"]), max_size=30)


@given(few_lines, few_lines)
def test_matching_blocks_are_common_and_ascending(a, b):
    i = j = 0
    for at, other, size in matching_blocks(a, b):
        assert at >= i
        assert other >= j
        assert a[at : at + size] == b[other : other + size]
        i, j = at + size, other + size
    assert i <= len(a)
    assert j <= len(b)


def test_matching_blocks_of_large_repetitive_texts_end():
    a = ["x\n", "y\n"] * 10_000
    b = ["y\n", "y\n", "x\n"] * 7_000
    assert matching_blocks(a, a) == [(0, 0, len(a))]
    matching_blocks(a, b)


@given(st.text(alphabet="ab\r\n\x0b\u2028", max_size=40))
def test_split_lines_cuts_at_line_feeds_alone(text):
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all("\n" not in line[:-1] and line for line in lines)
    assert [line.encode() for line in lines] == split_lines(text.encode())
