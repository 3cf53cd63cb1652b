"""The mutation test of the verifier: each defence off in turn, and something must notice (defences*.py).

What needs no box is tried with the plain tests; the rest where its kind of box is there. `make defences` tries all rows
of each defence and writes the table.
"""

import re
from collections import Counter
from contextlib import ExitStack

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
def off(request):
    """Call with a defence for what became of it, and of its rows with everything on.

    All that was chosen of its kind is tried while the first result is waited for.
    """
    chosen = {where: [] for where in Where}
    for item in request.session.items:
        if item.fspath == request.node.fspath and (call := getattr(item, "callspec", None)):
            chosen[call.params["one"].where].append(call.params["one"])
    running = {}
    with ExitStack() as stack:

        def result(one):
            if one.where not in running:
                on = references(chosen[one.where])
                orders = [*on, *(order_of(each, first=True) for each in chosen[one.where])]
                switching = stack.enter_context(Switching(orders))
                running[one.where] = switching, {row: order["name"] for order in on for row in order["cases"]}
            switching, on = running[one.where]
            return switching.result(one.name), [switching.result(name) for name in dict.fromkeys(map(on.get, one.rows))]

        yield result


@pytest.mark.parametrize("one", [pytest.param(one, marks=MARKS[one.where], id=one.name) for one in DEFENCES])
def test_somebody_notices_when_it_is_gone(off, one):
    result, all_on = off(one)
    assert [known.error for known in all_on if known.error] == []
    broken = {row: why for known in all_on for row, why in known.red.items() if row in one.rows}
    assert broken == {}, "these do not hold with everything on"
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
