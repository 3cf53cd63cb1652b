"""Fresh inputs for each QuixBugs program, inside the precondition that its specification states. Deterministic.

Graphs are plain data here: lists of edges over the nodes 0, 1, 2 …; `quixbugs_rules` builds the objects from it.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping
from random import Random

Args = list[object]
_ATTEMPTS = 4_000


def made_inputs(name: str, count: int) -> list[Args]:
    """Up to `count` different argument lists, the same ones in every run. Raises `KeyError` for an unknown program."""
    make = _MAKERS[name]
    rng = Random(f"quixbugs/{name}")
    found: dict[str, Args] = {}
    for _ in range(_ATTEMPTS):
        if len(found) == count:
            break
        args = make(rng)
        found.setdefault(repr(args), args)
    return list(found.values())


def oracle_disagrees(name: str, args: Args, answer: str) -> bool:
    """Whether the reference's answer (as text) is known to be wrong for these arguments.

    `shortest_path_length`'s reference changes keys inside a heap without restoring its order, which can make it miss
    the shortest path; such inputs would condemn right programs.
    """
    return name == "shortest_path_length" and answer != repr(_dijkstra(*args[1:]))  # type: ignore[arg-type]  # its own maker's


def _ints(rng: Random, low: int, high: int, sizes: tuple[int, int]) -> list[int]:
    return [rng.randint(low, high) for _ in range(rng.randint(*sizes))]


def _unique(rng: Random, low: int, high: int, sizes: tuple[int, int]) -> list[int]:
    return rng.sample(range(low, high + 1), rng.randint(*sizes))


def _text(rng: Random, alphabet: str, sizes: tuple[int, int]) -> str:
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(*sizes)))


def _pairs(rng: Random, count: int, chance: float) -> list[tuple[int, int]]:
    """Directed edges without loops between `count` nodes."""
    return [pair for pair in itertools.permutations(range(count), 2) if rng.random() < chance]


def _searched_graph(rng: Random) -> Args:
    count = rng.randint(1, 7)
    pairs = _pairs(rng, count, rng.choice((0.1, 0.2, 0.35)))
    adjacency = [[v for u, v in pairs if u == node] for node in range(count)]
    return [adjacency, rng.randrange(count), rng.randrange(count)]


def _bucketsort(rng: Random) -> Args:
    bound = rng.randint(1, 15)
    return [_ints(rng, 0, bound - 1, (0, 12)), bound]


def _detect_cycle(rng: Random) -> Args:
    length = rng.randint(1, 30)
    return [length, rng.choice((None, rng.randrange(length)))]


def _sorted_search(rng: Random) -> Args:
    arr = sorted(_ints(rng, -5, 20, (0, 12)))
    return [arr, rng.choice((rng.randint(-7, 22), rng.choice(arr or [0])))]


def _nested(rng: Random, depth: int) -> list[object]:
    return [
        _nested(rng, depth - 1) if depth and rng.random() < 0.4 else rng.randint(0, 99)
        for _ in range(rng.randint(0, 4))
    ]


def _hanoi(rng: Random) -> Args:
    return [rng.randint(0, 7), *rng.sample((1, 2, 3), 2)]


def _kheapsort(rng: Random) -> Args:
    """Shuffled within blocks of k + 1, so that nothing is further than k from its place."""
    ordered = sorted(_unique(rng, -30, 60, (0, 14)))
    k = rng.randint(0, 6)
    arr: list[int] = []
    for start in range(0, len(ordered), k + 1):
        block = ordered[start : start + k + 1]
        arr.extend(rng.sample(block, len(block)))
    return [arr, k]


def _knapsack(rng: Random) -> Args:
    items = [[rng.randint(1, 15), rng.randint(1, 40)] for _ in range(rng.randint(0, 7))]
    return [rng.randint(1, 50), items]


def _kth(rng: Random) -> Args:
    arr = _ints(rng, -9, 30, (1, 12))
    return [arr, rng.randrange(len(arr))]


def _spanning(rng: Random) -> Args:
    """A connected graph whose weights all differ, so that there is one answer."""
    count = rng.randint(2, 7)
    order = rng.sample(range(count), count)
    edges = {tuple(sorted((order[i], order[rng.randrange(i)]))) for i in range(1, count)}
    edges |= {pair for pair in itertools.combinations(range(count), 2) if rng.random() < 0.4}
    weights = rng.sample(range(1, 60), len(edges))
    return [[[u, v, weight] for (u, v), weight in zip(sorted(edges), weights, strict=True)]]


def _palindrome(rng: Random) -> Args:
    half = [rng.choice((rng.randint(0, 9), 9)) for _ in range(rng.randint(0, 4))]
    outer = [rng.choice((rng.randint(1, 9), 9))] if half or rng.random() < 0.7 else []
    middle = [rng.choice((rng.randint(0, 9), 9))] if rng.random() < 0.5 or not outer else []
    left = outer + half
    return [left + middle + left[::-1]]


def _permutation(rng: Random) -> Args:
    perm = _unique(rng, 0, 40, (2, 8))
    while perm == sorted(perm, reverse=True):
        rng.shuffle(perm)
    return [perm]


def _change(rng: Random) -> Args:
    return [rng.sample((1, 2, 3, 5, 7, 10, 20), rng.randint(0, 4)), rng.randint(-3, 40)]


def _rpn(rng: Random) -> Args:
    tokens: list[object] = []
    height = 0
    for _ in range(rng.randint(0, 6)):
        while height < 2 or rng.random() < 0.4:
            tokens.append(float(rng.randint(1, 20)))
            height += 1
        tokens.append(rng.choice("+-*/"))
        height -= 1
    tokens.extend(["+"] * (height - 1) if tokens else [float(rng.randint(0, 50))])
    return [tokens]


def _infix(rng: Random) -> Args:
    tokens: list[object] = [rng.randint(0, 50)]
    for _ in range(rng.randint(0, 7)):
        tokens += [rng.choice("+-*/"), rng.randint(0, 50)]
    return [tokens]


def _weighted(rng: Random) -> Args:
    """Lengths are powers of two: all paths differ in length, and nodes, which have no order, are never compared."""
    count = rng.randint(2, 6)
    pairs = _pairs(rng, count, 0.5)
    pairs = rng.sample(pairs, min(len(pairs), 12))
    lengths = rng.sample([1 << power for power in range(12)], len(pairs))
    edges = [[u, v, length] for (u, v), length in zip(pairs, lengths, strict=True)]
    return [count, edges, rng.randrange(count), rng.randrange(count)]


def _potentials(rng: Random, pairs: list[tuple[int, int]], count: int) -> list[list[int]]:
    """Edges with some negative weights and no negative cycle: a cycle's potentials cancel out."""
    height = [rng.randint(0, 8) for _ in range(count)]
    return [[u, v, rng.randint(0, 9) + height[u] - height[v]] for u, v in pairs]


