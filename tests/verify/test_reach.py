"""Which checks a change can concern."""

import pytest

from moa_code.core.patch import FileChange
from moa_code.core.spectrum import CheckSpectrum, Spectrum
from moa_code.core.task import CheckId
from moa_code.verify.reach import Reach, changed_lines

BASE = b"one\ntwo\nthree\nfour\nfive\nsix\n"


def change(after, path="m.py"):
    return FileChange(path=path, before=BASE, after=after)


def check(name, lines, partial=False, path="m.py"):
    return CheckSpectrum(check_id=CheckId(name), passed=False, lines={path: frozenset(lines)}, partial=partial)


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (BASE.replace(b"three", b"3"), range(2, 5)),
        (BASE.replace(b"one\n", b""), range(1, 3)),
        (BASE.replace(b"four\n", b"four\nmore\n"), range(4, 6)),
        (BASE.replace(b"two", b"2").replace(b"five", b"5"), range(1, 7)),
        (b"", range(1, 8)),
        (BASE + b"seven\n", range(6, 8)),
    ],
)
def test_changed_lines_lie_between_the_first_and_the_last_difference_with_a_margin(after, lines):
    assert changed_lines(change(after)) == lines


def test_only_checks_that_execute_the_lines_are_concerned():
    reach = Reach(Spectrum(checks=(check("a", {3}), check("b", {6}), check("c", {3, 6}))))
    assert reach.of([change(BASE.replace(b"three", b"3"))]) == {"a", "c"}


def test_a_check_that_was_stopped_may_reach_anything():
    reach = Reach(Spectrum(checks=(check("a", {3}), check("hung", {1}, partial=True))))
    assert reach.of([change(BASE.replace(b"three", b"3"))]) == {"a", "hung"}


def test_nothing_is_ruled_out_for_lines_that_no_check_executes():
    reach = Reach(Spectrum(checks=(check("a", {1}),)))
    assert reach.of([change(BASE.replace(b"six", b"6"))]) is None


def test_changes_in_two_files_concern_the_checks_of_both():
    reach = Reach(Spectrum(checks=(check("a", {3}), check("b", {3}, path="n.py"))))
    changes = [change(BASE.replace(b"three", b"3")), change(BASE.replace(b"three", b"3"), path="n.py")]
    assert reach.of(changes) == {"a", "b"}
