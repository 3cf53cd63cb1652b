import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moa_code.propose.mutate.source import ATOM, Source, decode, level


@given(st.text(alphabet="abß漢😀 \t'\\", max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_segments_are_exact_with_any_text_before_them(text, end):
    code = f"x = {text!r}; y = wanted + 1{end}z = [{text!r}, other]{end}"
    source = Source(code, "m.py")
    names = {source.segment(n) for u in source.units for n in u.nodes if isinstance(n, ast.Name)}
    assert names == {"x", "y", "z", "wanted", "other"}


CODE = """\
def outer(a):
    if a:  # why
        b = 1
    elif (a >
          2):
        b = 2
    else:
        b = 3
    try:
        return b
    except ValueError as e:
        raise
    while True: break
"""


def test_units_are_statements_without_their_blocks():
    source = Source(CODE, "m.py")
    texts = {u.stmt.lineno: source.text[u.start : u.end] for u in source.units}
    assert texts[1] == "def outer(a):\n"
    assert texts[2] == "if a:  # why\n"
    assert texts[4] == "elif (a >\n          2):\n"
    assert texts[3] == "b = 1"
    assert texts[9] == "try:\n"
    assert [u.first_line for u in source.units if u.loops] == [13]


def test_what_shares_a_line_is_not_alone():
    source = Source(CODE, "m.py")
    assert [u.stmt.lineno for u in source.units if not source.alone(u.stmt)] == [13]


@pytest.mark.parametrize(("code", "step"), [("if a:\n  b\n", "  "), ("if a:\n\tb\n", "\t"), ("a\n", "    ")])
def test_the_indentation_step_is_the_files_own(code, step):
    assert Source(code, "m.py").step() == step


@pytest.mark.parametrize(
    ("tighter", "looser"),
    [("a", "a * b"), ("a ** b", "-a"), ("-a", "a * b"), ("a * b", "a + b"), ("a + b", "a << b"), ("a | b", "a < b"),
     ("a < b", "not a"), ("not a", "a and b"), ("a and b", "a or b"), ("a or b", "a if b else c")],
)  # fmt: skip
def test_levels_follow_the_grammar(tighter, looser):
    def of(text):
        return level(ast.parse(text, mode="eval").body)

    assert of(tighter) > of(looser)
    assert of("a.b[c](d)") == ATOM


def test_files_are_decoded_as_the_interpreter_reads_them():
    assert decode("# coding: latin-1\nx = 'ä'\n".encode("latin-1")) == ("# coding: latin-1\nx = 'ä'\n", "iso-8859-1")
    assert decode("\ufeffx = 1\n".encode()) == ("x = 1\n", "utf-8-sig")
