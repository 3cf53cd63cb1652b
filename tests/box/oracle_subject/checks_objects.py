# ruff: noqa - code as other people write it
"""Checks of classes and objects. Each passes in one process, and must pass across two."""

import collections.abc
import copy
import dataclasses
import operator
import sys
import unittest

import parcel
import parcel.inner
import parcel.weigh
import pytest
import shapes
from parcel.inner.deepest import Box
from parcel.weigh import weigh
from shapes import (
    Account,
    Animal,
    BankError,
    Bare,
    Caller,
    Celsius,
    Coded,
    Color,
    Dog,
    Headers,
    Level,
    Money,
    Mood,
    Node,
    Ordered,
    Pixel,
    Place,
    Playlist,
    Point,
    Registry,
    Rights,
    Room,
    Savings,
    Slotted,
    Stack,
    Tag,
    TooPoor,
    Version,
)


def test_packages():
    assert parcel.VERSION == "1.2"
    assert weigh([1, 2]) == 7
    assert parcel.weigh([1, 2]) == 7
    box = Box()
    assert box.lid.kind == "lid"
    assert isinstance(box.lid, Box.Lid)
    with pytest.raises(ImportError):
        from parcel import nothing_there  # noqa: F401
    with pytest.raises(ModuleNotFoundError):
        from parcel.nothing_there import anything  # noqa: F401
    assert parcel.inner.EXTRA == 1
    with pytest.raises(ImportError, match="missing_module"):
        sys.modules["parcel.weigh"].wrong_import()


def test_identity():
    one, two = shapes.instances()
    assert one is not two
    assert one != two
    assert one == one
    assert shapes.same(one) is one
    assert shapes.same([one, two])[1] is two
    assert len({one, two, one}) == 2
    assert {one: 1}[shapes.same(one)] == 1


def test_isinstance():
    savings = Savings("a")
    assert isinstance(savings, Account)
    assert isinstance(savings, Savings)
    assert not isinstance(Account("b"), Savings)
    assert type(savings) is Savings
    assert issubclass(Savings, Account)
    assert savings.__class__ is Savings
    assert Savings.__name__ == "Savings"
    assert type(savings).__name__ == "Savings"
    assert Savings.__mro__[1] is Account
    assert issubclass(TooPoor, ValueError)
    assert isinstance(Dog(), Animal)
    assert not isinstance(3, Account)


def test_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Animal()
    assert Dog().sound() == "woof"


def test_attributes():
    account = Account("ann", 5)
    assert (account.owner, account.balance) == ("ann", 5)
    account.owner = "bob"
    account.extra = [1]
    account.extra.append(2)
    assert (account.owner, account.extra) == ("bob", [1, 2])
    del account.extra
    assert not hasattr(account, "extra")
    with pytest.raises(AttributeError, match="nothing"):
        _ = account.nothing
    assert getattr(account, "nothing", 7) == 7
    assert "owner" in dir(account)


def test_properties():
    account = Account("ann", 5)
    account.balance = 9
    assert account.balance == 9
    account.balance += 1
    assert account.balance == 10
    with pytest.raises(TooPoor) as info:
        account.balance = -4
    assert info.value.missing == 4
    del account.balance
    assert account.balance is None
    assert account.number is account.number


def test_class_members():
    before = Account.opened
    assert Account.of("x:3").balance == 3
    assert Account.opened == before + 1
    assert Account.is_name("abc")
    assert not Account.is_name("a1")
    Account.rate = 2
    assert Account("y").rate == 2
    Account.rate = 0.5
    assert Account.pay(Account("z", 5), 2).balance == 3


def test_stateful():
    account = Savings("ann", 10)
    assert account.pay(3) is account
    assert account.pay(1).balance == 6
    assert account.history == [("pay", 3), "saved", ("pay", 1), "saved"]
    history = account.history
    account.pay(1)
    assert len(history) == 6
    history.clear()
    assert account.history == []


def test_bound_methods():
    account = Account("ann", 10)
    pay = account.pay
    assert pay(4) is account
    assert list(map(account.pay, [1, 2])) == [account, account]
    assert account.balance == 3


def test_exceptions():
    with pytest.raises(TooPoor, match="not enough") as info:
        Account("ann", 1).pay(5)
    assert info.value.missing == 4
    assert info.value.args == ("not enough",)
    assert info.value.hint() == "bring 4"
    assert str(info.value) == "not enough"
    assert type(info.value) is TooPoor
    for family in (BankError, ValueError, Exception):
        with pytest.raises(family):
            Account("ann").pay(5)
    with pytest.raises(Coded, match="code <7>"):
        shapes.raise_it(Coded(7))
    with pytest.raises(LookupError, match="bottom"):
        shapes.fail_deep(3)


