import ast

import pytest

from moa_code.propose.mutate.kinds import Kind, compatible, infer, kind_of

EXPRESSIONS = [
    ("1", Kind.NUM), ("'a'", Kind.STR), ("True", Kind.BOOL), ("None", Kind.NONE), ("[]", Kind.LIST), ("{}", Kind.DICT),
    ("{1}", Kind.SET), ("a < b", Kind.BOOL), ("len(a)", Kind.NUM), ("sorted(a)", Kind.LIST), ("a.split()", Kind.LIST),
    ("a.lower()", Kind.STR), ("'%s' % a", Kind.STR), ("[0] * n", Kind.LIST), ("a - b", Kind.NUM), ("a + b", Kind.ANY),
    ("not a", Kind.BOOL), ("lambda: 1", Kind.FUNC), ("max(1, a)", Kind.NUM), ("x.y", Kind.ANY), ("'abc'[0]", Kind.STR),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), EXPRESSIONS)
def test_kinds_of_expressions(text, kind):
    assert kind_of(ast.parse(text, mode="eval").body, {}) is kind


CODE = """
def f(text, n, table, seen, node, items):
    out = []
    for i, x in enumerate(items):
        if x in seen:
            continue
        seen.add(x)
        out.append(table["k"])
        n -= 1
    text.strip()
    return node.next
"""


def test_kinds_of_names_come_from_their_uses():
    found = infer(ast.walk(ast.parse(CODE)), {})
    expected = {
        "out": Kind.LIST, "i": Kind.NUM, "seen": Kind.SET, "table": Kind.DICT, "n": Kind.NUM, "text": Kind.STR,
        "node": Kind.OBJ, "items": Kind.ITER,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_what_is_known_of_a_kind_orders_its_substitutes():
    assert compatible(Kind.NUM, Kind.NUM) > compatible(Kind.NUM, Kind.ANY) > compatible(Kind.NUM, Kind.LIST) > 0
    assert all(0 < compatible(a, b) <= 1 for a in Kind for b in Kind)
