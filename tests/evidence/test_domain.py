"""Domains inferred from examples: what is drawn from one keeps to what the examples have in common."""

import ast
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.evidence.domain import Domain, NoDomain, domain_of, hint_shape, parameters_of
from moa_code.evidence.draws import alter, draw
from moa_code.evidence.infer import shape_of
from moa_code.evidence.inputs import inputs_of, related
from moa_code.evidence.shapes import Letters, Whole, balanced, fits, widened


def domain(head, *calls, words=""):
    """The domain of `def f{head}` called with each of `calls`, tuples of arguments."""
    node = ast.parse(f"def f{head}: pass").body[0]
    return domain_of(parameters_of(node), [(args, {}) for args in calls], words)


def values_of(known, seed, *, near=40, edge=0):
    """Arguments of fresh inputs."""
    return [one.args for one in inputs_of(known, near=near, edge=edge, seed=seed)]


seeds = st.integers(0, 2**32)
few = settings(max_examples=25, deadline=None)


@few
@given(seeds)
def test_a_list_that_is_searched_stays_sorted(seed):
    known = domain("(items, wanted)", ([1, 3, 5, 9], 3), ([2, 4, 6], 5), words="Binary search in a sorted list.")
    found = values_of(known, seed, edge=10)
    assert len(found) >= 40
    assert all(items == sorted(items) for items, _ in found)
    assert any(wanted in items for items, wanted in found)
    assert any(wanted not in items for items, wanted in found)


@few
@given(seeds)
def test_numbers_above_zero_stay_so(seed):
    known = domain("(a: int, b: int)", (12, 18), (7, 5), (25, 15), words="gcd")
    assert all(a > 0 and b > 0 for a, b in values_of(known, seed))
    assert {0, -1} & {value for one in values_of(known, seed, near=0, edge=30) for value in one}


@few
@given(seeds)
def test_brackets_stay_balanced(seed):
    for texts in (["(()()) ((()))", "()", "((()))"], ["( ) (( )) (( )( ))"], ["[()]", "{}", "[{}()]"]):
        known = domain("(text)", *[(text,) for text in texts])
        found = values_of(known, seed, edge=8)
        assert all(balanced(text) for (text,) in found)
        assert set("".join(text for (text,) in found)) <= set("".join(texts))


@few
@given(seeds)
def test_brackets_that_were_not_balanced_need_not_be(seed):
    known = domain("(text)", ("(",), ("(()())",), (")(()",))
    assert not all(balanced(text) for (text,) in values_of(known, seed))


@few
@given(seeds)
def test_lists_that_were_of_one_length_stay_so(seed):
    known = domain("(a, b)", ([1, 2], [3, 4]), ([5], [6]), ([7, 8, 9], [1, 2, 3]))
    assert all(len(a) == len(b) for a, b in values_of(known, seed))


@few
@given(seeds)
def test_operators_stay_one_fewer_than_operands(seed):
    known = domain("(signs, numbers)", (["+", "*"], [2, 3, 4]), (["-"], [5, 6]))
    assert all(len(signs) == len(numbers) - 1 for signs, numbers in values_of(known, seed) if numbers)


@few
@given(seeds)
def test_an_index_stays_inside(seed):
    known = domain("(items, at)", ([10, 20, 30], 2), ([40, 50], 0), ([60, 70, 80, 90], 1))
    assert all(0 <= at < len(items) for items, at in values_of(known, seed) if items)


@few
@given(seeds)
def test_bounds_stay_in_order(seed):
    known = domain("(low, high)", (1, 5), (3, 9), (20, 28))
    assert all(low < high for low, high in values_of(known, seed))


@few
@given(seeds)
def test_a_list_that_was_never_empty_is_so_only_at_the_edge(seed):
    known = domain("(items: list[int])", ([3, 1, 2],), ([5, 4],))
    assert all(one.edge for one in inputs_of(known, near=40, edge=20, seed=seed) if one.args == ([],))
    assert any(one.args == ([],) for one in inputs_of(known, near=40, edge=20, seed=seed))


