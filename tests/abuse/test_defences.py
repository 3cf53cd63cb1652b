"""The mutation test of the verifier: each defence off in turn, and something must notice (defences*.py).

What needs no box is tried with the plain tests; the rest where its kind of box is there. `make defences` tries all rows
of each defence and writes the table.
"""

import re
from collections import Counter

import cases_defences
import pytest
from abuse_backends import BACKENDS
from catalogue import CASES
from defences import Where, texts_after
from defences_list import DEFENCES, SECTIONS
from defences_run import KNOWN, TARGET, Switching, order_of, references

MARKS = {Where.HOST: (), Where.BOXES: BACKENDS["bubblewrap"], Where.DOCKER: BACKENDS["docker"]}
ROWS = {case.case_id for case in (*CASES, *cases_defences.CASES)}


@pytest.fixture(scope="module")
def running(request):
    """All that was chosen of this module is tried while the first result is waited for, and all once with nothing off."""
    chosen = [
        call.params["one"]
        for item in request.session.items
        if item.fspath == request.node.fspath and "one" in (getattr(item, "callspec", None) or _NOTHING).params
    ]
    on = references(chosen)
    with Switching([*on, *(order_of(one, first=True) for one in chosen)]) as running:
        yield running, {order["name"]: set(order["cases"]) for order in on}


class _NOTHING:
    params = ()


@pytest.mark.parametrize("one", [pytest.param(one, marks=MARKS[one.where], id=one.name) for one in DEFENCES])
def test_somebody_notices_when_it_is_gone(running, one):
    switching, on = running
    for name, rows in on.items():
        if rows & set(one.rows) and name.split("(")[1].startswith(one.where.value):
            known = switching.result(name)
            assert not known.error
            assert not known.red.keys() & set(one.rows), "these do not hold with everything on"
    result = switching.result(one.name)
    assert not result.error
    assert result.red, f"{one.name}: dead or untested; {', '.join(one.rows)} did not notice"


def test_what_is_switched_off_is_there_once():
    for one in DEFENCES:
        for text in texts_after(one.cuts).values():
            assert text


def test_names_and_rows_are_known():
    assert [name for name, times in Counter(one.name for one in DEFENCES).items() if times > 1] == []
    for one in DEFENCES:
        assert one.rows
        assert set(one.rows) <= ROWS, one.name
        assert set(one.behind) <= KNOWN.keys(), one.name


def test_the_table_has_every_defence_and_no_other():
    text = TARGET.read_text(encoding="utf-8")
    rows = [
        line.split(" | ") for line in text.splitlines() if line.startswith("| ") and not line.startswith("| defence |")
    ]
    listed = [(row[0].removeprefix("| "), row[1], tuple(re.findall(r"`([^`]+)`", row[2]))) for row in rows]
    assert listed == [
        (one.name, one.what, tuple(dict.fromkeys(cut.file for cut in one.cuts)))
        for _, group in SECTIONS
        for one in group
    ]
    assert "**nothing" not in text
