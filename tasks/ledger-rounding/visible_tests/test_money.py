import pytest

from ledger.money import cents, share, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12", 1200), ("12.34", 1234), ("0.05", 5), ("12.5", 1250), ("-3.20", -320), ("-0.50", -50), (" 7 ", 700)],
)
def test_cents(text, expected):
    assert cents(text) == expected


@pytest.mark.parametrize("text", ["", "1.234", "1,5", "--1", ".5"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError):
        cents(text)


@pytest.mark.parametrize(("amount", "expected"), [(1234, "12.34"), (5, "0.05"), (-50, "-0.50"), (0, "0.00")])
def test_shown(amount, expected):
    assert shown(amount) == expected


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        (100, [1, 1], [50, 50]),
        (100, [1, 1, 1], [34, 33, 33]),
        (5, [1, 1], [3, 2]),
        (10, [3, 3, 1], [4, 4, 2]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (7, [0, 1], [0, 7]),
    ],
)
def test_share(amount, weights, expected):
    assert share(amount, weights) == expected


def test_weights_must_make_sense():
    for weights in ([0, 0], [2, -1]):
        with pytest.raises(ValueError):
            share(10, weights)
