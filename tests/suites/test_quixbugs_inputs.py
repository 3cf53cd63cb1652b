import itertools

import pytest

from moa_code.suites.quixbugs_inputs import PROGRAMS, made_inputs, oracle_disagrees


def has_cycle(count, edges):
    order = list(range(count))
    for _ in range(count):
        order = [node for node in order if any(u in order and v == node for u, v in edges)]
    return bool(order)


def bellman_negative_cycle(count, edges):
    length = [0] * count
    for _ in range(count):
        length = [
            min([length[node]] + [length[u] + weight for u, v, weight in edges if v == node]) for node in range(count)
        ]
    return any(length[u] + weight < length[v] for u, v, weight in edges)


PRECONDITIONS = {
    "bitcount": lambda n: n >= 0,
    "bucketsort": lambda arr, k: all(0 <= x < k for x in arr),
    "find_first_in_sorted": lambda arr, x: arr == sorted(arr),
    "find_in_sorted": lambda arr, x: arr == sorted(arr),
    "gcd": lambda a, b: a >= 0 and b >= 0,
    "get_factors": lambda n: n >= 1,
    "hanoi": lambda height, start, end: height >= 0 and start != end and {start, end} <= {1, 2, 3},
    "is_valid_parenthesization": lambda parens: set(parens) <= set("()"),
    "kheapsort": lambda arr, k: (
        len(set(arr)) == len(arr) and all(abs(place - sorted(arr).index(x)) <= k for place, x in enumerate(arr))
    ),
    "kth": lambda arr, k: 0 <= k < len(arr),
    "lis": lambda arr: len(set(arr)) == len(arr),
    "next_palindrome": lambda digits: digits and digits == digits[::-1] and (digits[0] > 0 or digits == [0]),
    "next_permutation": lambda perm: len(set(perm)) == len(perm) and perm != sorted(perm, reverse=True),
    "pascal": lambda n: n >= 1,
    "powerset": lambda arr: len(set(arr)) == len(arr),
    "shortest_path_length": lambda count, edges, start, goal: all(edge[2] > 0 for edge in edges),
    "shortest_path_lengths": lambda count, edges: not bellman_negative_cycle(count, edges),
    "shortest_paths": lambda source, edges: (
        {u for u, _, _ in edges} <= {v for _, v, _ in edges} | {source}
        and not bellman_negative_cycle(1 + max(map(max, edges)) if edges else 1, edges)
    ),
    "sieve": lambda bound: bound > 0,
    "sqrt": lambda x, epsilon: x >= 1 and epsilon > 0,
    "subsequences": lambda a, b, k: k > 0,
    "to_base": lambda num, b: num > 0 and 2 <= b <= 36,
    "topological_ordering": lambda count, edges: not has_cycle(count, edges),
    "wrap": lambda text, cols: cols > 0 and text,
}


def test_there_are_forty_programs():
    assert len(PROGRAMS) == 40


@pytest.mark.parametrize("name", PROGRAMS)
def test_inputs_differ_and_are_the_same_each_time(name):
    inputs = made_inputs(name, 44)
    assert len({repr(args) for args in inputs}) == len(inputs) == 44
    assert repr(made_inputs(name, 44)) == repr(inputs)


@pytest.mark.parametrize("name", sorted(PRECONDITIONS))
def test_inputs_keep_the_precondition(name):
    for args in made_inputs(name, 44):
        assert PRECONDITIONS[name](*args), args


def test_made_expressions_are_complete():
    for [tokens] in made_inputs("rpn_eval", 44):
        heights = list(itertools.accumulate(1 if isinstance(token, float) else -1 for token in tokens))
        assert heights[-1] == 1
        assert min(heights) >= 1


def test_a_wrong_answer_of_the_reference_is_noticed():
    args = [3, [[0, 1, 1], [1, 2, 2], [0, 2, 8]], 0, 2]
    assert not oracle_disagrees("shortest_path_length", args, "3")
    assert oracle_disagrees("shortest_path_length", args, "8")
    assert not oracle_disagrees("gcd", [2, 4], "3")
