"""Fault localisation: which lines the failing checks execute and the passing ones do not."""

from __future__ import annotations

from collections import Counter
from math import sqrt

from moa_code.core.brief import Suspect
from moa_code.core.spectrum import Spectrum


def ochiai(spectrum: Spectrum) -> tuple[Suspect, ...]:
    """Lines that some failing check executed, the most suspicious first; ties by path and line.

    Score: failed(l) / sqrt(all failing x executions(l)), in (0, 1]: Ochiai 1957, used for faults by Abreu et al. 2007.
    When every check fails this orders lines by the share of failing checks that reach them. Partial coverage of a
    check that hung counts like any other: what it did reach is where it hangs. One suspect a line.
    """
    failed: Counter[tuple[str, int]] = Counter()
    passed: Counter[tuple[str, int]] = Counter()
    failing = 0
    for check in spectrum.checks:
        failing += not check.passed
        counter = passed if check.passed else failed
        counter.update((path, line) for path, lines in check.lines.items() for line in lines)
    suspects = [
        Suspect(
            path=path,
            first_line=line,
            last_line=line,
            score=count / sqrt(failing * (count + passed[path, line])),
            reason=f"executed by {count} of {failing} failing checks and {passed[path, line]} passing ones",
        )
        for (path, line), count in failed.items()
    ]
    return tuple(sorted(suspects, key=lambda s: (-s.score, s.path, s.first_line)))
