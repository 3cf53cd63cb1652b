"""The apply ladder, rung by rung."""

import pytest

from moa_code.edits.ladder import Applied, Missed, Rung, apply_block

FILE = "def f(x):\n    a = 1\n    b = 2\n    return a\n\n\ndef g(x):\n    a = 1\n    return x\n"


def block(text, search, replace, **others):
    return apply_block({"f.py": text, **others}, path="f.py", search=search, replace=replace)


@pytest.mark.parametrize(
    ("text", "search", "replace", "after", "rung"),
    [
        pytest.param("a\nb\nc\n", "b\n", "B\n", "a\nB\nc\n", Rung.EXACT, id="exact"),
        pytest.param("a\nb\nc", "c\n", "C\n", "a\nb\nC", Rung.EXACT, id="last line without its end"),
        pytest.param("a\nb", "a\n", "a\nx\n", "a\nx\nb", Rung.EXACT, id="insertion"),
        pytest.param("a\nb\nc\n", "b\n", "", "a\nc\n", Rung.EXACT, id="deletion"),
        pytest.param("a\nb", "b\n", "", "a\n", Rung.EXACT, id="deletion of the last line"),
        pytest.param("a\nab\nb\n", "b\n", "c\n", "a\nab\nc\n", Rung.EXACT, id="whole lines alone count"),
        pytest.param("b \nb\n", "b\n", "c\n", "b \nc\n", Rung.EXACT, id="exact wins over nearly"),
        pytest.param("a  \nb\t\nc\n", "a\nb\n", "a\nB\n", "a  \nB\nc\n", Rung.SPACE, id="spaces kept"),
        pytest.param("a\nb\n", "a \nb\n", "a \nB\n", "a\nB\n", Rung.SPACE, id="spaces in the reply"),
        pytest.param("a\r\nb\r\n", "a\nb\n", "a\nB\nC\n", "a\r\nB\r\nC\r\n", Rung.SPACE, id="CRLF kept"),
        pytest.param("a\r\nb", "b\n", "B\nC\n", "a\r\nB\r\nC", Rung.EXACT, id="CRLF, last line without its end"),
        pytest.param(
            "    if x:\n        y\n    z\n", "if x:\n    y\n", "if x:\n    w\n\n    y\n",
            "    if x:\n        w\n\n        y\n    z\n", Rung.INDENT, id="indentation added",
        ),
        pytest.param(
            "if x:\n    y\n", "    if x:\n        y\n", "    if x:\n        w\n",
            "if x:\n    w\n", Rung.INDENT, id="indentation taken",
        ),
        pytest.param("\tif x:\n\t\ty\n", "if x:\n\ty\n", "if x:\n\tw\n", "\tif x:\n\t\tw\n", Rung.INDENT, id="tabs"),
        pytest.param(
            FILE, "def f(x):\n...\n    return a\n", "def f(y):\n...\n    return b\n",
            FILE.replace("f(x)", "f(y)").replace("return a", "return b"), Rung.ELIDED, id="elided",
        ),
        pytest.param(
            FILE, "def g(x):\n    # ... same ...\n    return x\n", "def g(x):\n    # ... same ...\n    return -x\n",
            FILE.replace("return x", "return -x"), Rung.ELIDED, id="elided by a comment",
        ),
        pytest.param(
            FILE,
            "def f(x):\n    a = 1\n    b = 3\n    return a\n",
            "def f(x):\n    return 0\n",
            "def f(x):\n    return 0\n\n\ndef g(x):\n    a = 1\n    return x\n",
            Rung.NAME,
            id="by name",
        ),
    ],
)  # fmt: skip
def test_rungs(text, search, replace, after, rung):
    assert block(text, search, replace) == Applied(path="f.py", text=after, rung=rung)


def test_the_same_text_in_another_shown_file():
    found = block("nothing\n", "b\n", "B\n", **{"g.py": "a\nb \n", "h.py": "c\n"})
    assert found == Applied(path="g.py", text="a\nB\n", rung=Rung.OTHER_FILE)
    assert apply_block({"g.py": "b\n"}, path="none.py", search="b\n", replace="c\n") == Applied(
        path="g.py", text="c\n", rung=Rung.OTHER_FILE
    )


@pytest.mark.parametrize(
    ("text", "search", "others"),
    [
        pytest.param("b\nb\n", "b\n", {}, id="exact"),
        pytest.param("b\nb\nb\n", "b\nb\n", {}, id="overlapping"),
        pytest.param("b \nb\t\n", "b\n", {}, id="space"),
        pytest.param("  b\n    b\n", "b\n", {}, id="indentation"),
        pytest.param(FILE, "def f(x):\n...\n    a = 1\n", {}, id="a piece of an elided one"),
        pytest.param("x\n", "b\n", {"g.py": "b\n", "h.py": "b\n"}, id="two other files"),
        pytest.param("x\n", "b\n", {"g.py": "b\nb\n"}, id="twice in another file"),
        pytest.param("class A:\n    def m(self):\n        return 1\nclass B:\n    def m(self):\n        return 1\n",
                     "def m(self):\n    x = 1\n    return 1\n", {}, id="by name"),
    ],
)  # fmt: skip
def test_two_matches_are_an_error_never_the_first(text, search, others):
    found = block(text, search, search.replace("1", "2").replace("b", "c"), **others)
    assert isinstance(found, Missed)
    assert found.ambiguous


@pytest.mark.parametrize(
    ("text", "search", "replace"),
    [
        pytest.param("a\n", "b\n", "c\n", id="nowhere"),
        pytest.param("a\n", "\n \n", "c\n", id="blank"),
        pytest.param("  if x:\n      y\n", "if x:\n  y\n", "if x:\n  w\n", id="indentation that is not uniform"),
        pytest.param("if x:\n    y\n", "    if x:\n        y\n", "  w\n", id="new text less indented than the old"),
        pytest.param("a\nb\nc\n", "a\n...\nc\n", "a\nc\n", id="elision in one text alone"),
        pytest.param("c\nb\na\n", "a\n...\nc\n", "A\n...\nC\n", id="pieces out of order"),
        pytest.param("a\nb\n", "a\n...\n...\nb\n", "A\n...\n...\nB\n", id="elisions side by side"),
        pytest.param(FILE, "def f(x):\n    a = 0\n", "def f(x):\n    a = 7\n", id="half a definition by name"),
        pytest.param(
            FILE, "def f(x):\n    a = 1\n    # so\n    b = 2\n", "def f(x):\n    a = 7\n", id="most of one, cut short"
        ),
        pytest.param(FILE, "def f(x):\n    a = 0\n    return a\n", "def h(x):\n    a = 7\n", id="another name"),
        pytest.param(FILE, "def f(x):\n  q()\n  return a\n", "def f(x):\n    a = 7\n", id="by name, but unlike"),
    ],
)
def test_misses(text, search, replace):
    found = block(text, search, replace)
    assert isinstance(found, Missed)
    assert not found.ambiguous


def test_a_missing_file_is_named():
    assert "none.py" in apply_block({}, path="none.py", search="a\n", replace="b\n").reason


def test_a_large_repetitive_file_does_not_take_for_ever():
    assert isinstance(block("x\n" * 100_000, "x\n" * 1_000 + "y\n", "z\n"), Missed)
