"""Definitions by qualified name; everything else byte for byte."""

import pytest

from moa_code.edits.splice import Spliced, SpliceFailure, splice

FILE = '''#!/usr/bin/env python
"""Docs."""

import os
from typing import Any

LIMIT = 3  # keep


# about f
@deco
def f(x):
    return x   # odd   spacing


class A:
    """A."""

    size = 1

    def m(self):
        return 1

    @property
    def p(self):
        return 2

    @p.setter
    def p(self, v):
        self.v = v

    async def n(self):
        def inner():
            return 3
        return inner()

class B:
    def q(self): return 4
'''


def spliced(block, name="", source=FILE):
    result = splice(source, block, name=name)
    assert isinstance(result, Spliced), result
    return result


def test_a_function_keeps_decorators_and_comments_that_the_block_leaves_out():
    result = spliced("def f(x):\n    return -x\n")
    assert result.text == FILE.replace("    return x   # odd   spacing", "    return -x")
    assert result.names == ("f",)
    assert "decorators of `f`" in result.warnings[0]


def test_decorators_and_comments_of_the_block_replace_the_old_ones():
    result = spliced("# new words\n@other\ndef f(x):\n    return -x\n")
    assert result.text == FILE.replace(
        "# about f\n@deco\ndef f(x):\n    return x   # odd   spacing", "# new words\n@other\ndef f(x):\n    return -x"
    )
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("block", "name", "old", "new"),
    [
        ("def m(self):\n    return 10\n", "A.m", "        return 1\n", "        return 10\n"),
        ("def m(self):\n    return 10\n", "", "        return 1\n", "        return 10\n"),
        ("    def m(self):\n        return 10\n", "A.m", "        return 1\n", "        return 10\n"),
        ("@property\ndef p(self):\n    return 20\n", "A.p", "return 2\n", "return 20\n"),
        ("@p.setter\ndef p(self, v):\n    self.w = v\n", "A.p", "self.v = v", "self.w = v"),
        ("async def n(self):\n    return 5\n", "A.n",
         "        def inner():\n            return 3\n        return inner()", "        return 5"),
        ("def inner():\n    return 30\n", "A.n.inner", "return 3\n        return", "return 30\n        return"),
        ("def q(self):\n    return 40\n", "", "    def q(self): return 4\n", "    def q(self):\n        return 40\n"),
        ("class B:\n    def q(self):\n        return 40\n", "",
         "    def q(self): return 4\n", "    def q(self):\n        return 40\n"),
        ("class A:\n    def m(self):\n        return 10\n", "A.m", "        return 1\n", "        return 10\n"),
        ("class A:\n    ...\n    def m(self):\n        return 10\n", "", "        return 1\n", "        return 10\n"),
        ("LIMIT = 4\n\ndef m(self):\n    return 1\n", "", "LIMIT = 3  # keep\n", "LIMIT = 4\n"),
    ],
)  # fmt: skip
def test_by_qualified_name(block, name, old, new):
    assert FILE.count(old) == 1
    assert spliced(block, name).text == FILE.replace(old, new)


def test_new_imports_join_the_files_and_helpers_go_before():
    block = "import os\nimport re\nfrom typing import Any, Sequence\n\nCACHE = {}\n\n"
    block += "def help(x):\n    return x\n\n@deco\ndef f(x):\n    return help(x)\n"
    result = spliced(block)
    assert result.text == FILE.replace(
        "from typing import Any\n", "from typing import Any\nimport re\nfrom typing import Sequence\n"
    ).replace(
        "# about f\n@deco\ndef f(x):\n    return x   # odd   spacing",
        "CACHE = {}\ndef help(x):\n    return x\n\n\n# about f\n@deco\ndef f(x):\n    return help(x)",
    )
    assert result.names == ("f", "+CACHE", "+help")


def test_a_helper_for_a_method_goes_before_its_class():
    text = spliced("def help():\n    return 0\n\ndef m(self):\n    return help()\n", "A.m").text
    assert "def help():\n    return 0\n\n\nclass A:" in text


def test_future_imports_come_first_and_follow_the_docstring():
    text = spliced(
        "import re\nfrom __future__ import annotations\ndef f():\n    pass\n",
        source='"""D."""\ndef f():\n    return 1\n',
    ).text
    assert text == '"""D."""\nfrom __future__ import annotations\nimport re\n\ndef f():\n    pass\n'


