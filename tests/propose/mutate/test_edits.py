import ast
import itertools
import textwrap
from functools import cache

import pytest

from moa_code.core.brief import Suspect
from moa_code.propose.mutate.edits import mutants
from moa_code.propose.mutate.ingredients import Ingredients, harvest
from moa_code.propose.mutate.mutant import apply_spans


def mutate(text, suspects=(), limit=4000, **kwargs):
    return list(
        mutants(text, path="m.py", suspects=suspects, ingredients=harvest({"m.py": _text(text)}), limit=limit, **kwargs)
    )


def _text(text):
    return text if isinstance(text, str) else text.decode()


def rank(before, after):
    """Position of the first mutant that says what `after` says; None where there is none."""
    wanted = ast.dump(ast.parse(textwrap.dedent(after)))
    text = textwrap.dedent(before)
    found = mutants(text, path="m.py", suspects=(), ingredients=harvest({"m.py": text}), limit=4000)
    for position, mutant in enumerate(found):
        if ast.dump(ast.parse(mutant.after)) == wanted:
            return position
    return None


REPAIRS = [
    ("comparison", "if a < b:", "if a <= b:"),
    ("connective", "if a and b:", "if a or b:"),
    ("negation", "if a:", "if not a:"),
    ("dropped term", "if a and b:", "if a:"),
    ("off by one", "for i in range(n):", "for i in range(n + 1):"),
    ("constant", "while n > 1:", "while n > 0:"),
    ("membership", "if a in b:", "if a not in b:"),
]


@pytest.mark.parametrize(("name", "before", "after"), REPAIRS, ids=[r[0] for r in REPAIRS])
def test_common_slips_in_a_header_are_mended_early(name, before, after):
    frame = "def f(a, b, n):\n    {}\n        n -= 1\n    return n\n"
    assert rank(frame.format(before), frame.format(after)) < 100


STATEMENTS = [
    ("augmented assignment", "x ^= y", "x &= y"),
    ("argument swap", "x = g(y, x)", "x = g(x, y)"),
    ("prepend", "s = s + t", "s = t + s"),
    ("augmented prepend", "s += t[0]", "s = t[0] + s"),
    ("power", "x = abs(x - y)", "x = abs(x - y ** 2)"),
    ("attribute", "x = o.left\n    y = o.right", "x = o.left\n    y = o.left"),
    ("tuple swap", "t.append((x, y))", "t.append((y, x))"),
    ("key swap", "x = d[x, y]", "x = d[y, x]"),
    ("index swap", "x = d[x][y]", "x = d[y][x]"),
    ("store target", "d[x, y] = min(e[y], x)", "e[y] = min(e[y], x)"),
    ("function", "x = min(x, y)", "x = max(x, y)"),
    ("method", "t.append(d[x])", "t.extend(d[x])"),
    ("pop from the front", "x = t.pop()", "x = t.pop(0)"),
    ("update for assignment", "d[x].update(d[y])", "d[x] = d[y]"),
    ("result dropped", "s.strip()", "s = s.strip()"),
    ("clamp", "x = x + y", "x = max(0, x + y)"),
    ("running maximum", "x = y + 1", "x = max(x, y + 1)"),
    ("slice", "x = g(x, t)", "x = g(x, t[1:])"),
    ("slice bound", "t = t[1:]", "t = t[:1]"),
    ("unwrap", "x = g(y, abs(x))", "x = g(y, x)"),
    ("wrap", "x = x - y", "x = abs(x - y)"),
    ("extra operand", "x = 1 + g(x, y)", "x = g(x, y)"),
    ("reverse order", "t = sorted(t)", "t = sorted(t, reverse=True)"),
    ("default of get", "x = d.get(x)", "x = d.get(x, 0)"),
    ("grouping", "x = x + y / 2", "x = (x + y) / 2"),
    ("concatenation", "t = [x for x in t]", "t = t + [x for x in t]"),
    ("comprehension condition", "t = [z for z in t]", "t = [z for z in t if z not in d]"),
    ("branches of a choice", "x = y if s else x", "x = x if s else y"),
    ("deletion", "x = 1\n    y = 2", "y = 2"),
    ("order of statements", "x = y\n    y = x", "y = x\n    x = y"),
    ("swapped values", "x, y = y, x + y", "x, y = x + y, y"),
]


@pytest.mark.parametrize(("name", "before", "after"), STATEMENTS, ids=[r[0] for r in STATEMENTS])
def test_common_slips_in_a_statement_are_mended(name, before, after):
    frame = (
        "def g(a, b):\n    return a - b\n\n\ndef f(x, y, s, t, d, e, o):\n    x = x - 1\n    y = y % 2\n    {}\n"
        "    return s.lower(), t[1:], d, e, x, y\n"
    )
    assert rank(frame.format(before), frame.format(after)) is not None


