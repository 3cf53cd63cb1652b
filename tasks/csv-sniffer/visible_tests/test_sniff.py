import pytest

from tabular.dialect import Dialect, UnknownDialect
from tabular.reader import read_table
from tabular.sniff import has_header, sniff


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("a,b\n1,2\n", Dialect(",")),
        ("a;b;c\n1;2,5;3\n", Dialect(";")),
        ("a\tb\n\n1\t2\n", Dialect("\t")),
        ("'x|y'|2\n3|4\n", Dialect("|", "'")),
        ('"x,y";2\n3;4\n', Dialect(";")),
    ],
)
def test_sniff(sample, expected):
    assert sniff(sample) == expected


@pytest.mark.parametrize("sample", ["", "one\ntwo\n", "a,b\nc\n"])
def test_what_is_no_table(sample):
    with pytest.raises(UnknownDialect):
        sniff(sample)


def test_a_header_stands_above_numbers():
    assert has_header([["name", "size"], ["x", "3"], ["y", "4.5"]])
    assert not has_header([["name", "size"], ["x", "big"]])
    assert not has_header([["1", "2"], ["3", "4"]])
    assert not has_header([["name", "size"]])


def test_read_table():
    assert read_table("name,size\nx,3\n") == [{"name": "x", "size": "3"}]
    assert read_table("1;2\n3;4\n") == [{"column1": "1", "column2": "2"}, {"column1": "3", "column2": "4"}]
