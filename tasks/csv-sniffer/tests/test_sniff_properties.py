import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tabular.dialect import DELIMITERS, QUOTES, Dialect, UnknownDialect
from tabular.reader import read_table
from tabular.sniff import has_header, sniff
from tabular.split import split_line

plain = st.text(alphabet="abcxyz0123", min_size=1, max_size=5)
lines = st.lists(st.text(alphabet="ab,;\t|\"'", max_size=8), max_size=4)


@st.composite
def tables(draw):
    width = draw(st.integers(2, 5))
    return draw(st.lists(st.lists(plain, min_size=width, max_size=width), min_size=1, max_size=5))


@settings(max_examples=80, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(tables(), st.sampled_from(DELIMITERS))
def test_a_plain_table_is_recognised(rows, delimiter):
    text = "\n".join(delimiter.join(row) for row in rows)
    assert sniff(text) == Dialect(delimiter)


@settings(max_examples=150, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(lines)
def test_the_rule_of_the_docstring(sample):
    rows = [line for line in sample if line.strip()]
    fitting = []
    for dialect in [Dialect(delimiter, quote) for delimiter in DELIMITERS for quote in QUOTES]:
        try:
            widths = {len(split_line(line, dialect)) for line in rows}
        except ValueError:
            continue
        if len(widths) == 1 and min(widths) > 1:
            fitting.append((-min(widths), DELIMITERS.index(dialect.delimiter), QUOTES.index(dialect.quote), dialect))
    if fitting:
        assert sniff("\n".join(sample)) == min(fitting, key=lambda fit: fit[:3])[3]
    else:
        with pytest.raises(UnknownDialect):
            sniff("\n".join(sample))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["a", ""], ["1", "2"]], False),
        ([["a", "b"], ["1", "x"], ["2", "y"]], True),
        ([["a", "b"], ["1", "x"], ["z", "2"]], False),
        ([["a", "b"], ["", "2"], ["", "3"]], True),
        ([["a", "b"], ["", ""]], False),
        ([["a", "nan"], ["1", "2"]], False),
        ([["a", "b"], ["1e3", " 7 "]], True),
        ([], False),
    ],
)
def test_headers(rows, expected):
    assert has_header(rows) is expected


def test_a_given_dialect_is_not_guessed_again():
    assert read_table("k;v\na,b;1\n", Dialect(";")) == [{"k": "a,b", "v": "1"}]
