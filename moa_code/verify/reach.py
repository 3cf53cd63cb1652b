"""Which checks can a change concern at all? Those that executed its lines; the others need not be run for it."""

from __future__ import annotations

from collections.abc import Iterable

from moa_code.core.patch import FileChange
from moa_code.core.spectrum import Spectrum
from moa_code.core.task import CheckId

MARGIN_LINES = 1  # an insertion changes what stands around it


class Reach:
    """Answers from one spectrum. Checks that were stopped early may reach any line."""

    def __init__(self, spectrum: Spectrum) -> None:
        self._always = frozenset(check.check_id for check in spectrum.checks if check.partial)
        self._checks: dict[tuple[str, int], set[CheckId]] = {}
        for check in spectrum.checks:
            for path, lines in check.lines.items():
                for line in lines:
                    self._checks.setdefault((path, line), set()).add(check.check_id)

    def of(self, changes: Iterable[FileChange]) -> frozenset[CheckId] | None:
        """The checks these changes can concern; None when one of them is of lines nothing is known of: any check."""
        found = set(self._always)
        for change in changes:
            lines = (self._checks.get((change.path, line), set()) for line in changed_lines(change))
            concerned = set().union(*lines)
            if not concerned:
                return None
            found |= concerned
        return frozenset(found)


def changed_lines(change: FileChange) -> range:
    """The 1-based lines of the file before that lie between the first and the last difference, with a margin."""
    before, after = (change.before or b"").splitlines(), (change.after or b"").splitlines()
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return range(max(1, start + 1 - MARGIN_LINES), len(before) - end + MARGIN_LINES + 1)