def test_exceptions_are_caught_in_order():
    try:
        Account("a").pay(1)
    except KeyError:
        pytest.fail("another family")
    except (BankError, OSError) as error:
        assert error.missing == 1
    else:
        pytest.fail("nothing raised")


def test_exception_values():
    error = shapes.return_error()
    assert isinstance(error, TooPoor)
    assert (error.missing, str(error)) == (5, "returned")
    with pytest.raises(TooPoor) as info:
        shapes.raise_it(error)
    assert info.value.missing == 5
    with pytest.raises(TooPoor):
        raise shapes.return_error()
    made = TooPoor("made here", 8)
    assert made.missing == 8
    with pytest.raises(KeyError, match="k"):
        shapes.raise_it(KeyError("k"))


def test_exception_cause():
    with pytest.raises(TooPoor, match="outer"):
        shapes.chained()


def test_enum():
    assert Color.RED is Color(1) is Color["RED"] is Color.CRIMSON
    assert (Color.RED.name, Color.RED.value) == ("RED", 1)
    assert Color.RED != Color.GREEN
    assert Color.RED != 1
    assert [color.name for color in Color] == ["RED", "GREEN"]
    assert list(Color) == [Color.RED, Color.GREEN]
    assert len(Color) == 2
    assert Color.GREEN in Color
    assert Color.favourite() is Color.GREEN
    assert Color.RED.loud == "RED!"
    assert {Color.RED: "r"}[Color(1)] == "r"
    assert isinstance(Color.RED, Color)
    assert shapes.same({Color.RED: [Color.GREEN]}) == {Color.RED: [Color.GREEN]}
    with pytest.raises(ValueError, match="7"):
        Color(7)
    with pytest.raises(KeyError):
        Color["BLUE"]
    assert repr(Color.RED) == "<Color.RED: 1>"
    assert str(Color.GREEN) == "Color.GREEN"


def test_other_enums():
    assert Level.LOW == 1
    assert Level.HIGH > Level.LOW
    assert Level.LOW + 1 == 2
    assert Level(9) is Level.HIGH
    assert Level.HIGH.name == "HIGH"
    assert Mood.GLAD == "glad"
    assert Mood("sad") is Mood.SAD
    assert Mood.GLAD.upper() == "GLAD"
    assert f"{Mood.SAD}" == "sad"
    both = Rights.READ | Rights.WRITE
    assert Rights.READ in both
    assert both & Rights.WRITE == Rights.WRITE
    assert both.value == 3


def test_namedtuples():
    pixel = Pixel(3)
    assert pixel == (3, 0)
    assert (pixel.x, pixel.y) == (3, 0)
    assert pixel == Pixel(3, 0)
    x, y = pixel
    assert (x, y) == (3, 0)
    assert pixel._replace(x=5) == (5, 0)
    assert pixel._asdict() == {"x": 3, "y": 0}
    assert Pixel._fields == ("x", "y")
    assert isinstance(pixel, tuple)
    assert isinstance(pixel, Pixel)
    assert Place("here").shout() == "HERE"
    assert Place("here").at.y == 2
    assert {pixel: 1}[3, 0] == 1
    assert repr(pixel) == "Pixel(x=3, y=0)"
    assert sorted([Pixel(2, 1), Pixel(1, 2)])[0].x == 1


def test_dataclasses():
    point = Point(1)
    assert point == Point(1, 0)
    assert point != Point(2)
    assert repr(point) == "Point(x=1, y=0, tags=[])"
    point.tags.append("a")
    assert point.tags == ["a"]
    assert point != Point(1)
    assert point.moved(4).x == 5
    with pytest.raises(TypeError):
        hash(point)
    assert Version(1, 2) < Version(1, 3)
    assert max(Version(2), Version(1, 9)) == Version(2, 0)
    assert len({Version(1), Version(1, 0)}) == 1
    assert hash(Version(1)) == hash(Version(1, 0))
    with pytest.raises(AttributeError):
        Version(1).major = 2
    assert sorted([Version(3), Version(1)])[0].major == 1


