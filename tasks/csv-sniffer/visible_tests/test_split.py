import pytest

from tabular.dialect import Dialect
from tabular.split import split_line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a,b", ["a", "b"]),
        ("", [""]),
        ('"a,b",c', ["a,b", "c"]),
        ('"say ""hi""",x', ['say "hi"', "x"]),
        ("a,,", ["a", "", ""]),
    ],
)
def test_split_line(line, expected):
    assert split_line(line, Dialect(",")) == expected


def test_an_open_quote_is_refused():
    with pytest.raises(ValueError):
        split_line('"a,b', Dialect(","))
