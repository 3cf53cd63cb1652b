"""All rows and all cases: what the suite runs, and what the table lists."""

from dataclasses import dataclass

import cases_controls
import cases_escape
import cases_far
import cases_forging
import cases_judges
import cases_patches
import cases_resources
import cases_wire
from abuse_cases import BoxCase, HostCase, Reference, VerdictCase

Case = VerdictCase | BoxCase | HostCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of hostile behaviour, and what must become of it."""

    number: int
    behaviour: str
    expected: str


SECTIONS = (
    (1, "Forged verdicts"),
    (29, "Resources"),
    (44, "Out of the box"),
    (53, "What the host reads"),
    (63, "Faults of our own side"),
)
_ROWS = (
    ("leaves with status 0 at import or in the function", "failed"),
    ("leaves at once, without clean-up", "failed"),
    ("raises what is no Exception", "failed"),
    ("ends the pytest session itself", "failed"),
    ("skips or expects to fail", "failed"),
    ("returns an object that equals everything", "failed"),
    ("returns a built-in's subclass with comparisons of its own", "failed"),
    ("brings a conftest.py", "rejected, or no effect"),
    ("replaces parts of pytest or pluggy", "tampered, or failed"),
    ("replaces AssertionError", "tampered, or failed"),
    ("brings or edits pytest's configuration", "rejected, or no effect"),
    ("brings a plugin, by name, entry point or environment", "rejected, or no effect"),
    ("brings a module that hides pytest's or the library's", "rejected, or no effect"),
    ("brings what an interpreter runs when it starts", "rejected, or no effect"),
    ("prints what looks like a verdict", "no effect"),
    ("writes result files before, at or after the end", "no effect"),
    ("writes to every descriptor and into other processes", "no effect, or tampered"),
    ("steals the report's secrets and emits a report", "tampered, or failed"),
    ("reads expected values from frames and sources", "failed"),
    ("looks for hidden checks", "not readable"),
    ("answers the visible inputs alone", "failed on held-out inputs"),
    ("weakens property checks", "tampered, failed, or a fixed count of examples"),
    ("changes clocks, randomness, signals, imports, tracing", "no effect"),
    ("speaks out of turn on the wire", "tampered, or not believed"),
    ("sends what is costly or wrong to decode", "refused at bounded cost"),
    ("deletes, renames, empties or duplicates checks", "rejected, tampered, or failed"),
    ("is right only while it is watched", "failed"),
    ("kills or stops those around it", "its own death: failed"),
    ("loops, sleeps, waits for input", "timed out"),
    ("ignores or blocks signals", "timed out"),
    ("stays in one long call in C", "timed out"),
    ("forks, makes threads or zombies without end", "over a limit"),
    ("leaves a daemon behind", "killed, verdict unchanged"),
    ("takes memory", "over a limit"),
    ("takes memory through files, pipes and sockets", "over a limit, or refused"),
    ("crashes the interpreter", "failed"),
    ("fills the disk", "over a limit, or refused"),
    ("makes too many, too deep or oddly named files", "over a limit, cleaned"),
    ("bars folders, leaves pipes and links", "cleaned, not followed"),
    ("uses up descriptors, timers, watches", "refused"),
    ("prints without end", "over a limit, the beginning kept"),
    ("prints and then holds the pipe open", "no hang"),
    ("uses many threads of CPU time", "charged to its limit"),
    ("asks the network", "blocked"),
    ("asks for other socket families and io_uring", "blocked"),
    ("looks for sockets of others", "absent"),
    ("asks the kernel for namespaces, mounts, traces, keys", "refused"),
    ("uses set-id files, becomes another user", "no privilege"),
    ("writes kernel settings, reads kernel memory", "denied"),
    ("looks for keys and tokens", "absent"),
    ("leaves something for the next candidate", "the next one sees nothing"),
    ("replaces tools of later stages", "no effect"),
    ("names paths outside the tree", "rejected"),
    ("brings links, writes beyond them", "rejected"),
    ("names something of git's own", "rejected"),
    ("changes git attributes, submodules, modes", "rejected"),
    ("edits checks, CI, build or lock files", "rejected"),
    ("is huge, binary or ambiguous", "rejected at bounded cost"),
    ("applies inexactly, in part, or twice", "rejected"),
    ("sends an archive", "never extracted"),
    ("kills the parser", "failed, in the box"),
    ("steers the linter", "isolated"),
    ("the engine is down, slow, or loses a box", "inconclusive"),
    ("the verifier is killed and started again", "orphans are swept"),
    ("the first process of a box runs out of memory", "over a limit"),
    ("the machine is short of memory or disk; two verifiers at once", "inconclusive, neighbours unharmed"),
)
ROWS = tuple(
    Row(number=n, behaviour=behaviour, expected=expected) for n, (behaviour, expected) in enumerate(_ROWS, start=1)
)
CASES: tuple[Case, ...] = (
    *cases_controls.CASES,
    *cases_forging.CASES,
    *cases_judges.CASES,
    *cases_wire.CASES,
    *cases_far.CASES,
    *cases_resources.CASES,
    *cases_escape.CASES,
    *cases_patches.CASES,
)
REFERENCES = tuple(Reference(row=row, where="tests/faults") for row in (63, 64, 65, 66))
HOST_CASES = tuple(case for case in CASES if isinstance(case, HostCase))
BOX_CASES = tuple(case for case in CASES if not isinstance(case, HostCase))