@few
@given(seeds)
def test_rows_of_a_matrix_stay_of_one_length(seed):
    known = domain("(grid)", ([[1, 2, 3], [4, 5, 6]],), ([[7, 8], [9, 1]],))
    assert all(len({len(row) for row in grid}) <= 1 for (grid,) in values_of(known, seed))


@few
@given(seeds)
def test_dates_keep_their_pattern(seed):
    known = domain("(text)", ("03-11-2000",), ("15-01-2012",))
    assert all(len(text) == 10 and text[2] == text[5] == "-" for (text,) in values_of(known, seed))


@few
@given(seeds)
def test_words_of_a_closed_vocabulary_stay_in_it(seed):
    known = domain("(text)", ("three one five",), ("one three",))
    assert {word for (text,) in values_of(known, seed) for word in text.split()} <= {"one", "three", "five"}


@few
@given(seeds)
def test_numbers_in_a_text_change_and_the_text_stays(seed):
    known = domain("(text)", ("5 apples and 6 oranges",), ("2 apples and 13 oranges",))
    for (text,) in values_of(known, seed):
        assert "".join(c for c in text if not c.isdigit()) == " apples and  oranges"


@few
@given(seeds)
def test_bits_stay_bits(seed):
    known = domain("(text)", ("010",), ("110",), ("1101",))
    assert {char for (text,) in values_of(known, seed) for char in text} == {"0", "1"}


@few
@given(seeds)
def test_elements_that_differed_stay_different_where_the_words_say_so(seed):
    known = domain("(items)", ([4, 1, 7],), ([2, 9, 3, 5],), words="the elements are distinct")
    assert all(len(set(items)) == len(items) for (items,) in values_of(known, seed))


@few
@given(seeds)
def test_what_rose_by_chance_once_need_not_rise(seed):
    known = domain("(items)", ([1, 2, 3],), words="the sum")
    assert any(any(a > b for a, b in pairwise(items)) for (items,) in values_of(known, seed))


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-50, 50)
    | st.floats(-9, 9).map(lambda x: round(x, 2))
    | st.text("ab01 (),-", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(plain, min_size=1, max_size=6), seeds, st.sampled_from(["", "sorted", "distinct sorted"]))
def test_what_is_drawn_fits_and_so_does_what_was_seen(seen, seed, words):
    shape = shape_of(seen, words)
    assert shape is not None
    for value in seen:
        assert fits(shape, value), (shape, value)
    rng = Random(seed)
    for _ in range(10):
        value = draw(shape, rng)
        assert fits(shape, value), (shape, value)
        alter(shape, value, rng)
        draw(widened(shape), rng, edge=True)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(-9, 9), max_size=6), st.integers(-9, 9), st.text("abc", max_size=5)),
        min_size=1,
        max_size=5,
    ),
    seeds,
)
def test_inputs_inside_keep_to_shapes_and_relations(calls, seed):
    known = domain("(items, number, text)", *calls)
    assert isinstance(known, Domain)
    for one in inputs_of(known, near=30, edge=10, seed=seed):
        values = dict(zip(known.shapes, one.args, strict=True))
        if not one.edge:
            assert all(related(relation, values) for relation in known.relations), (known, values)


def test_the_same_seed_draws_the_same():
    known = domain("(items, text)", ([1, 2], "ab"), ([3], "c"))
    first = inputs_of(known, near=40, edge=10, seed=7)
    assert first == inputs_of(known, near=40, edge=10, seed=7)
    assert first != inputs_of(known, near=40, edge=10, seed=8)
    assert len({one.text for one in first}) == len(first)
    assert not {one.text for one in first} & {"[1, 2], 'ab'", "[3], 'c'"}, "examples are known already"


def test_without_examples_the_hints_say_and_all_is_edge():
    known = domain("(n: int, names: list[str], flag: bool = False)")
    assert not known.shown
    found = inputs_of(known, near=40, edge=10, seed=1)
    assert found
    assert all(one.edge for one in found)
    assert all(type(one.args[0]) is int and type(one.args[1]) is list and len(one.args) == 2 for one in found)


