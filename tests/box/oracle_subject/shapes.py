# ruff: noqa - code as other people write it
"""The candidate's side of `checks_*.py`: one of each thing that honest code is made of."""

import asyncio
import collections
import collections.abc
import contextlib
import dataclasses
import enum
import functools
import sys
import typing
import warnings
from abc import ABC, abstractmethod
from decimal import Decimal

LIMIT = 10
TABLE = {"a": [1, 2], "b": (3, 4)}
__all__ = [
    "LIMIT",
    "TABLE",
    "Account",
    "Color",
    "Money",
    "Node",
    "Point",
    "Stack",
    "TooPoor",
    "countdown",
    "fib",
    "rotate_in_place",
]


# Functions


def same(value):
    return value


def rotate_in_place(grid):
    grid[:] = [list(row) for row in zip(*grid[::-1], strict=True)]


def change_all(items, table, names, raw, queue):
    items.append(items[0])
    del items[0]
    table["new"] = {"deep": [1]}
    table.pop("old")
    names.add("x")
    names.discard("y")
    raw[0] = 7
    queue.rotate(1)


def link(outer):
    """Puts the same list twice into `outer`, and `outer` into itself."""
    inner = []
    outer += [inner, inner, outer]
    return inner


@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def adder(amount):
    def add(value):
        return value + amount

    return add


def counter():
    count = 0

    def step():
        nonlocal count
        count += 1
        return count

    return step


def logged(function):
    @functools.wraps(function)
    def call(*args, **named):
        call.calls += 1
        return function(*args, **named)

    call.calls = 0
    return call


@logged
def shout(word, *, times=1):
    """Says it loudly."""
    return (word.upper() + "!") * times


def triple():
    return functools.partial(pow, 3)


def apply_to(function, items):
    return [function(item) for item in items]


def both(first, second):
    return first is second, first == second


def until(stop, start):
    """Calls `stop` back and forth."""
    return start if start > LIMIT else stop(start + 1)


def total(numbers):
    return sum(numbers)


def pairs(iterator):
    return list(zip(iterator, iterator, strict=False))


def first_item(iterable):
    return next(iter(iterable))


def guarded(function):
    try:
        return function()
    except ValueError as error:
        return f"caught {error}"


def sort_by(items, key):
    items.sort(key=key)
    return items


def rebuild(parts):
    return {"list": [parts], "tuple": (parts, parts)}


def say(text):
    print(text)
    print("to err", file=sys.stderr)


def warn_of(text):
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    return text


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def fail_deep(levels):
    if levels:
        return fail_deep(levels - 1)
    raise LookupError("at the bottom")


def endless():
    return endless()


def leave(code):
    sys.exit(code)


# Collections


def words_by_letter(text):
    found = collections.defaultdict(list)
    for word in text.split():
        found[word[0]].append(word)
    return found


def tally(text):
    return collections.Counter(text)


def ordered(pairs_):
    return collections.OrderedDict(pairs_)


def last(items, size):
    return collections.deque(items, maxlen=size)


def every_kind():
    return [
        None, True, 3, 2**90, 1.5, float("inf"), 2 - 1j, "é\ud800", b"\0\xff", bytearray(b"x"), (1, (2,)), {1: {2: 3}},
        {1, 2}, frozenset({3}), range(1, 9, 2), Decimal("1.10"), ..., NotImplemented, int, ValueError,
    ]  # fmt: skip


# Generators and friends


def countdown(start):
    while start:
        yield start
        start -= 1
    return "lift-off"


def average():
    amount, count, mean = 0, 0, None
    while True:
        try:
            value = yield mean
        except KeyError as error:
            value = error.args[0]
        amount += value
        count += 1
        mean = amount / count


CLOSED = []


def closing():
    try:
        yield 1
        yield 2
    finally:
        CLOSED.append(True)


def flatten(tree):
    for item in tree:
        if isinstance(item, list):
            yield from flatten(item)
        else:
            yield item


def numbers_for_ever():
    number = 0
    while True:
        yield number
        number += 1


async def twice(value):
    await asyncio.sleep(0)
    return 2 * value


async def failing():
    await asyncio.sleep(0)
    raise TooPoor("async", 3)


