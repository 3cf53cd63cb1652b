"""What the pool's benchmark learns and counts, on made-up lines."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from pool_folds import Fold, best_single, cascade_order, fixed_cascade, folds, profiles
from pool_score import Score
from pool_store import Store, key_of


def line(number, **answers):
    """A task on which each author's answer is `+` (passes, right), `-` (passes, wrong), `r` (right, fails) or `.`."""
    cells = {
        name: SimpleNamespace(passed=mark in "+-", right=mark in "+r", plus=False) for name, mark in answers.items()
    }
    return SimpleNamespace(task_id=f"T/{number}", cells=cells)


def lines(**answers):
    """One task for each mark of the authors' strings."""
    count = len(next(iter(answers.values())))
    return [line(n, **{name: marks[n] for name, marks in answers.items()}) for n in range(count)]


def played(number, *, right, asked=("a",), verified=True, oracle=None, belief=0.9):
    return SimpleNamespace(
        task_id=f"T/{number}", right=right, plus=False, calls=len(asked), asked=asked, verified=verified,
        belief=belief if verified else None, oracle=right if oracle is None else oracle,
    )  # fmt: skip


def test_halves_share_no_task_and_are_the_same_at_every_run():
    table = lines(a="+" * 10)
    first, again = (tuple(folds(table, 3)) for _ in range(2))
    for fold in first:
        train, test = ({one.task_id for one in half} for half in (fold.train, fold.test))
        assert (len(train), len(test), train & test) == (5, 5, set())
    assert [[x.task_id for x in f.test] for f in first] == [[x.task_id for x in f.test] for f in again]
    assert len({tuple(x.task_id for x in f.test) for f in first}) > 1


def test_the_best_alone_is_right_most_often_whether_or_not_its_examples_agree():
    assert best_single(lines(a="++..", b="rr+."), ("a", "b")) == "b"


def test_who_is_wrong_when_it_passes_does_not_go_first():
    table = lines(sure="++++....", bold="+++++---")
    assert cascade_order(table, ("bold", "sure")) == ("sure", "bold")
    assert fixed_cascade(table, ("bold", "sure")) == ("bold",)


def test_the_fixed_cascade_ends_where_nobody_adds_anything():
    table = lines(a="++++..", b="++....", c="....+.")
    assert fixed_cascade(table, ("a", "b", "c")) == ("a", "c")


def test_a_profile_counts_passes_and_wrong_passes_of_its_half_alone():
    found = profiles(lines(a="+" * 40, b="-" * 20 + "+" * 20), ("a", "b"))
    assert found["a"].false_accept.mean < found["b"].false_accept.mean < 0.5
    assert found["a"].solves.mean == pytest.approx(41 / 42)


def test_headroom_lies_between_the_single_and_the_oracle():
    test = tuple(lines(a="++..", b="..+."))
    score = Score(name="p")
    score.add([played(n, right=n != 3) for n in range(4)], Fold(number=0, train=(), test=test), 2, ("a", "b"))
    assert (score.headroom, score.oracle, score.false) == (1.0, [3], 1)


def test_losses_are_told_apart():
    test = tuple(lines(a="-+-.", b="++..", c=".+.."))
    score = Score(name="p")
    score.add(
        [
            played(0, right=False, oracle=False),  # b would have been right
            played(1, right=False, asked=("a", "b"), oracle=True),
            played(2, right=False, oracle=False),
            played(3, right=False, verified=False, oracle=False),
        ],
        Fold(number=0, train=(), test=test),
        1,
        ("a", "b", "c"),
    )
    assert (score.unasked, score.misjudged, score.uncovered) == (1, 1, 2)
    assert score.false == 3


def test_what_was_measured_is_there_the_next_time(tmp_path):
    path = tmp_path / "deep" / "pool.sqlite"
    store = Store(path)
    store.put("verdict", key_of("t", 1), "passed")
    store.close()
    again = Store(path)
    assert again.get("verdict", key_of("t", 1)) == "passed"
    assert again.get("verdict", key_of("t", "1")) is None
    again.close()
