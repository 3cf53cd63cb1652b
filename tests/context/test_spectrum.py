import math

from moa_code.context.spectrum import ochiai
from moa_code.core.spectrum import CheckSpectrum, Spectrum


def spectrum(*checks):
    return Spectrum(
        checks=tuple(
            CheckSpectrum(check_id=f"t{i}", passed=passed, lines={p: frozenset(ls) for p, ls in lines.items()})
            for i, (passed, lines) in enumerate(checks)
        )
    )


def test_lines_of_failing_checks_alone_come_first():
    found = ochiai(spectrum((False, {"a.py": {1, 2}}), (True, {"a.py": {1, 3}}), (True, {"a.py": {1}})))
    assert [(s.first_line, s.last_line) for s in found] == [(2, 2), (1, 1)]
    assert found[0].score == 1.0
    assert math.isclose(found[1].score, 1 / math.sqrt(3))


def test_lines_that_only_passing_checks_execute_are_no_suspects():
    assert all(s.first_line != 3 for s in ochiai(spectrum((False, {"a.py": {1}}), (True, {"a.py": {3}}))))


def test_without_a_passing_check_lines_rank_by_the_share_of_failing_ones():
    found = ochiai(spectrum((False, {"a.py": {1, 2}}), (False, {"a.py": {2}, "b.py": {9}})))
    assert [(s.path, s.first_line) for s in found] == [("a.py", 2), ("a.py", 1), ("b.py", 9)]
    assert all(0 < s.score <= 1 for s in found)


def test_a_hanging_check_counts_with_the_lines_it_reached():
    hung = CheckSpectrum(check_id="h", passed=False, lines={"a.py": frozenset({4})}, partial=True)
    passing = CheckSpectrum(check_id="p", passed=True, lines={"a.py": frozenset({1})})
    assert [s.first_line for s in ochiai(Spectrum(checks=(hung, passing)))] == [4]


def test_no_failing_check_means_no_suspect():
    assert ochiai(spectrum((True, {"a.py": {1}}))) == ()
    assert ochiai(Spectrum(checks=())) == ()