BLOCKS = {
    "a set never filled": (
        """
        def f(n, seen):
            def go(k):
                if k in seen:
                    return 1
                return go(k - 1)
            return go(n)
        """,
        """
        def f(n, seen):
            def go(k):
                if k in seen:
                    return 1
                seen.add(k)
                return go(k - 1)
            return go(n)
        """,
    ),
    "a variable never moved on": (
        """
        def f(n):
            last = None
            while n:
                m = n.next
                n.next = last
                n = m
            return last
        """,
        """
        def f(n):
            last = None
            while n:
                m = n.next
                n.next = last
                last = n
                n = m
            return last
        """,
    ),
    "the rest after a loop": (
        """
        def f(s):
            out = []
            while len(s) > 3:
                out.append(s)
                s = s[3:]
            return out
        """,
        """
        def f(s):
            out = []
            while len(s) > 3:
                out.append(s)
                s = s[3:]
            out.append(s)
            return out
        """,
    ),
    "return inside the loop": (
        """
        def f(a):
            t = 0
            for x in a:
                t += x
                return t
        """,
        """
        def f(a):
            t = 0
            for x in a:
                t += x
            return t
        """,
    ),
    "an empty input": (
        """
        def f(a):
            best = a[0]
            for x in a:
                best = max(best, x)
            return best
        """,
        """
        def f(a):
            if not a:
                return None
            best = a[0]
            for x in a:
                best = max(best, x)
            return best
        """,
    ),
    "swapped branches": (
        """
        def f(a):
            if a:
                return 1
            else:
                return 2
        """,
        """
        def f(a):
            if a:
                return 2
            else:
                return 1
        """,
    ),
    "shared default": (
        """
        def f(x, seen=[]):
            seen.append(x)
            return seen
        """,
        """
        def f(x, seen=None):
            if seen is None:
                seen = []
            seen.append(x)
            return seen
        """,
    ),
    "yield from": (
        """
        def f(a):
            for x in a:
                yield x
        """,
        """
        def f(a):
            for x in a:
                yield from x
        """,
    ),
    "a loop written as a condition": (
        """
        def f(a):
            if a > 1:
                a -= 2
            return a
        """,
        """
        def f(a):
            while a > 1:
                a -= 2
            return a
        """,
    ),
    "guard against None": (
        """
        def f(a):
            while True:
                if a.next is None:
                    return 1
                a = a.next.next
        """,
        """
        def f(a):
            while True:
                if a is None or a.next is None:
                    return 1
                a = a.next.next
        """,
    ),
    "the same wrong name twice": (
        """
        def f(u, v, w):
            g(w, 1)
            g(w, 2)
            return u + v
        """,
        """
        def f(u, v, w):
            g(v, 1)
            g(v, 2)
            return u + v
        """,
    ),
    "self forgotten": (
        """
        class C:
            def __init__(self):
                self.n = 0
            def f(self):
                return n
        """,
        """
        class C:
            def __init__(self):
                self.n = 0
            def f(self):
                return self.n
        """,
    ),
    "await forgotten": (
        """
        async def f(a):
            return a.b()
        """,
        """
        async def f(a):
            return await a.b()
        """,
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_slips_of_structure_are_mended(name):
    before, after = BLOCKS[name]
    assert rank(before, after) < 1200


SAMPLE = '''# -*- comment kept -*-
import os


class Box:
    """A box."""

    limit = 10

    def __init__(self, size, names=()):
        self.size, self.names = size, list(names)  # trailing

    @property
    def full(self):
        return len(self.names) >= self.size or (self.size
                                                > self.limit)

    def put(self, name: str, *, ü=1) -> bool:
        if self.full: return False
        for old in self.names:
            if old == name and ü:
                continue
            elif old > name:
                print(f"{old!r} ä {name}", end="")
            else:
                try:
                    self.names.append((lambda x: x + "ß")(name))
                except (ValueError, KeyError) as e:
                    raise RuntimeError("no") from e
                finally:
                    pass
        while not self.full:
            self.names[0:1], x = [name], sum(y for y in range(3))
        with open(os.devnull) as handle:
            return bool(handle.read()) or {"a": 1, **{}}["a"] > -1


async def main(box, *rest, **options):
    global total
    total = [await b for b in rest if b is not None]
    match box:
        case Box(size=1):
            yield 1
        case _:
            yield total
'''


@cache
def of_sample():
    return mutate(SAMPLE, limit=1500)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_every_mutant_compiles_differs_and_is_given_once():
    original = ast.dump(ast.parse(SAMPLE))
    found = of_sample()
    assert len(found) == len({m.after for m in found}) > 500
    for mutant in found:
        tree = ast.parse(mutant.after)
        compile(tree, "m.py", "exec", dont_inherit=True)
        assert mutant.after != SAMPLE
    assert all(ast.dump(ast.parse(m.after)) != original for m in found[::20])


def test_text_outside_the_edit_is_kept_byte_for_byte():
    for mutant in of_sample():
        assert mutant.before == SAMPLE
        assert mutant.after == apply_spans(SAMPLE, mutant.spans)


def test_priors_never_rise():
    priors = [m.prior for m in of_sample()]
    assert all(a >= b * 0.999999 for a, b in itertools.pairwise(priors))


def test_carriage_returns_stay_and_inserted_lines_have_them():
    text = "def f(a):\r\n    b = []\r\n    for x in a:\r\n        y = x\r\n    return b\r\n"
    found = mutate(text)
    assert any("append" in m.after for m in found)
    assert all("\n" not in m.after.replace("\r\n", "") for m in found)


def test_a_byte_order_mark_and_another_encoding_survive():
    marked = mutate("\ufeffdef f(a):\n    return a < 1\n".encode())
    assert marked
    latin = "# coding: latin-1\ndef f(a):\n    return a < 'ä'\n".encode("latin-1")
    found = list(mutants(latin, path="m.py", suspects=(), ingredients=Ingredients(), limit=20))
    assert found
    assert "ä" in found[0].before


def test_tabs_are_the_indentation_where_the_file_has_tabs():
    found = mutate("def f(a):\n\tb = a[0]\n\treturn b\n")
    guards = [m for m in found if m.operator == "guard" and m.after.startswith("def f(a):\n\tif not a:")]
    assert guards
    assert all("\n\tif not a:\n\t\t" in m.after for m in guards)


def test_mirrored_comparisons_are_one_mutant():
    found = [m.after for m in mutate("def f(a, b):\n    return a < b\n")]
    assert sum("return a > b" in t or "return b < a" in t for t in found) == 1


def test_only_suspicious_lines_and_definitions_change():
    text = "def f(a):\n    b = a + 1\n    return b\n\n\ndef g(a):\n    return a - 1\n"
    suspect = Suspect(path="m.py", first_line=2, last_line=2, score=1.0, reason="")
    assert {m.line for m in mutate(text, suspects=(suspect,))} <= {1, 2}


def test_suspicion_orders_lines():
    text = "def f(a):\n    b = a < 1\n    c = a < 1\n    return b, c\n"
    suspects = [Suspect(path="m.py", first_line=n, last_line=n, score=s, reason="") for n, s in ((2, 0.5), (3, 1.0))]
    assert mutate(text, suspects=suspects)[0].line == 3


def test_a_discounted_line_waits():
    text = "def f(a):\n    b = a < 1\n    c = a < 1\n    return b, c\n"
    found = mutate(text, discount=lambda line: 0.01 if line == 2 else 1.0)
    assert all(m.line != 2 for m in found[:20])
    assert any(m.line == 2 for m in found)


def test_broken_source_is_refused():
    with pytest.raises(SyntaxError):
        mutate("def f(:\n")


def test_a_file_without_a_last_line_end_and_one_line_blocks():
    found = mutate("def f(a):\n    if a: return 1\n    return 2")
    assert len(found) > 10


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return a * b", "return (a - b) * b"),
        ("return (a + b) * 2", "return a * 2"),
        ("return f(x for x in a)", "return f(a)"),
        ("return [x for x in a if b]", "return [x for x in a if not b]"),
        ("return a < b < 3", "return a <= b < 3"),
        ("return -a ** 2", "return -a"),
        ("return (a or b) and a", "return (a and b) and a"),
        ("return a if b else b", "return b if b else a"),
        ("return a << b", "return (a << b) + 1"),
        ("return a | b", "return a & b"),
    ],
)
def test_parentheses_are_put_where_meaning_needs_them(before, after):
    frame = "def f(a, b):\n    a -= 1\n    b -= 1\n    {}\n"
    assert rank(frame.format(before), frame.format(after)) is not None


def test_an_imported_function_and_constant_can_take_anothers_place():
    code = (
        "from b import LIMIT, high, low\n\n\ndef f(a, n):\n    if a > n:\n        return low(a)\n    return high(a)\n"
    )
    other = "LIMIT = 3\n\n\ndef low(x):\n    return x\n\n\ndef high(x):\n    return -x\n"
    ingredients = harvest({"a.py": code, "b.py": other})
    found = {m.after for m in mutants(code, path="a.py", suspects=(), ingredients=ingredients)}
    assert code.replace("return low(a)", "return high(a)") in found
    assert code.replace("a > n", "a > LIMIT") in found


def test_an_attribute_of_another_module_can_take_anothers_place():
    code = "def f(order):\n    return order.net * 2\n"
    other = "class Order:\n    def __init__(self):\n        self.net = 1\n        self.gross = 2\n"
    ingredients = harvest({"a.py": code, "b.py": other})
    found = {m.after for m in mutants(code, path="a.py", suspects=(), ingredients=ingredients)}
    assert code.replace("order.net", "order.gross") in found
