"""docs/abuse.md lists exactly the rows and cases there are, and no row is without a case."""

from collections import Counter

import pytest
from abuse_cases import CaseResult
from catalogue import CASES, REFERENCES, ROWS
from known_open import KNOWN_OPEN
from table import TARGET, document, structure

IDS = {case.case_id for case in CASES}


def test_every_row_has_a_case_or_a_reference():
    covered = {case.row for case in CASES} | {reference.row for reference in REFERENCES}
    assert [row.number for row in ROWS] == list(range(1, 67))
    assert covered - {0} == {row.number for row in ROWS}


def test_no_two_cases_share_a_name():
    assert [name for name, n in Counter(case.case_id for case in CASES).items() if n > 1] == []


def test_only_cases_that_exist_are_excused():
    assert {name.partition("@")[0] for name in KNOWN_OPEN} <= IDS


def test_a_referenced_folder_is_there():
    for reference in REFERENCES:
        assert list((TARGET.parents[1] / reference.where).glob("test_*.py")), reference


def test_the_table_in_the_docs_lists_what_there_is():
    """Else: .venv/bin/python tests/abuse/table.py"""
    written = TARGET.read_text("utf-8")
    listed = written.partition("## All cases")[2].strip().splitlines()
    assert listed == structure()
    for row in ROWS:
        assert f"| {row.number} | {row.behaviour} | {row.expected} |" in written
    for name in KNOWN_OPEN:
        assert f"`{name}`" in written


@pytest.mark.parametrize(("faults", "mark"), [((), ""), (("it passed",), " **wrong**")])
def test_a_case_that_does_not_hold_is_marked(faults, mark):
    result = CaseResult(case_id="row06-x", row=6, backend="docker", outcome="passed", integrity="oracle", faults=faults)
    row = next(line for line in document([result], {}).splitlines() if line.startswith("| 6 |"))
    assert row.endswith(f"| passed{mark} 1 | not run | oracle |")
