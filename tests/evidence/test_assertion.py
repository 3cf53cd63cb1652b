import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moa_code.evidence.assertion import read_failure

# As pytest 9 writes them with --tb=short, and as the oracle does.
WITH_WHERE = """tests/t.py:24: in test_value
    assert value_of(text) == value
E   AssertionError: assert 'yes' == True
E    +  where 'yes' = value_of('yes')"""
TURNED = """t.py:5: in test_b
    def test_b(): assert "a" == f("b")
                  ^^^^^^^^^^^^^^^^^^^^
E   AssertionError: assert 'a' == 'b'
E
E     - b
E     + a"""
LIST = """t.py:4: in test_a
    assert f([1,2,3]) == [1,3,3]
E   assert [1, 2, 3] == [1, 3, 3]
E
E     At index 1 diff: 2 != 3
E     Use -v to get more diff"""
APPROX = """t.py:14: in test_f
    assert f(1.0) == pytest.approx(2.0)
E   assert 1.0 == 2.0 ± 2.0e-06"""
RAISED = """t.py:125: in test_turnover
    bank.transfer(5)
bank/ledger.py:58: in transfer
    self.book.append(Entry(1))
                     ^^^^^^^^
E   TypeError: Entry() takes 3 arguments"""
SILENT = "t.py:10: in test_d\n    with pytest.raises(ValueError): f(1)\nE   Failed: DID NOT RAISE <class 'ValueError'>"
NAMES = "t.py:9: in test_c\n    assert got == wanted\nE   assert 3 == 4"
LINES = """t.py:20: in test_j
    assert text() == "one\\n2\\n"
E   AssertionError: assert 'one\\ntwo\\n' == 'one\\n2\\n'
E
E       one
E     - 2
E     + two"""
OBJECT = """t.py:122: in test_retry
    assert asyncio.run(shaky()) == "ok"
E   AssertionError: assert None == 'ok'
E    +  where None = <function run at 0x7f0f>(<coroutine object at 0x7f66>)"""


OWN_ERROR = """bank/accounts.py:38: in withdraw
    raise InsufficientFunds(7)
E   bank.errors.InsufficientFunds: needs 107, has 95"""
ATTRIBUTE = """t.py:48: in test_a
    assert scheduler.pending == 1
E   assert 2 == 1
E    +  where 2 = <events.scheduler.Scheduler object at 0x7ff4>.pending"""
WRITTEN_OUT = """t.py:13: in test_e
    assert 4 == x, "not four"
E   AssertionError: not four
E   assert 4 == 3"""
FALSE = """t.py:57: in test_b
    assert not scheduler.cancel(event)
E   assert not True
E    +  where True = cancel(Event(action=<function at 0x7fce>))"""
TRUE = """t.py:22: in test_l
    assert isinstance(f(3), str)
E   assert False
E    +  where False = isinstance(3, str)
E    +    where 3 = f(3)"""
LIBRARY = """t.py:1: in <module>
    from kit import wrap
kit/tokens.py:6: in <module>
    P = re.compile("(?P*")
/usr/lib/python3.11/re/_parser.py:741: in _parse
    raise source.error("no")
E   re.error: unknown extension"""
BOTH = """t.py:19: in test_final
    assert a.x and b.x
E   AssertionError: assert (True and False)"""


@pytest.mark.parametrize(
    ("detail", "call", "expected", "got", "differs", "place"),
    [
        (WITH_WHERE, "value_of('yes')", "True", "'yes'", "", "tests/t.py:24 in test_value"),
        (TURNED, 'f("b")', "'a'", "'b'", "line 'b' where 'a' is expected", "t.py:5 in test_b"),
        (LIST, "f([1,2,3])", "[1, 3, 3]", "[1, 2, 3]", "At index 1 diff: 2 != 3", "t.py:4 in test_a"),
        (APPROX, "f(1.0)", "2.0 ± 2.0e-06", "1.0", "", "t.py:14 in test_f"),
        (RAISED, "bank.transfer(5)", "", "raised TypeError: Entry() takes 3 arguments", "",
         "bank/ledger.py:58 in transfer"),
        (SILENT, "with pytest.raises(ValueError): f(1)", "ValueError", "no exception", "", "t.py:10 in test_d"),
        (NAMES, "got == wanted", "", "", "", "t.py:9 in test_c"),
        (LINES, "text()", "'one\\n2\\n'", "'one\\ntwo\\n'", "line 'two' where '2' is expected", "t.py:20 in test_j"),
        (OBJECT, "asyncio.run(shaky())", "'ok'", "None", "", "t.py:122 in test_retry"),
        (OWN_ERROR, "raise InsufficientFunds(7)", "", "raised bank.errors.InsufficientFunds: needs 107, has 95", "",
         "bank/accounts.py:38 in withdraw"),
        (ATTRIBUTE, "scheduler.pending", "1", "2", "", "t.py:48 in test_a"),
        (WRITTEN_OUT, "x", "4", "3", "", "t.py:13 in test_e"),
        (FALSE, "scheduler.cancel(event)", "a false value", "True", "", "t.py:57 in test_b"),
        (TRUE, "isinstance(3, str)", "a true value", "False", "", "t.py:22 in test_l"),
        (LIBRARY, "from kit import wrap", "", "raised re.error: unknown extension", "", "kit/tokens.py:6 in <module>"),
        (BOTH, "a.x and b.x", "", "", "", "t.py:19 in test_final"),
        ("E   AssertionError: sort([3, 1]): at [1]: expected 3, got 2", "sort([3, 1])", "3 at [1]", "2", "", ""),
        ("hanoi(2): expected ValueError, got 3", "hanoi(2)", "ValueError", "3", "", ""),
        ("assert 2 == 3", "", "", "", "", ""),
        ("it fails in another way", "", "", "", "", ""),
        ("", "", "", "", "", ""),
    ],
)  # fmt: skip
def test_what_a_failure_text_says(detail, call, expected, got, differs, place):
    found = read_failure(detail)
    assert (found.call, found.expected, found.got, found.differs, found.place) == (call, expected, got, differs, place)


def test_values_that_pytest_cut_short_are_no_fact():
    detail = "t.py:1: in t\n    assert f() == g\nE   assert [[0, ...]] == [[0, ...]]"
    assert not read_failure(detail).is_complete


@given(st.text(max_size=400) | st.text(alphabet="E+- \nassert=()'[]0123:.in", max_size=300))
@example("E   assert " + "(" * 500)
@example("t.py:1: in x")
@example("E   assert == ")
def test_any_text_can_be_read(text):
    found = read_failure(text)
    assert all(len(part) <= 300 and "\n" not in part for part in (found.call, found.expected, found.got, found.line))
