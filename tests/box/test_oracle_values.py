"""What may cross between judge and candidate, and what a decoder makes of anything else."""

import copy
import datetime
import gc
import json
import math
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from box.oracle.channel import _DECODER, _ENCODER
from box.oracle.shared import MAX_SHARED, Shared, TooMany, UnknownContainer
from box.oracle.values import MAX_DEPTH, CannotCross, Decoder, Encoder, Malformed, TooDeep
from hypothesis import given
from hypothesis import strategies as st


def refuse(value, depth):
    raise CannotCross(f"an object of {type(value).__name__}")


def unknown(data, depth):
    raise Malformed("unknown tag")


class Side:
    """One end: its table, encoder and decoder."""

    def __init__(self, first):
        self.shared = Shared(first)
        self.encoder = Encoder(self.shared, refuse)
        self.decoder = Decoder(self.shared, unknown)

    def send(self, other, value):
        """What `other` has once told `value`, through the bytes of a frame."""
        updates, encoded = over(self.encoder.updates()), over(self.encoder.encode(value))
        other.decoder.apply(updates)
        return other.decoder.decode(encoded)


def over(data):
    return _DECODER.decode(_ENCODER.encode(data).encode().decode())


def sides():
    return Side(0), Side(1)


def crossed(value):
    judge, candidate = sides()
    return judge.send(candidate, value)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**400), max_value=2**400)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters())
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.dates()
    | st.times()
    | st.datetimes(
        timezones=st.none() | st.just(datetime.UTC) | st.just(ZoneInfo("Europe/Paris")), allow_imaginary=True
    )
    | st.timedeltas()
    | st.builds(range, st.integers(-9, 9), st.integers(), st.integers(1, 9))
    | st.builds(slice, st.none() | st.integers(), st.integers())
    | st.sampled_from([int, dict, ValueError, KeyError, ..., NotImplemented, type(None), Decimal])
)
hashables = st.recursive(
    scalars.filter(lambda value: not isinstance(value, slice)),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
values = st.recursive(
    hashables | st.builds(slice, st.integers()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.sets(hashables, max_size=4)
        | st.dictionaries(hashables, inner, max_size=4)
        | st.lists(st.tuples(hashables, inner), max_size=4).map(OrderedDict)
        | st.lists(hashables, max_size=6).map(Counter)
        | st.builds(deque, st.lists(inner, max_size=4), st.none() | st.integers(0, 5))
        | st.dictionaries(hashables, inner, max_size=3).map(lambda found: defaultdict(list, found))
        | st.binary().map(bytearray)
    ),
    max_leaves=20,
)


def same(left, right):
    """Equal down to types, signs and nan."""
    if type(left) is not type(right):
        return False
    match left:
        case float():
            if left != left:  # nan; its sign means nothing and does not cross
                return right != right
            return math.copysign(1, left) == math.copysign(1, right) and left == right
        case complex():
            return same(left.real, right.real) and same(left.imag, right.imag)
        case Decimal():
            return str(left) == str(right)
        case list() | tuple() | deque():
            alike = len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
            return alike and getattr(left, "maxlen", None) == getattr(right, "maxlen", None)
        case set() | frozenset():
            return len(left) == len(right) and all(any(same(a, b) for b in right) for a in left)
        case dict():
            alike = same(list(left), list(right)) and same(list(left.values()), list(right.values()))
            return alike and getattr(left, "default_factory", None) is getattr(right, "default_factory", None)
        case datetime.datetime():
            return left.isoformat() == right.isoformat() and left.fold == right.fold and same_zone(left, right)
    return bool(left == right)


def same_zone(left, right):
    return getattr(left.tzinfo, "key", left.tzinfo) == getattr(right.tzinfo, "key", right.tzinfo)


@given(values)
def test_every_value_crosses_as_itself(value):
    assert same(crossed(value), value)


@given(values)
def test_and_comes_back_as_the_very_same_container(value):
    judge, candidate = sides()
    there = judge.send(candidate, [value])
    assert same(candidate.send(judge, there), [value])
    assert candidate.send(judge, there[0]) is value or not isinstance(value, list | dict | set | bytearray | deque)


@given(values, values, st.integers(0, 3))
def test_a_change_in_place_crosses(before, after, which):
    judge, candidate = sides()
    items, table = [before], {"key": before}
    there = judge.send(candidate, (items, table))
    match which:
        case 0:
            there[0].append(after)
        case 1:
            there[0].clear()
        case 2:
            there[1]["new"] = after
        case 3:
            there[1]["key"] = after
    candidate.send(judge, None)
    assert same((items, table), there)


def test_numbers_beyond_json():
    for value in (2**53, -(2**53), 2**1000, 10**5000, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf):
        assert same(crossed(value), value)
    assert math.isnan(crossed(math.nan))


def test_text_without_characters():
    assert crossed("\ud800\0\x7f\U0010ffff") == "\ud800\0\x7f\U0010ffff"


def test_views():
    table = {"a": 1, "b": 2}
    assert crossed(table.keys()) == table.keys()
    assert list(crossed(table.values())) == [1, 2]
    assert crossed(table.items()) == table.items()


def test_exceptions():
    found = crossed(
        [KeyError("k"), ValueError(1, [2]), UnicodeDecodeError("utf-8", b"x", 0, 1, "why"), OSError(2, "no")]
    )
    assert [type(error) for error in found] == [KeyError, ValueError, UnicodeDecodeError, FileNotFoundError]
    assert found[1].args == (1, [2])
    assert found[2].reason == "why"
    assert found[3].errno == 2


def test_shared_within_one_message():
    inner = [1]
    found = crossed([inner, inner, {"again": inner}, (inner,)])
    assert found[0] is found[1] is found[2]["again"] is found[3][0]


def test_cycles():
    items, table = [], {}
    items.append(items)
    table["me"] = [table, items]
    found = crossed([items, table])
    assert found[0][0] is found[0]
    assert found[1]["me"][0] is found[1]
    assert found[1]["me"][1] is found[0]


def test_identity_over_several_messages():
    judge, candidate = sides()
    items = [1]
    there = judge.send(candidate, items)
    assert judge.send(candidate, {"again": items})["again"] is there
    mine = candidate.send(judge, made := [there, there])
    assert mine[0] is items
    mine.append(5)
    assert judge.send(candidate, mine) is made
    assert made == [[1], [1], 5]


def test_both_sides_change():
    judge, candidate = sides()
    items = [1]
    there = judge.send(candidate, items)
    there.append(2)
    candidate.send(judge, None)
    items.append(3)
    judge.send(candidate, None)
    assert items == there == [1, 2, 3]


def test_only_what_changed_is_told():
    judge, candidate = sides()
    lists = [[number] for number in range(50)]
    judge.send(candidate, lists)
    assert judge.encoder.updates() == []
    lists[7][0] = "new"
    assert len(judge.encoder.updates()) == 1
    assert judge.encoder.updates() == []


def test_equal_values_of_other_types_are_changes():
    judge, candidate = sides()
    there = judge.send(candidate, items := [1])
    items[0] = True
    judge.send(candidate, None)
    assert there[0] is True


def test_too_deep():
    value = []
    for _ in range(MAX_DEPTH + 10):
        value = [value]
    with pytest.raises(TooDeep):
        crossed(value)
    chain = ()
    for _ in range(MAX_DEPTH + 10):
        chain = (chain,)
    with pytest.raises(TooDeep):
        crossed(chain)


class Number(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Items(list):
    pass


@pytest.mark.parametrize(
    "value", [Number(3), Items(), object(), len, lambda: 1, iter([]), Number, memoryview(b"x"), (x for x in ()), copy]
)
def test_what_is_no_exact_built_in_does_not_cross(value):
    for holder in (value, [value], {"k": (value,)}, deque([value])):
        with pytest.raises(CannotCross):
            crossed(holder)


def test_an_exception_with_attributes_does_not_cross_without_them():
    error = ValueError("x")
    error.code = 3
    with pytest.raises(CannotCross):
        crossed(error)


TAGS = [*"ifcDqbrtzwTldsBk@xVSWvhgamPXHCI", "deque", "Counter", "datetime", "keys", "ff", "-1"]
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
    | st.sampled_from(TAGS),
    lambda inner: (
        st.lists(inner, max_size=5) | st.builds(lambda tag, rest: [tag, *rest], st.sampled_from(TAGS), st.lists(inner))
    ),
    max_leaves=25,
)


@given(junk, junk)
def test_a_decoder_takes_or_refuses_any_json(data, updates):
    """Anything a hostile candidate may write is either a value or `Malformed` (or too many), never another error."""
    decoder = Side(0).decoder
    for read in (decoder.decode, decoder.apply):
        try:
            read(over([data, updates]) if read is decoder.decode else updates)
        except (Malformed, UnknownContainer, TooMany):
            continue


@given(st.lists(st.sampled_from(list("tzldsBkxVSWq")) | st.integers(0, 9) | st.text(max_size=3), max_size=6), values)
def test_a_decoder_takes_or_refuses_damaged_messages(damage, value):
    judge = Side(0)
    data = over(Side(1).encoder.encode([value]))
    flat = json.dumps(data)
    for at, part in enumerate(damage):
        place = (at * 7) % max(1, len(flat))
        flat = flat[:place] + json.dumps(part) + flat[place + 1 :]
    try:
        damaged = _DECODER.decode(flat)
    except (ValueError, Malformed):
        return
    try:
        judge.decoder.decode(damaged)
    except (Malformed, UnknownContainer, TooMany):
        return


@pytest.mark.parametrize(
    "data",
    [
        [],
        [3],
        ["nothing"],
        ["l", 0],  # a number that the judge chooses
        ["l", 1, ["l", 1]],  # told twice
        ["l", -1],
        ["l", True],
        ["l", "1"],
        ["@", 1],
        ["@", None],
        ["d", 1, "key"],
        ["d", 1, ["l", 3], 1],
        ["s", 1, ["l", 3]],
        ["k", "deque", 1, -1],
        ["k", "list", 1, None],
        ["k", "defaultdict", 1, 5],
        ["i", "f" * (2 << 20)],
        ["i", "0x"],
        ["i", 5],
        ["f", 1.0],
        ["f", "1.5"],
        ["q", 1, 0],
        ["b", "!"],
        ["r", 1, 2, 0],
        ["r", 1.5],
        ["w", "date", "yesterday"],
        ["w", "object"],
        ["W", "2024-01-01", 0, "../../etc/passwd"],
        ["W", "2024-01-01", 5, "UTC"],
        ["T", "object2"],
        ["T", ["t"]],
        ["x", "ValueError", 5],
        ["x", "object", ["t"]],
        ["V", "sorted"],
        ["S", 1],
        {"a": 1},
        [["t"]],
    ],
)
def test_malformed(data):
    with pytest.raises(Malformed):
        Side(0).decoder.decode(data)


@pytest.mark.parametrize("updates", [None, "x", [3], [[]], [[1]], [[0, 1]], [["0"]]])
def test_malformed_updates(updates):
    with pytest.raises(Malformed):
        Side(0).decoder.apply(updates)


def test_nesting_beyond_ours_is_malformed():
    data = ["t"]
    for _ in range(MAX_DEPTH + 50):
        data = ["t", data]
    with pytest.raises(Malformed):
        Side(0).decoder.decode(data)


def test_numbers_stay_apart():
    """The two sides give their containers numbers of different parity, so neither can claim the other's."""
    judge, candidate = sides()
    for number in range(5):
        judge.send(candidate, [number])
        candidate.send(judge, [number])
    with pytest.raises(UnknownContainer):
        judge.shared.adopt(0, [])
    with pytest.raises(UnknownContainer):
        candidate.shared.adopt(1, [])


def test_the_table_has_an_end():
    judge = Side(0)
    kept = [[] for _ in range(MAX_SHARED)]
    for at, value in enumerate(kept):
        judge.shared.adopt(2 * at + 1, value)
    with pytest.raises(TooMany):
        judge.shared.adopt(2 * MAX_SHARED + 1, [])


def test_what_nothing_refers_to_is_forgotten():
    judge, candidate = sides()
    kept = [1]
    for number in range(400):
        there = judge.send(candidate, [number, [number]])
        candidate.send(judge, [there])
        judge.send(candidate, kept)
        gc.collect(0)
        candidate.shared.forget(judge.shared.unseen())
    assert len(judge.shared) < 300
    assert judge.send(candidate, kept) == [1]


def test_what_only_another_shared_container_holds_stays():
    judge, candidate = sides()
    outer = [[number] for number in range(200)]
    there = judge.send(candidate, outer)
    candidate.shared.forget(judge.shared.unseen())
    there[7].append("x")
    candidate.send(judge, None)
    assert outer[7] == [7, "x"]


def test_a_cycle_of_fractions_and_dates():
    value = {
        Fraction(1, 3): [datetime.timedelta(days=-1, microseconds=1), datetime.timezone(datetime.timedelta(hours=2))]
    }
    assert crossed(value) == value
