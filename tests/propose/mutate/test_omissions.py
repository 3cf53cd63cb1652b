"""The half of an idiom that was left out is written early; patterns have near neighbours."""

import re
import textwrap

import pytest

from moa_code.propose.mutate.edits import mutants
from moa_code.propose.mutate.ingredients import harvest
from moa_code.propose.mutate.operators.names import pattern_slips

DATA = "from dataclasses import dataclass, field\n\n\n@dataclass\nclass A:\n"
REPAIRS = {
    "record": (
        """
        def f(xs):
            best = xs[0]
            at = 0
            for i, x in enumerate(xs):
                if x > best:
                    at = i
            return at
        """,
        """
        def f(xs):
            best = xs[0]
            at = 0
            for i, x in enumerate(xs):
                if x > best:
                    at = i
                    best = x
            return at
        """,
    ),
    "toggle": (
        """
        def f(xs):
            first, out = True, []
            for x in xs:
                out.append(x if first else -x)
            return out
        """,
        """
        def f(xs):
            first, out = True, []
            for x in xs:
                out.append(x if first else -x)
                first = not first
            return out
        """,
    ),
    "else": (
        """
        def f(s):
            out = []
            for c in s:
                if c.isdigit():
                    out.append("#")
                elif c.isupper():
                    out.append(c.lower())
            return "".join(out)
        """,
        """
        def f(s):
            out = []
            for c in s:
                if c.isdigit():
                    out.append("#")
                elif c.isupper():
                    out.append(c.lower())
                else:
                    out.append(c)
            return "".join(out)
        """,
    ),
    "leftover": (
        """
        def f(xs):
            out, part = [], []
            for x in xs:
                part.append(x)
                if x == 0:
                    out.append(part)
                    part = []
            return out
        """,
        """
        def f(xs):
            out, part = [], []
            for x in xs:
                part.append(x)
                if x == 0:
                    out.append(part)
                    part = []
            if part:
                out.append(part)
            return out
        """,
    ),
    "key": (
        """
        def f(words):
            def weight(word):
                return word.count("a")
            return sorted(words)
        """,
        """
        def f(words):
            def weight(word):
                return word.count("a")
            return sorted(words, key=weight)
        """,
    ),
    "in place": ("def f(xs):\n    return xs.sort()\n", "def f(xs):\n    return sorted(xs)\n"),
    "shared": (
        "def f(xs, out):\n    part = []\n    for x in xs:\n        part.append(x)\n        out.append(part)\n"
        "        part.clear()\n    return out\n",
        "def f(xs, out):\n    part = []\n    for x in xs:\n        part.append(x)\n        out.append(part)\n"
        "        part = []\n    return out\n",
    ),
    "class state": (
        "class A:\n    count = 0\n    def __init__(self):\n        self.count += 1\n",
        "class A:\n    count = 0\n    def __init__(self):\n        A.count += 1\n",
    ),
    "better": (
        "def f(steps, best):\n    for a, b, w in steps:\n        cost = best[a] + w\n        if b not in best:\n"
        "            best[b] = cost\n    return best\n",
        "def f(steps, best):\n    for a, b, w in steps:\n        cost = best[a] + w\n"
        "        if b not in best or cost < best[b]:\n            best[b] = cost\n    return best\n",
    ),
    "element": ('YES = {"on", "true"}\nOTHER = "yes"\n', 'YES = {"on", "true", "yes"}\nOTHER = "yes"\n'),
    "own list": (
        DATA + "    names: list[str] = None\n",
        DATA + "    names: list[str] = field(default_factory=list)\n",
    ),
    "not compared": (
        DATA + "    note: str = field(default='')\n",
        DATA + "    note: str = field(default='', compare=False)\n",
    ),
    "alias": (
        "def f(base, more):\n    out = base\n    for k, v in more:\n        out[k] = v\n    return out\n",
        "def f(base, more):\n    out = dict(base)\n    for k, v in more:\n        out[k] = v\n    return out\n",
    ),
    "order of a heap": (
        "from heapq import heappush\ndef f(heap, job):\n    heappush(heap, (job.rank, job))\n",
        "from heapq import heappush\ndef f(heap, job):\n    heappush(heap, (-job.rank, job))\n",
    ),
    "pattern": (
        'import re\nP = re.compile(r"\\d+,\\d")\n',
        'import re\nP = re.compile(r"\\d+,\\d+")\n',
    ),
}


@pytest.mark.parametrize("name", REPAIRS)
def test_what_was_left_out_is_found(name):
    before, after = (textwrap.dedent(text).lstrip("\n") for text in REPAIRS[name])
    found = mutants(before, path="m.py", suspects=(), ingredients=harvest({"m.py": before}), limit=1500)
    assert after in {mutant.after for mutant in found}


@pytest.mark.parametrize(
    ("pattern", "near"), [(r"\d", r"\d+"), ("a.b", r"a\.b"), ("[a-z]", "[a-z0-9]"), ("ab$", "ab"), ("a*", "a*?")]
)
def test_a_pattern_has_its_near_ones(pattern, near):
    assert near in {text for text, _ in pattern_slips(pattern)}


@pytest.mark.parametrize("pattern", [r"(?P<n>\d+(?:\.\d+)?)|[^\s\]a-]", r"^\[\s*([\w.]+)\s*\]$", r"\\\.x{2,3}"])
def test_slips_of_a_pattern_are_others_and_most_of_them_patterns(pattern):
    texts = [text for text, _ in pattern_slips(pattern)]
    fit = 0
    for text in texts:
        try:
            re.compile(text)
        except re.error:
            continue
        fit += 1
    assert texts
    assert pattern not in texts
    assert fit > len(texts) / 2