def test_looking_into_dataclasses():
    point = Point(1, tags=["a"])
    assert dataclasses.asdict(point) == {"x": 1, "y": 0, "tags": ["a"]}
    assert dataclasses.astuple(point) == (1, 0, ["a"])
    assert dataclasses.replace(point, x=5).x == 5
    assert [field.name for field in dataclasses.fields(Point)] == ["x", "y", "tags"]
    assert dataclasses.is_dataclass(point)
    assert dataclasses.is_dataclass(Point)
    assert not dataclasses.is_dataclass(Bare())
    assert dataclasses.asdict(Mine(3)) == {"a": 3}


@dataclasses.dataclass
class Mine:
    a: int


def test_containers_by_protocol():
    headers = Headers(Accept="x")
    headers["HOST"] = "h"
    assert headers == {"accept": "x", "host": "h"}
    assert headers != {"accept": "x"}
    assert (headers["host"], headers.get("none", 5), len(headers)) == ("h", 5, 2)
    assert "hOST" in headers
    assert sorted(headers) == ["accept", "host"]
    assert dict(headers) == headers
    assert isinstance(headers, collections.abc.Mapping)
    assert list(headers.items())[0] == ("accept", "x")
    assert headers.pop("accept") == "x"
    ordered = Ordered([3, 1, 3])
    assert ordered == {1, 3}
    assert ordered == frozenset({1, 3})
    assert ordered & {1} == {1}
    assert list(ordered | Ordered([9])) == [3, 1, 9]
    assert ordered <= {1, 3, 5}
    assert isinstance(ordered, collections.abc.Set)
    playlist = Playlist([1, 2])
    playlist.append(3)
    assert playlist == [1, 2, 3]
    assert playlist.shuffled() == [3, 2, 1]
    assert isinstance(playlist, collections.abc.MutableSequence)


def test_operators():
    five, two = Money(5), Money(2)
    assert five + two == Money(7)
    assert sum([five, two]) == Money(7)
    assert five * 2 == 2 * five == Money(10)
    assert five / two == 2.5
    assert -five == Money(-5)
    assert abs(Money(-5)) == five
    assert five > two
    assert five >= Money(5)
    assert not Money(0)
    assert (int(five), float(five)) == (5, 5.0)
    assert round(Money(1.26), 1) == Money(1.3)
    assert five != 5
    assert five != "5 EUR"
    assert five in [Money(5)]
    assert [five, two].index(Money(2)) == 1
    assert {Money(5): "x"}[five] == "x"
    assert operator.add(five, two).amount == 7
    same = five
    same += two
    assert same is five
    assert five.amount == 7
    with pytest.raises(TypeError):
        five - two
    assert sorted([five, two]) == [two, five]
    assert min(five, two) is two


def test_texts():
    money = Money(3)
    assert repr(money) == "Money(3, 'EUR')"
    assert str(money) == "3 EUR"
    assert f"{money}" == "3.00 EUR"
    assert f"{money:.1f}" == "3.0 EUR"
    assert f"{money!r}" == "Money(3, 'EUR')"
    assert f"{money!s:>6}" == " 3 EUR"
    assert "%s" % money == "3 EUR"
    assert "{0.amount}".format(money) == "3"
    assert "Bare object" in repr(Bare())


def test_copies():
    node = Node(1).append(Node(2))
    shallow, deep = copy.copy(node), copy.deepcopy(node)
    assert shallow is not node
    assert shallow.children is node.children
    assert deep.children is not node.children
    assert deep.children[0].value == 2
    nodes = copy.deepcopy([node, node])
    assert nodes[0] is nodes[1]
    assert copy.deepcopy(Color.RED) is Color.RED


def test_context_managers():
    room = Room()
    with room as inside:
        assert inside is room
    assert room.log == ["in", "out"]
    with pytest.raises(KeyError), room:
        raise KeyError("k")
    assert room.log[-1] == "KeyError"
    with Room(swallow=True) as quiet:
        raise ValueError("swallowed")
    assert quiet.log == ["in", "ValueError"]
    with pytest.raises(TooPoor), Room() as again:
        Account("a").pay(1)
    assert again.log == ["in", "TooPoor"]
    log = []
    with shapes.opened(log) as same:
        assert same is log
        assert log == ["open"]
        raise IndexError("lost")
    assert log == ["open", "lost", "closed"]