@pytest.mark.parametrize("head", ["(tree)", "(tree: Tree)", "(n: int, tree: Tree)"])
def test_without_examples_and_plain_hints_there_is_no_domain(head):
    assert isinstance(domain(head), NoDomain)


def test_a_parameter_that_is_sometimes_given_is_sometimes_left_out():
    known = domain("(text, width=80, *, strict=False)", ("ab",), ("cd", 3))
    found = inputs_of(known, near=40, edge=0, seed=1)
    assert {len(one.args) for one in found} == {1, 2}
    assert not any(one.kwargs for one in found)


def test_starred_parameters_take_several():
    known = domain("(*numbers)", (1, 2), (3, 4, 5), (6,))
    assert len({len(one.args) for one in inputs_of(known, near=40, edge=0, seed=1)}) > 2


@pytest.mark.parametrize(
    ("hint", "fitting"),
    [
        ("Optional[int]", [None, 3]),
        ("'list[int]'", [[1, 2]]),
        ("Dict[str, int]", [{"a": 1}]),
        ("tuple[int, str]", [(1, "a")]),
        ("int | None", [None, 2]),
        ("Literal['x', 'y']", ["x"]),
        ("typing.List[bool]", [[True]]),
    ],
)
def test_hints_of_plain_types_are_shapes(hint, fitting):
    shape = hint_shape(ast.parse(hint, mode="eval").body)
    assert all(fits(shape, value) for value in fitting)


@pytest.mark.parametrize("hint", ["Node", "list[Node]", "Callable[[int], int]", "np.ndarray", "dict[str, Node]"])
def test_other_hints_are_none(hint):
    assert hint_shape(ast.parse(hint, mode="eval").body) is None


def test_letters_of_words_stand_for_the_alphabet_and_those_of_hexadecimals_do_not():
    assert set(shape_of(["hello", "world"]).alphabet) >= set("xyz")
    shape = shape_of(["AB", "1077E", "ABED1A33"])
    assert isinstance(shape, Letters)
    assert set(shape.alphabet) == set("0123456789ABDE")


def test_small_numbers_are_not_drawn_below_what_was_seen():
    shape = shape_of([2, 3, 8])
    assert isinstance(shape, Whole)
    assert shape.low == 2
    assert shape.high > 8


@few
@given(seeds)
def test_a_size_stays_the_size(seed):
    known = domain("(items, n)", ([1, 5, 3], 3), ([7, 8], 2), ([9], 1))
    assert all(n == len(items) for items, n in values_of(known, seed))


@few
@given(seeds)
def test_tokens_keep_their_places(seed):
    known = domain("(tokens)", ([3.0, 5.0, "+", 2.0, "/"],), ([2.0, 2.0, "+"],), ([7.0, 4.0, "+", 3.0, "-"],))
    for (tokens,) in values_of(known, seed):
        assert [type(token) for token in tokens] in ([float, float, str, float, str], [float, float, str])
        assert {token for token in tokens if isinstance(token, str)} <= {"+", "-", "/"}


def test_what_was_always_the_same_stays_so():
    known = domain(
        "(node, edges)", ("A", {("A", "B"): 3}), ("A", {("A", "C"): 1, ("C", "B"): 2}), ("A", {("A", "B"): 9})
    )
    assert {node for node, _ in values_of(known, 1)} == {"A"}


@few
@given(seeds)
def test_records_keep_their_keys(seed):
    known = domain("(user)", ({"name": "ann", "age": 3},), ({"name": "bob", "age": 41},))
    for (user,) in values_of(known, seed, edge=5):
        assert list(user) == ["name", "age"]
        assert [type(value) for value in user.values()] == [str, int]


@few
@given(seeds)
def test_texts_of_a_language_keep_their_structure(seed):
    known = domain("(text)", ("2 * (3 + 4)",), ("width / 2",), ("-x + 10 * (y - 1)",))
    for (text,) in values_of(known, seed):
        compile(text, "an expression", "eval")
        assert {"width", "x", "y"} >= {
            word for word in text.replace("(", " ").replace(")", " ").replace("-", " ").split() if word.isalpha()
        }
