"""How each QuixBugs program is called and judged. Mostly the default: call with the arguments, compare with `==`.

Everything here is Python text, because the same words go into the generated tests and into the run of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NODE_PROGRAMS = frozenset(
    {
        "breadth_first_search",
        "depth_first_search",
        "detect_cycle",
        "reverse_linked_list",
        "shortest_path_length",
        "topological_ordering",
    }
)
"""Programs whose tests build `Node` objects, so that `node.py` belongs into their tree."""

ODD_HALF_VISIBLE = frozenset({"detect_cycle", "quicksort"})
"""Programs that fail only a case with an odd index; for all others the even-indexed half is the visible one."""

GIVEN_JUDGES: Mapping[str, tuple[str, str]] = {
    "flatten": ("list(flatten(*args))", "expected"),
    "kheapsort": ("list(kheapsort(*args))", "expected"),
    "hanoi": ("hanoi(*args)", "[tuple(move) for move in expected]"),
    "sqrt": ("sqrt(*args)", "pytest.approx(expected, abs=args[-1])"),
}
"""The two sides of `==` for given JSON cases, where they are not simply the call and the expected value.

Source: the suite's own pytest files.
"""


def slow(name: str, args: Sequence[object]) -> tuple[bool, bool]:
    """Whether a given case is too slow to guide a search by, and whether the reference itself cannot do it in time.

    The suite marks one case of `knapsack` (minutes, gigabytes) and one of `levenshtein` (exponential in the lengths)
    as slow. A second one of `levenshtein` takes the reference one to two seconds: too slow to judge many candidates by.
    """
    match name, args:
        case "knapsack", [int(capacity), list(items)]:
            return capacity * len(items) > 100_000, capacity * len(items) > 1_000_000
        case "levenshtein", [str(source), str(target)]:
            letters = len(source) + len(target)
            return letters > 20, letters > 24
    return False, False


_GRAPH = """\
def run(adjacency, start, goal):
    nodes = [Node(number) for number in range(len(adjacency))]
    for node, successors in zip(nodes, adjacency):
        node.successors = [nodes[number] for number in successors]
    return bool({name}(nodes[start], nodes[goal]))
"""

_CALLS: Mapping[str, str] = {
    "breadth_first_search": _GRAPH,
    "depth_first_search": _GRAPH,
    "detect_cycle": """\
def run(length, back):
    nodes = [Node(number) for number in range(length)]
    for node, successor in zip(nodes, nodes[1:]):
        node.successor = successor
    if back is not None:
        nodes[-1].successor = nodes[back]
    return bool(detect_cycle(nodes[0]))
""",
    "flatten": "def run(*args):\n    return list(flatten(*args))\n",
    "kheapsort": "def run(*args):\n    return list(kheapsort(*args))\n",
    "minimum_spanning_tree": """\
def run(edges):
    return sorted(minimum_spanning_tree({(u, v): weight for u, v, weight in edges}))
""",
    "reverse_linked_list": """\
def run(values):
    nodes = [Node(value) for value in values]
    for node, successor in zip(nodes, nodes[1:]):
        node.successor = successor
    node = reverse_linked_list(nodes[0] if nodes else None)
    found = []
    while node is not None and len(found) <= len(values):
        found.append(node.value)
        node = node.successor
    return found
""",
    "shortest_path_length": """\
def run(count, edges, start, goal):
    nodes = [Node(number) for number in range(count)]
    for node in nodes:
        node.successors = [nodes[v] for u, v, _ in edges if u == node.value]
    return shortest_path_length({(nodes[u], nodes[v]): length for u, v, length in edges}, nodes[start], nodes[goal])
""",
    "shortest_path_lengths": """\
def run(count, edges):
    found = shortest_path_lengths(count, {(u, v): length for u, v, length in edges})
    return {(u, v): found[u, v] for u in range(count) for v in range(count)}
""",
    "shortest_paths": """\
def run(source, edges):
    return dict(shortest_paths(source, {(u, v): weight for u, v, weight in edges}))
""",
    "topological_ordering": """\
def run(count, edges):
    nodes = [Node(number) for number in range(count)]
    for node in nodes:
        node.incoming_nodes = [nodes[u] for u, v in edges if v == node.value]
        node.outgoing_nodes = [nodes[v] for u, v in edges if u == node.value]
    return [node.value for node in topological_ordering(nodes)]
""",
}

_JUDGES: Mapping[str, str] = {
    # the specification allows any index that holds the value
    "find_in_sorted": """\
def right(args, result, expected):
    arr, x = args
    return result == -1 if expected == -1 else 0 <= result < len(arr) and arr[result] == x
""",
    # "if multiple subsequences of equal length exist, either is OK"
    "longest_common_subsequence": """\
def right(args, result, expected):
    rest = [iter(text) for text in args]
    return len(result) == len(expected) and all(all(char in text for char in result) for text in rest)
""",
    # neither the order of the subsets nor that inside them is specified
    "powerset": """\
def right(args, result, expected):
    return sorted(sorted(subset) for subset in result) == sorted(sorted(subset) for subset in expected)
""",
    # the specification's own words: within epsilon of the root
    "sqrt": """\
def right(args, result, expected):
    x, epsilon = args
    return abs(result - x**0.5) <= epsilon
""",
    "subsequences": """\
def right(args, result, expected):
    return sorted(result) == sorted(expected)
""",
    # any order in which all edges point forward
    "topological_ordering": """\
def right(args, result, expected):
    count, edges = args
    return sorted(result) == list(range(count)) and all(result.index(u) < result.index(v) for u, v in edges)
""",
}


def call_source(name: str) -> str:
    """Text of `run(*args)`: builds what the program needs from plain data and returns its answer as plain data."""
    default = f"def run(*args):\n    return {name}(*args)\n"
    return _CALLS.get(name, default).replace("{name}", name)


def judge_source(name: str) -> str:
    """Text of `right(args, result, expected)`: whether an answer is as good as the reference's."""
    return _JUDGES.get(name, "def right(args, result, expected):\n    return result == expected\n")