def _all_pairs(rng: Random) -> Args:
    count = rng.randint(1, 6)
    return [count, _potentials(rng, _pairs(rng, count, rng.choice((0.2, 0.4))), count)]


def _one_source(rng: Random) -> Args:
    """Every node but the source has an edge into it; the reference knows no other nodes."""
    count = rng.randint(2, 7)
    pairs = {(rng.randrange(node), node) for node in range(1, count)} | set(_pairs(rng, count, 0.2))
    return [0, _potentials(rng, rng.sample(sorted(pairs), len(pairs)), count)]


def _subsequences(rng: Random) -> Args:
    first = rng.randint(-5, 10)
    return [first, first + rng.randint(0, 7), rng.randint(1, 5)]


def _acyclic(rng: Random) -> Args:
    count = rng.randint(1, 8)
    rank = rng.sample(range(count), count)
    return [count, [[u, v] for u, v in _pairs(rng, count, 0.35) if rank[u] < rank[v]]]


def _wrapped(rng: Random) -> Args:
    """Words shorter than the column, single spaces: the reference makes no progress on a word that only just fits."""
    cols = rng.randint(3, 20)
    if rng.random() < 0.1:
        return [_text(rng, "abcde", (1, 40)), cols]
    return [" ".join(_text(rng, "abcde", (1, cols - 1)) for _ in range(rng.randint(1, 12))), cols]


