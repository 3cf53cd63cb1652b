import dataclasses
import json
import math
from collections.abc import Mapping
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moa_code.core.box import BoxInfo, Limits
from moa_code.core.candidate import Candidate, Origin
from moa_code.core.model import Completion
from moa_code.core.patch import FileChange, Patch
from moa_code.core.task import Task
from moa_code.core.verdict import CheckResult, Finding, Stage, Verdict
from moa_code.journal.codec import dumps, from_json, loads, to_json

# Any string Python can hold, lone surrogates included: paths that are not UTF-8 are made of them.
texts = st.text(st.characters(exclude_categories=[]), max_size=12)


@st.composite
def patches(draw):
    content = st.none() | st.binary(max_size=30)
    files = draw(
        st.dictionaries(texts, st.tuples(content, content).filter(lambda both: both[0] != both[1]), max_size=4)
    )
    return Patch(changes=tuple(FileChange(path=p, before=files[p][0], after=files[p][1]) for p in sorted(files)))


st.register_type_strategy(Patch, patches())


@pytest.mark.parametrize("kind", [Verdict, Candidate, Patch, Completion, Origin, Limits, BoxInfo, Stage, Finding])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_was_written_is_read_back(kind, data):
    value = data.draw(st.from_type(kind))
    text = dumps(value)
    assert text.isascii()
    json.loads(text, parse_constant=pytest.fail)
    again = loads(kind, text)
    assert dumps(again) == text
    assert again == value or '"nan"' in text  # a NaN differs from itself


@dataclasses.dataclass(frozen=True, kw_only=True)
class Number:
    x: float


@pytest.mark.parametrize(("x", "text"), [(math.nan, '"nan"'), (-math.inf, '"-inf"'), (1e300, "1e+300"), (2, "2")])
def test_numbers_outside_of_json_are_words(x, text):
    assert dumps(Number(x=x)) == f'{{"x":{text}}}'
    assert repr(loads(Number, dumps(Number(x=x))).x) == repr(float(x))


class Colour(StrEnum):
    RED = "red"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Everything:
    pair: tuple[int, str] = (1, "a")
    many: tuple[Colour, ...] = ()
    table: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    maybe: bytes | None = None
    free: object = None
    flag: bool = False


def test_older_documents_take_the_defaults_of_newer_fields():
    assert from_json(Everything, {"flag": True}) == Everything(flag=True)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"pair": [1]}, "Everything.pair: 2 items"),
        ({"pair": [1, 2]}, r"Everything.pair\[1\]: str"),
        ({"pair": [True, "a"]}, r"Everything.pair\[0\]: a whole number"),
        ({"many": ["blue"]}, r"Everything.many\[0\]: 'blue' is not"),
        ({"many": "red"}, "Everything.many: list"),
        ({"table": {"k": ["x"]}}, r"Everything.table.k\[0\]: a number"),
        ({"maybe": "§"}, "Everything.maybe: not base64"),
        ({"maybe": "abc"}, "Everything.maybe: not base64"),
        ({"flag": 1}, "Everything.flag: bool"),
        ({"colour": 1}, r"unknown .'colour'."),
        ([], "Everything: dict"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(data, place):
    with pytest.raises(ValueError, match=place):
        from_json(Everything, data)


def test_a_missing_field_without_default_is_named():
    with pytest.raises(ValueError, match=r"missing .'check_id', 'outcome'."):
        from_json(CheckResult, {})


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a": {1, 2}}])
def test_what_has_no_json_form_is_a_type_error(value):
    with pytest.raises(TypeError):
        to_json(value)


def test_a_type_that_is_not_covered_is_a_type_error():
    with pytest.raises(TypeError, match="Snapshot"):
        from_json(Task, dict.fromkeys(("task_id", "mode", "instruction", "tree", "checks"), ""))
