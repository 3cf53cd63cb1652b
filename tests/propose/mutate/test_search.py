from moa_code.core.brief import Suspect
from moa_code.propose.mutate.ingredients import harvest
from moa_code.propose.mutate.search import Lesson, Search

CODE = "def f(a, b):\n    x = a < b\n    y = a < b\n    return x, y\n"


def search(text=CODE, lines=(2, 3), **kwargs):
    suspects = [Suspect(path="m.py", first_line=n, last_line=n, score=1.0, reason="") for n in lines]
    return Search({"m.py": text}, suspects, harvest({"m.py": text}), **kwargs)


def test_single_edits_come_first_and_the_search_ends():
    found = list(search())
    assert all(m.order == 1 for m in found)
    assert len({m.after for m in found}) == len(found)


def test_after_a_partial_fix_the_same_operator_is_tried_at_another_place():
    run = search()
    for mutant in run:
        if mutant.description == "< -> <=" and mutant.line == 2:
            run.learn(mutant, Lesson(fixed=1, failing=2, regressed=0, changed=True))
            break
    following = [next(run) for _ in range(150)]
    both = [m for m in following if "x = a <= b\n    y = a <= b" in m.after]
    assert [m.operator for m in both] == ["comparison + comparison"]
    assert both[0].order == 2
    assert both[0].before == CODE


def test_a_regression_is_not_built_upon():
    run = search()
    first = next(run)
    run.learn(first, Lesson(fixed=1, failing=2, regressed=1, changed=True))
    assert all(m.order == 1 for m in run)


def test_when_nothing_fixed_anything_pairs_follow_the_single_edits():
    run = search()
    orders = []
    for mutant, _ in zip(run, range(3000), strict=False):
        orders.append(mutant.order)
        run.learn(mutant, Lesson(fixed=0, failing=1, regressed=0, changed=True))
    assert orders == sorted(orders)
    assert set(orders) == {1, 2}


def test_a_line_whose_mutants_change_nothing_waits():
    def lines(idle):
        run = search()
        seen = []
        for mutant, _ in zip(run, range(120), strict=False):
            seen.append(mutant.line)
            if idle:
                run.learn(mutant, Lesson(fixed=0, failing=1, regressed=0, changed=mutant.line == 3))
        return seen.count(2)

    assert lines(idle=True) < lines(idle=False)


def test_a_check_that_hangs_makes_loop_conditions_likelier():
    text = "def f(a, b):\n    b = a + 1 < b\n    while a < b:\n        a = b + 1\n    return a\n"
    lines = (2, 3, 4, 5)
    calm = [m.line for m, _ in zip(search(text, lines), range(40), strict=False)]
    hung = [m.line for m, _ in zip(search(text, lines, hung=True), range(40), strict=False)]
    assert hung.count(3) > calm.count(3)