def test_new_methods_join_a_class_that_is_given_in_part():
    text = spliced("class B:\n    def r(self):\n        return 5\n").text
    assert text == FILE + "\n    def r(self):\n        return 5\n"


def test_line_ends_and_the_last_lines_are_kept():
    assert (
        spliced("def f():\n    return 2\n", source="def f():\r\n    return 1\r\nx = 1\r\n").text
        == "def f():\r\n    return 2\r\nx = 1\r\n"
    )
    assert spliced("def f():\n    return 2\n", source="def f():\n    return 1").text == "def f():\n    return 2"


def test_strings_are_not_reindented_and_docstrings_are():
    block = 'def m(self):\n    """One.\n\n    Two.\n    """\n    return """a\n  b\n"""\n'
    text = spliced(block, "A.m").text
    assert '        """One.\n\n        Two.\n        """\n        return """a\n  b\n"""\n' in text


def test_tabs_of_the_file_stay():
    text = spliced("def m(self):\n\treturn 2\n", "A.m", source="class A:\n\tdef m(self):\n\t\treturn 1\n").text
    assert text == "class A:\n\tdef m(self):\n\t\treturn 2\n"


def test_nothing_to_replace_is_added_at_the_end_with_a_warning():
    result = spliced("def h():\n    return 1\n", source="x = 1\n\ndef f():\n    pass\n")
    assert result.text == "x = 1\n\ndef f():\n    pass\n\n\ndef h():\n    return 1\n"
    assert result.warnings
    assert spliced("def h():\n    return 1\n", source="").text == "def h():\n    return 1\n"


def test_usage_examples_are_left_out_with_a_warning():
    result = spliced("@deco\ndef f(x):\n    return 0\n\nprint(f(1))\n")
    assert "print" not in result.text
    assert "left out line 5" in result.warnings[0]


@pytest.mark.parametrize(
    ("source", "block", "name", "reason"),
    [
        (FILE, "def f(x:\n", "", "the block does not parse"),
        ("def f(:\n", "def f(): pass\n", "", "the file does not parse"),
        (FILE, "x.y\n", "", "defines nothing"),
        (FILE, "def g(): pass\n", "A.m", "does not define `A.m`"),
        (FILE, "def p(self): pass\n", "A.p", "`A.p` is defined more than once"),
        (FILE, "def f(): pass\ndef f(): return 1\n", "", "twice"),
        (FILE, "def h(): pass\ndef h(): return 1\n", "", "twice"),
        ("class A:\n    def m(self): pass\nclass B:\n    def m(self): pass\n",
         "def m(self): return 1\n", "", "could be any of A.m, B.m"),
        (FILE, "def f(x):\n    y = 1\n    # ... rest of the code ...\n", "", "leaves code out"),
        (FILE, "class A(Base):\n    def m(self): pass\n", "", "changes its bases"),
        (FILE, "class A:\n    size = 2\n    def m(self): pass\n", "", "changes more than methods"),
        ("def f():\r    pass\n", "def f(): pass\n", "", "carriage return"),
    ],
)  # fmt: skip
def test_refuses(source, block, name, reason):
    result = splice(source, block, name=name)
    assert isinstance(result, SpliceFailure)
    assert reason in result.reason


@pytest.mark.parametrize(
    "bomb",
    [
        "x = " + "(" * 5000 + ")" * 5000,
        "x = " + "-" * 50_000 + "1",
        "x = " + "+".join(["1"] * 50_000),
        "x = " + "[" * 90 + "]" * 90,
        "x" + ".a" * 50_000,
        "x = " + "f" + "()" * 50_000,
        "x = " + "not " * 50_000 + "1",
        "x = " + "9" * 100_000,
        "".join(f"{' ' * n}if 1:\n" for n in range(200)) + " " * 200 + "pass",
        "x = lambda: " * 20_000 + "1",
        "x = '\0'",
        "# coding: rot13\nqrs s(): cnff",
        "x = f'" + '{f"' * 100 + "'",
        "x = 1\n" * 200_000,
        "class A(" + "-" * 900 + "1):\n    def m(self): pass",
        "@" + "-" * 900 + "d\ndef p(self): pass",
    ],
    ids=range(16),
)
def test_source_that_kills_parsers_comes_back_as_a_value(bomb):
    for source, block in (
        (FILE, f"{bomb}\ndef f(x):\n    return 1\n"),
        (f"{bomb}\ndef f(x):\n    return 1\n", "def f(x): pass\n"),
    ):
        assert isinstance(splice(source, block), Spliced | SpliceFailure)