def test_subclasses_of_containers():
    stack = Stack([1, 2])
    assert stack == [1, 2]
    assert [1, 2] == stack
    assert stack != [2, 1]
    assert stack.peek() == 2
    assert stack.name == "stack"
    stack.append(3)
    assert (len(stack), stack[0], stack[-2:]) == (3, 1, [2, 3])
    assert 3 in stack
    assert list(stack) == [1, 2, 3]
    stack += [4]
    assert stack.pop() == 4
    assert isinstance(stack, list)
    registry = Registry(a=1)
    assert registry["a"] == 1
    assert registry["b"] == "no b"
    assert registry == {"a": 1}
    assert dict(registry) == {"a": 1}
    assert sorted(registry.items()) == [("a", 1)]


def test_subclasses_of_values():
    tag = Tag("hey")
    assert tag == "hey"
    assert tag.shout() == "HEY!"
    assert tag + "!" == "hey!"
    assert isinstance(tag, str)
    assert tag.upper() == "HEY"
    assert shapes.same(tag).shout() == "HEY!"
    assert Celsius(20) == 20.0
    assert Celsius(20).kelvin == pytest.approx(293.15)
    assert Celsius(20) > 19


def test_linked_list():
    third = Node(3)
    second = Node(2, third)
    first = Node(1, second)
    assert shapes.values_of(first) == [1, 2, 3]
    assert first.next.next is third
    back = shapes.reverse(first)
    assert back is third
    assert shapes.values_of(back) == [3, 2, 1]
    assert first.next is None
    assert not shapes.has_cycle(back)
    first.next = back
    assert shapes.has_cycle(back)


def test_graph():
    leaf, twin = Node("leaf"), Node("twin")
    root = Node("root").append(leaf, twin)
    leaf.children.append(root)
    assert root.children == [leaf, twin]
    assert root.children[0].children[0] is root
    leaf.children.clear()
    assert [node.value for node in root.walk()] == ["root", "leaf", "twin"]
    assert set(root.walk()) == {root, leaf, twin}
    assert {node: node.value for node in root.children}[twin] == "twin"


def test_sorting_mirrors():
    nodes = [Node(3), Node(1), Node(2)]
    assert [node.value for node in sorted(nodes, key=lambda node: node.value)] == [1, 2, 3]
    nodes.sort(key=operator.attrgetter("value"), reverse=True)
    assert nodes[0].value == 3
    with pytest.raises(TypeError):
        sorted([Bare(), Bare()])


def test_slots_and_calls():
    slotted = Slotted(1, [2])
    slotted.right.append(3)
    assert slotted.right == [2, 3]
    with pytest.raises(AttributeError):
        slotted.middle = 1
    assert Caller(lambda a, b=1: a + b)(1, b=5) == 6
    assert Caller(len)([1, 2]) == 2
    assert callable(Caller(len))
    assert not callable(slotted)


def test_made_classes():
    made = shapes.make_class("Special")
    assert made.__name__ == "Special"
    assert made("x").made
    assert issubclass(made, Account)


def test_unhashable_and_bool():
    assert Bare()
    assert Account("a")
    with pytest.raises(TypeError):
        len(Bare())
    with pytest.raises(TypeError):
        iter(Bare())
    with pytest.raises(TypeError):
        Bare()[0]
    with pytest.raises(TypeError):
        Bare()()
    with pytest.raises(TypeError):
        Bare() + 1


@pytest.fixture(name="account")
def fixture_account():
    yield Account("fixture", 10)


@pytest.mark.parametrize(("amount", "left"), [(1, 9), (10, 0)])
def test_fixtures(account, amount, left):
    assert account.pay(amount).balance == left


class BankTest(unittest.TestCase):
    def setUp(self):
        self.account = Account("unit", 4)

    def test_pay(self):
        self.assertEqual(self.account.pay(1).balance, 3)
        self.assertIs(self.account, self.account.pay(1))
        self.assertIsInstance(self.account, Account)
        self.assertListEqual(self.account.history, [("pay", 1), ("pay", 1)])

    def test_raises(self):
        with self.assertRaises(TooPoor) as caught:
            self.account.pay(9)
        self.assertEqual(caught.exception.missing, 5)
        self.assertEqual(caught.exception.args[0], "not enough")
        with self.assertRaisesRegex(ValueError, "not en"):
            self.account.pay(9)

    def test_sub_tests(self):
        for amount in (1, 2):
            with self.subTest(amount=amount):
                self.assertAlmostEqual(float(Money(amount)), amount)
        self.assertCountEqual([Color.RED, Color.GREEN], list(Color))