def _dijkstra(edges: list[list[int]], start: int, goal: int) -> float:
    done: set[int] = set()
    waiting: list[tuple[int, int]] = [(0, start)]
    while waiting:
        length, node = heapq.heappop(waiting)
        if node == goal:
            return length
        if node not in done:
            done.add(node)
            for u, v, step in edges:
                if u == node:
                    heapq.heappush(waiting, (length + step, v))
    return float("inf")


_MAKERS: Mapping[str, Callable[[Random], Args]] = {
    "bitcount": lambda rng: [rng.choice((rng.randrange(64), rng.randrange(1 << 20), 1 << rng.randrange(40)))],
    "breadth_first_search": _searched_graph,
    "bucketsort": _bucketsort,
    "depth_first_search": _searched_graph,
    "detect_cycle": _detect_cycle,
    "find_first_in_sorted": _sorted_search,
    "find_in_sorted": _sorted_search,
    "flatten": lambda rng: [_nested(rng, 3)],
    "gcd": lambda rng: [rng.randint(0, 400) * (k := rng.randint(1, 9)), rng.randint(0, 400) * k],
    "get_factors": lambda rng: [rng.randint(1, 3000)],
    "hanoi": _hanoi,
    "is_valid_parenthesization": lambda rng: [_text(rng, "()", (0, 8))],
    "kheapsort": _kheapsort,
    "knapsack": _knapsack,
    "kth": _kth,
    "lcs_length": lambda rng: [_text(rng, "abc", (0, 9)), _text(rng, "abc", (0, 9))],
    "levenshtein": lambda rng: [_text(rng, "abc", (0, 5)), _text(rng, "abc", (0, 5))],
    "lis": lambda rng: [_unique(rng, -20, 60, (0, 12))],
    "longest_common_subsequence": lambda rng: [_text(rng, "abcd", (0, 7)), _text(rng, "abcd", (0, 7))],
    "max_sublist_sum": lambda rng: [_ints(rng, -9, 9, (0, 10))],
    "mergesort": lambda rng: [_ints(rng, -20, 20, (0, 14))],
    "minimum_spanning_tree": _spanning,
    "next_palindrome": _palindrome,
    "next_permutation": _permutation,
    "pascal": lambda rng: [rng.randint(1, 48)],
    "possible_change": _change,
    "powerset": lambda rng: [_unique(rng, 0, 30, (0, 5))],
    "quicksort": lambda rng: [_ints(rng, -20, 20, (0, 14))],
    "reverse_linked_list": lambda rng: [_ints(rng, 0, 50, (0, 10))],
    "rpn_eval": _rpn,
    "shortest_path_length": _weighted,
    "shortest_path_lengths": _all_pairs,
    "shortest_paths": _one_source,
    "shunting_yard": _infix,
    "sieve": lambda rng: [rng.randint(1, 120)],
    "sqrt": lambda rng: [
        rng.choice((rng.randint(1, 500), round(rng.uniform(1, 50), 3))),
        rng.choice((0.001, 0.01, 0.1, 0.5)),
    ],
    "subsequences": _subsequences,
    "to_base": lambda rng: [rng.randint(1, 20_000), rng.randint(2, 36)],
    "topological_ordering": _acyclic,
    "wrap": _wrapped,
}

PROGRAMS: tuple[str, ...] = tuple(sorted(_MAKERS))
"""The forty programs."""