class Pool:
    """An asynchronous context manager with an asynchronous iterator in it."""

    def __init__(self):
        self.queue = asyncio.Queue(maxsize=1)
        self.log = []

    async def __aenter__(self):
        self.log.append("in")
        return self

    async def __aexit__(self, kind, error, trace):
        self.log.append(kind.__name__ if kind else "out")

    async def put(self, *items):
        for item in items:
            await self.queue.put(item)

    async def take(self, count):
        return [await self.queue.get() for _ in range(count)]

    async def wait(self):
        try:
            await asyncio.sleep(30)
        finally:
            self.log.append("cancelled")


async def ticks(count):
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def all_of(*values):
    return await asyncio.gather(*(twice(value) for value in values))


class Ticker:
    """An iterator of its own making."""

    def __init__(self, end):
        self.now, self.end = 0, end

    def __iter__(self):
        return self

    def __next__(self):
        if self.now >= self.end:
            raise StopIteration
        self.now += 1
        return self.now


class Shelf:
    """Answers only `__getitem__` and `__len__`."""

    def __init__(self, *items):
        self._items = list(items)

    def __len__(self):
        return len(self._items)

    def __getitem__(self, index):
        found = self._items[index]
        return Shelf(*found) if isinstance(index, slice) else found

    def __setitem__(self, index, value):
        self._items[index] = value

    def __delitem__(self, index):
        del self._items[index]

    def __contains__(self, item):
        return item in self._items

    def __reversed__(self):
        return reversed(self._items)


class Room:
    """A context manager that remembers."""

    def __init__(self, *, swallow=False):
        self.log = []
        self.swallow = swallow

    def __enter__(self):
        self.log.append("in")
        return self

    def __exit__(self, kind, error, trace):
        self.log.append(kind.__name__ if kind else "out")
        return self.swallow


@contextlib.contextmanager
def opened(log):
    log.append("open")
    try:
        yield log
    except LookupError:
        log.append("lost")
    finally:
        log.append("closed")


# Classes


class Color(enum.Enum):
    RED = 1
    GREEN = 2
    CRIMSON = 1

    @property
    def loud(self):
        return self.name.upper() + "!"

    @classmethod
    def favourite(cls):
        return cls.GREEN


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 9


class Mood(enum.StrEnum):
    GLAD = "glad"
    SAD = "sad"


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


Pixel = collections.namedtuple("Pixel", "x y", defaults=[0])


class Place(typing.NamedTuple):
    name: str
    at: Pixel = Pixel(1, 2)

    def shout(self):
        return self.name.upper()


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
    tags: list = dataclasses.field(default_factory=list)

    def moved(self, dx):
        return dataclasses.replace(self, x=self.x + dx)


@dataclasses.dataclass(frozen=True, order=True)
class Version:
    major: int
    minor: int = 0


@functools.total_ordering
class Money:
    def __init__(self, amount, unit="EUR"):
        self.amount, self.unit = amount, unit

    def __eq__(self, other):
        if isinstance(other, Money):
            return (self.amount, self.unit) == (other.amount, other.unit)
        return NotImplemented

    def __lt__(self, other):
        return self.amount < other.amount

    def __hash__(self):
        return hash((self.amount, self.unit))

    def __add__(self, other):
        return Money(self.amount + getattr(other, "amount", other), self.unit)

    __radd__ = __add__

    def __mul__(self, factor):
        return Money(self.amount * factor, self.unit)

    def __rmul__(self, factor):
        return self * factor

    def __truediv__(self, other):
        return self.amount / other.amount

    def __iadd__(self, other):
        self.amount += other.amount
        return self

    def __neg__(self):
        return Money(-self.amount, self.unit)

    def __abs__(self):
        return Money(abs(self.amount), self.unit)

    def __bool__(self):
        return self.amount != 0

    def __int__(self):
        return int(self.amount)

    def __float__(self):
        return float(self.amount)

    def __round__(self, digits=None):
        return Money(round(self.amount, digits), self.unit)

    def __repr__(self):
        return f"Money({self.amount!r}, {self.unit!r})"

    def __str__(self):
        return f"{self.amount} {self.unit}"

    def __format__(self, spec):
        return format(self.amount, spec or ".2f") + " " + self.unit


