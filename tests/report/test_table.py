import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.report.table import (
    Align,
    Proportion,
    Row,
    Spread,
    Style,
    percentile,
    proportion,
    render_table,
    spread,
    summarise,
    summary_table,
    task_table,
    wilson,
)

ROWS = [
    Row(task_id="a", visible_passed=True, held_out_passed=True, candidates=10, seconds=1.0),
    Row(task_id="b", visible_passed=True, held_out_passed=False, candidates=30, seconds=3.0),
    Row(task_id="c", visible_passed=False, held_out_passed=False, candidates=20, seconds=2.0, note="time limit"),
    Row(task_id="d", visible_passed=None, held_out_passed=None, candidates=0, seconds=0.5, note="box lost"),
]


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662), (0, 0, 0.0, 1.0)],
)
def test_wilson_gives_published_values(passed, total, low, high):
    """81 of 263: the example of Newcombe 1998, Statistics in Medicine 17:857, table I."""
    assert wilson(passed, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_holds_the_proportion(counts):
    passed, total = counts
    low, high = wilson(passed, total)
    assert 0 <= low <= passed / total <= high <= 1
    assert low < high


@pytest.mark.parametrize(("passed", "total"), [(-1, 3), (4, 3)])
def test_wilson_refuses_what_is_no_proportion(passed, total):
    with pytest.raises(ValueError):
        wilson(passed, total)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_percentiles_agree_with_the_standard_library(values):
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    assert percentile(values, 0.95) == pytest.approx(cuts[-1], abs=1e-6)
    assert percentile(values, 0.5) == pytest.approx(statistics.median(values), abs=1e-6)


def test_percentiles_at_the_ends():
    assert (percentile([3, 1, 2], 0), percentile([3, 1, 2], 1), percentile([7], 0.95)) == (1, 3, 7)
    for values, share in (([], 0.5), ([1], 1.5)):
        with pytest.raises(ValueError):
            percentile(values, share)


def test_unknown_outcomes_widen_the_interval_and_stay_in_the_denominator():
    known, some = proportion([True, False, False]), proportion([True, None, None])
    assert (some.passed, some.unknown, some.total) == (1, 2, 3)
    assert some.low == known.low == wilson(1, 3)[0]
    assert some.high == wilson(3, 3)[1]


def test_summarise():
    summary = summarise(ROWS)
    assert summary.tasks == 4
    assert (summary.visible.passed, summary.held_out.passed, summary.held_out.unknown) == (2, 1, 1)
    assert summary.candidates == Spread(median=15, p95=pytest.approx(28.5), total=60)
    assert summary.seconds == Spread(median=1.5, p95=pytest.approx(2.85), total=6.5)


def test_no_rows_make_a_summary_without_figures():
    summary = summarise([])
    assert summary.visible == Proportion(passed=0, unknown=0, total=0, low=0.0, high=1.0)
    assert spread([]) == Spread(median=None, p95=None, total=None)
    assert "no task" in summary_table(summary)


def test_a_plain_table():
    text = render_table(("name", "n"), [("a", "1"), ("long name", "20")], align=(Align.LEFT, Align.RIGHT))
    assert text.split("\n") == ["name        n", "---------  --", "a           1", "long name  20"]


def test_a_markdown_table_escapes_what_would_break_it():
    text = render_table(("x", "n"), [("a|b\nc", "1")], align=(Align.LEFT, Align.RIGHT), style=Style.MARKDOWN)
    assert text.split("\n") == [r"| x      |  n |", r"| ------ | -: |", r"| a\|b c |  1 |"]


def test_a_row_must_fill_the_table():
    with pytest.raises(ValueError, match="a row of 1 cells in a table of 2 columns"):
        render_table(("a", "b"), [("1",)])


def test_the_task_table_names_every_outcome():
    lines = task_table(ROWS).split("\n")
    assert lines[2].split() == ["a", "pass", "pass", "10", "1.0"]
    assert lines[4].split() == ["c", "fail", "fail", "20", "2.0", "time", "limit"]
    assert lines[5].split() == ["d", "unknown", "unknown", "0", "0.5", "box", "lost"]


def test_the_summary_table():
    text = summary_table(summarise(ROWS), Style.MARKDOWN)
    assert "2 of 4, 1 unknown (95 % interval 15% to 95%)" in text
    assert "median 15, p95 28, total 60" in text
