"""Arms side by side, and whether belief is as right as it says."""

import pytest

from moa_code.report.arms import ArmResult, arms_table, brier, reliability, reliability_table


def result(arm="a", **changes):
    given = {
        "arm": arm,
        "verified": True,
        "right": True,
        "stricter": None,
        "any_right": None,
        "calls": 2,
        "tokens": 100,
        "cost_usd": 0.5,
        "seconds": 1.0,
    }
    return ArmResult(**{**given, **changes})


def cells(text):
    header, _, *rows = (line.split("  ") for line in text.splitlines())
    names = [cell.strip() for cell in header if cell.strip()]
    return [dict(zip(names, [c.strip() for c in row if c.strip()], strict=True)) for row in rows]


def test_one_line_an_arm_in_the_order_they_come():
    rows = cells(arms_table([result("b"), result("a"), result("b", right=False, calls=4)]))
    assert [row["arm"] for row in rows] == ["b", "a"]
    assert (rows[0]["attempts"], rows[0]["right"], rows[0]["false accepts"]) == ("2", "1", "1 of 2")
    assert rows[0]["calls a task"] == "3.00"
    assert rows[0]["$ a right one"] == "1.0000"


def test_an_unknown_grade_stays_in_the_count_and_an_unknown_price_is_no_price():
    row = cells(arms_table([result(right=None, cost_usd=None), result()]))[0]
    assert (row["attempts"], row["right"]) == ("2", "1 (+1?)")
    assert row["$ a right one"] == "unknown"


def test_a_right_one_that_was_not_chosen_is_lost_by_choosing():
    row = cells(arms_table([result(right=False, any_right=True), result(any_right=True), result(any_right=False)]))[0]
    assert row["lost by choosing"] == "1"


def test_nothing_right_has_no_price():
    assert cells(arms_table([result(right=False)]))[0]["$ a right one"] == "none right"


@pytest.mark.parametrize(
    ("answers", "score"),
    [([], None), ([(1.0, True)], 0.0), ([(0.5, True), (0.5, False)], 0.25), ([(0.9, False)], 0.81)],
)
def test_brier(answers, score):
    assert brier(answers) == (score if score is None else pytest.approx(score))


def test_beliefs_fall_into_their_bins_and_the_last_edge_is_inside():
    bins = reliability([(0.95, True), (0.95, False), (1.0, True), (0.2, False)], (0.0, 0.5, 0.9, 1.0))
    assert [(one.low, one.count) for one in bins] == [(0.0, 1), (0.9, 3)]
    assert bins[1].believed == pytest.approx((0.95 + 0.95 + 1.0) / 3)
    assert bins[1].right == pytest.approx(2 / 3)
    assert "0.90 to 1.00" in reliability_table(bins)