class Account:
    """With a bit of everything."""

    opened = 0
    rate: typing.ClassVar[float] = 0.5

    def __init__(self, owner, balance=0):
        self.owner = owner
        self._balance = balance
        self.history = []
        type(self).opened += 1

    @property
    def balance(self):
        return self._balance

    @balance.setter
    def balance(self, amount):
        if amount < 0:
            raise TooPoor("no credit", -amount)
        self._balance = amount

    @balance.deleter
    def balance(self):
        self._balance = None

    @classmethod
    def of(cls, text):
        owner, _, amount = text.partition(":")
        return cls(owner, int(amount))

    @staticmethod
    def is_name(text):
        return text.isalpha()

    @functools.cached_property
    def number(self):
        return object()

    def pay(self, amount):
        if amount > self._balance:
            raise TooPoor("not enough", amount - self._balance)
        self._balance -= amount
        self.history.append(("pay", amount))
        return self


class Savings(Account):
    def pay(self, amount):
        super().pay(amount)
        self.history.append("saved")
        return self


class BankError(Exception):
    """The family of errors."""


class TooPoor(BankError, ValueError):
    def __init__(self, message, missing):
        super().__init__(message)
        self.missing = missing

    def hint(self):
        return f"bring {self.missing}"


class Coded(Exception):
    def __init__(self, code):
        self.code = code

    def __str__(self):
        return f"code <{self.code}>"


def chained():
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise TooPoor("outer", 1) from error


def raise_it(error):
    raise error


def return_error():
    return TooPoor("returned", 5)


class Animal(ABC):
    @abstractmethod
    def sound(self): ...


class Dog(Animal):
    def sound(self):
        return "woof"


class Stack(list):
    """A list with a name."""

    name = "stack"

    def peek(self):
        return self[-1]


class Registry(dict):
    def __missing__(self, key):
        return f"no {key}"


class Tag(str):
    """A string that knows how to shout."""

    def shout(self):
        return self.upper() + "!"


class Celsius(float):
    @property
    def kelvin(self):
        return self + 273.15


class Node:
    def __init__(self, value, next_node=None):
        self.value = value
        self.next = next_node
        self.children = []

    def append(self, *nodes):
        self.children.extend(nodes)
        return self

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()


def reverse(node):
    before = None
    while node is not None:
        node.next, before, node = before, node, node.next
    return before


def has_cycle(node):
    slow = fast = node
    while fast is not None and fast.next is not None:
        slow, fast = slow.next, fast.next.next
        if slow is fast:
            return True
    return False


def values_of(node):
    found = []
    while node is not None:
        found.append(node.value)
        node = node.next
    return found


class Bare:
    """Compared by identity alone."""


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


class Caller:
    def __init__(self, function):
        self.function = function

    def __call__(self, *args, **named):
        return self.function(*args, **named)


class Emitter:
    """Calls what was hung on it."""

    def __init__(self):
        self.listeners = []

    def on(self, listener):
        self.listeners.append(listener)

    def off(self, listener):
        self.listeners.remove(listener)

    def emit(self, *args):
        for listener in list(self.listeners):
            listener(*args)


class Robot:
    """Names itself by chance."""

    taken: typing.ClassVar[set] = set()

    def __init__(self):
        import random

        self.name = f"R{random.randrange(1 << 60)}"
        self.taken.add(self.name)


def instances():
    return [Bare(), Bare()]


def make_class(name):
    return type(name, (Account,), {"made": True})


class Headers(collections.abc.MutableMapping):
    """A mapping that minds no case."""

    def __init__(self, **names):
        self._names = {}
        self.update(names)

    def __getitem__(self, key):
        return self._names[key.lower()]

    def __setitem__(self, key, value):
        self._names[key.lower()] = value

    def __delitem__(self, key):
        del self._names[key.lower()]

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)


class Ordered(collections.abc.Set):
    def __init__(self, items):
        self._items = list(dict.fromkeys(items))

    def __contains__(self, item):
        return item in self._items

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)


class Playlist(collections.UserList):
    def shuffled(self):
        return Playlist(self[::-1])
