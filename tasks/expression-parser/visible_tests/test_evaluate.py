import pytest

from calc.errors import SyntaxFault, UnknownName
from calc.evaluate import evaluate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        ("2 + 3", 5),
        ("2 * (3 + 4)", 14),
        ("2 + 3 * 4", 14),
        ("2 * 3 + 4", 10),
        ("10 - 4 - 3", 3),
        ("24 / 4 / 3", 2),
        ("2 ^ 3 ^ 2", 512),
        ("-3", -3),
        ("2 * -3", -6),
        ("-2 ^ 2", -4),
        ("(1.5 + 1.5) * 2", 6),
    ],
)
def test_values(text, expected):
    assert evaluate(text) == expected


def test_names_have_values():
    assert evaluate("width * 2", {"width": 4.5}) == 9
    with pytest.raises(UnknownName):
        evaluate("height + 1", {"width": 4.5})


@pytest.mark.parametrize(("text", "position"), [("2 +", 3), ("2 $ 3", 2), ("", 0), ("2 3", 2)])
def test_faults_tell_their_position(text, position):
    with pytest.raises(SyntaxFault) as caught:
        evaluate(text)
    assert caught.value.position == position


def test_a_parenthesis_must_be_closed():
    with pytest.raises(SyntaxFault) as caught:
        evaluate("(1 + 2")
    assert caught.value.position == 6
